/*
 * delete.c: a VM with everything that lodge made for it. It goes only forward: what is half deleted
 * is of no use to anybody. If the power goes after …
 *   reserve    the row says deleting: it goes on
 *   undefine   nobody restarts the guest any more
 *   destroy    it is off
 *   volumes    names that are gone are passed over
 */
#include "host/storage/leavings.h"
#include "log.h"
#include "memory.h"
#include "ops/recipes.h"
#include "scope.h"

#include <stdlib.h>

enum { GONE_S = 20 };

static bool is_not_hung(const struct op *op)
{
    return !op->plan.hung;
}

static void take_leaving(struct op *op, const struct leaving *leaving, const size_t *places)
{
    struct plan_disk *disk = leaving->on < 0 ? NULL : &op->plan.disks.items[places[leaving->on]];
    op->plan_changed = true;
    if (leaving->path == NULL) {
        if (disk != NULL && !disk->kept) {
            disks_keep(disk, "an image of the VM is based on it");
        }
        return;
    }
    plan_leave(&op->plan, leaving->path, "lodge did not make it");
    if (disk != NULL) {
        AUTO(free) char *why = xasprintf("%s is based on it", leaving->path);
        disks_keep(disk, why);
    }
}

static void keep_all(struct op *op, const char *doubt)
{
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        if (!op->plan.disks.items[i].kept) {
            disks_keep(&op->plan.disks.items[i], doubt);
        }
    }
    op->plan_changed = true;
}

/* What of the VM stays behind is written down before its definition is gone. */
static bool note_leavings(struct op *op, struct host_conn *conn)
{
    struct leavings leavings;
    AUTO(free) size_t *places = xcalloc(op->plan.disks.count + 1, sizeof *places);
    bool good = disks_leavings(op, conn, &leavings, places);
    for (size_t i = 0; good && i < leavings.count; i++) {
        take_leaving(op, &leavings.items[i], places);
    }
    if (good && leavings.doubt != NULL) {
        keep_all(op, leavings.doubt);
    }
    leavings_clear(&leavings);
    return good;
}

/* On the worker, before anything is recorded: what it finds is in the journal from the first. A
 * hung guest's files are looked at later: this is the rescue connection's worker then, which must
 * not wait for a file. */
static bool deletion_check(struct op *op, struct host_conn *conn)
{
    op->is_looked = !op->plan.hung && note_leavings(op, conn);
    return op->is_looked || (op->plan.hung && op_tpm_may_go(op, conn));
}

/* Much may have been put on top of its disks while the host, or lodged, was away. */
static bool deletion_look(struct op *op, struct host_conn *conn)
{
    return (op->is_looked && !op->may_have_run) || note_leavings(op, conn);
}

static enum step_end deletion_destroy(struct op *op, struct host_conn *conn)
{
    return domain_destroy(conn, op->uuid, &op->error) ? STEP_WAIT : op_end(op, false);
}

static enum wait_end is_off(struct op *op)
{
    const struct vm *vm = op_vm(op);
    return vm == NULL || !vm_is_active(vm) ? WAIT_OVER : WAIT_ON;
}

static enum wait_end is_gone(struct op *op)
{
    const struct vm *vm = op_vm(op);
    return vm == NULL || !vm->present ? WAIT_OVER : WAIT_ON;
}

/* A running one turns transient: it ends with its QEMU. One whose QEMU hangs, which nobody knew
 * when this began, lets nobody at its job (libvirt.md 2): it is forced off first. */
static enum step_end deletion_undefine(struct op *op, struct host_conn *conn)
{
    enum step_end end = op_undefine(op, conn);
    if (end == STEP_FAILED && op->error.kind == LODGE_ERROR_TIMEOUT) {
        op->error = (struct lodge_error){0};
        end =
            domain_destroy(conn, op->uuid, &op->error) ? op_undefine(op, conn) : op_end(op, false);
    }
    return end;
}

static enum step_end deletion_remove_volumes(struct op *op, struct host_conn *conn)
{
    enum step_end end = disks_remove(op, conn);
    if (end == STEP_DONE) {
        disks_tell_kept(op);
    }
    return end;
}

static const struct step steps[] = {
    {.name = "silence",
     .where = ON_RESCUE,
     .skips = is_not_hung,
     .run = deletion_destroy,
     .happened = is_off,
     .awaits = "the guest to be off",
     .wait_s = GONE_S,
     .late_is_fine = true},
    {.name = "undefine", .where = ON_HOST, .look = deletion_look, .run = deletion_undefine},
    {.name = "destroy",
     .where = ON_RESCUE,
     .run = deletion_destroy,
     .happened = is_gone,
     .awaits = "the domain to be gone",
     .wait_s = GONE_S,
     .late_is_fine = true},
    {.name = "volumes",
     .where = ON_HOST,
     .insists = true,
     .prepare = disks_mark_used,
     .asks = disks_ask,
     .run = deletion_remove_volumes},
};

static enum vm_effect deletion_ends(const struct op *op, enum lodge_op_state state,
                                    struct vm_row *row)
{
    (void)op;
    (void)row;
    return state == LODGE_OP_DONE ? VM_REMOVE : VM_READY;
}

const struct recipe delete_recipe = {
    .kind = "vm.delete",
    .steps = steps,
    .count = ARRAY_LENGTH(steps),
    .begins = VM_DELETING,
    .check = deletion_check,
    .ends = deletion_ends,
};
