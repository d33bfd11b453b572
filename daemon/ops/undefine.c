/* undefine.c: a definition goes, and of what libvirt would remove with it only what is the VM's
 * own: what lodge's VM has where libvirt itself put it, and nobody else uses. On a worker. */
#include "host/guest/belongings.h"
#include "host/storage/uses.h"
#include "ops/recipes.h"
#include "store/store.h"

static enum step_end ask_for_nvram(struct op *op, struct host_conn *conn,
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
    bool is_own = false;
    const struct uses *uses = NULL;
    if (!op_uses(op, conn, &uses, &is_own)) {
        return op_end(op, false);
    }
    if (uses == NULL || (is_own && uses_are_aged(uses))) {
        return STEP_ASK;
    }
    char why[256];
    struct use_target target = use_target_at(belongings->nvram);
    struct use use = uses_find(uses, &target, op->uuid);
    if (use.kind != USE_NONE) {
        use_say(&use, why, sizeof why);
        plan_leave(&op->plan, belongings->nvram, why);
    }
    *ret_keeps = use.kind != USE_NONE;
    return STEP_DONE;
}

static bool keeps_tpm(const struct belongings *belongings)
{
    return belongings->has_tpm && !(belongings->is_made && belongings->tpm_is_usual);
}

static bool tpm_may_go(struct op *op, const struct host_conn *conn,
                       const struct belongings *belongings)
{
    if (!keeps_tpm(belongings) || !belongings->is_active) {
        return true;
    }
    if (!belongings->is_persistent) {
        (void)op_fail(
            op, LODGE_ERROR_BAD_STATE,
            "'%s' has no definition, and libvirt deletes the state of its TPM (%s), which "
            "lodge did not make, when it ends: make a copy, then shut it down by hand",
            op->plan.name, belongings->tpm);
        return false;
    }
    if (!host_conn_can_keep_tpm(conn)) {
        (void)op_fail(
            op, LODGE_ERROR_UNSUPPORTED,
            "this libvirt (before 8.9) deletes the state of the TPM of '%s' (%s) with its "
            "definition, and lodge did not make it",
            op->plan.name, belongings->tpm);
        return false;
    }
    return true;
}

bool op_tpm_may_go(struct op *op, struct host_conn *conn)
{
    struct belongings belongings;
    if (!domain_belongings(conn, op->uuid, store_installation(op->ops->fleet->store), &belongings,
                           &op->error)) {
        return false;
    }
    bool may = tpm_may_go(op, conn, &belongings);
    belongings_clear(&belongings);
    return may;
}

/* Of a guest that runs, undefining takes the definition and forgets how it was asked to: when its
 * QEMU ends it is a transient one's, and libvirt removes what its TPM keeps
 * (qemuDomainRemoveInactive). So it is off before. */
static enum step_end keep_tpm(struct op *op, struct host_conn *conn,
                              const struct belongings *belongings)
{
    if (!tpm_may_go(op, conn, belongings)) {
        return STEP_FAILED;
    }
    plan_leave(&op->plan, belongings->tpm, "lodge did not make it");
    op->plan_changed = true;
    return op_end(op, !belongings->is_active || domain_destroy(conn, op->uuid, &op->error));
}

enum step_end op_undefine(struct op *op, struct host_conn *conn)
{
    struct belongings belongings;
    if (!domain_belongings(conn, op->uuid, store_installation(op->ops->fleet->store), &belongings,
                           &op->error)) {
        return op_end(op, false);
    }
    struct undefine how = {
        .has_nvram = belongings.has_nvram,
        .has_tpm = belongings.has_tpm,
        .keeps_save = !belongings.is_made,
        .keeps_tpm = keeps_tpm(&belongings),
    };
    enum step_end end = ask_for_nvram(op, conn, &belongings, &how.keeps_nvram);
    if (end == STEP_DONE && how.keeps_tpm) {
        end = keep_tpm(op, conn, &belongings);
    }
    if (end == STEP_DONE && belongings.is_there) {
        op->plan_changed = true;
        end = op_end(op, domain_undefine(conn, op->uuid, &how, &op->error));
    }
    belongings_clear(&belongings);
    return end;
}
