/* user_rows: who has a role of their own. */
#include "store/database.h"

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
