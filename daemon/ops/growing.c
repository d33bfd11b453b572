/*
 * growing.c: the disks of a VM become larger, wherever its guest has them now.
 *
 * What is true is asked in the step that acts on it: is the disk still what the row says (path,
 * format), how large is it, does a guest run? One that is larger already is done, and the row takes
 * the size that was found; one that was moved is a conflict. A guest that runs has its own QEMU
 * make the disk larger; else lodged does, by descriptor. If the power goes in the middle, what is
 * large enough is passed over.
 */
#include "memory.h"
#include "ops/recipes.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

#define GIB (INT64_C(1) << 30)

static bool is_to_grow(const struct plan_disk *disk)
{
    return disk->old_gib != LODGE_UNKNOWN;
}

/* The journal of an older lodged does not say the format: its names of volumes do. */
static struct hand_disk as_recorded(const struct plan_disk *disk)
{
    const char *dot = disk->volume == NULL ? NULL : strrchr(disk->volume, '.');
    return (struct hand_disk){
        .target = disk->target,
        .path = disk->path,
        .format = disk->format != NULL                        ? disk->format
                  : dot != NULL && strcmp(dot, ".qcow2") == 0 ? "qcow2"
                                                              : "raw",
    };
}

/* It is as large as it was found, and that is charged. */
static void note_grown(struct op *op, struct plan_disk *disk, int64_t bytes)
{
    int64_t gib = bytes / GIB + (bytes % GIB != 0);
    disk->size_gib = gib > disk->size_gib ? gib : disk->size_gib;
    disk->old_gib = LODGE_UNKNOWN;
    op->plan_changed = true;
}

bool disks_check(struct op *op, struct hand *hand)
{
    bool good = true;
    for (size_t i = 0; good && i < op->plan.disks.count; i++) {
        const struct hand_disk disk = as_recorded(&op->plan.disks.items[i]);
        good = !is_to_grow(&op->plan.disks.items[i]) ||
               hand_check_disk(hand, op->uuid, &disk, &op->error);
    }
    return good;
}

static bool is_active(struct op *op, struct hand *hand, bool *ret_active)
{
    struct domain_look look;
    bool ok = hand_look(hand, op->uuid, &look, &op->error);
    *ret_active = ok && look.active;
    return ok;
}

enum growth {
    GROWTH_DONE,
    GROWTH_FAILED, /* op.error says why */
};

static enum growth grow_live(struct op *op, struct hand *hand, const char *uuid,
                             struct plan_disk *disk)
{
    int64_t bytes = 0;
    const struct hand_disk recorded = as_recorded(disk);
    if (!hand_grow_disk_live(hand, uuid, &recorded, disk->size_gib * GIB, &bytes, &op->error)) {
        return GROWTH_FAILED;
    }
    note_grown(op, disk, bytes);
    return GROWTH_DONE;
}

/* While its guest is off; what its guest has there is looked at before and after. */
static enum growth grow_file(struct op *op, struct hand *hand, struct plan_disk *disk)
{
    int64_t bytes = 0;
    const struct storage_place *place = op_place(op);
    const struct hand_disk recorded = as_recorded(disk);
    const struct volume_growth growth = {disk->volume, recorded.format, disk->size_gib};
    AUTO(free) char *path = storage_path(place, disk->volume);
    if (strcmp(path, disk->path) != 0) {
        (void)op_fail(op, LODGE_ERROR_CONFLICT,
                      "disk '%s' is %s, and this host's disks are in %s now: set its `dir` back",
                      disk->target, disk->path, place->dir);
        return GROWTH_FAILED;
    }
    if (!hand_check_disk(hand, op->uuid, &recorded, &op->error)) {
        return GROWTH_FAILED;
    }
    if (!storage_grow(hand, place, &growth, &bytes, &op->error)) {
        return GROWTH_FAILED;
    }
    note_grown(op, disk, bytes);
    bool stayed = hand_check_disk(hand, op->uuid, &recorded, &op->error);
    return stayed ? GROWTH_DONE : GROWTH_FAILED;
}

/* Somebody may start the guest meanwhile: then its QEMU has the last word, and knows the old size.
 */
static enum growth grow_one(struct op *op, struct hand *hand, struct plan_disk *disk)
{
    bool active = false;
    if (!is_active(op, hand, &active)) {
        return GROWTH_FAILED;
    }
    if (active) {
        return grow_live(op, hand, op->uuid, disk);
    }
    enum growth growth = grow_file(op, hand, disk);
    struct lodge_error why = op->error;
    op->error = (struct lodge_error){0};
    if (!is_active(op, hand, &active)) {
        return GROWTH_FAILED;
    }
    if (active) {
        return grow_live(op, hand, op->uuid, disk);
    }
    op->error = why;
    return growth;
}

enum step_end disks_grow(struct op *op, struct hand *hand)
{
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        struct plan_disk *disk = &op->plan.disks.items[i];
        if (is_to_grow(disk) && grow_one(op, hand, disk) != GROWTH_DONE) {
            return op_end(op, false);
        }
        op->error = (struct lodge_error){0};
    }
    return STEP_DONE;
}
