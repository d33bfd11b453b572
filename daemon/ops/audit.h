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
void audit_take_store(struct audit *audit, struct store *store); /* borrowed */

/* When the loop has run out, before the store is closed: waits a moment for rows that are to be
 * written; those that are not then are counted in the log. Nothing is freed. */
bool audit_finish(struct audit *audit);

/* Notes a call that has been answered: `err` NULL when it was done. Returns at once; the row is
 * written by a worker. */
void audit_note(struct audit *audit, uid_t uid, pid_t pid, const char *method, const char *target,
                const struct lodge_error *err);

#endif
