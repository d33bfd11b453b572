/*
 * reads: the workers of those questions that neither the store's readers nor a host answer, and the
 * rounds in which one answer is made for all who ask meanwhile. Loop-only; the fleet and ops are
 * borrowed.
 */
#include "reads/reads.h"

#include "host/host.h"
#include "memory.h"
#include "reads/compare.h"
#include "reads/display_calls.h"
#include "reads/history.h"
#include "reads/offers.h"
#include "reads/reads_private.h"
#include "refusals.h"
#include "scope.h"
#include "store/store.h"

enum { IDLE_MS = 60000 };

struct reads *reads_new(struct fleet *fleet, struct ops *ops)
{
    struct reads *reads = xcalloc(1, sizeof *reads);
    reads->fleet = fleet;
    reads->ops = ops;
    reads->library = workers_new(fleet->loop, "library", 1, IDLE_MS);
    reads->copies = workers_new(fleet->loop, "copies", 1, IDLE_MS);
    reads->images = rounds_new(&offers_images, reads);
    reads->backups = rounds_new(&history_backups, reads);
    reads->comparings = rounds_new(&compare_rounds, reads);
    reads->display_calls = display_calls_new(fleet->loop);
    fleet->reads = reads;
    return reads;
}

/* What is out on a worker finds nobody when it comes back. */
static void end_rounds(struct rounds *rounds)
{
    const struct lodge_error leaving = {.kind = LODGE_ERROR_CANCELLED, .message = REFUSED_STOPPING};
    rounds_drop(rounds, &leaving);
    rounds_free(rounds);
}

void reads_close(struct reads *reads)
{
    display_calls_close(reads->display_calls);
    end_rounds(TAKE(reads->images));
    end_rounds(TAKE(reads->backups));
    end_rounds(TAKE(reads->comparings));
    workers_free(TAKE(reads->library));
    workers_free(TAKE(reads->copies));
}

static struct host *find_fleet_host(const struct reads *reads, const char *name,
                                    struct lodge_error *err)
{
    const struct fleet_host *on = fleet_find(reads->fleet, name);
    if (on == NULL) {
        (void)refuse_unknown_host(err, name);
    }
    return on == NULL ? NULL : on->host;
}

void reads_xml(struct reads *reads, const char *host, const char *uuid, reads_xml_fn *answer,
               void *data)
{
    struct lodge_error err = {0};
    struct host *on = find_fleet_host(reads, host, &err);
    if (on == NULL) {
        answer(data, NULL, &err);
        return;
    }
    host_read_xml(on, uuid, false, answer, data);
}

void reads_fresh(struct reads *reads, const char *host, const char *uuid, reads_fresh_fn *answer,
                 void *data)
{
    struct lodge_error err = {0};
    struct host *on = find_fleet_host(reads, host, &err);
    if (on == NULL) {
        answer(data, &err);
        return;
    }
    host_fresh(on, uuid, answer, data);
}

bool reads_beside(struct reads *reads, const char *host, const char *uuid)
{
    struct lodge_error err = {0};
    struct host *on = find_fleet_host(reads, host, &err);
    /* of a host that is not configured any more there is nothing to read */
    return on != NULL && host_refresh_beside(on, uuid);
}

const char *reads_store_trouble(const struct reads *reads)
{
    const struct fleet *fleet = reads->fleet;
    return fleet->store == NULL ? fleet->why_no_store : store_trouble(fleet->store);
}

const char *reads_store_note(const struct reads *reads)
{
    const struct fleet *fleet = reads->fleet;
    return fleet->store == NULL ? NULL : store_note(fleet->store);
}
