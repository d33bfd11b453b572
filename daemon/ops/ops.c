/*
 * ops: what is asked of operations from outside (begin one, cancel it, wait for it), and who of
 * them is looked at when something has changed or it is time. Loop-only.
 */
#include "ops/ops.h"

#include "host/host.h"
#include "host/storage/uses.h"
#include "log.h"
#include "memory.h"
#include "ops/inquiry.h"
#include "ops/op.h"
#include "ops/rate.h"
#include "ops/reconcile.h"
#include "refusals.h"
#include "scope.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { STORE_WORKERS = 3, WORKER_IDLE_MS = 60000 };

static void ops_look(void *owner)
{
    struct ops *ops = owner;
    struct op *next;
    ops_meet_hosts(ops); /* before what waits for a host goes on */
    for (struct op *op = ops->live; op != NULL; op = next) {
        next = op->next; /* an operation may end while it looks */
        op_look(op);
    }
    inquiry_look(ops, op_answered);
    ops_look_for_debris(ops);
    reconcile_look(ops);
    ops_set_timer(ops);
}

static void ops_changed(struct registry_reader *reader)
{
    ops_look(CONTAINER_OF(reader, struct ops, reader));
}

static void ops_people_changed(struct registry_reader *reader)
{
    (void)reader; /* who may do what is looked up per call */
}

/* Once for each set of workers that somebody waits for. */
static void pass_turns(struct ops *ops)
{
    ops->turns_passed = loop_monotonic_ms();
    for (struct op *op = ops->waiting_turns > 0 ? ops->live : NULL; op != NULL; op = op->next) {
        const struct op *first = ops->live;
        while (first != op && !(first->turn == TURN_WAITS && turn_is_same(first, op))) {
            first = first->next;
        }
        if (op->turn == TURN_WAITS && first == op) {
            op_pass_turn(op);
        }
    }
}

static void ops_are_due(void *owner)
{
    struct ops *ops = owner;
    uint64_t now = loop_monotonic_ms();
    struct op *next;
    for (struct op *op = ops->live; op != NULL; op = next) {
        next = op->next;
        waiters_tick(op, now);
        op_tick(op, now);
    }
    pass_turns(ops);
    inquiry_look(ops, op_answered);
    ops_set_timer(ops);
}

struct ops *ops_new(struct fleet *fleet, const struct recipe *const *recipes, unsigned per_hour)
{
    struct ops *ops = xcalloc(1, sizeof *ops);
    ops->fleet = fleet;
    ops->loop = fleet->loop;
    ops->registry = fleet->registry;
    ops->recipes = recipes;
    ops->per_hour = per_hour;
    ops->workers = workers_new(ops->loop, "ops", STORE_WORKERS, WORKER_IDLE_MS);
    ops->timer = loop_timer_new(ops->loop, ops_are_due, ops);
    ops->rate = rate_new();
    ops->look.run = ops_look;
    ops->look.owner = ops;
    ops->reader.changed = ops_changed;
    ops->reader.people_changed = ops_people_changed;
    index_init(&ops->by_vm);
    registry_add_reader(ops->registry, &ops->reader);
    return ops;
}

struct fleet *ops_fleet(const struct ops *ops)
{
    return ops->fleet;
}

void ops_each(const struct ops *ops, ops_shown_fn *take, void *data)
{
    for (const struct op *op = ops->live; op != NULL; op = op->next) {
        if (op->shown != NULL) {
            take(data, &op->shown->facts);
        }
    }
}

void ops_look_again(struct ops *ops)
{
    ops_look_again_for_debris(ops);
    reconcile_look_again(ops);
}

/* Random, as RFC 9562 section 5.4 has them. */
static void make_uuid(char ret_text[static 37])
{
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) {
        abort(); /* the kernel's random numbers never fail once it is up (getrandom(2)) */
    }
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    char *place = ret_text;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        place += snprintf(place, 4, dash ? "-%02x" : "%02x", bytes[i]);
    }
}

static bool same_request(const struct op *op, const struct op_ask *ask)
{
    return op->request_id != NULL && ask->request_id != NULL && op->uid == ask->viewer.uid &&
           strcmp(op->recipe->kind, ask->kind) == 0 && strcmp(op->request_id, ask->request_id) == 0;
}

static struct op *find_live_request(struct ops *ops, const struct op_ask *ask)
{
    struct op *op = ops->live;
    while (op != NULL && !same_request(op, ask)) {
        op = op->next;
    }
    return op;
}

