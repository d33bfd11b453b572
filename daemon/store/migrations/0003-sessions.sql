-- Console sessions get their rows from now on, with numbers that lodged gives.

ALTER TABLE session ADD COLUMN vm_name TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN door TEXT NOT NULL DEFAULT 'web' CHECK (door IN ('web', 'stream'));
CREATE INDEX session_started ON session (started_ms);
CREATE INDEX session_open ON session (id) WHERE ended_ms IS NULL;
