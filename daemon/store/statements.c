#include "store/statements.h"

#include "store/database.h"

#include <assert.h>

const struct statement_row statement_rows[STATEMENTS] = {
    [META_COUNT_BOOT] =
        {
            .sql = "UPDATE meta SET boots = boots + 1 WHERE one = 1 RETURNING boots",
        },
    [USER_LIST] =
        {
            .sql = "SELECT uid, role FROM user ORDER BY uid",
        },
    [VM_LIST] =
        {
            .sql = "SELECT host, uuid, name, owner FROM vm ORDER BY host, uuid",
        },
    [AUDIT_COUNT_UP] =
        {
            .sql = "UPDATE audit SET times = times + 1"
                   " WHERE uid = ?1 AND method = ?2 AND target = ?3 AND result = ?4"
                   " AND result <> 'ok' AND at_ms > ?5 RETURNING id",
            .hot = true,
        },
    [AUDIT_INSERT] =
        {
            .sql = "INSERT INTO audit (at_ms, uid, pid, method, target, result, error)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
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
static void must(int code)
{
    assert(code == SQLITE_OK);
    (void)code;
}

void statement_bind_int(sqlite3_stmt *statement, int index, int64_t value)
{
    must(sqlite3_bind_int64(statement, index, value));
}

void statement_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    must(sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC));
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

const char *statement_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    return text == NULL ? "" : (const char *)text;
}
