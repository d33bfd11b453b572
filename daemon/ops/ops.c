/* ops.c: the table of live operations: who begins, who waits, what they wait for. */
#include "ops/ops.h"

#include "host/host.h"
#include "host/storage/uses.h"
#include "log.h"
#include "memory.h"
#include "ops/compare.h"
#include "ops/glances.h"
#include "ops/history.h"
#include "ops/inquiry.h"
#include "ops/ledger.h"
#include "ops/offers.h"
#include "ops/op.h"
#include "ops/rate.h"
#include "ops/recipes.h"
#include "refusals.h"
#include "scope.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { STORE_WORKERS = 3, WORKER_IDLE_MS = 60000 };

static void look(void *owner)
{
    struct ops *ops = owner;
    struct op *next;
    ops_meet_hosts(ops); /* before what waits for a host goes on */
    for (struct op *op = ops->live; op != NULL; op = next) {
        next = op->next; /* an operation may end while it looks */
        op_look(op);
    }
    inquiry_look(ops);
    ops_look_for_debris(ops);
    ledger_look(ops);
    ops_set_timer(ops);
}

static void on_changed(struct registry_reader *reader)
{
    look(CONTAINER_OF(reader, struct ops, reader));
}

static void on_people_changed(struct registry_reader *reader)
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

static void on_time(void *owner)
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
    inquiry_look(ops);
    ops_set_timer(ops);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

void ops_set_timer(struct ops *ops)
{
    uint64_t next = 0;
    for (struct op *op = ops->live; op != NULL; op = op->next) {
        next = sooner(sooner(next, waiters_next(op)), turns_next(op));
        if (!op->out && ((op->phase == OP_WAITING && !op->is_late) || op->phase == OP_ASKS)) {
            next = sooner(next, op->deadline);
        } else if (!op->out && op->phase == OP_RETRIES) {
            next = sooner(next, op->retry_at);
        }
    }
    if (next == 0) {
        loop_timer_stop(ops->timer);
        return;
    }
    uint64_t now = loop_monotonic_ms();
    loop_timer_start(ops->timer, next > now ? next - now : 0, 0);
}

struct ops *ops_new(struct loop *loop, struct registry *registry, const struct ops_options *options)
{
    struct ops *ops = xcalloc(1, sizeof *ops);
    ops->loop = loop;
    ops->registry = registry;
    ops->options = *options;
    ops->workers = workers_new(loop, "ops", STORE_WORKERS, WORKER_IDLE_MS);
    ops->readers = workers_new(loop, "readers", 1, WORKER_IDLE_MS);
    ops->library = workers_new(loop, "library", 1, WORKER_IDLE_MS);
    ops->copies = workers_new(loop, "copies", 1, WORKER_IDLE_MS);
    ops->images = rounds_new(&offers_images, ops);
    ops->backups = rounds_new(&history_backups, ops);
    ops->comparings = rounds_new(&compare_rounds, ops);
    ops->timer = loop_timer_new(loop, on_time, ops);
    ops->glances = glances_new(loop);
    ops->rate = rate_new();
    ops->look.run = look;
    ops->look.owner = ops;
    ops->reader.changed = on_changed;
    ops->reader.people_changed = on_people_changed;
    index_init(&ops->by_vm);
    registry_add_reader(registry, &ops->reader);
    return ops;
}

void ops_add_host(struct ops *ops, struct host *host, const char *pool, const char *dir)
{
    ops->hosts = xrealloc(ops->hosts, (ops->host_count + 1) * sizeof *ops->hosts);
    struct house_host *added = &ops->hosts[ops->host_count++];
    *added = (struct house_host){.host = host};
    storage_place(host, pool, dir, &added->place);
}

struct house_host *ops_host(struct ops *ops, const char *name)
{
    for (size_t i = 0; i < ops->host_count; i++) {
        if (strcmp(host_name(ops->hosts[i].host), name) == 0) {
            return &ops->hosts[i];
        }
    }
    return NULL;
}

const struct ops_options *ops_options(const struct ops *ops)
{
    return &ops->options;
}

/* Others that have this VM: of vm.stop, or of all else. */
static struct op *find_live(struct ops *ops, const char *host, const char *uuid, bool stops)
{
    struct index_link *link = index_first(&ops->by_vm, index_hash(host, uuid));
    for (; link != NULL; link = index_next(link)) {
        struct op *op = CONTAINER_OF(link, struct op, by_vm);
        if (op->recipe->stops_others == stops && strcmp(op->uuid, uuid) == 0 &&
            strcmp(op->host_name, host) == 0) {
            return op;
        }
    }
    return NULL;
}

struct op *ops_holder(struct ops *ops, const char *host, const char *uuid)
{
    return find_live(ops, host, uuid, false);
}

struct op *ops_add(struct ops *ops, const struct recipe *recipe, const char *host, const char *uuid)
{
    struct op *op = xcalloc(1, sizeof *op);
    struct house_host *on = ops_host(ops, host);
    op->ops = ops;
    op->recipe = recipe;
    op->host = on == NULL ? NULL : on->host;
    op->host_name = xstrdup(host);
    memcpy(op->uuid, uuid, sizeof op->uuid);
    op->next = ops->live;
    ops->live = op;
    index_add(&ops->by_vm, &op->by_vm, index_hash(host, uuid));
    return op;
}

