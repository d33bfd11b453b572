/*
 * user_rows: users that have a role of their own; who has none has the configuration's. On workers,
 * which block.
 */
#include "store/rows.h"

bool store_read_users(struct store *store, store_user_fn *each, void *data, struct lodge_error *err)
{
    if (!database_enter(store, err)) {
        return false;
    }
    AUTO(database_leave) struct store *entered = store;
    AUTO(statement_reset) sqlite3_stmt *list = statement_get(entered, USER_LIST);
    for (bool row = true;;) {
        if (!statement_step(store, list, &row, err)) {
            return lodge_fail_in(err, "reading the users");
        }
        if (!row) {
            break;
        }
        each(data, (uid_t)sqlite3_column_int64(list, 0), statement_text(list, 1));
    }
    database_well(store);
    return true;
}

static bool write_user_role(struct store *store, uid_t uid, const char *role,
                            struct lodge_error *err)
{
    bool forgets = role[0] == '\0';
    AUTO(statement_reset)
    sqlite3_stmt *change = statement_get(store, forgets ? USER_FORGET : USER_WRITE);
    statement_bind_int(change, 1, uid);
    if (!forgets) {
        statement_bind_text(change, 2, role);
    }
    return statement_run(store, change, NULL, err);
}

bool store_write_role(struct store *store, uid_t uid, const char *role,
                      const struct audit_row *audit, struct lodge_error *err)
{
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    return transaction != NULL && write_user_role(store, uid, role, err) &&
           audit_insert(store, audit, err) && transaction_commit(transaction, err);
}
