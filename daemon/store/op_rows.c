/*
 * op_rows: operations as they are kept: read, listed, and forgotten when they are old, a bounded
 * number of rows in each transaction. On workers, which block; rows are told while the lock is
 * held.
 */
#include "memory.h"
#include "store/rows.h"

#include <stdlib.h>
#include <string.h>

enum { FORGOTTEN_AT_ONCE = 1000 }; /* rows of a kind in one transaction */

struct steps {
    struct lodge_op_step *items;
    size_t count;
};

static void steps_free(struct steps *steps)
{
    for (size_t i = 0; i < steps->count; i++) {
        free(steps->items[i].name);
    }
    free(steps->items);
}

static bool read_steps(struct store *store, int64_t id, struct steps *steps,
                       struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *list = statement_get(store, OP_STEPS);
    bool row = true;
    statement_bind_int(list, 1, id);
    while (statement_step(store, list, &row, err)) {
        if (!row) {
            return true;
        }
        steps->items = xrealloc(steps->items, (steps->count + 1) * sizeof *steps->items);
        steps->items[steps->count++] = (struct lodge_op_step){
            .name = xstrdup(statement_text(list, 0)),
            .at = sqlite3_column_int64(list, 1),
        };
    }
    return false;
}

static enum lodge_op_state state_of(const char *word)
{
    enum lodge_op_state state = LODGE_OP_RUNNING;
    while (state < LODGE_OP_CANCELLED && strcmp(lodge_op_state_name(state), word) != 0) {
        state++;
    }
    return state;
}

static enum lodge_error_kind error_kind_of(const char *word)
{
    enum lodge_error_kind kind = LODGE_ERROR_NONE + 1;
    while (kind < LODGE_ERROR_KINDS && strcmp(lodge_error_kind_name(kind), word) != 0) {
        kind++;
    }
    return word[0] == '\0'            ? LODGE_ERROR_NONE
           : kind < LODGE_ERROR_KINDS ? kind
                                      : LODGE_ERROR_INTERNAL; /* a newer lodged's */
}

static const char *or_null(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL
               ? NULL
               : statement_text(statement, column);
}

/* Tells the row that `list` stands on. The texts are SQLite's until the next step. */
static bool tell_op_row(struct store *store, sqlite3_stmt *list, bool with_steps, store_op_fn *each,
                        void *data, struct lodge_error *err)
{
    struct steps steps = {0};
    int64_t id = sqlite3_column_int64(list, 0);
    bool ok = !with_steps || read_steps(store, id, &steps, err);
    if (ok) {
        struct op_row op = {
            .id = id,
            .kind = statement_text(list, 1),
            .host = statement_text(list, 2),
            .uuid = statement_text(list, 3),
            .vm_name = statement_text(list, 4),
            .uid = (uid_t)sqlite3_column_int64(list, 5),
            .state = state_of(statement_text(list, 6)),
            .step = statement_text(list, 7),
            .journal = statement_text(list, 8),
            .result = or_null(list, 9),
            .committed = sqlite3_column_int(list, 10) != 0,
            .restored = sqlite3_column_int(list, 11) != 0,
            .error_kind = error_kind_of(statement_text(list, 12)),
            .error = statement_text(list, 13),
            .started_ms = sqlite3_column_int64(list, 14),
            .ended_ms = sqlite3_column_int64(list, 15),
            .steps = steps.items,
            .step_count = steps.count,
        };
        each(data, &op);
    }
    steps_free(&steps);
    return ok;
}

/* All rows of a statement that is bound. */
static bool tell_ops(struct store *store, sqlite3_stmt *list, bool with_steps, store_op_fn *each,
                     void *data, bool *ret_any, struct lodge_error *err)
{
    *ret_any = false;
    for (bool row = true;;) {
        if (!statement_step(store, list, &row, err)) {
            return lodge_fail_in(err, "reading operations");
        }
        if (!row) {
            database_well(store);
            return true;
        }
        *ret_any = true;
        if (!tell_op_row(store, list, with_steps, each, data, err)) {
            return lodge_fail_in(err, "reading operations");
        }
    }
}

bool store_read_unfinished(struct store *store, store_op_fn *each, void *data,
                           struct lodge_error *err)
{
    if (!database_enter(store, err)) {
        return false;
    }
    AUTO(database_leave) struct store *entered = store;
    AUTO(statement_reset) sqlite3_stmt *list = statement_get(entered, OP_UNFINISHED);
    bool any = false;
    return tell_ops(store, list, true, each, data, &any, err);
}