void op_free(struct op *op)
{
    struct ops *ops = op->ops;
    struct op **place = &ops->live;
    while (*place != op) {
        place = &(*place)->next;
    }
    *place = op->next;
    index_remove(&ops->by_vm, &op->by_vm);
    uses_release(op->uses);
    uses_release(op->own_uses);
    plan_clear(&op->plan);
    free(op->host_name);
    free(op->request_id);
    free(op->request_hash);
    free(op->for_audit);
    free(op->result);
    free(op->seen.name);
    free(op->retry_reason);
    free(op);
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

static struct op *find_request(struct ops *ops, const struct op_ask *ask)
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

/* An operation that is there already is the answer to this call too. Returns whether it was. */
static bool joins(struct ops *ops, struct op_ask *ask, const struct recipe *recipe)
{
    struct lodge_error err = {0};
    struct op *same = find_request(ops, ask);
    struct op *stop = recipe->stops_others ? find_live(ops, ask->host, ask->uuid, true) : NULL;
    if (same != NULL && strcmp(same->request_hash, ask->request_hash) != 0) {
        (void)lodge_fail(&err, LODGE_ERROR_CONFLICT,
                         "request_id '%.40s' was used with other parameters", ask->request_id);
        op_refuse(ask, &err);
        return true;
    }
    if (same == NULL && stop != NULL && !is_of_run(stop, ask->plan->run)) {
        ops_put_off(stop, ask);
        return true;
    }
    same = same != NULL ? same : stop;
    if (same == NULL) {
        return false;
    }
    plan_clear(ask->plan);
    waiters_add(same, ask->answer, ask->data, ask->wait, ask->timeout_ms);
    return true;
}

static bool is_free(struct ops *ops, const struct op_ask *ask, struct lodge_error *err)
{
    struct op *holder = ask->uuid == NULL ? NULL : ops_holder(ops, ask->host, ask->uuid);
    if (holder == NULL && ask->uuid != NULL) {
        holder = find_live(ops, ask->host, ask->uuid, true); /* what it is about to end */
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
    if (holder->recipe == &start_recipe || holder->recipe == &create_recipe) {
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

/* Returns whether it was answered, or will be. */
static bool forgets_deletion(struct ops *ops, struct op_ask *ask)
{
    struct lodge_error err = {0};
    if (strcmp(ask->kind, "vm.forget") != 0 || ask->uuid == NULL ||
        !ops_may_forget(ops, ask->host, ask->uuid)) {
        return false;
    }
    struct op *holder = ops_holder(ops, ask->host, ask->uuid);
    if (!way_out_take(holder, ask->viewer.role == ROLE_ADMIN, &err)) {
        op_refuse(ask, &err);
        return true;
    }
    plan_clear(ask->plan);
    waiters_add(holder, ask->answer, ask->data, ask->wait, ask->timeout_ms);
    return true;
}

bool ops_may_begin(struct ops *ops, const struct viewer *viewer, struct lodge_error *err)
{
    return viewer->role == ROLE_ADMIN ||
           rate_allows(ops->rate, viewer->uid, ops->options.per_hour, err);
}

void ops_count(struct ops *ops, uid_t uid)
{
    rate_add(ops->rate, uid, 0);
}

void ops_set_per_hour(struct ops *ops, unsigned per_hour)
{
    ops->options.per_hour = per_hour;
}

static void count_in(struct op *op)
{
    op->counted_ms = (int64_t)loop_monotonic_ms();
    rate_add(op->ops->rate, op->uid, 0);
}

void ops_ask(struct ops *ops, struct op_ask *ask)
{
    const struct recipe *recipe = recipe_find(ask->kind);
    struct lodge_error err = {0};
    assert(recipe != NULL);
    if (ops->closing) {
        (void)refuse_stopping(&err);
        op_refuse(ask, &err);
        return;
    }
    if (joins(ops, ask, recipe) || forgets_deletion(ops, ask)) {
        return;
    }
    if (ask->refusal == NULL && !recipe->stops_others && !is_free(ops, ask, &err)) {
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
    waiters_add(op, ask->answer, ask->data, ask->wait, ask->timeout_ms);
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
    if (op->way_out != WAY_NONE) {
        *ret_changed = !op->gives_up;
        return way_out_take(op, is_admin, err);
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
    waiters_add(op, answer, data, true, timeout_ms);
    return true;
}

struct op *ops_find(struct ops *ops, int64_t id)
{
    struct op *op = ops->live;
    while (op != NULL && (!op->begun || op->is_debris || op->id != id)) {
        op = op->next;
    }
    return op;
}

/* What is out on a worker finds nobody when it comes back. */
static void end_rounds(struct rounds *rounds)
{
    const struct lodge_error leaving = {.kind = LODGE_ERROR_CANCELLED, .message = REFUSED_STOPPING};
    rounds_drop(rounds, &leaving);
    rounds_free(rounds);
}

void ops_close(struct ops *ops)
{
    struct lodge_error err = {0};
    (void)lodge_fail(&err, LODGE_ERROR_CANCELLED,
                     "lodged is leaving: what has begun goes on when it is back");
    ops->closing = true;
    loop_timer_free(TAKE(ops->timer));
    loop_later_cancel(ops->loop, &ops->look);
    registry_remove_reader(ops->registry, &ops->reader);
    for (struct op *op = ops->live; op != NULL; op = op->next) {
        ops_ask_later(ops, TAKE(op->later));
        waiters_tell(
            op, true,
            &(struct op_answer){
                .op = op->begun ? op->id : 0, .uuid = op->uuid, .error = &err, .began = op->begun});
    }
    glances_close(ops->glances);
    workers_free(TAKE(ops->workers));
    end_rounds(TAKE(ops->images));
    end_rounds(TAKE(ops->backups));
    end_rounds(TAKE(ops->comparings));
    workers_free(TAKE(ops->readers));
    workers_free(TAKE(ops->library));
    workers_free(TAKE(ops->copies));
}
