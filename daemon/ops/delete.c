/*
 * delete.c: a VM with everything that lodge made for it. It goes only forward: what is half deleted
 * is of no use to anybody. If the power goes after …
 *   reserve    the row says deleting: it goes on
 *   undefine   nobody restarts the guest any more
 *   destroy    it is off
 *   volumes    names that are gone are passed over
 */
#include "host/hand.h"
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

static enum step_end destroy(struct op *op, struct hand *hand)
{
    return hand_destroy(hand, op->uuid, &op->error) ? STEP_WAIT : op_end(op, false);
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
static enum step_end undefine(struct op *op, struct hand *hand)
{
    bool good = hand_undefine(hand, op->uuid, &op->error);
    if (!good && op->error.kind == LODGE_ERROR_TIMEOUT) {
        op->error = (struct lodge_error){0};
        good =
            hand_destroy(hand, op->uuid, &op->error) && hand_undefine(hand, op->uuid, &op->error);
    }
    return op_end(op, good);
}

static enum step_end remove_volumes(struct op *op, struct hand *hand)
{
    enum step_end end = disks_remove(op, hand);
    if (end != STEP_DONE) {
        return end;
    }
    struct buffer result = {0};
    bool first = true;
    buffer_add_text(&result, "{\"kept\":[");
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        const struct plan_disk *disk = &op->plan.disks.items[i];
        if (disk->kept && disk->path != NULL) {
            buffer_add_text(&result, first ? "{\"path\":" : ",{\"path\":");
            buffer_add_json_string(&result, disk->path);
            buffer_add_text(&result, ",\"why\":");
            buffer_add_json_string(&result, disk->why);
            buffer_add_char(&result, '}');
            first = false;
        }
    }
    buffer_add_text(&result, "]}");
    free(op->result);
    op->result = buffer_take(&result);
    return STEP_DONE;
}

static const struct step steps[] = {
    {.name = "silence",
     .where = ON_RESCUE,
     .skips = is_not_hung,
     .run = destroy,
     .happened = is_off,
     .wait_s = GONE_S,
     .late_is_fine = true},
    {.name = "undefine", .where = ON_HOST, .run = undefine},
    {.name = "destroy",
     .where = ON_RESCUE,
     .run = destroy,
     .happened = is_gone,
     .wait_s = GONE_S,
     .late_is_fine = true},
    {.name = "volumes",
     .where = ON_HOST,
     .insists = true,
     .prepare = disks_mark_used,
     .run = remove_volumes},
};

static enum vm_effect ends(const struct op *op, enum lodge_op_state state, struct vm_row *row)
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
    .ends = ends,
};
