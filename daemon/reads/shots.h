/*
 * shots: pictures of guests' screens, each within 2 s or an error (glances.h). Loop-only.
 */
#ifndef READS_SHOTS_H
#define READS_SHOTS_H

#include "reads/glances.h"

/* The answer has the PNG as base64. Who asks for a guest that is being asked gets the same picture.
 */
void shots_take(struct ops *ops, const struct glance_at *at, glance_fn *answer, void *data);

#endif
