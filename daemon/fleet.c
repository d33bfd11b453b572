/*
 * fleet: a table of hosts and a slot for the store, made by the wiring and lent to ops and reads.
 * The places of disks are its own, all else is borrowed. Loop-only, but for what workers read,
 * which does not change any more by then; the store comes late, and is atomic.
 */
#include "fleet.h"

#include "host/host.h"
#include "loop/workers.h"
#include "memory.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

enum { READERS_IDLE_MS = 60000 };

struct fleet *fleet_new(struct loop *loop, struct registry *registry,
                        const struct fleet_options *options)
{
    struct fleet *fleet = xcalloc(1, sizeof *fleet);
    fleet->loop = loop;
    fleet->registry = registry;
    fleet->options = *options;
    fleet->readers = workers_new(loop, "readers", 1, READERS_IDLE_MS);
    return fleet;
}

void fleet_add_host(struct fleet *fleet, struct host *host, const char *pool, const char *dir)
{
    fleet->hosts = xrealloc(fleet->hosts, (fleet->host_count + 1) * sizeof *fleet->hosts);
    struct fleet_host *added = &fleet->hosts[fleet->host_count++];
    *added = (struct fleet_host){.host = host};
    storage_place(host, pool, dir, &added->place);
}

struct fleet_host *fleet_find(const struct fleet *fleet, const char *name)
{
    for (size_t i = 0; i < fleet->host_count; i++) {
        if (strcmp(host_name(fleet->hosts[i].host), name) == 0) {
            return &fleet->hosts[i];
        }
    }
    return NULL;
}

void fleet_take_store(struct fleet *fleet, struct store *store)
{
    free(TAKE(fleet->why_no_store));
    fleet->store = store;
}

void fleet_lack_store(struct fleet *fleet, const char *why)
{
    free(fleet->why_no_store);
    fleet->why_no_store = xstrdup_or_null(why);
}

void fleet_close(struct fleet *fleet)
{
    fleet->closing = true;
    workers_free(TAKE(fleet->readers));
}
