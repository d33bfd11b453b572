/* power.c: start, stop, shutdown and the other recipes that touch nothing but the guest. Each is on
 * record before it acts; a kill leaves a guest in one of its ordinary states, and who comes back
 * looks at it. */
#include "ops/op.h"
#include "ops/recipes.h"
#include "scope.h"

#include <stdio.h>
#include <string.h>

enum { EVENT_S = 10, DESTROY_S = 40 };

static enum vm_effect power_keeps(const struct op *op, enum lodge_op_state state,
                                  struct vm_row *row)
{
    (void)op;
    (void)state;
    (void)row;
    return VM_KEEP;
}

/* What a power operation is about is the run of the guest that was there when it was asked for: its
 * id is in the journal before anything is done to it. Where the registry knew of none, the first
 * look says which; one that is taken up from a journal takes no other. */
static bool look_at_run(struct op *op, struct host_conn *conn)
{
    struct domain_look look;
    if (op->takes_any || (op->plan.run != LODGE_UNKNOWN && op->plan.run == op->seen_run)) {
        return true;
    }
    if (!domain_look(conn, op->uuid, &look, &op->error)) {
        return false;
    }
    op->is_behind = look.run != op->seen_run;
    if (op->plan.run == LODGE_UNKNOWN && !op->recovered) {
        op->plan.run = look.run == LODGE_UNKNOWN ? 0 : look.run;
        op->plan_changed = true;
    }
    return true;
}

/* It was asked for what is so already. */
static void note_already(struct op *op, const char *state)
{
    if (!op->may_have_run) {
        op_note(op, "'%s' was %s already", op->plan.name, state);
    }
}

static enum wait_end guest_is_inactive(struct op *op)
{
    const struct vm *vm = op_vm(op);
    if (vm == NULL || !vm_is_active(vm)) {
        return WAIT_OVER;
    }
    if (op->plan.run == LODGE_UNKNOWN || op->plan.run == vm->run) {
        return WAIT_ON;
    }
    op_note(op, "'%s' has been started anew since, and is %s", op->plan.name,
            lodge_vm_state_name(vm->live));
    return WAIT_OVER;
}

static enum wait_end is_live(struct op *op, enum lodge_vm_state state)
{
    const struct vm *vm = op_vm(op);
    if (vm != NULL && vm->live == state) {
        return WAIT_OVER;
    }
    if (vm != NULL && vm_is_active(vm)) {
        return WAIT_ON;
    }
    const char *reason = vm == NULL || vm->live_reason == NULL ? "" : vm->live_reason;
    if (state == LODGE_VM_RUNNING) {
        op_note(op, "'%s' ran on, and ended", op->plan.name);
        return WAIT_OVER;
    }
    (void)op_fail(op, LODGE_ERROR_BAD_STATE, "'%s' has shut off meanwhile%s%s%s", op->plan.name,
                  *reason == '\0' ? "" : " (", reason, *reason == '\0' ? "" : ")");
    return WAIT_FAILED;
}

static enum wait_end guest_is_running(struct op *op)
{
    return is_live(op, LODGE_VM_RUNNING);
}

static enum wait_end guest_is_paused(struct op *op)
{
    return is_live(op, LODGE_VM_PAUSED);
}

static enum step_end wait_after(struct op *op, bool ok)
{
    return ok ? STEP_WAIT : op_end(op, false);
}

/* What cannot be judged by the state afterwards is not done twice. */
static bool may_have_been_done(struct op *op, const char *what)
{
    if (op->may_have_run) {
        (void)op_fail(
            op, LODGE_ERROR_HOST_DOWN,
            "the connection was lost while '%s' was being %s: it may or may not have been",
            op->plan.name, what);
    }
    return op->may_have_run;
}

/* Of one that runs already. Whoever comes after a kill, or a lost connection, may look into the
 * middle of our own start: QEMU is there paused for a moment before its guest runs. */
static enum step_end found_active(struct op *op, const struct domain_look *look)
{
    op->plan.run = look->run;
    if (look->state == LODGE_VM_PAUSED && !op->may_have_run) {
        (void)op_fail(op, LODGE_ERROR_BAD_STATE,
                      "'%s' is paused, not shut off: vm.resume lets it run on", op->plan.name);
        (void)snprintf(op->error.state, sizeof op->error.state, "paused");
        return STEP_FAILED;
    }
    if (look->state == LODGE_VM_RUNNING) {
        note_already(op, "running");
    }
    return STEP_WAIT;
}

static enum step_end guest_start(struct op *op, struct host_conn *conn)
{
    struct domain_look before;
    struct domain_look now;
    if (!domain_look(conn, op->uuid, &before, &op->error)) {
        return op_end(op, false);
    }
    if (before.active) {
        return found_active(op, &before);
    }
    if (!domain_start(conn, op->uuid, false, &op->error) ||
        !domain_look(conn, op->uuid, &now, &op->error)) {
        return op_end(op, false);
    }
    op->plan.run = now.run;
    if (!now.active) {
        op_note(op, "'%s' started, and ended at once%s%s", op->plan.name,
                now.reason[0] == '\0' ? "" : ": ", now.reason);
        return STEP_DONE;
    }
    op->has_started = true;
    op->is_restored = before.managed_save && now.state == LODGE_VM_PAUSED;
    return STEP_WAIT;
}

