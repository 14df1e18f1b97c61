-- Who else of the company sales has had.

ALTER TABLE leads ADD COLUMN IF NOT EXISTS colleagues text;
ALTER TABLE leads ADD COLUMN IF NOT EXISTS colleague_handoff_id text;
ALTER TABLE leads ADD COLUMN IF NOT EXISTS colleague_handed_over_at timestamptz;
ALTER TABLE leads ADD COLUMN IF NOT EXISTS colleague_owner text;
