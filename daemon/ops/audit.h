/*
 * audit: one row in the store for every mutating call, refused ones too. Loop-only.
 */
#ifndef OPS_AUDIT_H
#define OPS_AUDIT_H

#include "lodge/error.h"
#include "loop/loop.h"

#include <sys/types.h>

struct audit;
struct store;

/* Until it has a store calls are noted in the log alone. */
struct audit *audit_new(struct loop *loop);
void audit_take_store(struct audit *audit, struct store *store); /* borrowed until audit_free() */

/* Rows that wait are lost with a word in the log. Returns whether none is being written: while one
 * is, the store must not be closed (WAL makes that harmless at the end of the process). */
bool audit_free(struct audit *audit);

/* Notes a call that has been answered: `err` NULL when it was done. Returns at once; the row is
 * written by a worker. */
void audit_note(struct audit *audit, uid_t uid, pid_t pid, const char *method, const char *target,
                const struct lodge_error *err);

#endif
