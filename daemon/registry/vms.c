/*
 * vms: VMs as the feed shows them. A change gives one its next revision and drops what was rendered
 * of it; each is in two indexes, by (host and uuid) and by name. What hosts tell comes by
 * reports.c, what the store knows by managed.c, and vm.c joins the two. The registry owns them;
 * loop-only.
 */
#include "memory.h"
#include "query.h"
#include "registry/registry_private.h"
#include "registry/render.h"
#include "scope.h"

#include <stdlib.h>

void registry_vm_changed(struct registry *registry, struct vm *vm)
{
    registry_entry_changed(registry, &vm->entry);
    vm->facts.rev = (int64_t)vm->entry.rev;
    vm_forget_rendered(vm);
    registry_quotas_changed(registry);
}

void registry_own(struct registry *registry, struct vm *vm, uid_t owner)
{
    vm->owner = owner;
    vm->facts.managed = true;
    people_write_name(registry->people, owner, &vm->facts.owner);
}

static struct vm *vm_in(struct feed_entry *entry)
{
    return CONTAINER_OF(entry, struct vm, entry);
}

static void vm_entry_free(struct feed_entry *entry)
{
    vm_free(vm_in(entry));
}

static void vm_name_learned(struct registry *registry, struct feed_entry *entry, uid_t uid)
{
    struct vm *vm = vm_in(entry);
    if (vm->owner == uid) {
        registry_own(registry, vm, uid);
        registry_vm_changed(registry, vm);
    }
}

static bool vm_entry_is_visible(struct feed_entry *entry, const struct viewer *viewer)
{
    return vm_is_visible(vm_in(entry), viewer);
}

static bool vm_matches(struct feed_entry *entry, const struct query *query)
{
    return query_matches(query, &vm_in(entry)->facts);
}

static void vm_render(struct buffer *buffer, struct feed_entry *entry, const struct feed_view *view)
{
    render_vm(buffer, vm_in(entry), view->choice);
}

static void vm_render_key(struct buffer *buffer, struct feed_entry *entry,
                          const struct feed_view *view)
{
    (void)view;
    render_vm_key(buffer, vm_in(entry));
}

static void vm_render_sample(struct buffer *buffer, struct feed_entry *entry)
{
    render_vm_sample(buffer, vm_in(entry));
}

static const struct feed_class vm_class = {
    .topic = LODGE_TOPIC_VM,
    .free = vm_entry_free,
    .name_learned = vm_name_learned,
    .is_visible = vm_entry_is_visible,
    .matches = vm_matches,
    .render = vm_render,
    .render_key = vm_render_key,
    .render_sample = vm_render_sample,
};

struct vm *registry_add_vm(struct registry *registry, struct registry_host *host, const char *uuid)
{
    struct vm *vm = vm_new(host, host->facts.name, uuid);
    feed_add(&registry->feed, &vm->entry, &vm_class);
    index_add(&registry->by_key, &vm->by_key, index_hash(host->facts.name, uuid));
    index_add(&registry->by_name, &vm->by_name, index_hash(NULL, NULL));
    order_put(&registry->order, vm);
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
        order_put(&registry->order, vm);
    }
}

void registry_remove_vm(struct registry *registry, struct vm *vm)
{
    index_remove(&registry->by_key, &vm->by_key);
    index_remove(&registry->by_name, &vm->by_name);
    order_remove(&registry->order, vm);
    vm_keep_key(vm);
    registry_remove_entry(registry, &vm->entry);
    registry_quotas_changed(registry);
}

void registry_set_op(struct registry *registry, const char *host, const char *uuid, int64_t op)
{
    struct vm *vm = registry_find_vm(registry, host, uuid);
    if (vm != NULL && vm->facts.op != op) {
        vm->facts.op = op;
        registry_vm_changed(registry, vm);
    }
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

void registry_compare_row(struct registry *registry, const struct vm *vm)
{
    if (vm_row_differs(vm)) {
        registry->differs++;
        registry_something_changed(registry);
    }
}

uint64_t registry_differs(const struct registry *registry)
{
    return registry->differs;
}

uint64_t registry_added(const struct registry *registry)
{
    return registry->added;
}
