/* session_rows: who looked at which screen, when, and how that ended. Blocks. */
#ifndef STORE_SESSION_ROWS_H
#define STORE_SESSION_ROWS_H

#include "store/store.h"

/* A session that has begun. */
struct session_row {
    int64_t id;
    const char *host;
    const char *uuid;
    const char *vm; /* its name then */
    uid_t uid;
    const char *peer;
    const char *kind; /* vnc */
    const char *mode; /* rw, ro */
    const char *door; /* web, stream */
    int64_t started_ms;
};
bool store_begin_session(struct store *store, const struct session_row *row,
                         struct lodge_error *err) LODGE_MUST_CHECK;

/* One that has ended, or is not there, stays as it is. */
bool store_end_session(struct store *store, int64_t id, int64_t ended_ms, const char *reason,
                       int64_t bytes, struct lodge_error *err) LODGE_MUST_CHECK;

/* For the start: sessions that were open when lodged went away have ended; the largest
 * number that there ever was, of rows that are gone too. */
bool store_recall_sessions(struct store *store, int64_t now_ms, int64_t *ret_last,
                           struct lodge_error *err) LODGE_MUST_CHECK;

#endif
