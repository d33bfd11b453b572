/*
 * registry: two indexes to find VMs by (host and uuid, name), and the order of lists, sorted when
 * somebody wants it after a change. The objects are the feed's.
 *
 * A change gives an object its next revision, drops what was rendered of it, and has readers told
 * once, at the end of the turn. Readers take themselves out; they share READERS_MS of each turn.
 */
#include "registry/registry.h"

#include "memory.h"
#include "refusals.h"
#include "registry/registry_private.h"
#include "scope.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READERS_MS = 5 };

static void free_entry(struct feed_entry *entry)
{
    if (entry->node.kind == FEED_VM) {
        vm_free(CONTAINER_OF(entry, struct vm, entry));
    } else if (entry->node.kind == FEED_OP) {
        registry_free_op(entry);
    } else if (entry->node.kind == FEED_SESSION) {
        registry_free_session(entry);
    } else if (entry->node.kind == FEED_QUOTA) {
        registry_free_quota(entry);
    } else {
        struct registry_host *host = CONTAINER_OF(entry, struct registry_host, entry);
        lodge_host_clear(&host->facts);
        free(host);
    }
}

static void tell_readers(void *owner)
{
    struct registry *registry = owner;
    struct registry_reader *next;
    for (struct registry_reader *reader = registry->readers; reader != NULL; reader = next) {
        next = reader->next; /* a reader may go while it is told */
        reader->changed(reader);
    }
    feed_prune(&registry->feed);
}

static void name_learned(void *owner, uid_t uid);

struct registry *registry_new(struct loop *loop, struct people *people, uint64_t boot)
{
    struct registry *registry = xcalloc(1, sizeof *registry);
    registry->loop = loop;
    registry->people = people;
    feed_init(&registry->feed, boot, free_entry);
    index_init(&registry->by_key);
    index_init(&registry->by_name);
    registry_init_quotas(registry);
    registry->tell.run = tell_readers;
    registry->tell.owner = registry;
    people_on_name(people, name_learned, registry);
    return registry;
}

void registry_free(struct registry *registry)
{
    if (registry == NULL) {
        return;
    }
    assert(registry->readers == NULL);
    loop_later_cancel(registry->loop, &registry->tell);
    feed_done(&registry->feed);
    registry_done_quotas(registry);
    index_done(&registry->by_key);
    index_done(&registry->by_name);
    free(registry->sorted);
    lodge_strings_clear(&registry->secrets);
    free(registry);
}

void registry_something_changed(struct registry *registry)
{
    loop_later(registry->loop, &registry->tell);
}

void registry_host_changed(struct registry *registry, struct registry_host *host)
{
    feed_changed(&registry->feed, &host->entry);
    host->facts.rev = (int64_t)host->entry.rev;
    registry_something_changed(registry);
}

