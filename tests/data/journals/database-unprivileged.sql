PRAGMA user_version = 7;
PRAGMA application_id = 0;
BEGIN TRANSACTION;
CREATE TABLE age (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    count INTEGER NOT NULL CHECK (count >= 0)
) STRICT;
INSERT INTO "age" VALUES(1,24);
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL, -- of the first, when it counts several
    uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967294),
    pid INTEGER NOT NULL,
    method TEXT NOT NULL,
    target TEXT NOT NULL, -- "" where the method has none
    result TEXT NOT NULL, -- 'ok' or the error's kind
    error TEXT,
    times INTEGER NOT NULL DEFAULT 1 CHECK (times >= 1), params TEXT, op INTEGER,
    CHECK ((result = 'ok') = (error IS NULL))
) STRICT;
CREATE TABLE disk (
    vm INTEGER NOT NULL REFERENCES vm (id) ON DELETE CASCADE,
    target TEXT NOT NULL CHECK (length(target) BETWEEN 1 AND 32),
    pool TEXT NOT NULL,   -- '' for a plain directory
    volume TEXT NOT NULL, -- '' for a disk that lodge did not make
    path TEXT NOT NULL CHECK (length(path) > 0),
    format TEXT,
    size_gib INTEGER NOT NULL CHECK (size_gib >= 0),
    ours INTEGER NOT NULL CHECK (ours IN (0, 1)), -- deleted with the VM
    PRIMARY KEY (vm, target)
) STRICT, WITHOUT ROWID;
CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    installation TEXT NOT NULL CHECK (length(installation) = 32), -- random: marks what is ours
    boots INTEGER NOT NULL CHECK (boots >= 0)
) STRICT;
INSERT INTO "meta" VALUES(1,'bb6c014f4c2ebf74d5cb15cdde8f13dc',7);
CREATE TABLE nic (
    mac TEXT PRIMARY KEY CHECK (length(mac) = 17 AND mac = lower(mac)),
    vm INTEGER NOT NULL REFERENCES vm (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
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
    ended_ms INTEGER, vm_name TEXT NOT NULL DEFAULT '', journal TEXT NOT NULL DEFAULT '{}', result TEXT, error_kind TEXT, request_id TEXT, request_hash TEXT, committed INTEGER NOT NULL DEFAULT 0 CHECK (committed IN (0, 1)), restored INTEGER NOT NULL DEFAULT 0 CHECK (restored IN (0, 1)),
    CHECK ((ended_ms IS NULL) = (state IN ('running', 'waiting', 'undoing')))
) STRICT;
CREATE TABLE op_step (
    op INTEGER NOT NULL REFERENCES op (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    name TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (op, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE quota (
    uid INTEGER PRIMARY KEY CHECK (uid BETWEEN -1 AND 4294967294), -- -1 is the system
    vms INTEGER CHECK (vms >= 0),
    vcpus INTEGER CHECK (vcpus >= 0),
    memory_mib INTEGER CHECK (memory_mib >= 0),
    disk_gib INTEGER CHECK (disk_gib >= 0)
) STRICT;
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
    bytes INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0), vm_name TEXT NOT NULL DEFAULT '', door TEXT NOT NULL DEFAULT 'web' CHECK (door IN ('web', 'stream')),
    CHECK ((ended_ms IS NULL) = (reason IS NULL))
) STRICT;
CREATE TABLE user (
    uid INTEGER PRIMARY KEY CHECK (uid BETWEEN 0 AND 4294967294),
    role TEXT NOT NULL CHECK (role IN ('admin', 'user', 'viewer', 'none'))
) STRICT;
CREATE TABLE vm (
    id INTEGER PRIMARY KEY,
    host TEXT NOT NULL CHECK (length(host) BETWEEN 1 AND 64),
    uuid TEXT NOT NULL CHECK (length(uuid) = 36 AND uuid = lower(uuid)),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    owner INTEGER NOT NULL CHECK (owner BETWEEN 0 AND 4294967294), phase TEXT NOT NULL DEFAULT 'ready'
    CHECK (phase IN ('ready', 'creating', 'deleting', 'error')), vcpus INTEGER NOT NULL DEFAULT 0 CHECK (vcpus >= 0), memory_mib INTEGER NOT NULL DEFAULT 0 CHECK (memory_mib >= 0), disk_gib INTEGER NOT NULL DEFAULT 0 CHECK (disk_gib >= 0), serial_log TEXT,
    UNIQUE (host, uuid),
    UNIQUE (host, name)
) STRICT;
CREATE UNIQUE INDEX op_unfinished ON op (host, uuid)
    WHERE ended_ms IS NULL AND kind <> 'vm.stop';
CREATE UNIQUE INDEX op_unfinished_stop ON op (host, uuid)
    WHERE ended_ms IS NULL AND kind = 'vm.stop';
CREATE INDEX audit_refusals ON audit (uid, method, target, result, at_ms) WHERE result <> 'ok';
CREATE INDEX vm_charge ON vm (owner, vcpus, memory_mib, disk_gib);
CREATE UNIQUE INDEX disk_volume ON disk (path) WHERE ours = 1;
CREATE INDEX nic_vm ON nic (vm);
CREATE UNIQUE INDEX op_request ON op (uid, kind, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX op_of_user ON op (uid, id);
CREATE INDEX op_of_vm ON op (host, uuid, id);
CREATE INDEX op_ended ON op (ended_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX op_guarded ON op (host, id)
    WHERE kind = 'vm.create' AND committed = 0 AND ended_ms IS NOT NULL;
CREATE INDEX audit_of_user ON audit (uid, id);
CREATE INDEX audit_of_target ON audit (target, id);
CREATE INDEX audit_at ON audit (at_ms);
CREATE INDEX session_started ON session (started_ms);
CREATE INDEX session_open ON session (id) WHERE ended_ms IS NULL;
CREATE INDEX audit_refused_at ON audit (uid, at_ms) WHERE result <> 'ok';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('op',12);
INSERT INTO "sqlite_sequence" VALUES('audit',12);
COMMIT;
