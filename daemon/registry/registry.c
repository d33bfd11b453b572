#include "registry/registry.h"

#include "log.h"
#include "memory.h"
#include "scope.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct owner_row {
    struct owner_row *next;
    char *host;
    char uuid[37];
    uid_t owner;
};

struct registry {
    struct loop *loop;
    struct people *people;
    struct feed feed;
    struct registry_host *hosts; /* in order of name */
    struct index by_key;
    struct index by_name;
    struct vm **sorted;
    size_t sorted_count;
    size_t sorted_room;
    bool sorted_stale;
    uint64_t sample_turn;
    struct owner_row *owners; /* of VMs that lodge made; few until it makes any */
    struct registry_reader *readers;
    struct loop_later tell;
};

static void free_entry(struct feed_entry *entry)
{
    if (entry->node.kind == FEED_VM) {
        vm_free(CONTAINER_OF(entry, struct vm, entry));
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
    index_done(&registry->by_key);
    index_done(&registry->by_name);
    while (registry->owners != NULL) {
        struct owner_row *row = registry->owners;
        registry->owners = row->next;
        free(row->host);
        free(row);
    }
    free(registry->sorted);
    free(registry);
}

static void something_changed(struct registry *registry)
{
    loop_later(registry->loop, &registry->tell);
}

static void host_changed(struct registry *registry, struct registry_host *host)
{
    feed_changed(&registry->feed, &host->entry);
    host->facts.rev = (int64_t)host->entry.rev;
    something_changed(registry);
}

static void vm_changed(struct registry *registry, struct vm *vm)
{
    feed_changed(&registry->feed, &vm->entry);
    vm->facts.rev = (int64_t)vm->entry.rev;
    vm_forget_rendered(vm);
    something_changed(registry);
}

void registry_add_host(struct registry *registry, const char *name, const char *uri)
{
    struct registry_host *host = xcalloc(1, sizeof *host);
    lodge_host_init(&host->facts);
    host->facts.name = xstrdup(name);
    host->facts.uri = xstrdup(uri);
    host->facts.state = LODGE_HOST_CONNECTING;
    host->facts.since = loop_wall_ms();

    struct registry_host **place = &registry->hosts;
    while (*place != NULL && strcmp((*place)->facts.name, name) < 0) {
        place = &(*place)->next;
    }
    host->next = *place;
    *place = host;
    feed_add(&registry->feed, &host->entry, FEED_HOST);
    host->facts.rev = (int64_t)host->entry.rev;
    something_changed(registry);
}

static struct vm *find_vm(struct registry *registry, const char *host, const char *uuid)
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

static void own(struct registry *registry, struct vm *vm, uid_t owner)
{
    vm->owner = owner;
    vm->facts.managed = true;
    free(vm->facts.owner);
    vm->facts.owner = xstrdup(people_name(registry->people, owner));
}

void registry_set_owner(struct registry *registry, const char *host, const char *uuid, uid_t owner)
{
    struct owner_row *row = xcalloc(1, sizeof *row);
    row->host = xstrdup(host);
    snprintf(row->uuid, sizeof row->uuid, "%s", uuid);
    row->owner = owner;
    row->next = registry->owners;
    registry->owners = row;

    struct vm *vm = find_vm(registry, host, uuid);
    if (vm != NULL) {
        own(registry, vm, owner);
        vm_changed(registry, vm);
    }
}

static struct vm *add_vm(struct registry *registry, struct registry_host *host, const char *uuid)
{
    struct vm *vm = vm_new(host, host->facts.name, uuid);
    for (struct owner_row *row = registry->owners; row != NULL; row = row->next) {
        if (strcmp(row->uuid, uuid) == 0 && strcmp(row->host, host->facts.name) == 0) {
            own(registry, vm, row->owner);
        }
    }
    feed_add(&registry->feed, &vm->entry, FEED_VM);
    index_add(&registry->by_key, &vm->by_key, index_hash(host->facts.name, uuid));
    index_add(&registry->by_name, &vm->by_name, index_hash(NULL, NULL));
    registry->sorted_stale = true;
    return vm;
}

/* After any merge that may have changed the name. */
static void index_name(struct registry *registry, struct vm *vm)
{
    uint64_t hash = index_hash(vm->facts.name, NULL);
    if (vm->by_name.hash != hash) {
        index_remove(&registry->by_name, &vm->by_name);
        index_add(&registry->by_name, &vm->by_name, hash);
        registry->sorted_stale = true;
    }
}

static void remove_vm(struct registry *registry, struct vm *vm)
{
    index_remove(&registry->by_key, &vm->by_key);
    index_remove(&registry->by_name, &vm->by_name);
    registry->sorted_stale = true;
    feed_remove(&registry->feed, &vm->entry);
    something_changed(registry);
}

static void name_learned(void *owner, uid_t uid)
{
    struct registry *registry = owner;
    for (size_t slot = 0; slot < registry->feed.slot_count; slot++) {
        struct feed_entry *entry = registry->feed.slots[slot];
        if (entry == NULL || entry->gone || entry->node.kind != FEED_VM) {
            continue;
        }
        struct vm *vm = CONTAINER_OF(entry, struct vm, entry);
        if (vm->owner == uid) {
            own(registry, vm, uid);
            vm_changed(registry, vm);
        }
    }
}

/* The reports */

static struct registry_host *reporting(struct registry *registry, const char *name)
{
    struct registry_host *host = registry_find_host(registry, name);
    assert(host != NULL); /* hosts are added before they are started */
    return host;
}

static void each_vm_of(struct registry *registry, struct registry_host *host,
                       bool (*touch)(struct vm *vm, int64_t now))
{
    int64_t now = loop_wall_ms();
    size_t count = registry->feed.slot_count;
    for (size_t slot = 0; slot < count; slot++) {
        struct feed_entry *entry = registry->feed.slots[slot];
        if (entry == NULL || entry->gone || entry->node.kind != FEED_VM) {
            continue;
        }
        struct vm *vm = CONTAINER_OF(entry, struct vm, entry);
        if (vm->host == host && touch(vm, now)) {
            vm_changed(registry, vm);
        }
    }
}

static bool become_stale(struct vm *vm, int64_t now)
{
    return vm_set_time(&vm->facts.stale, now);
}

static bool become_fresh(struct vm *vm, int64_t now)
{
    (void)now;
    return vm_set_time(&vm->facts.stale, 0);
}

static void on_connection(void *owner, const char *name,
                          const struct host_connection_report *report)
{
    struct registry *registry = owner;
    struct registry_host *host = reporting(registry, name);
    bool same_error = (host->facts.error == NULL) == (report->error == NULL) &&
                      (report->error == NULL || strcmp(host->facts.error, report->error) == 0);
    if (host->facts.state == report->state && same_error) {
        return;
    }
    if (host->facts.state != report->state) {
        host->facts.since = loop_wall_ms();
    }
    host->facts.state = report->state;
    char *error = xstrdup_or_null(report->error);
    free(host->facts.error);
    host->facts.error = error;
    if (report->state != LODGE_HOST_UP) {
        host->synced = false;
        each_vm_of(registry, host, become_stale);
    }
    host_changed(registry, host);
}

static void on_abilities(void *owner, const char *name, const struct host_abilities_report *report)
{
    struct registry *registry = owner;
    struct registry_host *host = reporting(registry, name);
    struct lodge_host *facts = &host->facts;
    facts->cpus = report->cpus;
    facts->memory_mib = report->memory_mib;
    free(facts->hypervisor);
    facts->hypervisor = xstrdup_or_null(report->hypervisor);
    free(facts->libvirt);
    facts->libvirt = xstrdup_or_null(report->libvirt);
    lodge_strings_clear(&facts->features);
    for (size_t i = 0; i < report->features->count; i++) {
        if (!lodge_strings_add(&facts->features, report->features->items[i])) {
            abort();
        }
    }
    host_changed(registry, host);
}

static void on_domain_state(void *owner, const char *name, const struct domain_state_report *report)
{
    struct registry *registry = owner;
    struct registry_host *host = reporting(registry, name);
    struct vm *vm = find_vm(registry, name, report->uuid);
    bool added = vm == NULL;
    if (added) {
        vm = add_vm(registry, host, report->uuid);
    }
    if (vm_merge_state(vm, report, loop_wall_ms()) || added) {
        index_name(registry, vm);
        vm_changed(registry, vm);
    }
}

static void on_domain_facts(void *owner, const char *name, struct domain_facts *facts)
{
    struct registry *registry = owner;
    struct vm *vm = find_vm(registry, name, facts->uuid);
    if (vm == NULL) {
        return; /* it went while its XML was read */
    }
    if (vm_merge_facts(vm, facts)) {
        index_name(registry, vm);
        vm_changed(registry, vm);
    }
}

static void on_domain_gone(void *owner, const char *name, const char *uuid)
{
    struct registry *registry = owner;
    struct vm *vm = find_vm(registry, name, uuid);
    if (vm != NULL) {
        remove_vm(registry, vm);
    }
}

static void on_synced(void *owner, const char *name)
{
    struct registry *registry = owner;
    struct registry_host *host = reporting(registry, name);
    host->synced = true;
    each_vm_of(registry, host, become_fresh);
    host_changed(registry, host);
}

static void on_domain_hung(void *owner, const char *name, const char *uuid, int64_t since)
{
    struct registry *registry = owner;
    struct vm *vm = find_vm(registry, name, uuid);
    if (vm != NULL && vm_set_time(&vm->facts.unresponsive, since)) {
        vm_changed(registry, vm);
    }
}

static void on_samples(void *owner, const char *name, int64_t at,
                       const struct domain_sample *samples, size_t count,
                       const struct host_sample *host_sample)
{
    struct registry *registry = owner;
    registry->sample_turn++;
    for (size_t i = 0; i < count; i++) {
        struct vm *vm = find_vm(registry, name, samples[i].uuid);
        if (vm == NULL) {
            continue;
        }
        vm->facts.stats.cpu_percent = samples[i].cpu_percent;
        vm->facts.stats.memory_used_mib = samples[i].memory_used_mib;
        vm->facts.stats.memory_rss_mib = samples[i].memory_rss_mib;
        vm->facts.stats.at = at;
        vm->sampled_turn = registry->sample_turn;
        free(vm->rendered_stats);
        vm->rendered_stats = NULL;
    }
    if (host_sample != NULL) {
        struct registry_host *host = reporting(registry, name);
        host->facts.stats = (struct lodge_host_stats){
            .cpu_percent = host_sample->cpu_percent,
            .memory_used_mib = host_sample->memory_used_mib,
            .psi_cpu = host_sample->psi_cpu,
            .psi_memory = host_sample->psi_memory,
            .psi_io = host_sample->psi_io,
            .at = at,
        };
        host->sampled_turn = registry->sample_turn;
    }
    something_changed(registry);
}

const struct host_listener registry_listener = {
    .connection = on_connection,
    .abilities = on_abilities,
    .domain_state = on_domain_state,
    .domain_facts = on_domain_facts,
    .domain_gone = on_domain_gone,
    .synced = on_synced,
    .domain_hung = on_domain_hung,
    .samples = on_samples,
};

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

/* The one visible VM on `host` (NULL: on any) that is called `text`; adds to `*found`. */
static struct vm *search(struct registry *registry, const char *host, const char *text,
                         const struct viewer *viewer, unsigned *found)
{
    struct vm *hit = NULL;
    for (struct registry_host *on = registry->hosts; on != NULL; on = on->next) {
        if (host != NULL && strcmp(on->facts.name, host) != 0) {
            continue;
        }
        struct vm *vm = find_vm(registry, on->facts.name, text);
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
        (void)lodge_fail(err, LODGE_ERROR_NOT_FOUND, "no VM '%s'; vm.list names those there are",
                         text);
    }
    return vm;
}

void registry_incomplete(struct registry *registry, struct lodge_strings *names)
{
    for (struct registry_host *host = registry->hosts; host != NULL; host = host->next) {
        if (!host->synced && !lodge_strings_add(names, host->facts.name)) {
            abort();
        }
    }
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
    if (*place == reader) {
        *place = reader->next;
    }
}
