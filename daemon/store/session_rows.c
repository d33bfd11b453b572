/*
 * session_rows: a row is inserted when a session begins and filled when it ends. The next start
 * ends those that are still open.
 */
#include "store/session_rows.h"

#include "store/rows.h"

static bool insert_session(struct store *store, const struct session_row *row,
                           struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *insert = statement_get(store, SESSION_INSERT);
    statement_bind_int(insert, 1, row->id);
    statement_bind_text(insert, 2, row->host);
    statement_bind_text(insert, 3, row->uuid);
    statement_bind_text(insert, 4, row->vm);
    statement_bind_int(insert, 5, row->uid);
    statement_bind_text(insert, 6, row->peer);
    statement_bind_text(insert, 7, row->kind);
    statement_bind_text(insert, 8, row->mode);
    statement_bind_text(insert, 9, row->door);
    statement_bind_int(insert, 10, row->started_ms);
    return statement_run(store, insert, NULL, err);
}

static bool end_session_row(struct store *store, const struct session_row *row,
                            struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *end = statement_get(store, SESSION_END);
    statement_bind_int(end, 1, row->id);
    statement_bind_int(end, 2, row->ended_ms);
    statement_bind_text(end, 3, row->reason);
    statement_bind_int(end, 4, row->bytes);
    return statement_run(store, end, NULL, err);
}

bool store_note_sessions(struct store *store, const struct session_row *rows, size_t count,
                         struct lodge_error *err)
{
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    if (transaction == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        bool good = rows[i].reason == NULL ? insert_session(store, &rows[i], err)
                                           : end_session_row(store, &rows[i], err);
        if (!good) {
            return false;
        }
    }
    return transaction_commit(transaction, err);
}

static bool end_stale(struct store *store, int64_t now_ms, struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *end = statement_get(store, SESSION_END_STALE);
    statement_bind_int(end, 1, now_ms);
    statement_bind_text(end, 2, "lodged was not there any more");
    return statement_run(store, end, NULL, err);
}

bool store_recall_sessions(struct store *store, int64_t now_ms, int64_t *ret_last,
                           struct lodge_error *err)
{
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    if (transaction == NULL || !end_stale(store, now_ms, err)) {
        return false;
    }
    bool row = false;
    {
        AUTO(statement_reset) sqlite3_stmt *last = statement_get(store, SESSION_LAST);
        if (!statement_step(store, last, &row, err)) {
            return lodge_fail_in(err, "reading the sessions");
        }
        *ret_last = row ? sqlite3_column_int64(last, 0) : 0;
    }
    return transaction_commit(transaction, err);
}
