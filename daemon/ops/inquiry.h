/*
 * inquiry: operations that are about to delete files wait here until it is known who uses which
 * (host/storage/uses.h). One reading serves as many as ask: while others of the same host are on
 * their way to the same question, those who are here wait for them a little. Loop-only.
 */
#ifndef OPS_INQUIRY_H
#define OPS_INQUIRY_H

#include "host/storage/uses.h"
#include "ops/op.h"

void inquiry_begin(struct op *op);

/* Something changed, or it is time: who waits for nobody is asked for, and `answered`. */
void inquiry_look(struct ops *ops, uses_fn *answered);

#endif
