/*
 * task: each is one call on a connection of its kind (channels.c), which is delivered in any case:
 * its task hears whether it ran. What run() was told is its own, so a host that has gone meanwhile
 * changes nothing of it. Loop-only, but for run_task().
 */
#include "host/task.h"
#include "host/channels.h"
#include "host/host_conn.h"
#include "memory.h"

#include <assert.h>
#include <stdlib.h>

struct task_call {
    struct host_call call; /* first */
    struct host_task *task;
};

static void run_task(struct host_call *call, virConnectPtr conn)
{
    struct host_task *task = ((struct task_call *)call)->task;
    struct host_conn lent = {call->host, conn};
    task->run(task, &lent);
    /* A broken connection is found by whoever asks next, and by the pulse: what an operation was
     * told it keeps to itself. */
}

static void task_done(struct host_call *call, bool current)
{
    (void)current;
    struct host_task *task = ((struct task_call *)call)->task;
    task->done(task, call->ran);
}

/* A host that is not up has no connection to wait for: said in the next turn, as everything is. */
struct refusal {
    struct letter letter; /* first */
    struct host_task *task;
};

static void deliver_refusal(struct letter *letter)
{
    struct refusal *refusal = (struct refusal *)letter;
    refusal->task->done(refusal->task, false);
    free(refusal);
}

void host_submit(struct host *host, enum host_channel channel, struct host_task *task)
{
    assert(loop_is_current());
    if (host->state != LODGE_HOST_UP || host->ended) {
        struct refusal *refusal = xcalloc(1, sizeof *refusal);
        refusal->letter.deliver = deliver_refusal;
        refusal->task = task;
        loop_post(host->loop, &refusal->letter);
        return;
    }
    struct task_call *call = xcalloc(1, sizeof *call);
    call->call.run = run_task;
    call->call.done = task_done;
    call->task = task;
    const enum channel_name channels[] = {
        [HOST_CHANNEL_OPS] = CHANNEL_OPS,
        [HOST_CHANNEL_RESCUE] = CHANNEL_RESCUE,
        [HOST_CHANNEL_SCREEN] = channel_for_screen(host),
    };
    channel_submit(host, channels[channel], &call->call);
}
