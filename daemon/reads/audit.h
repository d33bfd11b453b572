/*
 * audit: one row in the store for every call that changed something, and for refusals summed ones.
 * Loop-only.
 *
 * What waits to be written is bounded: of one user, and of all. Whoever has filled it is to be
 * asked for no more until there is room (audit_is_full); refusals that come all the same are summed
 * without their targets. What was done has its row in any case.
 */
#ifndef READS_AUDIT_H
#define READS_AUDIT_H

#include "lodge/error.h"
#include "loop/loop.h"

#include <sys/types.h>

struct audit;
struct audit_row; /* store/store.h */
struct store;

enum {
    AUDIT_PER_USER = 256, /* rows of one uid that wait */
    AUDIT_IN_ALL = 4096,  /* after that a uid has but AUDIT_SHARE */
    AUDIT_SHARE = 16,
};

/* Until it has a store calls are noted in the log alone. */
struct audit *audit_new(struct loop *loop);
void audit_take_store(struct audit *audit, struct store *store); /* borrowed */

/* When the loop has run out, before the store is closed: waits a moment for rows that are to be
 * written; those that are not then are counted in the log. Nothing is freed. */
bool audit_finish(struct audit *audit);

/* For tests: after audit_finish(). */
void audit_free(struct audit *audit);

struct audit_call {
    uid_t uid;
    pid_t pid;
    const char *method; /* a table's */
    const char *target; /* "" without one */
    const char *params; /* what is kept of them, as a JSON object; NULL: nothing */
    int64_t op;         /* that it began or was about; 0: none */
};

/* The row of a call that is being done now, for the transaction of its change. Texts are borrowed.
 */
struct audit_row audit_row_of(const struct audit_call *call);

/* Notes a call that was refused. Returns at once. */
void audit_refused(struct audit *audit, const struct audit_call *call,
                   const struct lodge_error *err);

/* Notes a call that was done; `written(data)`, later, when its row is on disk, or cannot be
 * written: the log says so. Never when lodged leaves before. */
typedef void audit_fn(void *data);
void audit_done(struct audit *audit, const struct audit_call *call, audit_fn *written, void *data);

/* Whether this user has as many rows waiting as it may have. Cheap. */
bool audit_is_full(const struct audit *audit, uid_t uid);

/* `room(owner)` whenever somebody for whom it was full has room again. One listener. */
void audit_on_room(struct audit *audit, audit_fn *room, void *owner);

#endif
