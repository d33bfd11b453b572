/* watched: VMs in a list and by host and uuid, each with its sessions and what was seen last. */
#include "console/watched.h"

#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct watched *find_watched(const struct index *index, uint64_t hash, const char *host,
                                    const char *uuid)
{
    for (struct index_link *link = index_first(index, hash); link != NULL;
         link = index_next(link)) {
        struct watched *watched = CONTAINER_OF(link, struct watched, by_vm);
        if (strcmp(watched->uuid, uuid) == 0 && strcmp(watched->host, host) == 0) {
            return watched;
        }
    }
    return NULL;
}

static struct watched *add_watched(struct console *console, uint64_t hash, const char *host,
                                   const char *uuid)
{
    struct watched *watched = xcalloc(1, sizeof *watched);
    watched->host = xstrdup(host);
    (void)snprintf(watched->uuid, sizeof watched->uuid, "%s", uuid);
    index_add(&console->watched_by, &watched->by_vm, hash);
    list_append(&console->watched, &watched->link);
    return watched;
}

void watched_join(struct session *session)
{
    struct console *console = session->console;
    uint64_t hash = index_hash(session->host, session->uuid);
    struct watched *watched =
        find_watched(&console->watched_by, hash, session->host, session->uuid);
    if (watched == NULL) {
        watched = add_watched(console, hash, session->host, session->uuid);
    }
    list_append(&watched->sessions, &session->at_vm);
    session->watched = watched;
}

void watched_leave(struct session *session)
{
    struct watched *watched = session->watched;
    list_remove(&watched->sessions, &session->at_vm);
    if (watched->sessions.first == NULL) {
        index_remove(&session->console->watched_by, &watched->by_vm);
        list_remove(&session->console->watched, &watched->link);
        free(watched->host);
        free(watched);
    }
    session->watched = NULL;
}

static bool is_same_look(const struct watched_look *a, const struct watched_look *b)
{
    return a->is_known == b->is_known && a->is_present == b->is_present && a->live == b->live &&
           a->phase == b->phase && a->owner == b->owner && a->starts == b->starts &&
           a->reason == b->reason && a->host_synced_at == b->host_synced_at;
}

bool watched_has_changed(struct watched *watched, struct registry *registry)
{
    const struct vm *vm = registry_find_vm(registry, watched->host, watched->uuid);
    struct watched_look look = {0};
    if (vm != NULL) {
        look = (struct watched_look){
            .is_known = true,
            .is_present = vm->present,
            .live = vm->live,
            .phase = vm_phase(vm),
            .owner = vm->owner,
            .starts = vm->starts,
            .reason = index_hash(vm->live_reason, NULL),
            .host_synced_at = vm->host->facts.synced_at,
        };
    }
    bool is_same = is_same_look(&look, &watched->seen);
    watched->seen = look;
    return !is_same;
}
