/* audit_rows: who asked for what change. */
#include "store/rows.h"

/* Somebody who is refused again and again fills a minute with one row, not the disk. */
enum { SAME_REFUSAL_MS = 60 * 1000 };

static bool count_up(struct store *store, const struct audit_row *row, bool *ret_counted,
                     struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *update = statement_get(store, AUDIT_COUNT_UP);
    statement_bind_int(update, 1, row->uid);
    statement_bind_text(update, 2, row->method);
    statement_bind_text(update, 3, row->target);
    statement_bind_text(update, 4, lodge_error_kind_name(row->result));
    statement_bind_int(update, 5, row->at_ms - SAME_REFUSAL_MS);
    return statement_step(store, update, ret_counted, err);
}

bool audit_insert(struct store *store, const struct audit_row *row, struct lodge_error *err)
{
    bool ok = row->result == LODGE_ERROR_NONE;
    bool more = false;
    AUTO(statement_reset) sqlite3_stmt *insert = statement_get(store, AUDIT_INSERT);
    statement_bind_int(insert, 1, row->at_ms);
    statement_bind_int(insert, 2, row->uid);
    statement_bind_int(insert, 3, row->pid);
    statement_bind_text(insert, 4, row->method);
    statement_bind_text(insert, 5, row->target);
    statement_bind_text(insert, 6, ok ? "ok" : lodge_error_kind_name(row->result));
    statement_bind_text(insert, 7, ok ? NULL : row->error);
    return statement_step(store, insert, &more, err);
}

bool store_add_audit(struct store *store, const struct audit_row *row, struct lodge_error *err)
{
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    if (transaction == NULL) {
        return false;
    }
    bool counted = false;
    if (row->result != LODGE_ERROR_NONE && !count_up(store, row, &counted, err)) {
        return lodge_fail_in(err, "audit of %s", row->method);
    }
    if (!counted && !audit_insert(store, row, err)) {
        return lodge_fail_in(err, "audit of %s", row->method);
    }
    return transaction_commit(transaction, err);
}

bool store_list_audit(struct store *store, const struct audit_choice *choice, store_audit_fn *each,
                      void *data, struct lodge_error *err)
{
    enum statement which = choice->uid != NULL      ? AUDIT_LIST_OF_USER
                           : choice->target != NULL ? AUDIT_LIST_OF_TARGET
                                                    : AUDIT_LIST;
    if (!database_enter(store, err)) {
        return false;
    }
    AUTO(database_leave) struct store *entered = store;
    AUTO(statement_reset) sqlite3_stmt *list = statement_get(entered, which);
    statement_bind_int(list, 1, choice->before == 0 ? INT64_MAX : choice->before);
    statement_bind_int(list, 2, choice->since_ms);
    statement_bind_int(list, 3, choice->limit);
    if (choice->uid != NULL) {
        statement_bind_int(list, 4, *choice->uid);
    }
    if (choice->target != NULL) {
        statement_bind_text(list, 5, choice->target);
    }
    for (bool row = true;;) {
        if (!statement_step(store, list, &row, err)) {
            return lodge_fail_in(err, "reading the audit");
        }
        if (!row) {
            return true;
        }
        bool refused = sqlite3_column_type(list, 7) != SQLITE_NULL;
        each(data, &(struct audit_entry){
                       .id = sqlite3_column_int64(list, 0),
                       .at_ms = sqlite3_column_int64(list, 1),
                       .uid = (uid_t)sqlite3_column_int64(list, 2),
                       .pid = (pid_t)sqlite3_column_int64(list, 3),
                       .method = statement_text(list, 4),
                       .target = statement_text(list, 5),
                       .result = statement_text(list, 6),
                       .error = refused ? statement_text(list, 7) : NULL,
                       .times = sqlite3_column_int64(list, 8),
                   });
    }
}
