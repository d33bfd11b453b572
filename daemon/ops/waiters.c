/* waiters.c: the calls that wait for an operation, for its beginning or its end. Loop-only. */
#include "memory.h"
#include "ops/op.h"

#include <stdlib.h>

void op_refuse(const struct op_ask *ask, const struct lodge_error *err)
{
    plan_clear(ask->plan);
    ask->answer(ask->data, &(struct op_answer){.error = err});
}

static void waiter_tell(struct waiter *waiter, const struct op_answer *answer)
{
    struct op_answer own = *answer;
    own.began = answer->began && waiter->began_it;
    waiter->answer(waiter->data, &own);
    free(waiter);
}

void waiters_add(struct op *op, op_answer_fn *answer, void *data, bool until_end,
                 int64_t timeout_ms)
{
    if (op->begun && !until_end) {
        answer(data, &(struct op_answer){.op = op->id, .uuid = op->uuid});
        return;
    }
    struct waiter *waiter = xcalloc(1, sizeof *waiter);
    waiter->answer = answer;
    waiter->data = data;
    waiter->until_end = until_end;
    waiter->began_it = op->waiters == NULL && !op->begun;
    waiter->deadline =
        until_end && timeout_ms >= 0 ? loop_monotonic_ms() + (uint64_t)timeout_ms : 0;
    waiter->next = op->waiters;
    op->waiters = waiter;
}

void waiters_tell(struct op *op, bool ended, const struct op_answer *answer)
{
    struct waiter **place = &op->waiters;
    while (*place != NULL) {
        struct waiter *waiter = *place;
        if (ended || !waiter->until_end) {
            *place = waiter->next;
            waiter_tell(waiter, answer);
        } else {
            place = &waiter->next;
        }
    }
}

void waiters_tick(struct op *op, uint64_t now)
{
    struct waiter **place = &op->waiters;
    while (*place != NULL) {
        struct waiter *waiter = *place;
        if (waiter->deadline == 0 || waiter->deadline > now) {
            place = &waiter->next;
            continue;
        }
        struct lodge_error err = {0};
        err.op = op->begun ? op->id : 0; /* until then it is a worker's to write */
        (void)lodge_fail(&err, LODGE_ERROR_TIMEOUT,
                         "operation %lld has not ended yet; it goes on (op.get tells)",
                         (long long)err.op);
        *place = waiter->next;
        waiter_tell(waiter, &(struct op_answer){
                                .op = err.op, .uuid = op->uuid, .error = &err, .began = op->begun});
    }
}

uint64_t waiters_next(const struct op *op)
{
    uint64_t next = 0;
    for (const struct waiter *waiter = op->waiters; waiter != NULL; waiter = waiter->next) {
        if (waiter->deadline != 0 && (next == 0 || waiter->deadline < next)) {
            next = waiter->deadline;
        }
    }
    return next;
}
