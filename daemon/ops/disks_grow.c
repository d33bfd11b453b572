/*
 * disks_grow.c: the disks of a VM become larger, wherever its guest has them now.
 *
 * What is true is asked in the step that acts on it: is the disk still what the row says (path,
 * format), how large is it, does a guest run? One that is larger already is done, and the row takes
 * the size that was found; one that was moved is a conflict. A guest that runs has its own QEMU
 * make the disk larger; else lodged does, by descriptor. What lodged may not open, the QEMU of a
 * stand-in does (host/guest/stand_in.h).
 *
 * If the power goes after …
 *   grow        what is large enough is passed over
 *   stand_in    the stand-in ends with lodged's connection, or is ended and made again
 *   stretch     as after stand_in
 *   stand_down  nothing is left of it
 */
#include "host/guest/stand_in.h"
#include "log.h"
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
static struct disk_row as_recorded(const struct plan_disk *disk)
{
    const char *dot = disk->volume == NULL ? NULL : strrchr(disk->volume, '.');
    return (struct disk_row){
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

bool disks_check(struct op *op, struct host_conn *conn)
{
    bool good = true;
    for (size_t i = 0; good && i < op->plan.disks.count; i++) {
        const struct disk_row disk = as_recorded(&op->plan.disks.items[i]);
        good = !is_to_grow(&op->plan.disks.items[i]) ||
               domain_check_disk(conn, op->uuid, &disk, &op->error);
    }
    return good;
}

static bool is_active(struct op *op, struct host_conn *conn, bool *ret_active)
{
    struct domain_look look;
    bool ok = domain_look(conn, op->uuid, &look, &op->error);
    *ret_active = ok && look.active;
    return ok;
}

enum growth {
    GROWTH_DONE,
    GROWTH_FAILED, /* op.error says why … */
    GROWTH_HIDDEN, /* … and that lodged may not open the file */
};

static enum growth grow_live(struct op *op, struct host_conn *conn, const char *uuid,
                             struct plan_disk *disk)
{
    int64_t bytes = 0;
    const struct disk_row recorded = as_recorded(disk);
    if (!domain_grow_disk_live(conn, uuid, &recorded, disk->size_gib * GIB, &bytes, &op->error)) {
        return GROWTH_FAILED;
    }
    note_grown(op, disk, bytes);
    return GROWTH_DONE;
}

/* While its guest is off; what its guest has there is looked at before and after. */
static enum growth grow_file(struct op *op, struct host_conn *conn, struct plan_disk *disk)
{
    int64_t bytes = 0;
    const struct storage_place *place = op_place(op);
    const struct disk_row recorded = as_recorded(disk);
    const struct volume_growth growth = {disk->volume, recorded.format, disk->size_gib};
    AUTO(free) char *path = storage_path(place, disk->volume);
    if (strcmp(path, disk->path) != 0) {
        (void)op_fail(op, LODGE_ERROR_CONFLICT,
                      "disk '%s' is %s, and this host's disks are in %s now: set its `dir` back",
                      disk->target, disk->path, place->dir);
        return GROWTH_FAILED;
    }
    if (!domain_check_disk(conn, op->uuid, &recorded, &op->error)) {
        return GROWTH_FAILED;
    }
    if (!storage_grow(conn, place, &growth, &bytes, &op->error)) {
        return op->error.kind == LODGE_ERROR_DENIED ? GROWTH_HIDDEN : GROWTH_FAILED;
    }
    note_grown(op, disk, bytes);
    bool stayed = domain_check_disk(conn, op->uuid, &recorded, &op->error);
    return stayed ? GROWTH_DONE : GROWTH_FAILED;
}

/* Somebody may start the guest meanwhile: then its QEMU has the last word, and knows the old size.
 */
static enum growth grow_one(struct op *op, struct host_conn *conn, struct plan_disk *disk)
{
    bool active = false;
    if (!is_active(op, conn, &active)) {
        return GROWTH_FAILED;
    }
    if (active) {
        return grow_live(op, conn, op->uuid, disk);
    }
    enum growth growth = grow_file(op, conn, disk);
    struct lodge_error why = op->error;
    op->error = (struct lodge_error){0};
    if (!is_active(op, conn, &active)) {
        return GROWTH_FAILED;
    }
    if (active) {
        return grow_live(op, conn, op->uuid, disk);
    }
    op->error = why;
    return growth;
}

/* The step after this one is to have a stand-in. */
static enum step_end want_stand_in(struct op *op, struct host_conn *conn, const char *why)
{
    char uuid[37];
    if (host_conn_traits(conn).is_embedded) {
        return op_fail(
            op, LODGE_ERROR_UNSUPPORTED,
            "%s; lodged's own QEMU could not open it either: give their account the file", why);
    }
    stand_in_uuid(uuid);
    free(op->plan.stand_in);
    op->plan.stand_in = xstrdup(uuid);
    op->plan_changed = true;
    return STEP_DONE;
}

enum step_end disks_grow(struct op *op, struct host_conn *conn)
{
    struct lodge_error hidden = {0};
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        struct plan_disk *disk = &op->plan.disks.items[i];
        enum growth growth = is_to_grow(disk) ? grow_one(op, conn, disk) : GROWTH_DONE;
        if (growth == GROWTH_FAILED) {
            return op_end(op, false);
        }
        hidden = growth == GROWTH_HIDDEN ? op->error : hidden;
        op->error = (struct lodge_error){0};
    }
    return hidden.kind == LODGE_ERROR_NONE ? STEP_DONE : want_stand_in(op, conn, hidden.message);
}

bool disks_need_no_stand_in(const struct op *op)
{
    return op->plan.stand_in == NULL;
}

/* With all disks that are still to grow. */
static bool start_stand_in(struct op *op, struct host_conn *conn)
{
    size_t count = 0;
    AUTO(free) struct disk_row *disks = xcalloc(op->plan.disks.count + 1, sizeof *disks);
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        if (is_to_grow(&op->plan.disks.items[i])) {
            disks[count++] = as_recorded(&op->plan.disks.items[i]);
        }
    }
    return disks_check(op, conn) &&
           stand_in_start(conn, op->plan.stand_in, op->id, disks, count, &op->error);
}

