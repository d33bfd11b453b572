/*
 * put_back: at open, what the database has counted is compared with the file beside it (age.c);
 * what is under way in one that was put back is marked before the counts are made even, so that a
 * kill between the two finds the same again. On workers; store_note() on any thread.
 */
#include "store/put_back.h"

#include "memory.h"
#include "store/age.h"
#include "store/ops.h"
#include "store/rows.h"

#include <string.h>
#include <unistd.h>

#define PUT_BACK_TEXT                                                                              \
    "the database %s was put back from a copy: what was under way in it is left as it is and has " \
    "ended as failed; lodge doctor says what does not fit"

static bool is_of_this(const struct store *store, const struct age_line *line)
{
    return line->found == AGE_FOUND_WELL && strcmp(line->installation, store->installation) == 0;
}

static bool is_put_back(const struct store *store, const struct age_line *line)
{
    if (store->boots == 0) {
        return false; /* it has never been anywhere */
    }
    return line->found == AGE_FOUND_NONE ? store->count > 0
                                         : !is_of_this(store, line) || line->count > store->count;
}

static bool run_with_value(struct store *store, enum statement which, int64_t value,
                           struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *statement = statement_get(store, which);
    statement_bind_int(statement, 1, value);
    return statement_run(store, statement, NULL, err);
}

static bool mark_all(struct store *store, int64_t newest, struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *leave = statement_get(store, OP_LEAVE_ALL);
    return statement_run(store, leave, NULL, err) &&
           run_with_value(store, OP_RAISE_LAST, newest, err) &&
           (newest == 0 || run_with_value(store, OP_MAKE_LAST, newest, err));
}

static bool note_put_back(struct store *store, struct lodge_error *err)
{
    const struct audit_row row = {
        .at_ms = database_now_ms(),
        .uid = geteuid(),
        .pid = getpid(),
        .method = "server.restored",
        .target = "",
        .result = LODGE_ERROR_NONE,
    };
    return audit_insert(store, &row, err);
}

bool store_leave_all(struct store *store, int64_t newest, struct lodge_error *err)
{
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    bool ok = transaction != NULL && mark_all(store, newest, err) && note_put_back(store, err) &&
              transaction_commit(transaction, err);
    return ok || lodge_fail_in(err, "marking what a database that was put back leaves alone");
}

/* Numbers that were given out since are not given out again: revisions count from `boots`. */
static bool catch_up(struct store *store, const struct age_line *line, struct lodge_error *err)
{
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    return transaction != NULL && run_with_value(store, AGE_RAISE, line->count, err) &&
           run_with_value(store, META_RAISE_BOOTS, line->boots, err) &&
           transaction_commit(transaction, err);
}

/* A marked backup that nothing was done after tells of what was under way in it too. */
static bool look_for_marks(struct store *store, struct lodge_error *err)
{
    int64_t marked = 0;
    if (!database_ask_int(store, "SELECT count(*) FROM op WHERE ended_ms IS NULL AND restored = 1",
                          &marked, err)) {
        return false;
    }
    if (marked > 0) {
        store_was_put_back(store);
    }
    return true;
}

bool put_back_check(struct store *store, struct lodge_error *err)
{
    store->put_back_text = xasprintf(PUT_BACK_TEXT, store->path);
    if (!age_open(store, err) || !age_read_counts(store, err)) {
        return false;
    }
    const struct age_line line = age_read(store);
    if (is_put_back(store, &line)) {
        store_was_put_back(store);
        if (!store_leave_all(store, 0, err)) {
            return false;
        }
    }
    bool lags =
        is_of_this(store, &line) && (line.count > store->count || line.boots > store->boots);
    if ((lags && !(catch_up(store, &line, err) && age_read_counts(store, err))) ||
        !look_for_marks(store, err)) {
        return false;
    }
    return age_write(store, err);
}

const char *store_note(const struct store *store)
{
    return atomic_load(&store->note);
}

void store_was_put_back(struct store *store)
{
    atomic_store(&store->note, store->put_back_text);
}
