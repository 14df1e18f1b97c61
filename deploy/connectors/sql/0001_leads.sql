-- What sales sees of a lead: one row per lead, one per handoff, one per update. PostgreSQL 13 or later.
-- Applied by the connector itself, or by hand with psql -v schema=leadstreams -f 0001_leads.sql after
-- `CREATE SCHEMA leadstreams; SET search_path TO leadstreams`.

CREATE TABLE leads (
    lead_key text PRIMARY KEY,
    handoff_id text NOT NULL,
    handed_over_at timestamptz NOT NULL,
    cycle integer NOT NULL,
    name text,
    email text,
    phone text,
    title text,
    title_original text,
    seniority text,
    function text,
    company text,
    company_domain text,
    employees double precision,
    industry text,
    country text,
    language text,
    timezone text,
    reason text,
    criteria text,
    request_type text,
    message text,
    score double precision NOT NULL,
    behaviour_score double precision NOT NULL,
    fit_score double precision NOT NULL,
    fit_grade text,
    fit_unknown text,
    stage text NOT NULL,
    priority text,
    segment text,
    approach text,
    owner_queue text,
    account_key text,
    account_owner text,
    colleagues_active_30d integer,
    previous_handoffs integer,
    respond_by timestamptz,
    last_activity_at timestamptz,
    history text,
    first_touch_channel text,
    last_touch_channel text,
    contact_verified boolean,
    may_email_marketing boolean,
    may_phone boolean,
    consent_basis text,
    lead_url text,
    model_id text NOT NULL,
    model_version text NOT NULL,
    opted_out_at timestamptz,
    erased_at timestamptz,
    became_customer_at timestamptz,
    merged_into text,
    last_update text,
    last_update_at timestamptz
);

CREATE INDEX leads_by_queue ON leads (owner_queue, respond_by);
CREATE INDEX leads_by_company ON leads (company_domain);

CREATE TABLE handoffs (
    handoff_id text PRIMARY KEY,
    lead_key text NOT NULL,
    cycle integer NOT NULL,
    handed_over_at timestamptz NOT NULL,
    event jsonb NOT NULL
);

CREATE INDEX handoffs_by_lead ON handoffs (lead_key);

CREATE TABLE updates (
    event_id text PRIMARY KEY,
    lead_key text NOT NULL,
    handoff_id text NOT NULL,
    change text NOT NULL,
    changed_at timestamptz NOT NULL,
    event jsonb NOT NULL
);

CREATE INDEX updates_by_lead ON updates (lead_key);
