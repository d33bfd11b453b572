/* disks.c: what operations share about a VM's files. */
#include "log.h"
#include "memory.h"
#include "ops/recipes.h"
#include "registry/registry.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>

void disks_keep(struct plan_disk *disk, const char *why)
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
            disks_keep(disk, "lodge did not make it");
        } else if (!disk->kept &&
                   registry_path_is_taken(op->ops->registry, op->host_name, disk->path, self)) {
            disks_keep(disk, "another VM uses it");
        }
    }
}

enum step_end disks_remove_file(struct op *op, struct hand *hand, const char *name,
                                struct file_end *ret_end)
{
    struct storage_removal removal = {
        .uses = op->uses,
        .takes_old = op_takes_old(op),
        .names = op->tells_names,
    };
    ret_end->kept[0] = '\0';
    if (storage_remove(hand, op_place(op), name, &removal, &op->error)) {
        if (removal.end == STORAGE_ASKS) {
            return STEP_ASK;
        }
        if (removal.end == STORAGE_KEPT) {
            (void)snprintf(ret_end->kept, sizeof ret_end->kept, "%s", removal.why);
        }
        if (removal.end == STORAGE_REMOVED && op->is_debris) {
            log_warning(LOG_OPS, "%s of operation %lld, which was undone, came late: it is removed",
                        name, (long long)op->id);
        }
    } else if (op->error.kind == LODGE_ERROR_CONFLICT) { /* nobody's but its maker's */
        (void)snprintf(ret_end->kept, sizeof ret_end->kept, "%.255s", op->error.message);
        op->error = (struct lodge_error){0}; /* it is said there */
    } else {
        return op_end(op, false);
    }
    if (ret_end->kept[0] != '\0') {
        log_warning(LOG_OPS, "operation %lld leaves %s alone: %s", (long long)op->id, name,
                    ret_end->kept);
    }
    return STEP_DONE;
}

enum step_end disks_remove(struct op *op, struct hand *hand)
{
    struct file_end file;
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        struct plan_disk *disk = &op->plan.disks.items[i];
        if (!disk->ours || disk->kept) {
            continue;
        }
        enum step_end end = disks_remove_file(op, hand, disk->volume, &file);
        if (end != STEP_DONE) {
            return end;
        }
        if (file.kept[0] != '\0') {
            disks_keep(disk, file.kept);
        }
    }
    if (op->plan.serial_log == NULL) {
        return STEP_DONE;
    }
    enum step_end end = disks_remove_file(op, hand, op->plan.serial_log, &file);
    return end != STEP_DONE ? end
                            : op_end(op, storage_remove_rotated(hand, op_place(op),
                                                                op->plan.serial_log, &op->error));
}
