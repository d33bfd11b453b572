/*
 * upkeep: one timer. Each look compares rows with domains and has undone creations looked at again;
 * every so many looks old rows are forgotten, and volumes compared too.
 *
 * A difference is said when two looks in a row agree on it, and not again before there was none.
 * Loop-only; what is asked of the store is a question, and answered later.
 */
#include "ops/upkeep.h"

#include "log.h"
#include "memory.h"
#include "ops/compare.h"
#include "ops/ledger.h"
#include "ops/op.h"
#include "ops/questions.h"
#include "ops/serial_logs.h"
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
    struct ops *ops;
    struct loop_timer *timer;
    struct serial_logs *logs;
    int64_t op_keep_ms, audit_keep_ms;
    unsigned looks;
    size_t missing, unknown; /* of the last look: only what two in a row agree on is said */
    bool said;
};

struct forgetting {
    struct question question; /* first */
    int64_t ops_before, audit_before;
};

static bool forget(struct question *question, struct store *store)
{
    const struct forgetting *forgetting = (struct forgetting *)question;
    return store_forget_old(store, forgetting->ops_before, forgetting->audit_before,
                            &question->error);
}

static void forgotten(struct question *question)
{
    if (question->error.kind != LODGE_ERROR_NONE && question->error.kind != LODGE_ERROR_CANCELLED) {
        log_warning(LOG_OPS, "old rows stay: %s", question->error.message);
    }
    free(question);
}

static void forget_old(struct upkeep *upkeep)
{
    int64_t now = loop_wall_ms();
    if (upkeep->ops->store == NULL) {
        return;
    }
    struct forgetting *forgetting = xcalloc(1, sizeof *forgetting);
    forgetting->question.run = forget;
    forgetting->question.answer = forgotten;
    forgetting->ops_before = now - upkeep->op_keep_ms;
    forgetting->audit_before = now - upkeep->audit_keep_ms;
    question_ask(upkeep->ops, &forgetting->question);
}

/* Rows without a domain, and domains with our mark that have no row. */
static void compare(struct upkeep *upkeep)
{
    struct ops *ops = upkeep->ops;
    const char *installation = ops->store == NULL ? "" : store_installation(ops->store);
    size_t count = 0;
    size_t missing = 0;
    size_t unknown = 0;
    struct vm *const *vms = registry_sorted(ops->registry, &count);
    for (size_t i = 0; i < count; i++) {
        const struct vm *vm = vms[i];
        bool read = vm->host->facts.synced_at != 0;
        missing += read && vm->phase == ROW_READY && !vm->present;
        unknown += read && vm->phase == ROW_NONE && vm->present && installation[0] != '\0' &&
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

static void say_strays(void *data, const struct buffer *json, size_t strays)
{
    (void)data;
    (void)json;
    if (strays > 0) {
        log_warning(LOG_OPS,
                    "%zu volumes of lodge's naming belong to no VM: lodge doctor says which",
                    strays);
    }
}

static void look(void *owner)
{
    struct upkeep *upkeep = owner;
    compare(upkeep);
    ops_look_again(upkeep->ops);
    ledger_look_again(upkeep->ops);
    if (upkeep->looks % LOOKS_PER_LISTING == FIRST_LISTING) {
        compare_now(upkeep->ops, say_strays, NULL);
    }
    if (upkeep->looks++ % LOOKS_PER_FORGETTING == 0) {
        forget_old(upkeep);
    }
}

struct upkeep *upkeep_new(struct ops *ops, unsigned op_keep_days, unsigned audit_keep_days)
{
    struct upkeep *upkeep = xcalloc(1, sizeof *upkeep);
    upkeep->ops = ops;
    upkeep->op_keep_ms = op_keep_days * DAY_MS;
    upkeep->audit_keep_ms = audit_keep_days * DAY_MS;
    upkeep->timer = loop_timer_new(ops->loop, look, upkeep);
    loop_timer_start(upkeep->timer, LOOK_MS, LOOK_MS);
    upkeep->logs = serial_logs_new(ops);
    return upkeep;
}

void upkeep_free(struct upkeep *upkeep)
{
    if (upkeep != NULL) {
        loop_timer_free(upkeep->timer);
        serial_logs_free(upkeep->logs);
        free(upkeep);
    }
}