/* Whether a vm.stop that is under way ends this run too. */
static bool is_of_run(const struct op *stop, int64_t run)
{
    return run == LODGE_UNKNOWN || stop->takes_any || stop->as_of == run;
}

static void add_waiter(struct op *op, op_answer_fn *answer, void *data, bool until_end,
                       int64_t timeout_ms)
{
    waiters_add(op, answer, data, until_end, timeout_ms);
    if (until_end && timeout_ms >= 0) {
        ops_set_timer(op->ops);
    }
}

/* An operation that is there already is the answer to this call too. Returns whether it was. */
static bool joins(struct ops *ops, struct op_ask *ask, const struct recipe *recipe)
{
    struct lodge_error err = {0};
    struct op *same = find_live_request(ops, ask);
    struct op *stop = recipe->stops_others ? ops_stop_of(ops, ask->host, ask->uuid) : NULL;
    if (same != NULL && strcmp(same->request_hash, ask->request_hash) != 0) {
        (void)lodge_fail(&err, LODGE_ERROR_CONFLICT,
                         "request_id '%.40s' was used with other parameters", ask->request_id);
        op_refuse(ask, &err);
        return true;
    }
    if (same == NULL && stop != NULL && !is_of_run(stop, ask->plan->run)) {
        ops_postpone(stop, ask, ops_ask);
        return true;
    }
    same = same != NULL ? same : stop;
    if (same == NULL) {
        return false;
    }
    plan_clear(ask->plan);
    add_waiter(same, ask->answer, ask->data, ask->wait, ask->timeout_ms);
    return true;
}

static bool vm_is_free(struct ops *ops, const struct op_ask *ask, struct lodge_error *err)
{
    struct op *holder = ask->uuid == NULL ? NULL : ops_holder(ops, ask->host, ask->uuid);
    if (holder == NULL && ask->uuid != NULL) {
        holder = ops_stop_of(ops, ask->host, ask->uuid); /* what it is about to end */
    }
    if (holder == NULL) {
        return true;
    }
    err->op = holder->begun && holder->id > 0 ? holder->id : 0;
    return lodge_fail(err, LODGE_ERROR_BUSY,
                      "'%s' is busy with %s: wait for it to end, or cancel it (op.cancel)",
                      ask->plan->name, holder->recipe->kind);
}

static void stop_others(struct op *stop)
{
    struct ops *ops = stop->ops;
    struct op *holder = ops_holder(ops, stop->host_name, stop->uuid);
    stop->spare_id = --ops->last_unjournalled;
    if (holder == NULL) {
        return;
    }
    if (holder->recipe->starts) {
        stop->takes_any = true;
        stop->plan.run = LODGE_UNKNOWN;
    }
    op_cancel(holder);
}

bool ops_may_forget(struct ops *ops, const char *host, const char *uuid)
{
    const struct op *holder = ops_holder(ops, host, uuid);
    return holder != NULL && holder->forgets;
}

/* op.cancel, or vm.forget, of one that may be given up: now or when its job is back. DENIED. */
static bool ask_to_give_up(struct op *op, bool is_admin, struct lodge_error *err)
{
    if (!give_up_is_allowed(op, is_admin, err)) {
        return false;
    }
    op->gives_up = true;
    if (!op->out) {
        give_up_now(op);
        op_start(op);
    }
    return true;
}

/* Returns whether it was answered, or will be. */
static bool gives_up_deletion(struct ops *ops, struct op_ask *ask, const struct recipe *recipe)
{
    struct lodge_error err = {0};
    if (!recipe->ends_deletion || ask->uuid == NULL || !ops_may_forget(ops, ask->host, ask->uuid)) {
        return false;
    }
    struct op *holder = ops_holder(ops, ask->host, ask->uuid);
    if (!ask_to_give_up(holder, ask->viewer.role == ROLE_ADMIN, &err)) {
        op_refuse(ask, &err);
        return true;
    }
    plan_clear(ask->plan);
    add_waiter(holder, ask->answer, ask->data, ask->wait, ask->timeout_ms);
    return true;
}

bool ops_may_begin(struct ops *ops, const struct viewer *viewer, struct lodge_error *err)
{
    return viewer->role == ROLE_ADMIN || rate_allows(ops->rate, viewer->uid, ops->per_hour, err);
}

void ops_count(struct ops *ops, uid_t uid)
{
    rate_add(ops->rate, uid, 0);
}

