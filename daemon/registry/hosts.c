/* hosts: libvirt hosts as the feed shows them, in a list by name; none is ever taken out. What they
 * tell of themselves comes by reports.c. The registry owns them; loop-only. */
#include "memory.h"
#include "registry/registry_private.h"
#include "registry/render.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

static struct registry_host *host_in(struct feed_entry *entry)
{
    return CONTAINER_OF(entry, struct registry_host, entry);
}

static void host_entry_free(struct feed_entry *entry)
{
    lodge_host_clear(&host_in(entry)->facts);
    free(host_in(entry));
}

/* Everybody may know of it; what of its facts is for admins is left out where it is rendered. */
static bool host_is_visible(struct feed_entry *entry, const struct viewer *viewer)
{
    (void)entry;
    (void)viewer;
    return true;
}

static void host_render(struct buffer *buffer, struct feed_entry *entry,
                        const struct feed_view *view)
{
    render_host(buffer, host_in(entry), view->viewer);
}

static void host_render_key(struct buffer *buffer, struct feed_entry *entry,
                            const struct feed_view *view)
{
    (void)view;
    render_host_key(buffer, host_in(entry));
}

static void host_render_sample(struct buffer *buffer, struct feed_entry *entry)
{
    render_host_sample(buffer, host_in(entry));
}

static const struct feed_class host_class = {
    .topic = LODGE_TOPIC_HOST,
    .free = host_entry_free,
    .is_visible = host_is_visible,
    .render = host_render,
    .render_key = host_render_key,
    .render_sample = host_render_sample,
};

void registry_host_changed(struct registry *registry, struct registry_host *host)
{
    registry_entry_changed(registry, &host->entry);
    host->facts.rev = (int64_t)host->entry.rev;
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
    index_add(&registry->hosts_by_name, &host->by_name, index_hash(name, NULL));
    registry->knows_secrets = false;
    registry_add_entry(registry, &host->entry, &host_class);
    host->facts.rev = (int64_t)host->entry.rev;
}
