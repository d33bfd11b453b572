/*
 * stand_in: a guest that takes the place of one that is off, has its disks and nothing else of it,
 * and is started paused: no instruction runs. Its QEMU grows what lodged may not open. Worker-only.
 *
 * The VM itself stays off, for everybody: neither its network nor its managed save nor what else
 * its definition has is touched, and QEMU's lock on the disks keeps it from being started
 * meanwhile.
 */
#ifndef HOST_STAND_IN_H
#define HOST_STAND_IN_H

#include "host/guest/domain.h"

/* A uuid for one; on record before it is made, so that who comes after a kill can end it. */
void stand_in_uuid(char ret_uuid[static 37]);

/* Transient; libvirt ends it with this connection. `op` is the operation that it is for, the disks
 * are used at their targets, in their formats, without what their headers may name below. Its disks
 * grow by domain_grow_disk_live(), domain_destroy() ends it. */
bool stand_in_start(struct host_conn *conn, const char *uuid, int64_t op,
                    const struct disk_row *disks, size_t count, struct lodge_error *err)
    LODGE_MUST_CHECK;

#endif
