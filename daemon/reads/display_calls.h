/*
 * display_calls: calls that ask a guest's QEMU for its display: for a picture of it, or for a
 * connection to its VNC server. Each is answered within 2 s, with an error if need be. Loop-only.
 *
 * A QEMU that hangs keeps the call that asked it. Its callers are answered at the deadline, the
 * call is lost until it returns, and until then nobody asks that guest again: at most one call per
 * guest and HOST_SCREEN_CALLS per host are ever out, and what these hold up is said at once.
 */
#ifndef READS_DISPLAY_CALLS_H
#define READS_DISPLAY_CALLS_H

#include "buffer.h"
#include "lodge/error.h"
#include "ops/ops.h"

struct glance_result {
    struct buffer base64; /* a picture */
    int fd;               /* a connection, else -1: who is answered takes it by leaving -1 */
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

/* The PNG as base64. Who asks for a guest that is being asked gets the same picture. `answer` comes
 * exactly once, now or later. */
void shots_take(struct ops *ops, const struct glance_at *at, glance_fn *answer, void *data);

/* A connected socket, non-blocking and close-on-exec, which has said nothing yet; the same. */
void screens_open(struct ops *ops, const struct glance_at *at, glance_fn *answer, void *data);

/* reads.c's. */
struct display_calls;
struct display_calls *display_calls_new(struct loop *loop);

/* Who waits is told that lodged leaves; no more starts. */
void display_calls_close(struct display_calls *calls);

#endif