void registry_vm_changed(struct registry *registry, struct vm *vm)
{
    feed_changed(&registry->feed, &vm->entry);
    vm->facts.rev = (int64_t)vm->entry.rev;
    vm_forget_rendered(vm);
    registry_quotas_changed(registry);
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

struct vm *registry_find_vm(struct registry *registry, const char *host, const char *uuid)
{
    struct index_link *link = index_first(&registry->by_key, index_hash(host, uuid));
    for (; link != NULL; link = index_next(link)) {
        struct vm *vm = CONTAINER_OF(link, struct vm, by_key);
        if (strcmp(vm->facts.uuid, uuid) == 0 && strcmp(vm->facts.host, host) == 0) {
            return vm;
        }
    }
    return NULL;
}

struct vm *registry_add_vm(struct registry *registry, struct registry_host *host, const char *uuid)
{
    struct vm *vm = vm_new(host, host->facts.name, uuid);
    feed_add(&registry->feed, &vm->entry, FEED_VM);
    index_add(&registry->by_key, &vm->by_key, index_hash(host->facts.name, uuid));
    index_add(&registry->by_name, &vm->by_name, index_hash(NULL, NULL));
    registry->sorted_stale = true;
    registry->added++;
    return vm;
}

/* After any merge that may have changed the name. */
void registry_index_name(struct registry *registry, struct vm *vm)
{
    uint64_t hash = index_hash(vm->facts.name, NULL);
    if (vm->by_name.hash != hash) {
        index_remove(&registry->by_name, &vm->by_name);
        index_add(&registry->by_name, &vm->by_name, hash);
        registry->sorted_stale = true;
    }
}

void registry_remove_vm(struct registry *registry, struct vm *vm)
{
    index_remove(&registry->by_key, &vm->by_key);
    index_remove(&registry->by_name, &vm->by_name);
    registry->sorted_stale = true;
    vm_keep_key(vm);
    feed_remove(&registry->feed, &vm->entry);
    registry_quotas_changed(registry);
    registry_something_changed(registry);
}

static void name_learned(void *owner, uid_t uid)
{
    struct registry *registry = owner;
    for (size_t slot = 0; slot < registry->feed.slot_count; slot++) {
        struct feed_entry *entry = registry->feed.slots[slot];
        if (entry != NULL && !entry->gone && entry->node.kind == FEED_OP) {
            registry_name_op(registry, entry, uid);
        }
        if (entry != NULL && !entry->gone && entry->node.kind == FEED_SESSION) {
            registry_name_session(registry, entry, uid);
        }
        if (entry != NULL && !entry->gone && entry->node.kind == FEED_QUOTA) {
            registry_name_quota(registry, entry, uid);
        }
        if (entry == NULL || entry->gone || entry->node.kind != FEED_VM) {
            continue;
        }
        struct vm *vm = CONTAINER_OF(entry, struct vm, entry);
        if (vm->owner == uid) {
            registry_own(registry, vm, uid);
            registry_vm_changed(registry, vm);
        }
    }
}

/* The readers */

void registry_people_changed(struct registry *registry)
{
    struct registry_reader *next;
    for (struct registry_reader *reader = registry->readers; reader != NULL; reader = next) {
        next = reader->next;
        reader->people_changed(reader);
    }
}

struct people *registry_people(struct registry *registry)
{
    return registry->people;
}

struct loop *registry_loop(struct registry *registry)
{
    return registry->loop;
}

struct feed *registry_feed(struct registry *registry)
{
    return &registry->feed;
}

uint64_t registry_sample_turn(const struct registry *registry)
{
    return registry->sample_turn;
}

struct registry_host *registry_first_host(struct registry *registry)
{
    return registry->hosts;
}

struct registry_host *registry_find_host(struct registry *registry, const char *name)
{
    struct registry_host *host = registry->hosts;
    while (host != NULL && strcmp(host->facts.name, name) != 0) {
        host = host->next;
    }
    return host;
}

static int compare_places(const void *a, const void *b)
{
    return vm_compare(*(struct vm *const *)a, *(struct vm *const *)b);
}

struct vm *const *registry_sorted(struct registry *registry, size_t *ret_count)
{
    struct feed *feed = &registry->feed;
    if (registry->sorted_stale) {
        if (registry->sorted_room < feed->slot_count) {
            registry->sorted_room = feed->slot_count;
            registry->sorted =
                xrealloc(registry->sorted, registry->sorted_room * sizeof(struct vm *));
        }
        registry->sorted_count = 0;
        for (size_t slot = 0; slot < feed->slot_count; slot++) {
            struct feed_entry *entry = feed->slots[slot];
            if (entry != NULL && !entry->gone && entry->node.kind == FEED_VM) {
                registry->sorted[registry->sorted_count++] = CONTAINER_OF(entry, struct vm, entry);
            }
        }
        qsort(registry->sorted, registry->sorted_count, sizeof(struct vm *), compare_places);
        registry->sorted_stale = false;
    }
    *ret_count = registry->sorted_count;
    return registry->sorted;
}

/* A uuid is the same in capital letters; libvirt prints it in small ones. */
static void lower_case(const char *text, char ret_uuid[static 37])
{
    size_t i = 0;
    for (; i < 36 && text[i] != '\0'; i++) {
        bool capital = text[i] >= 'A' && text[i] <= 'F';
        ret_uuid[i] = (char)(capital ? text[i] + 'a' - 'A' : text[i]);
    }
    ret_uuid[i] = '\0';
}

/* The one visible VM on `host` (NULL: on any) that is called `text`; adds to `*found`. */
static struct vm *search(struct registry *registry, const char *host, const char *text,
                         const struct viewer *viewer, unsigned *found)
{
    struct vm *hit = NULL;
    char uuid[37];
    lower_case(text, uuid);
    for (struct registry_host *on = registry->hosts; on != NULL; on = on->next) {
        if (host != NULL && strcmp(on->facts.name, host) != 0) {
            continue;
        }
        struct vm *vm =
            registry_find_vm(registry, on->facts.name, strlen(text) == 36 ? uuid : text);
        if (vm != NULL && vm_is_visible(vm, viewer)) {
            hit = vm;
            (*found)++;
        }
    }
    if (hit != NULL) {
        return hit; /* a uuid is a uuid, whatever else is called so */
    }
    struct index_link *link = index_first(&registry->by_name, index_hash(text, NULL));
    for (; link != NULL; link = index_next(link)) {
        struct vm *vm = CONTAINER_OF(link, struct vm, by_name);
        if (vm->facts.name != NULL && strcmp(vm->facts.name, text) == 0 &&
            (host == NULL || strcmp(vm->facts.host, host) == 0) && vm_is_visible(vm, viewer)) {
            hit = vm;
            (*found)++;
        }
    }
    return hit;
}

struct vm *registry_get(struct registry *registry, const char *text, const struct viewer *viewer,
                        struct lodge_error *err)
{
    unsigned found = 0;
    struct vm *vm = NULL;
    const char *slash = strchr(text, '/');
    if (slash == NULL) {
        vm = search(registry, NULL, text, viewer, &found);
    } else {
        AUTO(free) char *host = xstrndup(text, (size_t)(slash - text));
        vm = search(registry, host, slash + 1, viewer, &found);
    }
    if (found > 1) {
        (void)lodge_fail(err, LODGE_ERROR_CONFLICT, "%u VMs are called '%s': name one as HOST/%s",
                         found, text, text);
        return NULL;
    }
    if (vm == NULL) {
        (void)refuse_unknown_vm(err, text);
    }
    return vm;
}

void registry_incomplete(struct registry *registry, struct lodge_strings *names)
{
    for (struct registry_host *host = registry->hosts; host != NULL; host = host->next) {
        if (host->facts.synced_at == 0 && !lodge_strings_add(names, host->facts.name)) {
            abort();
        }
    }
}

bool registry_is_ready(const struct registry *registry)
{
    bool ready = true;
    for (const struct registry_host *host = registry->hosts; host != NULL; host = host->next) {
        ready &= host->facts.synced_at != 0 || host->facts.state == LODGE_HOST_DOWN;
    }
    return ready;
}

bool registry_turn_is_over(struct registry *registry)
{
    uint64_t now = loop_monotonic_ms();
    uint64_t turn = loop_turn_number(registry->loop);
    if (registry->turn != turn || registry->turn_ends == 0) {
        registry->turn = turn;
        registry->turn_ends = now + READERS_MS;
    }
    return now >= registry->turn_ends;
}

void registry_add_reader(struct registry *registry, struct registry_reader *reader)
{
    reader->next = registry->readers;
    registry->readers = reader;
}

void registry_remove_reader(struct registry *registry, struct registry_reader *reader)
{
    struct registry_reader **place = &registry->readers;
    while (*place != NULL && *place != reader) {
        place = &(*place)->next;
    }
    if (*place != NULL) {
        *place = reader->next;
    }
}
