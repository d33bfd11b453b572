-- How many rows a user's refusals have made within the hour is asked before each new one.
CREATE INDEX audit_refused_at ON audit (uid, at_ms) WHERE result <> 'ok';
