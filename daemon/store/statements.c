/*
 * statements: every SQL text that runs more than once, by name, prepared once per connection. Those
 * that run for a call are hot: none of them may scan a table. Under the store's lock.
 */
#include "store/statements.h"

#include "store/database.h"
#include "store/put_back.h"

#include <assert.h>

const struct statement_row statement_rows[STATEMENTS] = {
    [META_COUNT_BOOT] =
        {
            .sql = "UPDATE meta SET boots = boots + 1 WHERE one = 1 RETURNING boots",
        },
    [META_RAISE_BOOTS] =
        {
            .sql = "UPDATE meta SET boots = max(boots, ?1) WHERE one = 1",
        },
    [AGE_GROW] =
        {
            .sql = "UPDATE age SET count = count + 1 WHERE one = 1 RETURNING count",
            .hot = true,
        },
    [AGE_RAISE] =
        {
            .sql = "UPDATE age SET count = max(count, ?1) WHERE one = 1",
        },
    [USER_LIST] =
        {
            .sql = "SELECT uid, role FROM user ORDER BY uid",
        },
    [USER_WRITE] =
        {
            .sql = "INSERT INTO user (uid, role) VALUES (?1, ?2)"
                   " ON CONFLICT (uid) DO UPDATE SET role = excluded.role",
            .hot = true,
        },
    [USER_FORGET] =
        {
            .sql = "DELETE FROM user WHERE uid = ?1",
            .hot = true,
        },
    [USER_ROLE] =
        {
            .sql = "SELECT role FROM user WHERE uid = ?1",
            .hot = true,
        },
    [VM_LIST] =
        {
            .sql = "SELECT v.host, v.uuid, v.name, v.owner, v.phase, v.vcpus, v.memory_mib, "
                   "v.disk_gib, v.serial_log, v.id"
                   " FROM vm AS v ORDER BY v.host, v.uuid",
        },
    [VM_GET] =
        {
            .sql = "SELECT v.host, v.uuid, v.name, v.owner, v.phase, v.vcpus, v.memory_mib, "
                   "v.disk_gib, v.serial_log, v.id"
                   " FROM vm AS v WHERE v.host = ?1 AND v.uuid = ?2",
            .hot = true,
        },
    [VM_DISKS] =
        {
            .sql = "SELECT target, pool, volume, path, format, size_gib, ours"
                   " FROM disk WHERE vm = ?1 ORDER BY target",
            .hot = true,
        },
    [VM_MACS] =
        {
            .sql = "SELECT mac FROM nic WHERE vm = ?1 ORDER BY mac",
            .hot = true,
        },
    [VM_INSERT_ROW] =
        {
            .sql = "INSERT INTO vm (host, uuid, name, owner, phase, vcpus, memory_mib, disk_gib, "
                   "serial_log)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id",
            .hot = true,
        },
    [VM_SET_PHASE] =
        {
            .sql = "UPDATE vm SET phase = ?3 WHERE host = ?1 AND uuid = ?2",
            .hot = true,
        },
    [VM_SET_CHARGE] =
        {
            .sql = "UPDATE vm SET vcpus = ?3, memory_mib = ?4 WHERE host = ?1 AND uuid = ?2",
            .hot = true,
        },
    [VM_FOLLOW] =
        {
            .sql = "UPDATE vm SET vcpus = ?3, memory_mib = ?4 WHERE host = ?1 AND uuid = ?2"
                   " AND phase = 'ready' AND vcpus = ?5 AND memory_mib = ?6 AND NOT EXISTS (SELECT "
                   "1 FROM op"
                   " WHERE op.host = ?1 AND op.uuid = ?2 AND ended_ms IS NULL"
                   " AND kind <> 'vm.stop') RETURNING id",
            .hot = true,
        },
    [VM_NAME_TAKEN] =
        {
            .sql = "SELECT 1 FROM vm WHERE host = ?1 AND uuid <> ?2 AND name = ?3 UNION ALL"
                   " SELECT 1 FROM op WHERE ended_ms IS NULL AND kind <> 'vm.stop' AND host = ?1"
                   " AND uuid <> ?2 AND json_extract(journal, '$.new_name') = ?3 LIMIT 1",
            .hot = true,
        },
    [VM_SET_NAME] =
        {
            .sql = "UPDATE vm SET name = ?3 WHERE host = ?1 AND uuid = ?2 AND name <> ?3",
            .hot = true,
        },
    [VM_SUM_DISKS] =
        {
            .sql = "UPDATE vm SET disk_gib = (SELECT coalesce(sum(size_gib), 0) FROM disk"
                   " WHERE disk.vm = vm.id AND ours = 1)"
                   " WHERE host = ?1 AND uuid = ?2",
            .hot = true,
        },
    [VM_DELETE] =
        {
            .sql = "DELETE FROM vm WHERE host = ?1 AND uuid = ?2",
            .hot = true,
        },
    [DISK_INSERT] =
        {
            .sql = "INSERT INTO disk (vm, target, pool, volume, path, format, size_gib, ours)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            .hot = true,
        },
    [DISK_SET_SIZE] =
        {
            .sql = "UPDATE disk SET size_gib = ?4"
                   " WHERE vm = (SELECT id FROM vm WHERE host = ?1 AND uuid = ?2) AND target = ?3",
            .hot = true,
        },
    [NIC_INSERT] =
        {
            .sql = "INSERT INTO nic (mac, vm) VALUES (?1, ?2)",
            .hot = true,
        },
    [QUOTA_GET] =
        {
            .sql = "SELECT vms, vcpus, memory_mib, disk_gib FROM quota WHERE uid = ?1",
            .hot = true,
        },
    [QUOTA_ALL] =
        {
            .sql = "SELECT vms, vcpus, memory_mib, disk_gib, uid FROM quota",
        },
    [QUOTA_WRITE] =
        {
            .sql = "INSERT INTO quota (uid, vms, vcpus, memory_mib, disk_gib) VALUES (?1, ?2, ?3, "
                   "?4, ?5)"
                   " ON CONFLICT (uid) DO UPDATE SET vms = excluded.vms, vcpus = excluded.vcpus,"
                   " memory_mib = excluded.memory_mib, disk_gib = excluded.disk_gib",
            .hot = true,
        },
    [QUOTA_SUM_ALL] =
        {
            .sql = "SELECT count(*), coalesce(sum(vcpus), 0), coalesce(sum(memory_mib), 0),"
                   " coalesce(sum(disk_gib), 0) FROM vm WHERE owner BETWEEN 0 AND 4294967294",
            .hot = true,
        },
    [QUOTA_SUM_USER] =
        {
            .sql = "SELECT count(*), coalesce(sum(vcpus), 0), coalesce(sum(memory_mib), 0),"
                   " coalesce(sum(disk_gib), 0) FROM vm WHERE owner = ?1",
            .hot = true,
        },
    [OP_FIND_REQUEST] =
        {
            .sql = "SELECT id, request_hash, uuid FROM op"
                   " WHERE uid = ?1 AND kind = ?2 AND request_id = ?3",
            .hot = true,
        },
    [OP_FIND_UNFINISHED] =
        {
            .sql = "SELECT id, kind FROM op"
                   " WHERE host = ?1 AND uuid = ?2 AND ended_ms IS NULL AND kind <> 'vm.stop'",
            .hot = true,
        },
    [OP_FIND_STOP] =
        {
            .sql = "SELECT id, kind FROM op"
                   " WHERE host = ?1 AND uuid = ?2 AND ended_ms IS NULL AND kind = 'vm.stop'",
            .hot = true,
        },
    [OP_INSERT] =
        {
            .sql =
                "INSERT INTO op (kind, host, uuid, uid, state, step, started_ms, vm_name, journal,"
                " request_id, request_hash)"
                " VALUES (?1, ?2, ?3, ?4, 'running', ?5, ?6, ?7, ?8, ?9, ?10) RETURNING id",
            .hot = true,
        },
    [OP_SET_STEP] =
        {
            .sql = "UPDATE op SET step = ?2, state = ?3 WHERE id = ?1 AND ended_ms IS NULL",
            .hot = true,
        },
    [OP_SET_JOURNAL] =
        {
            .sql = "UPDATE op SET journal = ?2 WHERE id = ?1",
            .hot = true,
        },
    [OP_COMMIT] =
        {
            .sql = "UPDATE op SET committed = 1, step = ?2 WHERE id = ?1 AND ended_ms IS NULL"
                   " RETURNING host, uuid",
            .hot = true,
        },
    [OP_END] =
        {
            .sql =
                "UPDATE op SET state = ?2, ended_ms = ?3, error_kind = ?4, error = ?5, result = ?6,"
                " restored = max(restored, ?7), journal = iif(json_valid(journal),"
                " json_remove(journal, '$.old_xml', '$.new_xml'), journal)"
                " WHERE id = ?1 RETURNING host, uuid",
            .hot = true,
        },
    [OP_END_GUARD] =
        {
            .sql = "UPDATE op SET committed = 1 WHERE host = ?1 AND uuid = ?2"
                   " AND kind = 'vm.create' AND committed = 0 AND ended_ms IS NOT NULL",
            .hot = true,
        },
    [OP_LEAVE_ALL] =
        {
            .sql = OPS_LEAVE_ALONE,
        },
    [OP_LEAVE] =
        {
            .sql = "UPDATE op SET restored = 1 WHERE id = ?1",
            .hot = true,
        },
    [OP_BEGUN] =
        {
            .sql = "SELECT uid, started_ms FROM op ORDER BY id DESC",
        },
    [OP_LAST] = {.sql = "SELECT seq FROM sqlite_sequence WHERE name = 'op'"},
    [OP_RAISE_LAST] = {.sql = "UPDATE sqlite_sequence SET seq = max(seq, ?1) WHERE name = 'op'"},
    [OP_MAKE_LAST] = {.sql = "INSERT INTO sqlite_sequence (name, seq) SELECT 'op', ?1"
                             " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'op')"},
    [OP_ADD_STEP] =
        {
            .sql = "INSERT INTO op_step (op, n, name, at_ms) VALUES (?1,"
                   " (SELECT coalesce(max(n), 0) + 1 FROM op_step WHERE op = ?1), ?2, ?3)",
            .hot = true,
        },
    [OP_STEPS] =
        {
            .sql = "SELECT name, at_ms FROM op_step WHERE op = ?1 ORDER BY n",
            .hot = true,
        },
    [OP_GET] =
        {
            .sql = "SELECT id, kind, host, uuid, vm_name, uid, state, step, journal, result, "
                   "committed, restored, error_kind, error, started_ms, ended_ms"
                   " FROM op WHERE id = ?1",
            .hot = true,
        },
    [OP_UNFINISHED] =
        {
            .sql = "SELECT id, kind, host, uuid, vm_name, uid, state, step, journal, result, "
                   "committed, restored, error_kind, error, started_ms, ended_ms"
                   " FROM op WHERE ended_ms IS NULL ORDER BY id",
        },
    [OP_GUARDED] =
        {
            .sql = "SELECT id, kind, host, uuid, vm_name, uid, state, step, journal, result, "
                   "committed, restored, error_kind, error, started_ms, ended_ms"
                   " FROM op WHERE kind = 'vm.create' AND committed = 0 AND ended_ms IS NOT NULL"
                   " AND restored = 0 AND (?1 IS NULL OR host = ?1)",
        },
    [OP_LIST] =
        {
            .sql = "SELECT id, kind, host, uuid, vm_name, uid, state, step, journal, result, "
                   "committed, restored, error_kind, error, started_ms, ended_ms"
                   " FROM op WHERE id < ?1 AND (?2 = '' OR state = ?2) ORDER BY id DESC LIMIT ?3",
            .hot = true,
        },
    [OP_LIST_OF_USER] =
        {
            .sql = "SELECT id, kind, host, uuid, vm_name, uid, state, step, journal, result, "
                   "committed, restored, error_kind, error, started_ms, ended_ms"
                   " FROM op WHERE uid = ?4 AND id < ?1 AND (?2 = '' OR state = ?2)"
                   " AND (?7 IS NULL OR EXISTS (SELECT 1 FROM vm WHERE vm.host = op.host"
                   " AND vm.uuid = op.uuid AND vm.owner = ?7)) ORDER BY id DESC LIMIT ?3",
            .hot = true,
        },
    [OP_LIST_OF_VM] =
        {
            .sql = "SELECT id, kind, host, uuid, vm_name, uid, state, step, journal, result, "
                   "committed, restored, error_kind, error, started_ms, ended_ms"
                   " FROM op WHERE host = ?5 AND uuid = ?6 AND id < ?1 AND (?2 = '' OR state = ?2)"
                   " AND (?4 IS NULL OR uid = ?4) ORDER BY id DESC LIMIT ?3",
            .hot = true,
        },
    [OP_FORGET] =
        {
            .sql = "DELETE FROM op WHERE id IN (SELECT id FROM op"
                   " WHERE ended_ms IS NOT NULL AND ended_ms < ?1 ORDER BY ended_ms LIMIT ?2)",
            .hot = true,
        },
    [AUDIT_COUNT_UP] =
        {
            .sql = "UPDATE audit SET times = times + ?6 WHERE id = (SELECT id FROM audit"
                   " WHERE uid = ?1 AND method = ?2 AND target = ?3 AND result = ?4"
                   " AND result <> 'ok' AND at_ms > ?5 ORDER BY at_ms DESC LIMIT 1) RETURNING id",
            .hot = true,
        },
    [AUDIT_REFUSED] =
        {
            .sql = "SELECT count(*) FROM (SELECT 1 FROM audit"
                   " WHERE uid = ?1 AND result <> 'ok' AND at_ms > ?2 LIMIT ?3)",
            .hot = true,
        },
    [AUDIT_INSERT] =
        {
            .sql = "INSERT INTO audit (at_ms, uid, pid, method, target, result, error, times,"
                   " params, op) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            .hot = true,
        },
    [AUDIT_LIST] =
        {
            .sql = "SELECT id, at_ms, uid, pid, method, target, result, error, times, params, op"
                   " FROM audit WHERE id < ?1 AND at_ms >= ?2 ORDER BY id DESC LIMIT ?3",
            .hot = true,
        },
    [AUDIT_LIST_OF_USER] =
        {
            .sql = "SELECT id, at_ms, uid, pid, method, target, result, error, times, params, op"
                   " FROM audit WHERE uid = ?4 AND id < ?1 AND at_ms >= ?2"
                   " AND (?5 IS NULL OR target = ?5) ORDER BY id DESC LIMIT ?3",
            .hot = true,
        },
    [AUDIT_LIST_OF_TARGET] =
        {
            .sql = "SELECT id, at_ms, uid, pid, method, target, result, error, times, params, op"
                   " FROM audit WHERE target = ?5 AND id < ?1 AND at_ms >= ?2 ORDER BY id DESC "
                   "LIMIT ?3",
            .hot = true,
        },
    [AUDIT_FORGET] =
        {
            .sql = "DELETE FROM audit WHERE id IN (SELECT id FROM audit"
                   " WHERE at_ms < ?1 ORDER BY at_ms LIMIT ?2)",
            .hot = true,
        },
    [SESSION_INSERT] =
        {
            .sql = "INSERT INTO session (id, host, uuid, vm_name, uid, peer, kind, mode, door,"
                   " started_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            .hot = true,
        },
    [SESSION_END] =
        {
            .sql = "UPDATE session SET ended_ms = ?2, reason = ?3, bytes = ?4"
                   " WHERE id = ?1 AND ended_ms IS NULL",
            .hot = true,
        },
    [SESSION_END_STALE] =
        {
            .sql = "UPDATE session SET ended_ms = ?1, reason = ?2 WHERE ended_ms IS NULL",
        },
    [SESSION_LAST] = {.sql = "SELECT seq FROM sqlite_sequence WHERE name = 'session'"},
    [SESSION_FORGET] =
        {
            .sql = "DELETE FROM session WHERE id IN (SELECT id FROM session"
                   " WHERE started_ms < ?1 AND ended_ms IS NOT NULL"
                   " ORDER BY started_ms LIMIT ?2)",
            .hot = true,
        },
};

