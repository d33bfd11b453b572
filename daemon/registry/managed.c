/*
 * managed: VMs that lodge manages: the store has a row of each, and its host may have the domain.
 * What the row says (owner, charge, disks) is laid beside what hosts tell; a VM without a row is
 * shown as well, and belongs to nobody. Knows no store: who asks it tells. Loop-only.
 */
#include "memory.h"
#include "registry/registry_private.h"
#include "registry/told.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

static struct registry_host *host_of_row(struct registry *registry, const char *name)
{
    struct registry_host *host = registry_find_host(registry, name);
    if (host == NULL) {
        registry_add_host(registry, name, NULL);
        host = registry_find_host(registry, name);
        host->facts.state = LODGE_HOST_DOWN;
        host->facts.error = xstrdup(TOLD_HOST_IS_GONE);
    }
    return host;
}

void registry_set_row(struct registry *registry, const struct vm_row *row)
{
    struct registry_host *host = host_of_row(registry, row->host);
    struct vm *vm = registry_find_vm(registry, row->host, row->uuid);
    if (vm == NULL) {
        vm = registry_add_vm(registry, host, row->uuid);
        vm->facts.stale = host->facts.state == LODGE_HOST_DOWN ? loop_wall_ms() : 0;
    }
    registry_own(registry, vm, row->owner);
    vm_take_row(vm, row);
    vm->facts.disk_gib = row->disk_gib;
    if (!vm->present) {
        free(vm->facts.name);
        vm->facts.name = xstrdup(row->name);
        vm->facts.vcpus = row->vcpus;
        vm->facts.memory_mib = row->memory_mib;
    }
    vm_mark_disks(vm);
    (void)vm_settle(vm, loop_wall_ms());
    registry_index_name(registry, vm);
    registry_vm_changed(registry, vm);
    registry_compare_row(registry, vm);
}

void registry_set_phase(struct registry *registry, const char *host, const char *uuid,
                        enum vm_phase phase)
{
    struct vm *vm = registry_find_vm(registry, host, uuid);
    if (vm != NULL && vm->row != NULL && vm->row->phase != phase) {
        vm->row->phase = phase;
        (void)vm_settle(vm, loop_wall_ms());
        registry_vm_changed(registry, vm);
        registry_compare_row(registry, vm);
    }
}

void registry_drop_row(struct registry *registry, const char *host, const char *uuid)
{
    struct vm *vm = registry_find_vm(registry, host, uuid);
    if (vm == NULL || vm->row == NULL) {
        return;
    }
    vm->owner = VM_NO_OWNER;
    vm_take_row(vm, NULL);
    if (!vm->present) {
        registry_remove_vm(registry, vm);
        return;
    }
    vm->facts.managed = false;
    vm->facts.disk_gib = LODGE_UNKNOWN;
    free(TAKE(vm->facts.owner));
    (void)vm_settle(vm, loop_wall_ms());
    registry_vm_changed(registry, vm);
}

void registry_set_charge(struct registry *registry, const char *host, const char *uuid,
                         const char *name, int64_t vcpus, int64_t memory_mib)
{
    struct vm *vm = registry_find_vm(registry, host, uuid);
    if (vm != NULL && vm->row != NULL) {
        struct vm_row charged = *vm->row;
        charged.name = name == NULL ? charged.name : name;
        charged.vcpus = vcpus;
        charged.memory_mib = memory_mib;
        vm_take_row(vm, &charged);
        registry_quotas_changed(registry);
        registry_compare_row(registry, vm); /* libvirt may have gone on meanwhile */
    }
}
