/*
 * op.c: what every file of ops/ asks of an operation and does to it: where it stands in its recipe
 * and where that goes on, how a step ends, what its VM's row is to be. It calls nothing that would
 * move an operation. Whose it is at the time is whose calls it (op.h).
 */
#include "ops/op.h"

#include "host/host.h"
#include "host/storage/uses.h"
#include "log.h"
#include "memory.h"
#include "ops/rate.h"
#include "scope.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum step_end op_end(struct op *op, bool ok)
{
    if (ok) {
        return STEP_DONE;
    }
    return op->error.kind == LODGE_ERROR_HOST_DOWN           ? STEP_LOST
           : op->error.kind == LODGE_ERROR_STORE_UNAVAILABLE ? STEP_STALLED
                                                             : STEP_FAILED;
}

enum step_end op_fail(struct op *op, enum lodge_error_kind kind, const char *format, ...)
{
    char message[sizeof op->error.message];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    op->error = (struct lodge_error){0};
    (void)lodge_fail(&op->error, kind, "%s", message);
    return STEP_FAILED;
}

bool op_check_persistent(struct op *op, struct host_conn *conn)
{
    struct domain_look look;
    if (!domain_look(conn, op->uuid, &look, &op->error)) {
        return false;
    }
    return !look.present || look.persistent ||
           lodge_fail(
               &op->error, LODGE_ERROR_UNSUPPORTED,
               "'%s' is transient: it has no definition that could be kept, and is gone when "
               "it ends (virsh define makes it persistent)",
               op->plan.name);
}

void op_write_list(struct buffer *result, const char *name, const struct lodge_strings *list)
{
    buffer_add_json_string(result, name);
    buffer_add_text(result, ":[");
    for (size_t i = 0; i < list->count; i++) {
        buffer_add_text(result, i > 0 ? "," : "");
        buffer_add_json_string(result, list->items[i]);
    }
    buffer_add_text(result, "]");
}

void op_note(struct op *op, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    plan_note(&op->plan, text);
}

bool op_uses(struct op *op, struct host_conn *conn, const struct uses **ret_uses, bool *ret_own)
{
    enum { OFTEN = 4 };
    bool is_old = op->uses == NULL || uses_are_old(op->uses, conn);
    if (is_old && op->asked >= OFTEN && op->own_uses == NULL) {
        op->own_uses = uses_read_now(conn, op_place(op), &op->error);
        if (op->own_uses == NULL) {
            return false;
        }
    }
    *ret_own = is_old && op->own_uses != NULL;
    *ret_uses = *ret_own ? op->own_uses : is_old ? NULL : op->uses;
    return true;
}

const struct storage_place *op_place(const struct op *op)
{
    return &fleet_find(op->ops->fleet, op->host_name)->place;
}

struct vm *op_vm(const struct op *op)
{
    return registry_find_vm(op->ops->registry, op->host_name, op->uuid);
}

void op_fill_row(const struct op *op, bool end, struct vm_row *row, struct disk_row **ret_disks)
{
    const struct plan *plan = &op->plan;
    struct disk_row *disks = xcalloc(plan->disks.count + 1, sizeof *disks);
    int64_t disk_gib = 0;
    for (size_t i = 0; i < plan->disks.count; i++) {
        const struct plan_disk *disk = &plan->disks.items[i];
        disks[i] = (struct disk_row){
            .target = disk->target,
            .pool = plan->pool == NULL ? "" : plan->pool,
            .volume = disk->volume == NULL ? "" : disk->volume,
            .path = disk->path,
            .format = disk->format,
            .size_gib = end && disk->old_gib >= 0 ? disk->old_gib : disk->size_gib,
            .ours = disk->ours,
        };
        disk_gib += disk->ours && disks[i].size_gib > 0 ? disks[i].size_gib : 0;
    }
    *row = (struct vm_row){
        .host = op->host_name,
        .uuid = op->uuid,
        .name = plan->name,
        .owner = (uid_t)plan->owner,
        .vcpus = plan->vcpus,
        .memory_mib = plan->memory_mib,
        .disk_gib = disk_gib,
        .disks = disks,
        .disk_count = plan->disks.count,
        .macs = (const char *const *)&plan->mac,
        .mac_count = plan->mac == NULL ? 0 : 1,
        .serial_log = plan->serial_log,
    };
    *ret_disks = disks;
}

