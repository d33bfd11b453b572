/* disks.c: what operations share about a VM's files. */
#include "log.h"
#include "memory.h"
#include "ops/recipes.h"
#include "registry/registry.h"

#include <stdlib.h>

static void keep(struct plan_disk *disk, const char *why)
{
    disk->kept = true;
    free(disk->why);
    disk->why = xstrdup(why);
}

void disks_mark_used(struct op *op)
{
    const struct vm *self = op_vm(op);
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        struct plan_disk *disk = &op->plan.disks.items[i];
        if (disk->path == NULL) {
            continue; /* not named yet: nobody can use it */
        }
        if (!disk->ours) {
            keep(disk, "lodge did not make it");
        } else if (registry_path_in_use(op->ops->registry, disk->path, self)) {
            keep(disk, "another VM uses it");
        }
    }
}

static enum step_end remove_file(struct op *op, struct hand *hand, const char *name, bool *ret_kept)
{
    bool was_there = false;
    *ret_kept = false;
    if (storage_remove(hand, op_place(op), name, &was_there, &op->error)) {
        if (was_there && op->is_debris) {
            log_warning(LOG_OPS, "%s of operation %lld, which was undone, came late: it is removed",
                        name, (long long)op->id);
        }
        return STEP_DONE;
    }
    if (op->error.kind == LODGE_ERROR_CONFLICT) { /* not what we made: nobody's but its maker's */
        log_warning(LOG_OPS, "operation %lld leaves %s alone: %s", (long long)op->id, name,
                    op->error.message);
        *ret_kept = true;
        return STEP_DONE;
    }
    return op_end(op, false);
}

enum step_end disks_remove(struct op *op, struct hand *hand)
{
    bool kept = false;
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        struct plan_disk *disk = &op->plan.disks.items[i];
        if (!disk->ours || disk->kept) {
            continue;
        }
        enum step_end end = remove_file(op, hand, disk->volume, &kept);
        if (end != STEP_DONE) {
            return end;
        }
        if (kept) {
            keep(disk, op->error.message);
        }
    }
    if (op->plan.serial_log == NULL) {
        return STEP_DONE;
    }
    enum step_end end = remove_file(op, hand, op->plan.serial_log, &kept);
    op->error = kept ? (struct lodge_error){0} : op->error; /* it was said */
    return end != STEP_DONE ? end
                            : op_end(op, storage_remove_rotated(hand, op_place(op),
                                                                op->plan.serial_log, &op->error));
}
