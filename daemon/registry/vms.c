/*
 * vms: VMs as the feed shows them. A change gives one its next revision and drops what was rendered
 * of it; each is in two indexes, by (host and uuid) and by name. What hosts tell comes by
 * reports.c, what the store knows by managed.c, and vm.c joins the two. The registry owns them;
 * loop-only.
 */
#include "memory.h"
#include "registry/registry_private.h"
#include "scope.h"

#include <stdlib.h>

void registry_vm_changed(struct registry *registry, struct vm *vm)
{
    feed_changed(&registry->feed, &vm->entry);
    vm->facts.rev = (int64_t)vm->entry.rev;
    vm_forget_rendered(vm);
    registry_quotas_changed(registry);
    registry_something_changed(registry);
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

void registry_own(struct registry *registry, struct vm *vm, uid_t owner)
{
    vm->owner = owner;
    vm->facts.managed = true;
    free(vm->facts.owner);
    vm->facts.owner = xstrdup(people_name(registry->people, owner));
}

void registry_name_vm(struct registry *registry, struct feed_entry *entry, uid_t uid)
{
    struct vm *vm = CONTAINER_OF(entry, struct vm, entry);
    if (vm->owner == uid) {
        registry_own(registry, vm, uid);
        registry_vm_changed(registry, vm);
    }
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