const struct step *op_step(const struct op *op)
{
    return &op->recipe->steps[op->at];
}

bool op_is_over(const struct op *op)
{
    return op->undoing ? op->at < 0 : (size_t)op->at == op->recipe->count;
}

/* The next step forward, or the next back that has something to undo. */
void op_move_on(struct op *op)
{
    op->noted = false;
    op->may_have_run = false;
    if (!op->undoing) {
        do {
            op->at++;
        } while (!op_is_over(op) && op_step(op)->skips != NULL && op_step(op)->skips(op));
        return;
    }
    do {
        op->at--;
    } while (op->at >= 0 && op_step(op)->undo == NULL);
}

enum step_where op_lane(const struct op *op)
{
    return op->undoing ? op_step(op)->undo_where : op_step(op)->where;
}

bool op_wants_to_stop(struct op *op)
{
    return atomic_load(&op->cancelled) && !op->undoing && !op->committed && op->recipe->can_cancel;
}

/* Undoing always begins at the recipe's last step that has an undo: each looks whether there is
 * anything of it, and somebody else may have started what we only defined. */
ssize_t last_undo(const struct recipe *recipe)
{
    ssize_t at = (ssize_t)recipe->count - 1;
    while (at >= 0 && recipe->steps[at].undo == NULL) {
        at--;
    }
    return at;
}

void op_turn_back(struct op *op)
{
    op->undoing = true;
    free(op->plan.turned);
    op->plan.turned = xstrdup(op_step(op)->name);
    op->at = op->is_untouched ? -1 : last_undo(op->recipe);
    op->noted = false;
    op->plan_changed = true;
    op->plan.error_kind = (int64_t)op->failure.kind;
    free(op->plan.error);
    op->plan.error = xstrdup(op->failure.message);
}

void op_leave_alone(struct op *op)
{
    op->left_alone = true;
    op->committed = true; /* nothing of it is undone */
    op->undoing = false;
    op->was_cancelled = false;
    op->at = (ssize_t)op->recipe->count;
    op->failure = (struct lodge_error){0};
    (void)lodge_fail(&op->failure, LODGE_ERROR_CANCELLED,
                     "it was under way in a database that was put back from a copy: nothing of it "
                     "was undone or gone on with, '%.64s' is left as it was found",
                     op->plan.name == NULL ? op->uuid : op->plan.name);
}

enum lodge_op_state op_final_state(const struct op *op)
{
    return op->was_cancelled                      ? LODGE_OP_CANCELLED
           : op->failure.kind != LODGE_ERROR_NONE ? LODGE_OP_FAILED
                                                  : LODGE_OP_DONE;
}

/* What was charged for is charged on: whether it is there is not known. */
enum vm_effect op_effect(const struct op *op, struct vm_row *row)
{
    if (!op->left_alone) {
        return op->recipe->ends(op, op_final_state(op), row);
    }
    enum vm_effect begun = op->recipe->begins;
    return begun == VM_INSERT || begun == VM_DELETING ? VM_READY : VM_KEEP;
}

bool op_host_is_read(const struct op *op)
{
    struct registry_host *host = registry_find_host(op->ops->registry, op->host_name);
    return op->host != NULL && host != NULL && host->facts.synced_at != 0;
}

void ops_note_last(struct ops *ops, int64_t id)
{
    int64_t last = atomic_load(&ops->last_op);
    while (last < id && !atomic_compare_exchange_weak(&ops->last_op, &last, id)) {
    }
}
