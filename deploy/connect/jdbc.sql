-- The table of jdbc.properties. PostgreSQL 13 or later. The columns after `event` are computed from it, so that what
-- a sink infers from the first value cannot be wrong.
CREATE TABLE connect_handoffs (
    id text PRIMARY KEY,
    event text NOT NULL,
    type text GENERATED ALWAYS AS ((event::jsonb) ->> 'type') STORED,
    lead_key text GENERATED ALWAYS AS ((event::jsonb) ->> 'subject') STORED,
    name text GENERATED ALWAYS AS ((event::jsonb) -> 'data' ->> 'name') STORED,
    email text GENERATED ALWAYS AS ((event::jsonb) -> 'data' ->> 'email') STORED,
    company text GENERATED ALWAYS AS ((event::jsonb) -> 'data' ->> 'company') STORED,
    reason text GENERATED ALWAYS AS ((event::jsonb) -> 'data' ->> 'reason') STORED,
    score double precision GENERATED ALWAYS AS (((event::jsonb) -> 'data' ->> 'score')::double precision) STORED,
    change text GENERATED ALWAYS AS ((event::jsonb) -> 'data' ->> 'change') STORED
);
