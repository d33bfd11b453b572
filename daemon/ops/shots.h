/*
 * shots: pictures of guests' screens, each within 2 s or an error. Loop-only.
 *
 * A QEMU that hangs keeps the call that asked it. Its callers are answered at the deadline, the
 * call is lost until it returns, and until then nobody asks that guest again: at most one call per
 * guest and HOST_SCREEN_CALLS per host are ever out, and what these hold up is said at once.
 */
#ifndef OPS_SHOTS_H
#define OPS_SHOTS_H

#include "buffer.h"
#include "lodge/error.h"
#include "ops/ops.h"

/* The PNG as base64, borrowed for the call; or NULL with the error: BAD_STATE, UNSUPPORTED,
 * UNRESPONSIVE, BUSY (others that hang hold every call), TOO_MANY, TIMEOUT, HOST_DOWN. */
typedef void shots_fn(void *data, const struct buffer *base64, const struct lodge_error *error);

/* `answer` comes exactly once, now or later. Who asks for a guest that is being asked gets the same
 * picture. `name` is what the guest is called in errors. */
void shots_take(struct ops *ops, const char *host, const char *uuid, const char *name,
                shots_fn *answer, void *data);

/* ops.c's. */
struct shots;
struct shots *shots_new(struct loop *loop);
void shots_close(struct shots *shots); /* who waits is told that lodged leaves; no more starts */
void shots_free(struct shots *shots);  /* after the hosts; what is lost in a call stays behind */

#endif
