/*
 * glances: calls that ask a guest's QEMU for its screen, each answered within 2 s. Loop-only. For
 * shots.h (pictures) and screens.h (connections), which say what is asked.
 *
 * A QEMU that hangs keeps the call that asked it. Its callers are answered at the deadline, the
 * call is lost until it returns, and until then nobody asks that guest again: at most one call per
 * guest and HOST_SCREEN_CALLS per host are ever out, and what these hold up is said at once.
 */
#ifndef OPS_GLANCES_H
#define OPS_GLANCES_H

#include "buffer.h"
#include "host/guest/domain.h"
#include "lodge/error.h"
#include "ops/ops.h"

/* Callers that may share one glance. */
enum { GLANCE_CALLERS_MAX = 8 };

struct glance_result {
    struct buffer base64; /* a picture */
    int fd;               /* a connection, else -1: who is answered takes it by leaving -1 */
};

struct glance_kind {
    const char *noun; /* "picture": what QEMU did not give */
    bool is_shared;   /* the same result is good for all who ask meanwhile */
    bool (*look)(struct host_conn *conn, const char *uuid, struct glance_result *ret_result,
                 struct lodge_error *err); /* on a worker */
};

/* Whose screen; `name` is what it is called in errors. */
struct glance_at {
    const char *host;
    const char *uuid;
    const char *name;
};

/* `result` is borrowed for the call but for its descriptor; NULL with the error: BAD_STATE,
 * UNSUPPORTED, UNRESPONSIVE, BUSY (others that hang hold every call), TOO_MANY, TIMEOUT, HOST_DOWN.
 */
typedef void glance_fn(void *data, struct glance_result *result, const struct lodge_error *error);

/* `answer` comes exactly once, now or later. */
void glances_take(struct ops *ops, const struct glance_kind *kind, const struct glance_at *at,
                  glance_fn *answer, void *data);

/* ops.c's. */
struct glances;
struct glances *glances_new(struct loop *loop);
void glances_close(
    struct glances *glances); /* who waits is told that lodged leaves; no more starts */

#endif
