/* orphan.c: what the standing comparison found and nobody owns is deleted, on an admin's word and
 * nothing else: a domain with our mark and no row, or a volume of our naming that no row and no
 * domain has. Each is looked at again right before. */
#include "memory.h"
#include "ops/recipes.h"
#include "registry/registry.h"
#include "scope.h"
#include "store/store.h"

#include <string.h>

static bool is_volume(const struct op *op)
{
    return op->plan.disks.count > 0;
}

static bool is_domain(const struct op *op)
{
    return op->plan.disks.count == 0;
}

static enum step_end orphan_undefine(struct op *op, struct host_conn *conn)
{
    struct domain_look found;
    if (!domain_look(conn, op->uuid, &found, &op->error)) {
        return op_end(op, false);
    }
    if (found.present &&
        strcmp(found.installation, store_installation(op->ops->fleet->store)) != 0) {
        return op_fail(op, LODGE_ERROR_CONFLICT, "the domain does not carry this lodge's mark");
    }
    if (!found.present && !op->may_have_run) {
        return op_fail(op, LODGE_ERROR_NOT_FOUND, "host '%s' has no such domain any more",
                       op->host_name);
    }
    return found.present ? op_undefine(op, conn) : STEP_DONE;
}

static enum step_end orphan_destroy(struct op *op, struct host_conn *conn)
{
    return op_end(op, domain_destroy(conn, op->uuid, &op->error));
}

static enum step_end orphan_remove_volume(struct op *op, struct host_conn *conn)
{
    struct file_end file = {.was_there = true};
    const struct plan_disk *disk = &op->plan.disks.items[0];
    enum step_end end = disk->kept ? STEP_DONE : disks_remove_file(op, conn, disk->volume, &file);
    if (end == STEP_DONE && (disk->kept || file.kept[0] != '\0')) {
        return op_fail(op, LODGE_ERROR_CONFLICT, "%s stays: %s", disk->path,
                       disk->kept ? disk->why : file.kept);
    }
    if (end == STEP_DONE && !file.was_there && !op->may_have_run) {
        return op_fail(op, LODGE_ERROR_NOT_FOUND, "there is no %s any more", disk->path);
    }
    return end;
}

static const struct step steps[] = {
    {.name = "undefine", .where = ON_HOST, .skips = is_volume, .run = orphan_undefine},
    {.name = "destroy", .where = ON_RESCUE, .skips = is_volume, .run = orphan_destroy},
    {.name = "volume",
     .where = ON_HOST,
     .skips = is_domain,
     .prepare = disks_mark_used,
     .asks = disks_ask,
     .run = orphan_remove_volume},
};

static enum vm_effect orphan_keeps(const struct op *op, enum lodge_op_state state,
                                   struct vm_row *row)
{
    (void)op;
    (void)state;
    (void)row;
    return VM_KEEP;
}

const struct recipe orphan_recipe = {
    .kind = "orphan.delete",
    .steps = steps,
    .count = ARRAY_LENGTH(steps),
    .of_strays = true,
    .ends = orphan_keeps,
};