bool store_read_op(struct store *store, int64_t id, store_op_fn *each, void *data, bool *ret_found,
                   struct lodge_error *err)
{
    if (!database_enter(store, err)) {
        return false;
    }
    AUTO(database_leave) struct store *entered = store;
    AUTO(statement_reset) sqlite3_stmt *get = statement_get(entered, OP_GET);
    statement_bind_int(get, 1, id);
    return tell_ops(store, get, true, each, data, ret_found, err);
}

bool store_read_guarded(struct store *store, const char *host, store_op_fn *each, void *data,
                        struct lodge_error *err)
{
    if (!database_enter(store, err)) {
        return false;
    }
    AUTO(database_leave) struct store *entered = store;
    AUTO(statement_reset) sqlite3_stmt *list = statement_get(entered, OP_GUARDED);
    bool any = false;
    statement_bind_text(list, 1, host);
    return tell_ops(store, list, false, each, data, &any, err);
}

bool store_read_last_op(struct store *store, int64_t *ret_id, struct lodge_error *err)
{
    if (!database_enter(store, err)) {
        return false;
    }
    AUTO(database_leave) struct store *entered = store;
    AUTO(statement_reset) sqlite3_stmt *last = statement_get(entered, OP_LAST);
    bool row = false;
    if (!statement_step(store, last, &row, err)) {
        return lodge_fail_in(err, "reading operations");
    }
    *ret_id = row ? sqlite3_column_int64(last, 0) : 0;
    return true;
}

bool store_read_begun(struct store *store, int64_t since_ms, store_begun_fn *each, void *data,
                      struct lodge_error *err)
{
    if (!database_enter(store, err)) {
        return false;
    }
    AUTO(database_leave) struct store *entered = store;
    AUTO(statement_reset) sqlite3_stmt *list = statement_get(entered, OP_BEGUN);
    for (bool row = true;;) {
        if (!statement_step(store, list, &row, err)) {
            return lodge_fail_in(err, "reading operations");
        }
        if (!row || sqlite3_column_int64(list, 1) < since_ms) {
            return true; /* numbers are given out in the order of time */
        }
        each(data, (uid_t)sqlite3_column_int64(list, 0), sqlite3_column_int64(list, 1));
    }
}

bool store_list_ops(struct store *store, const struct op_choice *choice, store_op_fn *each,
                    void *data, struct lodge_error *err)
{
    enum statement which = choice->uuid != NULL  ? OP_LIST_OF_VM
                           : choice->uid != NULL ? OP_LIST_OF_USER
                                                 : OP_LIST;
    const char *state = choice->state == LODGE_OP_UNKNOWN ? "" : lodge_op_state_name(choice->state);
    if (!database_enter(store, err)) {
        return false;
    }
    AUTO(database_leave) struct store *entered = store;
    AUTO(statement_reset) sqlite3_stmt *list = statement_get(entered, which);
    bool any = false;
    statement_bind_int(list, 1, choice->before == 0 ? INT64_MAX : choice->before);
    statement_bind_text(list, 2, state);
    statement_bind_int(list, 3, choice->limit);
    if (choice->uid != NULL) {
        statement_bind_int(list, 4, *choice->uid);
    }
    if (choice->owner != NULL) {
        statement_bind_int(list, 7, *choice->owner);
    }
    if (choice->uuid != NULL) {
        statement_bind_text(list, 5, choice->host);
        statement_bind_text(list, 6, choice->uuid);
    }
    return tell_ops(store, list, false, each, data, &any, err);
}

static bool forget_rows(struct store *store, enum statement which, int64_t before_ms,
                        bool *ret_more, struct lodge_error *err)
{
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    if (transaction == NULL) {
        return false;
    }
    {
        AUTO(statement_reset) sqlite3_stmt *delete = statement_get(store, which);
        statement_bind_int(delete, 1, before_ms);
        statement_bind_int(delete, 2, FORGOTTEN_AT_ONCE);
        if (!statement_run(store, delete, NULL, err)) {
            return false;
        }
    }
    *ret_more |= sqlite3_changes(store->db) == FORGOTTEN_AT_ONCE;
    return transaction_commit(transaction, err);
}

bool store_forget_old(struct store *store, int64_t ops_before_ms, int64_t audit_before_ms,
                      bool *ret_more, struct lodge_error *err)
{
    *ret_more = false;
    return forget_rows(store, OP_FORGET, ops_before_ms, ret_more, err) &&
           forget_rows(store, AUDIT_FORGET, audit_before_ms, ret_more, err) &&
           forget_rows(store, SESSION_FORGET, audit_before_ms, ret_more, err);
}
