/* sessions: who looks at which guest's screen, as the feed shows it, one kind of its objects. Who
 * makes one (console/session.c) fills its facts and says when they have changed; the registry owns
 * it. Loop-only. */
#include "contract/contract.h"
#include "memory.h"
#include "registry/access.h"
#include "registry/registry_private.h"
#include "registry/render.h"
#include "scope.h"

#include <stdlib.h>

static struct registry_session *session_in(struct feed_entry *entry)
{
    return CONTAINER_OF(entry, struct registry_session, entry);
}

static void session_entry_free(struct feed_entry *entry)
{
    fields_clear(lodge_session_fields, &session_in(entry)->facts);
    free(session_in(entry));
}

static void session_name_learned(struct registry *registry, struct feed_entry *entry, uid_t uid)
{
    struct registry_session *session = session_in(entry);
    if (session->uid == uid && session->facts.user != NULL) {
        people_write_name(registry->people, uid, &session->facts.user);
        registry_entry_changed(registry, entry);
    }
}

bool registry_session_is_visible(const struct registry_session *session,
                                 const struct viewer *viewer)
{
    return access_allows_of(viewer, session->uid, session->owner, ACCESS_SEE);
}

static bool session_is_visible(struct feed_entry *entry, const struct viewer *viewer)
{
    return registry_session_is_visible(session_in(entry), viewer);
}

static void session_render(struct buffer *buffer, struct feed_entry *entry,
                           const struct feed_view *view)
{
    (void)view;
    render_session(buffer, session_in(entry));
}

static void session_render_key(struct buffer *buffer, struct feed_entry *entry,
                               const struct feed_view *view)
{
    render_session_end(buffer, view->registry, session_in(entry), view->viewer);
}

static const struct feed_class session_class = {
    .topic = LODGE_TOPIC_SESSION,
    .free = session_entry_free,
    .name_learned = session_name_learned,
    .is_visible = session_is_visible,
    .render = session_render,
    .render_key = session_render_key,
};

struct registry_session *registry_add_session(struct registry *registry)
{
    struct registry_session *session = xcalloc(1, sizeof *session);
    fields_init(lodge_session_fields, &session->facts);
    session->owner = VM_NO_OWNER;
    registry_add_entry(registry, &session->entry, &session_class);
    return session;
}

void registry_session_changed(struct registry *registry, struct registry_session *session)
{
    registry_entry_changed(registry, &session->entry);
}

void registry_remove_session(struct registry *registry, struct registry_session *session,
                             const char *reason)
{
    free(session->facts.reason);
    session->facts.reason = xstrdup(reason);
    registry_remove_entry(registry, &session->entry);
}
