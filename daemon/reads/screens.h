/*
 * screens: connections to guests' VNC servers, each within 2 s or an error (glances.h). Loop-only.
 */
#ifndef READS_SCREENS_H
#define READS_SCREENS_H

#include "reads/glances.h"

/* The answer has a connected socket, non-blocking and close-on-exec, which has said nothing yet. */
void screens_open(struct ops *ops, const struct glance_at *at, glance_fn *answer, void *data);

#endif
