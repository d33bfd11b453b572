/*
 * store_opener: an attempt opens the store and reads what it remembers. The first runs on the
 * caller's thread, later ones on a worker, with pauses from FIRST_MS to LAST_MS.
 *
 * A file that was there at the start is not made anew when it is gone. An attempt owns what it has
 * opened until that is told; one that comes when the opener is gone closes it.
 */
#include "store_opener.h"

#include "log.h"
#include "loop/workers.h"
#include "memory.h"
#include "scope.h"
#include "store/recall.h"

#include <stdlib.h>
#include <string.h>

/* An attempt may read the whole file: each waits twice as long as the one before. */
enum { FIRST_MS = 2000, LAST_MS = 60000, IDLE_MS = 1000 };

struct store_opener {
    const char *state_dir;
    struct store_opener_owner owner;
    bool may_create; /* there was none at start: nobody has moved it away since */
    uint64_t wait_ms;
    struct loop_timer *timer;
    struct workers *workers;
    struct attempt *attempt; /* under way */
    char *why;               /* as told last */
};

struct attempt {
    struct job job; /* first */
    struct store_opener *opener;
    char *state_dir;
    bool may_create;
    struct store *store;
    struct recall *recall;
    struct lodge_error err;
};

static void attempt_run(struct job *job)
{
    struct attempt *attempt = (struct attempt *)job;
    attempt->store = attempt->may_create ? store_open(attempt->state_dir, &attempt->err)
                                         : store_open_again(attempt->state_dir, &attempt->err);
    attempt->recall = attempt->store == NULL ? NULL : recall_read(attempt->store, &attempt->err);
    if (attempt->recall == NULL) {
        store_close(TAKE(attempt->store));
    }
}

static void discard(struct attempt *attempt)
{
    store_close(attempt->store);
    recall_free(attempt->recall);
    free(attempt->state_dir);
    free(attempt);
}

static void say_why(struct store_opener *opener, const char *why)
{
    if (opener->why != NULL && strcmp(opener->why, why) == 0) {
        return;
    }
    log_error(LOG_STORE, "running without a store: %s", why);
    free(opener->why);
    opener->why = xstrdup(why);
    opener->owner.failed(opener->owner.owner, why);
}

static void came(struct store_opener *opener, struct attempt *attempt)
{
    if (attempt->store == NULL) {
        say_why(opener, attempt->err.message);
        loop_timer_start(opener->timer, opener->wait_ms, 0);
        opener->wait_ms = opener->wait_ms * 2 > LAST_MS ? LAST_MS : opener->wait_ms * 2;
        return;
    }
    if (opener->why != NULL) {
        log_info(LOG_STORE, "the store is open again");
    }
    opener->owner.opened(opener->owner.owner, TAKE(attempt->store), attempt->recall);
}

static void attempt_deliver(struct letter *letter)
{
    struct attempt *attempt = (struct attempt *)letter;
    if (!atomic_load(&attempt->job.cancelled)) {
        attempt->opener->attempt = NULL;
        came(attempt->opener, attempt);
    }
    discard(attempt);
}

static struct attempt *attempt_new(struct store_opener *opener)
{
    struct attempt *attempt = xcalloc(1, sizeof *attempt);
    attempt->job.run = attempt_run;
    attempt->job.letter.deliver = attempt_deliver;
    attempt->opener = opener;
    attempt->state_dir = xstrdup(opener->state_dir);
    attempt->may_create = opener->may_create;
    return attempt;
}

static void opener_retry(void *data)
{
    struct store_opener *opener = data;
    opener->attempt = attempt_new(opener);
    workers_submit(opener->workers, &opener->attempt->job);
}

struct store_opener *store_opener_new(struct loop *loop, const char *state_dir,
                                      struct store **ret_store)
{
    struct store_opener *opener = xcalloc(1, sizeof *opener);
    opener->state_dir = state_dir;
    opener->wait_ms = FIRST_MS;
    opener->timer = loop_timer_new(loop, opener_retry, opener);
    opener->workers = workers_new(loop, "opener", 1, IDLE_MS);
    bool was_there = store_is_there(state_dir);
    opener->may_create = true;
    opener->attempt = attempt_new(opener);
    attempt_run(&opener->attempt->job);
    opener->may_create = !was_there;
    *ret_store = opener->attempt->store;
    return opener;
}

void store_opener_start(struct store_opener *opener, const struct store_opener_owner *owner)
{
    opener->owner = *owner;
    attempt_deliver(&opener->attempt->job.letter);
}

void store_opener_free(struct store_opener *opener)
{
    if (opener->attempt != NULL) {
        atomic_store(&opener->attempt->job.cancelled, true); /* it may come when we are gone */
    }
    workers_free(opener->workers);
    loop_timer_free(opener->timer);
    free(opener->why);
    free(opener);
}
