-- VMs with what they are charged, their disks and NICs; quotas; the journal of operations.

ALTER TABLE vm ADD COLUMN phase TEXT NOT NULL DEFAULT 'ready'
    CHECK (phase IN ('ready', 'creating', 'deleting', 'error'));
ALTER TABLE vm ADD COLUMN vcpus INTEGER NOT NULL DEFAULT 0 CHECK (vcpus >= 0);
ALTER TABLE vm ADD COLUMN memory_mib INTEGER NOT NULL DEFAULT 0 CHECK (memory_mib >= 0);
-- the sum of its disks that are ours, written with them
ALTER TABLE vm ADD COLUMN disk_gib INTEGER NOT NULL DEFAULT 0 CHECK (disk_gib >= 0);
ALTER TABLE vm ADD COLUMN serial_log TEXT;
-- Usage is summed from this, per user and for all, and kept nowhere.
CREATE INDEX vm_charge ON vm (owner, vcpus, memory_mib, disk_gib);

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
CREATE UNIQUE INDEX disk_volume ON disk (path) WHERE ours = 1;

CREATE TABLE nic (
    mac TEXT PRIMARY KEY CHECK (length(mac) = 17 AND mac = lower(mac)),
    vm INTEGER NOT NULL REFERENCES vm (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX nic_vm ON nic (vm);

-- Limits that were set; NULL is no limit. A user or system without a row has the configuration's.
CREATE TABLE quota (
    uid INTEGER PRIMARY KEY CHECK (uid BETWEEN -1 AND 4294967294), -- -1 is the system
    vms INTEGER CHECK (vms >= 0),
    vcpus INTEGER CHECK (vcpus >= 0),
    memory_mib INTEGER CHECK (memory_mib >= 0),
    disk_gib INTEGER CHECK (disk_gib >= 0)
) STRICT;

ALTER TABLE op ADD COLUMN vm_name TEXT NOT NULL DEFAULT '';
ALTER TABLE op ADD COLUMN journal TEXT NOT NULL DEFAULT '{}'; -- what undo and recovery need
ALTER TABLE op ADD COLUMN result TEXT;
ALTER TABLE op ADD COLUMN error_kind TEXT;
ALTER TABLE op ADD COLUMN request_id TEXT;
ALTER TABLE op ADD COLUMN request_hash TEXT;
-- past its point of no return
ALTER TABLE op ADD COLUMN committed INTEGER NOT NULL DEFAULT 0 CHECK (committed IN (0, 1));
-- was unfinished in a backup that was put back: never undone
ALTER TABLE op ADD COLUMN restored INTEGER NOT NULL DEFAULT 0 CHECK (restored IN (0, 1));
CREATE UNIQUE INDEX op_request ON op (uid, kind, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX op_of_user ON op (uid, id);
CREATE INDEX op_of_vm ON op (host, uuid, id);
CREATE INDEX op_ended ON op (ended_ms) WHERE ended_ms IS NOT NULL;
-- Undone creations that are kept: what turns up of them is their debris.
CREATE INDEX op_guarded ON op (host, id)
    WHERE kind = 'vm.create' AND committed = 0 AND ended_ms IS NOT NULL;

CREATE TABLE op_step (
    op INTEGER NOT NULL REFERENCES op (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    name TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (op, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_of_user ON audit (uid, id);
CREATE INDEX audit_of_target ON audit (target, id);
CREATE INDEX audit_at ON audit (at_ms);
