-- How far this database has come: counted up with each operation that begins, passes its point of
-- no return or ends, and kept in a file beside the database too. A database that has counted less
-- than that file is a copy that somebody put back.
CREATE TABLE age (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    count INTEGER NOT NULL CHECK (count >= 0)
) STRICT;
INSERT INTO age (one, count) VALUES (1, 0);
