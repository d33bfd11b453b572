/*
 * session_log: a row in the store for every session that began. Loop-only.
 */
#ifndef READS_SESSION_LOG_H
#define READS_SESSION_LOG_H

#include "lodge/error.h"
#include "loop/loop.h"
#include "store/session_rows.h"

struct session_log;

/* Until it has a store sessions have no rows: what they did is in the log. */
struct session_log *session_log_new(struct loop *loop);
void session_log_take_store(struct session_log *log, struct store *store);

/* When the loop has run out: ends that were noted at the farewell are waited for, half a second at
 * most. What is lost the next start writes. */
void session_log_finish(struct session_log *log);

/* The same, and frees it, where no worker can be lost. Returns whether all is written. */
bool session_log_free(struct session_log *log);

/* Both return at once; a worker writes them in this order, a moment later. Texts are copied. */
void session_log_begin(struct session_log *log, const struct session_row *row);
void session_log_end(struct session_log *log, int64_t id, const char *reason, uint64_t bytes);

#endif
