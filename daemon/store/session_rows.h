/* session_rows: who looked at which screen, when, and how that ended. Blocks. */
#ifndef STORE_SESSION_ROWS_H
#define STORE_SESSION_ROWS_H

#include "store/store.h"

/* A session that has begun, or, with a `reason`, ended: then only its number and what stands below
 * that matter. */
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
    const char *reason;
    int64_t ended_ms;
    int64_t bytes;
};

/* All of them in their order, or none. A session that has ended already, or is not there, is not
 * ended. */
bool store_note_sessions(struct store *store, const struct session_row *rows, size_t count,
                         struct lodge_error *err) LODGE_MUST_CHECK;

/* For the start: sessions that were open when lodged went away have ended; the largest
 * number that there ever was, of rows that are gone too. */
bool store_recall_sessions(struct store *store, int64_t now_ms, int64_t *ret_last,
                           struct lodge_error *err) LODGE_MUST_CHECK;

#endif
