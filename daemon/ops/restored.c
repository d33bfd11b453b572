/*
 * restored: a database that was put back from a copy: it is older than what its hosts show.
 *
 * The store finds out by itself that it was put back, by the count beside it (store/age.h); not so
 * when that was put back with it, as by a snapshot of the file system. Then the domains tell: the
 * mark of each names the operation that made it, which is in the database before the domain is
 * there, and says when that was past its point of no return, which is in the database before the
 * mark says so. A mark that is ahead has been written by a lodged whose database had more in it.
 * Of such a database nothing that is under way is undone or gone on with.
 */
#include "fleet_questions.h"
#include "log.h"
#include "memory.h"
#include "ops/guards.h"
#include "ops/op.h"
#include "scope.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A mark that is further ahead than so many operations was not written by a lodged. */
#define FAR_AHEAD (INT64_C(1) << 32)

/* What the store remembers of the creation `id` is from before its point of no return. */
static bool store_is_behind(struct ops *ops, const struct vm *vm, int64_t id)
{
    const struct op *op = ops_holder(ops, vm->facts.host, vm->facts.uuid);
    bool is_under_way = op != NULL && op->recovered && !op->out &&
                        op->recipe->begins == VM_INSERT && op->id == id && !op->committed;
    return is_under_way || guards_have(ops, id);
}

/* The latest operation that the host shows and the store does not know, or knows less of; 0: none.
 */
static int64_t find_newer(struct ops *ops, const char *host)
{
    const char *installation = store_installation(ops->fleet->store);
    int64_t last = atomic_load(&ops->last_op);
    int64_t newer = 0;
    struct order_walk walk = registry_walk_host(ops->registry, host);
    const struct vm *vm;
    while ((vm = registry_next_of_host(&walk, host)) != NULL) {
        bool is_ours = vm->present && strcmp(vm->installation, installation) == 0;
        bool is_ahead = is_ours && vm->made_by > last && vm->made_by - last < FAR_AHEAD;
        if (vm->made_by > newer &&
            (is_ahead || (is_ours && vm->made_whole && store_is_behind(ops, vm, vm->made_by)))) {
            newer = vm->made_by;
        }
    }
    return newer;
}

struct leaving {
    struct question question; /* first */
    int64_t newest;
};

static bool leaving_write(struct question *question, struct store *store)
{
    const struct leaving *leaving = (const struct leaving *)question;
    return store_leave_all(store, leaving->newest, &question->error);
}

/* What could not be marked is found by the next start as it was by this one. */
static void leaving_written(struct question *question)
{
    if (question->error.kind != LODGE_ERROR_NONE) {
        log_warning(LOG_OPS, "that the database was put back is not in it: %s",
                    question->error.message);
    }
    free(question);
}

static void give_way(struct ops *ops, const char *host, int64_t newest)
{
    log_warning(LOG_OPS,
                "host '%s' has what operation %" PRId64 " made, of which the database knows less: "
                "it was put back from a copy, and nothing that is under way in it is undone",
                host, newest);
    store_was_put_back(ops->fleet->store);
    for (struct op *op = ops->live; op != NULL; op = op->next) {
        if (op->recovered && !op->out && !op->left_alone && !op->closed) {
            op_leave_alone(op);
            op_start(op);
        }
    }
    guards_end_all(ops);
    ops_note_last(ops, newest);
    struct leaving *leaving = xcalloc(1, sizeof *leaving);
    leaving->question.run = leaving_write;
    leaving->question.answer = leaving_written;
    leaving->newest = newest;
    question_ask(ops->fleet, &leaving->question);
}

/* Hosts are all there before the first of them is read. */
static void grow_met(struct ops *ops)
{
    if (ops->met_count < ops->fleet->host_count) {
        free(ops->met);
        ops->met_count = ops->fleet->host_count;
        ops->met = xcalloc(ops->met_count, sizeof *ops->met);
    }
}

bool ops_has_met(const struct ops *ops, const struct fleet_host *host)
{
    size_t i = (size_t)(host - ops->fleet->hosts);
    return i < ops->met_count && ops->met[i];
}

void ops_meet_hosts(struct ops *ops)
{
    grow_met(ops);
    for (size_t i = 0; ops->fleet->store != NULL && i < ops->fleet->host_count; i++) {
        const char *name = host_name(ops->fleet->hosts[i].host);
        const struct registry_host *host = registry_find_host(ops->registry, name);
        if (ops->met[i] || host == NULL || host->facts.synced_at == 0) {
            continue;
        }
        ops->met[i] = true;
        ops->guards_grew = true; /* what has come before is looked at now */
        int64_t newest = find_newer(ops, name);
        if (newest > 0) {
            give_way(ops, name, newest);
        }
    }
}