bool statements_prepare(struct store *store, struct lodge_error *err)
{
    for (int i = 0; i < STATEMENTS; i++) {
        int code = sqlite3_prepare_v3(store->db, statement_rows[i].sql, -1,
                                      SQLITE_PREPARE_PERSISTENT, &store->prepared[i], NULL);
        if (code != SQLITE_OK) {
            return database_fail(store, code, err);
        }
    }
    return true;
}

void statements_finalize(struct store *store)
{
    for (int i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(store->prepared[i]);
        store->prepared[i] = NULL;
    }
}

sqlite3_stmt *statement_get(struct store *store, enum statement name)
{
    sqlite3_stmt *statement = store->prepared[name];
    assert(!sqlite3_stmt_busy(statement)); /* somebody above us uses the same one */
    return statement;
}

void statement_reset(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

/* Binding fails for an index that the text does not have, or a statement in use: a slip of ours. */
static void must_bind(int code)
{
    assert(code == SQLITE_OK);
    (void)code;
}

void statement_bind_int(sqlite3_stmt *statement, int index, int64_t value)
{
    must_bind(sqlite3_bind_int64(statement, index, value));
}

void statement_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    must_bind(sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC));
}

bool statement_step(struct store *store, sqlite3_stmt *statement, bool *ret_row,
                    struct lodge_error *err)
{
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        return database_fail(store, code, err);
    }
    *ret_row = code == SQLITE_ROW;
    return true;
}

bool statement_run(struct store *store, sqlite3_stmt *statement, bool *ret_clash,
                   struct lodge_error *err)
{
    int code = sqlite3_step(statement);
    while (code == SQLITE_ROW) {
        code = sqlite3_step(statement);
    }
    if (code == SQLITE_DONE) {
        return true;
    }
    int extended = sqlite3_extended_errcode(store->db);
    if (ret_clash != NULL && (code & 0xff) == SQLITE_CONSTRAINT &&
        (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY)) {
        *ret_clash = true;
        return false;
    }
    return database_fail(store, code, err);
}