void ops_set_per_hour(struct ops *ops, unsigned per_hour)
{
    ops->per_hour = per_hour;
}

static void count_in(struct op *op)
{
    op->counted_ms = (int64_t)loop_monotonic_ms();
    rate_add(op->ops->rate, op->uid, 0);
}

void ops_ask(struct ops *ops, struct op_ask *ask)
{
    const struct recipe *recipe = ops_recipe(ops, ask->kind);
    struct lodge_error err = {0};
    assert(recipe != NULL);
    if (ops->fleet->closing) {
        (void)refuse_stopping(&err);
        op_refuse(ask, &err);
        return;
    }
    if (joins(ops, ask, recipe) || gives_up_deletion(ops, ask, recipe)) {
        return;
    }
    if (ask->refusal == NULL && !recipe->stops_others && !vm_is_free(ops, ask, &err)) {
        op_refuse(ask, &err);
        return;
    }
    if (ask->refusal == NULL && !ops_may_begin(ops, &ask->viewer, &err)) {
        if (ask->request_id == NULL) {
            op_refuse(ask, &err);
            return;
        }
        ask->refusal = &err; /* unless it is one of before that is asked for again … */
        ask->uuid = NULL;    /* … so that it is in nobody's way, and stops nothing */
    }
    char fresh[37];
    if (ask->uuid == NULL) {
        make_uuid(fresh);
    }
    struct op *op = ops_add(ops, recipe, ask->host, ask->uuid == NULL ? fresh : ask->uuid);
    op->plan = *ask->plan;
    plan_init(ask->plan);
    op->uid = ask->viewer.uid;
    op->is_admin = ask->viewer.role == ROLE_ADMIN;
    op->pid = ask->pid;
    op->request_id = xstrdup_or_null(ask->request_id);
    op->request_hash = xstrdup_or_null(ask->request_hash);
    op->for_audit = xstrdup_or_null(ask->asked);
    op->refusal = ask->refusal == NULL ? (struct lodge_error){0} : *ask->refusal;
    add_waiter(op, ask->answer, ask->data, ask->wait, ask->timeout_ms);
    if (ask->refusal == NULL) {
        count_in(op);
    }
    if (recipe->stops_others && ask->refusal == NULL) {
        stop_others(op);
    }
    op->as_of = op->plan.run;
    while (recipe->steps[op->at].skips != NULL && recipe->steps[op->at].skips(op)) {
        op->at++;
    }
    op_start(op);
}

bool ops_cancel(struct ops *ops, int64_t id, bool is_admin, bool *ret_changed,
                struct lodge_error *err)
{
    struct op *op = ops_find(ops, id);
    if (op == NULL) {
        return lodge_fail(err, LODGE_ERROR_NOT_FOUND, "no operation %lld is under way",
                          (long long)id);
    }
    if (op->shown == NULL || op->shown->facts.can_cancel != LODGE_FLAG_YES) {
        return lodge_fail(err, LODGE_ERROR_CONFLICT,
                          "operation %lld (%s) is past the point where it could be cancelled",
                          (long long)id, op->recipe->kind);
    }
    if (op->may_give_up != GIVE_UP_NOBODY) {
        *ret_changed = !op->gives_up;
        return ask_to_give_up(op, is_admin, err);
    }
    *ret_changed = !atomic_load(&op->cancelled);
    op_cancel(op);
    return true;
}

bool ops_wait(struct ops *ops, int64_t id, int64_t timeout_ms, op_answer_fn *answer, void *data)
{
    struct op *op = ops_find(ops, id);
    if (op == NULL) {
        return false;
    }
    add_waiter(op, answer, data, true, timeout_ms);
    return true;
}

void ops_close(struct ops *ops)
{
    struct lodge_error err = {0};
    (void)lodge_fail(&err, LODGE_ERROR_CANCELLED,
                     "lodged is leaving: what has begun goes on when it is back");
    loop_timer_free(TAKE(ops->timer));
    loop_later_cancel(ops->loop, &ops->look);
    registry_remove_reader(ops->registry, &ops->reader);
    for (struct op *op = ops->live; op != NULL; op = op->next) {
        ops_ask_postponed(ops, TAKE(op->postponed));
        waiters_tell(
            op, true,
            &(struct op_answer){
                .op = op->begun ? op->id : 0, .uuid = op->uuid, .error = &err, .began = op->begun});
    }
    workers_free(TAKE(ops->workers));
}
