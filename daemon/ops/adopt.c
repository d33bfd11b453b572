/* adopt: the recipes that are about a VM's row alone: a domain that lodge did not make gets one
 * (vm.adopt), or a VM's is forgotten (vm.forget). */
#include "host/guest/domain.h"
#include "log.h"
#include "ops/recipes.h"
#include "scope.h"
#include "store/store.h"

/* What an undone creation has left, and came late, is no debris any more: its own mark says so. Of
 * a domain that lodge did not make nothing is changed. */
static enum step_end adoption_mark(struct op *op, struct host_conn *conn)
{
    const char *installation = store_installation(op->ops->fleet->store);
    if (domain_commit_mark(conn, op->uuid, installation, &op->error)) {
        return STEP_DONE;
    }
    if (op->error.kind == LODGE_ERROR_HOST_DOWN) {
        return STEP_LOST;
    }
    log_warning(LOG_OPS, "operation %lld: %s", (long long)op->id, op->error.message);
    return STEP_DONE;
}

/* How large the disks are is libvirt's to say: they are not lodge's. What it cannot tell stays
 * unknown. */
static bool adoption_check(struct op *op, struct host_conn *conn)
{
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        struct plan_disk *disk = &op->plan.disks.items[i];
        struct lodge_error err = {0};
        int64_t bytes = 0;
        if (domain_disk_size(conn, op->uuid, disk->target, &bytes, &err)) {
            disk->size_gib = (bytes + (INT64_C(1) << 30) - 1) >> 30;
        } else {
            log_info(LOG_OPS, "the size of %s of '%s' is not known: %s", disk->target,
                     op->plan.name, err.message);
        }
    }
    return true;
}

static const struct step adopt_steps[] = {
    {.name = "record", .where = ON_HOST},
    {.name = "mark", .where = ON_HOST, .run = adoption_mark},
};

static const struct step forget_steps[] = {
    {.name = "record", .where = ON_STORE},
};

static enum vm_effect adoption_ends(const struct op *op, enum lodge_op_state state,
                                    struct vm_row *row)
{
    (void)op;
    (void)state;
    (void)row;
    return VM_KEEP;
}

static enum vm_effect forgetting_ends(const struct op *op, enum lodge_op_state state,
                                      struct vm_row *row)
{
    (void)op;
    (void)row;
    return state == LODGE_OP_DONE ? VM_REMOVE : VM_KEEP;
}

const struct recipe adopt_recipe = {
    .kind = "vm.adopt",
    .steps = adopt_steps,
    .count = ARRAY_LENGTH(adopt_steps),
    .begins = VM_ADOPT,
    .check = adoption_check,
    .ends = adoption_ends,
};

const struct recipe forget_recipe = {
    .kind = "vm.forget",
    .steps = forget_steps,
    .count = ARRAY_LENGTH(forget_steps),
    .ends_deletion = true,
    .ends = forgetting_ends,
};
