/*
 * quotas: a worker reads limits (the stored ones, else the configured) and what was promised, from
 * the store; what runs is added on the loop, from the registry. A change sets the members that it
 * names, leaves the others, and answers as if it had been a question.
 */
#include "reads/quotas.h"

#include "fleet_questions.h"
#include "memory.h"
#include "reads/reads_private.h"
#include "scope.h"
#include "store/vms.h"

#include <stdlib.h>

struct reading {
    struct question question; /* first */
    struct quota_answer quota;
    struct quota_change change; /* of quota_write */
    struct audit_row audit;     /* the same */
    quota_fn *answer;
    void *data;
};

static bool limits_of(struct store *store, const uid_t *uid, const struct lodge_amounts *configured,
                      struct lodge_amounts *ret_limits, struct lodge_error *err)
{
    bool found = false;
    if (!store_read_limits(store, uid, ret_limits, &found, err)) {
        return false;
    }
    if (!found) {
        *ret_limits = *configured;
    }
    return true;
}

static bool read_quota(struct question *question, struct store *store)
{
    struct reading *reading = (struct reading *)question;
    const struct fleet_options *options = &question->fleet->options;
    struct quota_answer *quota = &reading->quota;
    struct lodge_error *err = &question->error;
    return limits_of(store, NULL, &options->system_limits, &quota->system.limits, err) &&
           limits_of(store, &quota->uid, &options->user_limits, &quota->user.limits, err) &&
           store_sum_promised(store, NULL, &quota->system.promised, err) &&
           store_sum_promised(store, &quota->uid, &quota->user.promised, err);
}

static bool write_quota(struct question *question, struct store *store)
{
    struct reading *reading = (struct reading *)question;
    const struct quota_change *change = &reading->change;
    const struct fleet_options *options = &question->fleet->options;
    const uid_t *uid = change->is_system ? NULL : &change->uid;
    struct lodge_amounts limits;
    if (!limits_of(store, uid, change->is_system ? &options->system_limits : &options->user_limits,
                   &limits, &question->error)) {
        return false;
    }
    limits.vms = change->vms ? change->limits.vms : limits.vms;
    limits.vcpus = change->vcpus ? change->limits.vcpus : limits.vcpus;
    limits.memory_mib = change->memory_mib ? change->limits.memory_mib : limits.memory_mib;
    limits.disk_gib = change->disk_gib ? change->limits.disk_gib : limits.disk_gib;
    return store_write_limits(store, uid, &limits, &reading->audit, &question->error) &&
           read_quota(question, store);
}

/* What runs now is the registry's to say: the store does not know. */
static void sum_running(struct registry *registry, struct quota_answer *quota)
{
    struct order_walk walk = registry_walk(registry, NULL);
    const struct vm *vm;
    while ((vm = order_next(&walk)) != NULL) {
        if (vm->row == NULL || !vm_is_active(vm)) {
            continue;
        }
        registry_add_running(&quota->system.running, vm);
        if (vm->owner == quota->uid) {
            registry_add_running(&quota->user.running, vm);
        }
    }
}

static void quota_answered(struct question *question)
{
    struct reading *reading = (struct reading *)question;
    bool ok = question->error.kind == LODGE_ERROR_NONE;
    if (ok) {
        sum_running(question->fleet->registry, &reading->quota);
    }
    if (ok && !question->reads) { /* they are stored */
        const struct quota_change *change = &reading->change;
        registry_set_limits(question->fleet->registry, change->is_system ? NULL : &change->uid,
                            change->is_system ? &reading->quota.system.limits
                                              : &reading->quota.user.limits);
    }
    reading->answer(reading->data, ok ? &reading->quota : NULL, ok ? NULL : &question->error);
    free(reading);
}

static struct reading *reading_new(uid_t uid, quota_fn *answer, void *data)
{
    struct reading *reading = xcalloc(1, sizeof *reading);
    reading->question.run = read_quota;
    reading->question.reads = true;
    reading->question.answer = quota_answered;
    reading->quota.uid = uid;
    reading->answer = answer;
    reading->data = data;
    return reading;
}

void quota_read(struct ops *ops, uid_t uid, quota_fn *answer, void *data)
{
    question_ask(ops_fleet(ops), &reading_new(uid, answer, data)->question);
}

void quota_write(struct ops *ops, const struct quota_change *change, const struct audit_call *by,
                 quota_fn *answer, void *data)
{
    struct reading *reading = reading_new(change->uid, answer, data);
    reading->question.run = write_quota;
    reading->question.reads = false;
    reading->change = *change;
    reading->audit = audit_row_of(by);
    question_ask(ops_fleet(ops), &reading->question);
}
