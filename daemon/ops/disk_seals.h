/* disk_seals: whether a creation's disks are still as lodge made them. On a worker. */
#ifndef OPS_DISK_SEALS_H
#define OPS_DISK_SEALS_H

#include "ops/op.h"

/* They are as they are now. */
void disk_seals_set(struct op *op, const struct host_conn *conn);

/* Somebody has written to it. */
bool disk_seal_is_broken(const struct op *op, const struct host_conn *conn,
                         const struct plan_disk *disk);

/* Of one whose domain is there: whether anybody has written to a disk, or put something that is not
 * lodge's on top of one or beside it. False with op.error. */
bool disk_seals_look(struct op *op, struct host_conn *conn, bool *ret_touched) LODGE_MUST_CHECK;

#endif
