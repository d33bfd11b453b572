/*
 * find: what is known, looked up and not changed: hosts by name, VMs by (host and uuid) and by name
 * from their indexes, operations by number, and all in the order of lists. All that is told here is
 * borrowed, until the next turn of the loop. Loop-only.
 */
#include "memory.h"
#include "refusals.h"
#include "registry/registry_private.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

struct registry_host *registry_first_host(struct registry *registry)
{
    return registry->hosts;
}

struct registry_host *registry_find_host(struct registry *registry, const char *name)
{
    struct index_link *link = index_first(&registry->hosts_by_name, index_hash(name, NULL));
    for (; link != NULL; link = index_next(link)) {
        struct registry_host *host = CONTAINER_OF(link, struct registry_host, by_name);
        if (strcmp(host->facts.name, name) == 0) {
            return host;
        }
    }
    return NULL;
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

struct feed_entry *registry_next_of(struct registry *registry, enum lodge_topic topic, size_t *slot)
{
    const struct feed *feed = &registry->feed;
    while (*slot < feed->slot_count) {
        struct feed_entry *entry = feed->slots[(*slot)++];
        if (entry != NULL && !entry->gone &&
            (topic == LODGE_TOPIC_NONE || entry->class->topic == topic)) {
            return entry;
        }
    }
    return NULL;
}

struct vm *registry_next_vm(struct registry *registry, size_t *slot)
{
    struct feed_entry *entry = registry_next_of(registry, LODGE_TOPIC_VM, slot);
    return entry == NULL ? NULL : CONTAINER_OF(entry, struct vm, entry);
}

static struct registry_op *next_op(struct registry *registry, size_t *slot)
{
    struct feed_entry *entry = registry_next_of(registry, LODGE_TOPIC_OP, slot);
    return entry == NULL ? NULL : CONTAINER_OF(entry, struct registry_op, entry);
}

struct registry_op *registry_find_op(struct registry *registry, int64_t id)
{
    struct registry_op *op;
    for (size_t slot = 0; (op = next_op(registry, &slot)) != NULL;) {
        if (op->facts.id == id) {
            return op;
        }
    }
    return NULL;
}

static bool is_op_at(const struct registry_op *op, const char *host, const char *uuid,
                     const char *kind)
{
    const struct lodge_op *facts = &op->facts;
    return facts->host != NULL && facts->kind != NULL && strcmp(facts->kind, kind) == 0 &&
           strcmp(facts->uuid, uuid) == 0 && strcmp(facts->host, host) == 0;
}

struct registry_op *registry_last_op(struct registry *registry, const char *host, const char *uuid,
                                     const char *kind)
{
    struct registry_op *last = NULL;
    struct registry_op *op;
    for (size_t slot = 0; (op = next_op(registry, &slot)) != NULL;) {
        if (is_op_at(op, host, uuid, kind) && (last == NULL || op->facts.id > last->facts.id)) {
            last = op;
        }
    }
    return last;
}

struct order_walk registry_walk(struct registry *registry, const struct vm *key)
{
    return order_walk(&registry->order, key);
}

struct order_walk registry_walk_host(struct registry *registry, const char *host)
{
    AUTO(free) char *name = xstrdup(host);
    const struct vm before_all = {.facts = {.host = name}};
    return order_walk(&registry->order, &before_all);
}

struct vm *registry_next_of_host(struct order_walk *walk, const char *host)
{
    struct vm *vm = order_next(walk);
    return vm == NULL || strcmp(vm->facts.host, host) != 0 ? NULL : vm;
}

/* The next of those called so from `link` on, which goes behind it; NULL: there is none. */
static struct vm *next_called(struct index_link **link, const char *name)
{
    while (*link != NULL) {
        struct vm *vm = CONTAINER_OF(*link, struct vm, by_name);
        *link = index_next(*link);
        if (vm->facts.name != NULL && strcmp(vm->facts.name, name) == 0) {
            return vm;
        }
    }
    return NULL;
}

bool registry_name_is_taken(struct registry *registry, const char *host, const char *name)
{
    struct index_link *link = index_first(&registry->by_name, index_hash(name, NULL));
    const struct vm *vm;
    while ((vm = next_called(&link, name)) != NULL) {
        if (strcmp(vm->facts.host, host) == 0) {
            return true;
        }
    }
    return false;
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
    struct vm *vm;
    while ((vm = next_called(&link, text)) != NULL) {
        if ((host == NULL || strcmp(vm->facts.host, host) == 0) && vm_is_visible(vm, viewer)) {
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

bool registry_path_is_taken(struct registry *registry, const char *host, const char *path,
                            const struct vm *except)
{
    struct order_walk walk = registry_walk(registry, NULL);
    const struct vm *vm;
    while ((vm = order_next(&walk)) != NULL) {
        bool is_elsewhere = strcmp(vm->facts.host, host) != 0;
        if (vm != except &&
            (vm_row_has_path(vm, path) || (is_elsewhere && vm_domain_has_path(vm, path)))) {
            return true;
        }
    }
    return false;
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
