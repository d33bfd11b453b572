-- What was asked: the parameters as a JSON object, bounded and without secrets; and the operation that it began or
-- was about. NULL: not kept, or none.
ALTER TABLE audit ADD COLUMN params TEXT;
ALTER TABLE audit ADD COLUMN op INTEGER;
