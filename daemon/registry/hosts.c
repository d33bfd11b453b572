/* hosts: libvirt hosts as the feed shows them, in a list by name; none is ever taken out. What they
 * tell of themselves comes by reports.c. The registry owns them; loop-only. */
#include "memory.h"
#include "registry/registry_private.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

void registry_host_changed(struct registry *registry, struct registry_host *host)
{
    feed_changed(&registry->feed, &host->entry);
    host->facts.rev = (int64_t)host->entry.rev;
    registry_something_changed(registry);
}

void registry_add_host(struct registry *registry, const char *name, const char *uri)
{
    struct registry_host *host = xcalloc(1, sizeof *host);
    lodge_host_init(&host->facts);
    host->facts.name = xstrdup(name);
    host->facts.uri = xstrdup_or_null(uri);
    host->facts.state = LODGE_HOST_CONNECTING;
    host->facts.since = loop_wall_ms();

    struct registry_host **place = &registry->hosts;
    while (*place != NULL && strcmp((*place)->facts.name, name) < 0) {
        place = &(*place)->next;
    }
    host->next = *place;
    *place = host;
    registry->knows_secrets = false;
    feed_add(&registry->feed, &host->entry, FEED_HOST);
    host->facts.rev = (int64_t)host->entry.rev;
    registry_something_changed(registry);
}

void registry_free_host(struct feed_entry *entry)
{
    struct registry_host *host = CONTAINER_OF(entry, struct registry_host, entry);
    lodge_host_clear(&host->facts);
    free(host);
}