static enum wait_end guest_has_started(struct op *op)
{
    const struct vm *vm = op_vm(op);
    if (vm == NULL) {
        return WAIT_ON;
    }
    if (!vm_is_active(vm) && (vm->starts != op->starts || (op->has_started && op->is_late))) {
        op_note(op, "'%s' started, and ended again%s%s", op->plan.name,
                vm->live_reason == NULL ? "" : ": ",
                vm->live_reason == NULL ? "" : vm->live_reason);
        return WAIT_OVER;
    }
    /* Until its own run has been told, what is known may be of the one before. */
    if (vm->run != op->plan.run && !op->is_late) {
        return WAIT_ON;
    }
    if (op->is_restored && vm->live == LODGE_VM_PAUSED) {
        op_note(op, "'%s' is paused, as it was when it was saved: vm.resume lets it run on",
                op->plan.name);
        return WAIT_OVER;
    }
    return vm->live == LODGE_VM_RUNNING ? WAIT_OVER : WAIT_ON;
}

static const struct step start_steps[] = {
    {.name = "start",
     .where = ON_HOST,
     .run = guest_start,
     .happened = guest_has_started,
     .wait_s = EVENT_S},
};

static enum step_end guest_destroy(struct op *op, struct host_conn *conn)
{
    if (op->plan.run == 0) {
        note_already(op, "shut off");
        return STEP_WAIT;
    }
    return wait_after(op, domain_destroy_run(conn, op->uuid, op->plan.run, &op->error));
}

/* The other's call may still start the guest after we have looked: it is over when that has
 * returned. */
static enum wait_end guest_is_inactive_and_alone(struct op *op)
{
    const struct op *holder = ops_holder(op->ops, op->host_name, op->uuid);
    return holder != NULL && holder->out ? WAIT_ON : guest_is_inactive(op);
}

static const struct step stop_steps[] = {
    {.name = "destroy",
     .where = ON_RESCUE,
     .look = look_at_run,
     .run = guest_destroy,
     .happened = guest_is_inactive_and_alone,
     .wait_s = DESTROY_S,
     .late_is_fine = true},
    {.name = "again",
     .where = ON_RESCUE,
     .run = guest_destroy,
     .happened = guest_is_inactive,
     .wait_s = DESTROY_S},
};

static enum step_end look_inactive(struct op *op, struct host_conn *conn, bool *ret_inactive)
{
    struct domain_look look;
    bool ok = domain_look(conn, op->uuid, &look, &op->error);
    bool is_other = op->plan.run != LODGE_UNKNOWN && look.run != op->plan.run;
    *ret_inactive = ok && (!look.present || !look.active || is_other);
    if (*ret_inactive && op->plan.run == 0) {
        note_already(op, "shut off");
    }
    return op_end(op, ok);
}

static enum step_end guest_ask_acpi(struct op *op, struct host_conn *conn)
{
    bool inactive = false;
    enum step_end end = look_inactive(op, conn, &inactive);
    if (end != STEP_DONE || inactive) {
        return end == STEP_DONE ? STEP_WAIT : end;
    }
    return wait_after(op, domain_shutdown_acpi(conn, op->uuid, op->plan.run, &op->error));
}

static enum step_end guest_ask_agent(struct op *op, struct host_conn *conn)
{
    bool inactive = false;
    enum step_end end = look_inactive(op, conn, &inactive);
    if (end != STEP_DONE || inactive) {
        return end == STEP_DONE ? STEP_WAIT : end;
    }
    if (!domain_shutdown_agent(conn, op->uuid, op->plan.run, &op->error) &&
        op->error.kind == LODGE_ERROR_HOST_DOWN) {
        return STEP_LOST;
    }
    return STEP_WAIT; /* without an agent, ACPI has the rest of the time too */
}

static const struct step shutdown_steps[] = {
    {.name = "acpi",
     .where = ON_HOST,
     .look = look_at_run,
     .run = guest_ask_acpi,
     .happened = guest_is_inactive,
     .grace_percent = 50,
     .late_is_fine = true},
    {.name = "agent",
     .where = ON_HOST,
     .run = guest_ask_agent,
     .happened = guest_is_inactive,
     .grace_percent = 50},
};

static enum step_end guest_reboot(struct op *op, struct host_conn *conn)
{
    return may_have_been_done(op, "rebooted")
               ? STEP_FAILED
               : wait_after(op, domain_reboot(conn, op->uuid, op->plan.run, &op->error));
}

