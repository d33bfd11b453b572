/*
 * disk_seals.c: whether anybody has written to the disks of a creation since they were made.
 *
 * libvirt's words for a guest that lodge started paused, and for one that somebody ran and paused
 * or forced off, are the same (life.c). What is on the disks is not: what each file was like when
 * it was made is in the journal. On a worker that may wait for files.
 */
#include "ops/disk_seals.h"

#include "host/storage/leavings.h"
#include "host/storage/storage.h"
#include "memory.h"
#include "ops/recipes.h"
#include "scope.h"

#include <stdlib.h>

void disk_seals_set(struct op *op, const struct host_conn *conn)
{
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        struct plan_disk *disk = &op->plan.disks.items[i];
        free(disk->seal);
        disk->seal = storage_seal(conn, op_place(op), disk->volume);
        op->plan_changed = true;
    }
}

/* Nothing that lodge or libvirt does with a guest that never ran writes to its disks. Another file
 * of that name has come late, from a call that libvirtd had still queued. */
bool disk_seal_is_broken(const struct op *op, const struct host_conn *conn,
                         const struct plan_disk *disk)
{
    AUTO(free) char *now = storage_seal(conn, op_place(op), disk->volume);
    return now != NULL && disk->seal != NULL && storage_seal_is_broken(disk->seal, now);
}

/* Where the domain is there and the disk is not to be seen, its folder may be away: only of a
 * domain that comes late are the disks gone. */
static bool is_touched(const struct op *op, const struct host_conn *conn,
                       const struct plan_disk *disk)
{
    AUTO(free) char *now = storage_seal(conn, op_place(op), disk->volume);
    if (disk->seal == NULL) {
        return false;
    }
    return now == NULL ? !op->is_debris : storage_seal_is_broken(disk->seal, now);
}

bool disk_seals_look(struct op *op, struct host_conn *conn, bool *ret_touched)
{
    struct leavings leavings;
    AUTO(free) size_t *places = xcalloc(op->plan.disks.count + 1, sizeof *places);
    if (!disks_leavings(op, conn, &leavings, places)) {
        return false;
    }
    *ret_touched = leavings.count > 0 || leavings.doubt != NULL;
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        *ret_touched |= is_touched(op, conn, &op->plan.disks.items[i]);
    }
    leavings_clear(&leavings);
    return true;
}
