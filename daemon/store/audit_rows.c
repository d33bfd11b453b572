/*
 * audit_rows: who asked for what change. What was done has a row each; refusals are summed: those
 * that are the same in the row of the last minute, and those of somebody who has made enough rows
 * within the hour in one row per method and kind of error, without a target.
 */
#include "store/rows.h"

enum {
    SAME_REFUSAL_MS = 60 * 1000,
    SUMMED_MS = 60 * 60 * 1000,
    REFUSED_ROWS = 200, /* of one uid within SUMMED_MS, before its refusals lose their targets */
};

static int64_t times_of(const struct audit_row *row)
{
    return row->times == 0 ? 1 : row->times;
}

/* In the newest row of the same that is not older than `ms`, if there is one. */
static bool count_up(struct store *store, const struct audit_row *row, int64_t ms,
                     bool *ret_counted, struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *update = statement_get(store, AUDIT_COUNT_UP);
    statement_bind_int(update, 1, row->uid);
    statement_bind_text(update, 2, row->method);
    statement_bind_text(update, 3, row->target);
    statement_bind_text(update, 4, lodge_error_kind_name(row->result));
    statement_bind_int(update, 5, row->at_ms - ms);
    statement_bind_int(update, 6, times_of(row));
    return statement_step(store, update, ret_counted, err);
}

static bool has_made_enough(struct store *store, const struct audit_row *row, bool *ret_enough,
                            struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *count = statement_get(store, AUDIT_REFUSED);
    bool is_row = false;
    statement_bind_int(count, 1, row->uid);
    statement_bind_int(count, 2, row->at_ms - SUMMED_MS);
    statement_bind_int(count, 3, REFUSED_ROWS);
    if (!statement_step(store, count, &is_row, err)) {
        return false;
    }
    *ret_enough = is_row && sqlite3_column_int64(count, 0) >= REFUSED_ROWS;
    return true;
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
    statement_bind_int(insert, 8, times_of(row));
    statement_bind_text(insert, 9, row->params);
    if (row->op > 0) {
        statement_bind_int(insert, 10, row->op);
    }
    return statement_step(store, insert, &more, err);
}

static bool add_refusal(struct store *store, const struct audit_row *row, struct lodge_error *err)
{
    struct audit_row summed = *row;
    bool counted = false;
    bool enough = false;
    if (!count_up(store, row, SAME_REFUSAL_MS, &counted, err) || counted) {
        return counted;
    }
    if (!has_made_enough(store, row, &enough, err)) {
        return false;
    }
    if (!enough) {
        return audit_insert(store, row, err);
    }
    summed.target = "";
    summed.params = NULL;
    summed.op = 0;
    return count_up(store, &summed, SUMMED_MS, &counted, err) &&
           (counted || audit_insert(store, &summed, err));
}

bool store_add_audit(struct store *store, const struct audit_row *rows, size_t count,
                     struct lodge_error *err)
{
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    if (transaction == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        bool added = rows[i].result == LODGE_ERROR_NONE ? audit_insert(store, &rows[i], err)
                                                        : add_refusal(store, &rows[i], err);
        if (!added) {
            return lodge_fail_in(err, "audit of %s", rows[i].method);
        }
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
        bool asked = sqlite3_column_type(list, 9) != SQLITE_NULL;
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
                       .params = asked ? statement_text(list, 9) : NULL,
                       .op = sqlite3_column_int64(list, 10),
                   });
    }
}
