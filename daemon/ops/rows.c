/* rows.c: the recipes that change the store alone: a VM is taken over, or forgotten. */
#include "ops/recipes.h"
#include "scope.h"

static const struct step steps[] = {
    {.name = "record", .where = ON_STORE},
};

static enum vm_effect adopted(const struct op *op, enum lodge_op_state state, struct vm_row *row)
{
    (void)op;
    (void)state;
    (void)row;
    return VM_KEEP;
}

static enum vm_effect forgotten(const struct op *op, enum lodge_op_state state, struct vm_row *row)
{
    (void)op;
    (void)row;
    return state == LODGE_OP_DONE ? VM_REMOVE : VM_KEEP;
}

const struct recipe adopt_recipe = {
    .kind = "vm.adopt",
    .steps = steps,
    .count = ARRAY_LENGTH(steps),
    .begins = VM_ADOPT,
    .ends = adopted,
};

const struct recipe forget_recipe = {
    .kind = "vm.forget",
    .steps = steps,
    .count = ARRAY_LENGTH(steps),
    .ends = forgotten,
};