static enum wait_end guest_has_rebooted(struct op *op)
{
    const struct vm *vm = op_vm(op);
    bool is_other = vm != NULL && op->plan.run > 0 && vm->run != op->plan.run;
    if (vm == NULL || !vm_is_active(vm) || is_other) {
        (void)op_fail(op, LODGE_ERROR_BAD_STATE, "'%s' shut down instead of rebooting%s",
                      op->plan.name, is_other && vm_is_active(vm) ? ", and was started anew" : "");
        return WAIT_FAILED;
    }
    return vm->reboots != op->reboots ? WAIT_OVER : WAIT_ON;
}

static const struct step reboot_steps[] = {
    {.name = "reboot",
     .where = ON_HOST,
     .look = look_at_run,
     .run = guest_reboot,
     .happened = guest_has_rebooted,
     .grace_percent = 100},
};

static enum step_end guest_reset(struct op *op, struct host_conn *conn)
{
    return may_have_been_done(op, "reset")
               ? STEP_FAILED
               : op_end(op, domain_reset(conn, op->uuid, op->plan.run, &op->error));
}

static const struct step reset_steps[] = {
    {.name = "reset", .where = ON_HOST, .look = look_at_run, .run = guest_reset},
};

static enum step_end guest_nmi(struct op *op, struct host_conn *conn)
{
    return may_have_been_done(op, "sent an NMI")
               ? STEP_FAILED
               : op_end(op, domain_inject_nmi(conn, op->uuid, op->plan.run, &op->error));
}

static const struct step nmi_steps[] = {
    {.name = "nmi", .where = ON_HOST, .look = look_at_run, .run = guest_nmi},
};

/* Of that run: what is refused because it is another is said by the call. */
static bool is_already(struct op *op, struct host_conn *conn, enum lodge_vm_state state,
                       const char *word)
{
    struct domain_look look;
    struct lodge_error err = {0};
    bool is_so = domain_look(conn, op->uuid, &look, &err) && look.active && look.state == state &&
                 (op->plan.run == LODGE_UNKNOWN || op->plan.run == look.run);
    if (is_so) {
        note_already(op, word);
    }
    return is_so; /* else, and in doubt, the call says why not */
}

static enum step_end guest_pause(struct op *op, struct host_conn *conn)
{
    return is_already(op, conn, LODGE_VM_PAUSED, "paused")
               ? STEP_WAIT
               : wait_after(op, domain_suspend(conn, op->uuid, op->plan.run, &op->error));
}

static const struct step pause_steps[] = {
    {.name = "pause",
     .where = ON_HOST,
     .look = look_at_run,
     .run = guest_pause,
     .happened = guest_is_paused,
     .wait_s = EVENT_S},
};

static enum step_end guest_resume(struct op *op, struct host_conn *conn)
{
    return is_already(op, conn, LODGE_VM_RUNNING, "running")
               ? STEP_WAIT
               : wait_after(op, domain_resume(conn, op->uuid, op->plan.run, &op->error));
}

static const struct step resume_steps[] = {
    {.name = "resume",
     .where = ON_HOST,
     .look = look_at_run,
     .run = guest_resume,
     .happened = guest_is_running,
     .wait_s = EVENT_S},
};

static enum step_end guest_save(struct op *op, struct host_conn *conn)
{
    struct domain_look look;
    if (!domain_look(conn, op->uuid, &look, &op->error)) {
        return op_end(op, false);
    }
    if (op->may_have_run && look.present && !look.active && look.managed_save) {
        return STEP_WAIT; /* it was saved before we lost sight of it */
    }
    return wait_after(op, domain_managed_save(conn, op->uuid, op->plan.run, &op->error));
}

static const struct step save_steps[] = {
    {.name = "save",
     .where = ON_HOST,
     .look = look_at_run,
     .run = guest_save,
     .happened = guest_is_inactive,
     .wait_s = EVENT_S},
};

/* All of them but vm.stop can be given up while they wait; the guest is in some ordinary state
 * then. */
#define POWER(noun, method, ...)             \
    const struct recipe noun##_recipe = {    \
        .kind = (method),                    \
        .steps = noun##_steps,               \
        .count = ARRAY_LENGTH(noun##_steps), \
        __VA_ARGS__,                         \
        .ends = power_keeps,                 \
    }

POWER(start, "vm.start", .can_cancel = true, .starts = true);
POWER(stop, "vm.stop", .stops_others = true);
POWER(shutdown, "vm.shutdown", .can_cancel = true);
POWER(reboot, "vm.reboot", .can_cancel = true);
POWER(reset, "vm.reset", .can_cancel = true);
POWER(nmi, "vm.nmi", .can_cancel = true);
POWER(pause, "vm.pause", .can_cancel = true);
POWER(resume, "vm.resume", .can_cancel = true);

const struct recipe save_recipe = {
    .kind = "vm.save",
    .steps = save_steps,
    .count = ARRAY_LENGTH(save_steps),
    .can_cancel = true,
    .check = op_check_persistent,
    .ends = power_keeps,
};
