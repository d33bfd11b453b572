/*
 * upkeep: one timer. Each look compares rows with domains and has undone creations looked at again;
 * every so many looks old rows are forgotten, and volumes compared too.
 *
 * Old rows go a thousand at a time, each time as a question of its own, so that others come
 * between, until none is left; but where the clock has jumped only once a look, so that a wrong one
 * does not forget everything.
 *
 * A difference is said when two looks in a row agree on it, and not again before there was none.
 * Loop-only; what is asked of the store is a question, and answered later.
 */
#include "reads/upkeep.h"

#include "fleet_questions.h"
#include "log.h"
#include "memory.h"
#include "reads/compare.h"
#include "reads/serial_logs.h"
#include "reads/steady.h"
#include "scope.h"
#include "store/ops.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

/* Volumes are read two minutes after the start, when undone creations have been looked at again,
 * and then every hour. */
enum { LOOK_MS = 30 * 1000, LOOKS_PER_FORGETTING = 20, LOOKS_PER_LISTING = 120, FIRST_LISTING = 4 };
#define DAY_MS INT64_C(86400000)

struct upkeep {
    struct fleet *fleet;
    struct ops *ops;
    struct loop_timer *timer;
    struct serial_logs *logs;
    int64_t op_keep_ms, audit_keep_ms;
    struct forgetting *forgetting; /* under way, or NULL */
    struct steady clock;
    bool has_clock; /* since there is a store */
    unsigned looks;
    size_t missing, unknown; /* of the last look: only what two in a row agree on is said */
    bool said;
};

struct forgetting {
    struct question question; /* first */
    struct upkeep *upkeep;    /* NULL: it is gone */
    int64_t ops_before, audit_before;
    bool goes_on; /* the clock is believed */
    bool more;
};

static bool forgetting_run(struct question *question, struct store *store)
{
    struct forgetting *forgetting = (struct forgetting *)question;
    return store_forget_old(store, forgetting->ops_before, forgetting->audit_before,
                            &forgetting->more, &question->error);
}

static void forgetting_answered(struct question *question)
{
    struct forgetting *forgetting = (struct forgetting *)question;
    bool good = question->error.kind == LODGE_ERROR_NONE;
    if (!good && question->error.kind != LODGE_ERROR_CANCELLED) {
        log_warning(LOG_OPS, "old rows stay: %s", question->error.message);
    }
    if (good && forgetting->more && forgetting->goes_on && forgetting->upkeep != NULL) {
        question_ask(question->fleet, question);
        return;
    }
    if (forgetting->upkeep != NULL) {
        forgetting->upkeep->forgetting = NULL;
    }
    free(forgetting);
}

/* At each look; false too while there is no store. */
static bool clock_is_believed(struct upkeep *upkeep, int64_t now)
{
    uint64_t monotonic = loop_monotonic_ms();
    if (upkeep->fleet->store == NULL) {
        return false;
    }
    if (!upkeep->has_clock) {
        steady_begin(&upkeep->clock, store_left_ms(upkeep->fleet->store), now, monotonic);
        upkeep->has_clock = true;
    }
    return steady_look(&upkeep->clock, now, monotonic);
}

static void forget_old(struct upkeep *upkeep, int64_t now, bool goes_on)
{
    if (upkeep->fleet->store == NULL || upkeep->forgetting != NULL) {
        return;
    }
    struct forgetting *forgetting = xcalloc(1, sizeof *forgetting);
    forgetting->question.run = forgetting_run;
    forgetting->question.answer = forgetting_answered;
    forgetting->upkeep = upkeep;
    forgetting->goes_on = goes_on;
    forgetting->ops_before = now - upkeep->op_keep_ms;
    forgetting->audit_before = now - upkeep->audit_keep_ms;
    upkeep->forgetting = forgetting;
    question_ask(upkeep->fleet, &forgetting->question);
}

/* Rows without a domain, and domains with our mark that have no row. */
static void compare_rows(struct upkeep *upkeep)
{
    const struct fleet *fleet = upkeep->fleet;
    const char *installation = fleet->store == NULL ? "" : store_installation(fleet->store);
    size_t missing = 0;
    size_t unknown = 0;
    struct order_walk walk = registry_walk(fleet->registry, NULL);
    const struct vm *vm;
    while ((vm = order_next(&walk)) != NULL) {
        bool read = vm->host->facts.synced_at != 0;
        missing += read && vm_phase(vm) == VM_PHASE_READY && !vm->present;
        unknown += read && vm->row == NULL && vm->present && installation[0] != '\0' &&
                   strcmp(vm->installation, installation) == 0;
    }
    bool agrees = missing == upkeep->missing && unknown == upkeep->unknown;
    if (agrees && missing + unknown > 0 && !upkeep->said) {
        log_warning(LOG_OPS,
                    "%zu VMs have no domain any more, and %zu domains that lodge made have no row: "
                    "lodge doctor says which",
                    missing, unknown);
        upkeep->said = true;
    }
    upkeep->said = upkeep->said && missing + unknown > 0;
    upkeep->missing = missing;
    upkeep->unknown = unknown;
}

static void say_strays(void *data, const struct compared *compared, const struct lodge_error *error)
{
    (void)data;
    (void)error; /* only that lodged leaves */
    if (compared != NULL && compared->stray_count > 0) {
        log_warning(LOG_OPS,
                    "%zu volumes of lodge's naming belong to no VM: lodge doctor says which",
                    compared->stray_count);
    }
}

static void upkeep_look(void *owner)
{
    struct upkeep *upkeep = owner;
    int64_t now = loop_wall_ms();
    bool believed = clock_is_believed(upkeep, now);
    if (upkeep->forgetting != NULL) {
        upkeep->forgetting->goes_on &= believed; /* read on the loop alone */
    }
    compare_rows(upkeep);
    ops_look_again(upkeep->ops);
    if (upkeep->looks % LOOKS_PER_LISTING == FIRST_LISTING) {
        compare_now(upkeep->ops, say_strays, NULL);
    }
    if (upkeep->looks++ % LOOKS_PER_FORGETTING == 0) {
        forget_old(upkeep, now, believed);
    }
}

struct upkeep *upkeep_new(struct ops *ops, unsigned op_keep_days, unsigned audit_keep_days)
{
    struct upkeep *upkeep = xcalloc(1, sizeof *upkeep);
    upkeep->fleet = ops_fleet(ops);
    upkeep->ops = ops;
    upkeep->op_keep_ms = op_keep_days * DAY_MS;
    upkeep->audit_keep_ms = audit_keep_days * DAY_MS;
    upkeep->timer = loop_timer_new(upkeep->fleet->loop, upkeep_look, upkeep);
    loop_timer_start(upkeep->timer, LOOK_MS, LOOK_MS);
    upkeep->logs = serial_logs_new(upkeep->fleet);
    return upkeep;
}

void upkeep_free(struct upkeep *upkeep)
{
    if (upkeep != NULL) {
        loop_timer_free(upkeep->timer);
        if (upkeep->forgetting != NULL) {
            upkeep->forgetting->upkeep = NULL;
        }
        serial_logs_free(upkeep->logs);
        free(upkeep);
    }
}
