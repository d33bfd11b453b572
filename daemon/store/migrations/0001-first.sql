-- Times are ms since 1970, users are uids, hosts are the names of the configuration.

-- This installation: one row.
CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    installation TEXT NOT NULL CHECK (length(installation) = 32), -- random: marks what is ours
    boots INTEGER NOT NULL CHECK (boots >= 0)
) STRICT;
INSERT INTO meta (one, installation, boots) VALUES (1, lower(hex(randomblob(16))), 0);

-- Users whose role is not the default one.
CREATE TABLE user (
    uid INTEGER PRIMARY KEY CHECK (uid BETWEEN 0 AND 4294967294),
    role TEXT NOT NULL CHECK (role IN ('admin', 'user', 'viewer', 'none'))
) STRICT;

-- VMs that lodge manages. A row outlives its domain and its host: only an operation removes it.
CREATE TABLE vm (
    id INTEGER PRIMARY KEY,
    host TEXT NOT NULL CHECK (length(host) BETWEEN 1 AND 64),
    uuid TEXT NOT NULL CHECK (length(uuid) = 36 AND uuid = lower(uuid)),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    owner INTEGER NOT NULL CHECK (owner BETWEEN 0 AND 4294967294),
    UNIQUE (host, uuid),
    UNIQUE (host, name)
) STRICT;

-- Operations, one row each; no reference to vm, since unmanaged VMs have no row there.
CREATE TABLE op (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    host TEXT NOT NULL,
    uuid TEXT NOT NULL CHECK (length(uuid) = 36),
    uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967294),
    state TEXT NOT NULL
        CHECK (state IN ('running', 'waiting', 'undoing', 'done', 'failed', 'cancelled')),
    step TEXT NOT NULL,
    error TEXT,
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    CHECK ((ended_ms IS NULL) = (state IN ('running', 'waiting', 'undoing')))
) STRICT;
-- One at a time per VM; a stop goes beside it. The loop's claims hold that, this is the backstop.
CREATE UNIQUE INDEX op_unfinished ON op (host, uuid)
    WHERE ended_ms IS NULL AND kind <> 'vm.stop';
CREATE UNIQUE INDEX op_unfinished_stop ON op (host, uuid)
    WHERE ended_ms IS NULL AND kind = 'vm.stop';

-- Who asked for what change, refused ones too.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL, -- of the first, when it counts several
    uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967294),
    pid INTEGER NOT NULL,
    method TEXT NOT NULL,
    target TEXT NOT NULL, -- "" where the method has none
    result TEXT NOT NULL, -- 'ok' or the error's kind
    error TEXT,
    times INTEGER NOT NULL DEFAULT 1 CHECK (times >= 1),
    CHECK ((result = 'ok') = (error IS NULL))
) STRICT;
CREATE INDEX audit_refusals ON audit (uid, method, target, result, at_ms) WHERE result <> 'ok';

-- Console sessions.
CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    host TEXT NOT NULL,
    uuid TEXT NOT NULL CHECK (length(uuid) = 36),
    uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967294),
    peer TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('vnc', 'serial')),
    mode TEXT NOT NULL CHECK (mode IN ('rw', 'ro')),
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    reason TEXT,
    bytes INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    CHECK ((ended_ms IS NULL) = (reason IS NULL))
) STRICT;