/* QEMU's lock may have refused it: then somebody has started the guest since we looked. */
static enum step_end started_meanwhile(struct op *op, struct host_conn *conn)
{
    bool active = false;
    struct lodge_error why = op->error;
    op->error = (struct lodge_error){0};
    if (is_active(op, conn, &active) && active) {
        free(TAKE(op->plan.stand_in));
        op->plan_changed = true;
        return disks_grow(op, conn);
    }
    op->error = op->error.kind == LODGE_ERROR_NONE ? why : op->error;
    return op_end(op, false);
}

/* One that a lodged before us has left is ended: libvirt may be about to do that, too. */
enum step_end disks_lend(struct op *op, struct host_conn *conn)
{
    if (op->may_have_run && !domain_destroy(conn, op->plan.stand_in, &op->error)) {
        return op_end(op, false);
    }
    return start_stand_in(op, conn) ? STEP_DONE : started_meanwhile(op, conn);
}

static bool stretch(struct op *op, struct host_conn *conn)
{
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        struct plan_disk *disk = &op->plan.disks.items[i];
        const struct disk_row recorded = as_recorded(disk);
        if (is_to_grow(disk) && (grow_live(op, conn, op->plan.stand_in, disk) != GROWTH_DONE ||
                                 !domain_check_disk(conn, op->uuid, &recorded, &op->error))) {
            return false;
        }
    }
    return true;
}

enum step_end disks_stretch(struct op *op, struct host_conn *conn)
{
    struct domain_look look;
    if (!domain_look(conn, op->plan.stand_in, &look, &op->error)) {
        return op_end(op, false);
    }
    if (op->may_have_run || !look.active) {
        enum step_end end = disks_lend(op, conn);
        if (end != STEP_DONE || op->plan.stand_in == NULL) {
            return end;
        }
    }
    if (stretch(op, conn)) {
        return STEP_DONE;
    }
    /* A failure ends the operation here: the stand-in goes before. If it does not, libvirt ends it
     * with this connection, or autodestroy.c does. */
    struct lodge_error later = {0};
    enum step_end end = op_end(op, false);
    if (end == STEP_FAILED && !domain_destroy(conn, op->plan.stand_in, &later)) {
        log_warning(LOG_OPS, "operation %lld leaves the guest %s behind: %s", (long long)op->id,
                    op->plan.stand_in, later.message);
    }
    return end;
}

enum step_end disks_stand_down(struct op *op, struct host_conn *conn)
{
    return op_end(op, domain_destroy(conn, op->plan.stand_in, &op->error));
}
