/*
 * op_table: the operations that are live, found by their VM or their number, and the timer of
 * whichever is due first. The table owns them: op_free() takes one out. Loop-only.
 */
#include "host/storage/uses.h"
#include "memory.h"
#include "ops/op.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

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

struct op *ops_stop_of(struct ops *ops, const char *host, const char *uuid)
{
    return find_live(ops, host, uuid, true);
}

const struct recipe *ops_recipe(const struct ops *ops, const char *kind)
{
    const struct recipe *const *place = ops->recipes;
    while (*place != NULL && strcmp((*place)->kind, kind) != 0) {
        place++;
    }
    return *place;
}

struct op *ops_add(struct ops *ops, const struct recipe *recipe, const char *host, const char *uuid)
{
    struct op *op = xcalloc(1, sizeof *op);
    struct fleet_host *on = fleet_find(ops->fleet, host);
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

struct op *ops_find(struct ops *ops, int64_t id)
{
    struct op *op = ops->live;
    while (op != NULL && (!op->begun || op->is_debris || op->id != id)) {
        op = op->next;
    }
    return op;
}

static uint64_t sooner_of(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

void ops_set_timer(struct ops *ops)
{
    uint64_t next = 0;
    for (struct op *op = ops->live; op != NULL; op = op->next) {
        next = sooner_of(sooner_of(next, waiters_next(op)), turns_next(op));
        if (!op->out && ((op->phase == OP_WAITING && !op->is_late) || op->phase == OP_ASKS)) {
            next = sooner_of(next, op->deadline);
        } else if (!op->out && op->phase == OP_RETRIES) {
            next = sooner_of(next, op->retry_at);
        }
    }
    if (next == 0) {
        loop_timer_stop(ops->timer);
        return;
    }
    uint64_t now = loop_monotonic_ms();
    loop_timer_start(ops->timer, next > now ? next - now : 0, 0);
}
