/* undefine.c: a definition goes, and of what libvirt would remove with it only what is the VM's
 * own: what lodge's VM has where libvirt itself put it, and nobody else uses. On a worker. */
#include "host/belongings.h"
#include "host/uses.h"
#include "ops/recipes.h"
#include "store/store.h"

static bool uses_are_good(const struct op *op, const struct hand *hand)
{
    return op->uses != NULL && (op_takes_old(op) || !uses_are_old(op->uses, hand));
}

static enum step_end ask_for_nvram(struct op *op, struct hand *hand,
                                   const struct belongings *belongings, bool *ret_keeps)
{
    *ret_keeps = true;
    if (belongings->nvram == NULL) {
        return STEP_DONE;
    }
    if (!belongings->is_made || !belongings->nvram_is_usual) {
        plan_leave(&op->plan, belongings->nvram, "lodge did not make it");
        return STEP_DONE;
    }
    if (!uses_are_good(op, hand)) {
        return STEP_ASK;
    }
    char why[256];
    struct use_target target = use_target_at(belongings->nvram);
    struct use use = uses_find(op->uses, &target, op->uuid);
    if (use.kind != USE_NONE) {
        use_say(&use, op->tells_names, why, sizeof why);
        plan_leave(&op->plan, belongings->nvram, why);
    }
    *ret_keeps = use.kind != USE_NONE;
    return STEP_DONE;
}

enum step_end op_undefine(struct op *op, struct hand *hand)
{
    struct belongings belongings;
    if (!hand_belongings(hand, op->uuid, store_installation(op->ops->store), &belongings,
                         &op->error)) {
        return op_end(op, false);
    }
    struct undefine how = {
        .has_nvram = belongings.has_nvram,
        .has_tpm = belongings.has_tpm,
        .keeps_save = !belongings.is_made,
        .keeps_tpm = belongings.has_tpm && !(belongings.is_made && belongings.tpm_is_usual),
    };
    if (how.keeps_tpm) {
        plan_leave(&op->plan, belongings.tpm, "lodge did not make it");
    }
    enum step_end end = ask_for_nvram(op, hand, &belongings, &how.keeps_nvram);
    if (end == STEP_DONE && belongings.is_there) {
        op->plan_changed = true;
        end = op_end(op, hand_undefine(hand, op->uuid, &how, &op->error));
    }
    belongings_clear(&belongings);
    return end;
}
