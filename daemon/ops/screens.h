/*
 * screens: connections to guests' VNC servers, each within 2 s or an error (glances.h). Loop-only.
 */
#ifndef OPS_SCREENS_H
#define OPS_SCREENS_H

#include "ops/glances.h"

/* The answer has a connected socket, non-blocking and close-on-exec, which has said nothing yet. */
void screens_open(struct ops *ops, const struct glance_at *at, glance_fn *answer, void *data);

#endif
