/* sessions.c: who looks at which screen, as the feed shows it. Loop-only. */
#include "contract/contract.h"
#include "memory.h"
#include "registry/access.h"
#include "registry/registry_private.h"
#include "scope.h"

#include <stdlib.h>

struct registry_session *registry_add_session(struct registry *registry)
{
    struct registry_session *session = xcalloc(1, sizeof *session);
    fields_init(lodge_session_fields, &session->facts);
    session->owner = VM_NO_OWNER;
    feed_add(&registry->feed, &session->entry, FEED_SESSION);
    registry_something_changed(registry);
    return session;
}

void registry_session_changed(struct registry *registry, struct registry_session *session)
{
    feed_changed(&registry->feed, &session->entry);
    registry_something_changed(registry);
}

void registry_remove_session(struct registry *registry, struct registry_session *session,
                             const char *reason)
{
    free(session->facts.reason);
    session->facts.reason = xstrdup(reason);
    feed_remove(&registry->feed, &session->entry);
    registry_something_changed(registry);
}

void registry_free_session(struct feed_entry *entry)
{
    struct registry_session *session = CONTAINER_OF(entry, struct registry_session, entry);
    fields_clear(lodge_session_fields, &session->facts);
    free(session);
}

void registry_name_session(struct registry *registry, struct feed_entry *entry, uid_t uid)
{
    struct registry_session *session = CONTAINER_OF(entry, struct registry_session, entry);
    if (session->uid == uid && session->facts.user != NULL) {
        free(session->facts.user);
        session->facts.user = xstrdup(people_name(registry->people, uid));
        registry_session_changed(registry, session);
    }
}

bool registry_session_is_visible(const struct registry_session *session,
                                 const struct viewer *viewer)
{
    return access_allows_of(viewer, session->uid, session->owner, ACCESS_SEE);
}

void registry_set_viewers(struct registry *registry, const char *host, const char *uuid,
                          int64_t viewers)
{
    struct vm *vm = registry_find_vm(registry, host, uuid);
    if (vm != NULL && vm->facts.viewers != viewers) {
        vm->facts.viewers = viewers;
        registry_vm_changed(registry, vm);
    }
}
