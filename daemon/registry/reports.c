/*
 * reports: what hosts tell (host/report.h) becomes facts of hosts and VMs, member by member, and
 * who shows them hears of it only where one has changed. A VM whose host is not up is stale: it is
 * shown as it was last known. Loop-only; knows no libvirt.
 */
#include "memory.h"
#include "registry/registry_private.h"
#include "scope.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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
    struct order_walk walk = registry_walk_host(registry, host->facts.name);
    struct vm *vm;
    while ((vm = registry_next_of_host(&walk, host->facts.name)) != NULL) {
        if (touch(vm, now)) {
            registry_vm_changed(registry, vm);
        }
    }
}

static bool become_stale(struct vm *vm, int64_t now)
{
    bool changed = vm_set_time(&vm->facts.stale, now);
    return vm_settle(vm, now) || changed;
}

static bool become_fresh(struct vm *vm, int64_t now)
{
    bool changed = vm_set_time(&vm->facts.stale, 0);
    return vm_settle(vm, now) || changed;
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
        host->facts.synced_at = 0;
        each_vm_of(registry, host, become_stale);
    }
    registry_host_changed(registry, host);
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
    registry_host_changed(registry, host);
}

static void on_domain_state(void *owner, const char *name, const struct domain_state_report *report)
{
    struct registry *registry = owner;
    struct registry_host *host = reporting(registry, name);
    struct vm *vm = registry_find_vm(registry, name, report->uuid);
    bool added = vm == NULL;
    if (added) {
        vm = registry_add_vm(registry, host, report->uuid);
    }
    if (vm_merge_state(vm, report, loop_wall_ms()) || added) {
        registry_index_name(registry, vm);
        registry_vm_changed(registry, vm);
        registry_compare_row(registry, vm);
    }
    /* An operation may hide from the facts what it waits for. */
    registry_something_changed(registry);
}

static void on_domain_facts(void *owner, const char *name, struct domain_facts *facts)
{
    struct registry *registry = owner;
    struct vm *vm = registry_find_vm(registry, name, facts->uuid);
    if (vm == NULL) {
        return; /* it went while its XML was read */
    }
    if (vm_merge_facts(vm, facts)) {
        registry_index_name(registry, vm);
        registry_vm_changed(registry, vm);
    }
    registry_compare_row(registry, vm);
}

static void on_domain_gone(void *owner, const char *name, const char *uuid)
{
    struct registry *registry = owner;
    struct vm *vm = registry_find_vm(registry, name, uuid);
    if (vm == NULL) {
        return;
    }
    if (vm->row == NULL) {
        registry_remove_vm(registry, vm);
    } else if (vm_merge_gone(vm, loop_wall_ms())) {
        registry_vm_changed(registry, vm);
    }
    registry_something_changed(registry);
}

static void on_synced(void *owner, const char *name)
{
    struct registry *registry = owner;
    struct registry_host *host = reporting(registry, name);
    host->facts.synced_at = loop_wall_ms();
    each_vm_of(registry, host, become_fresh);
    registry_host_changed(registry, host);
}

static void on_domain_rebooted(void *owner, const char *name, const char *uuid)
{
    struct registry *registry = owner;
    struct vm *vm = registry_find_vm(registry, name, uuid);
    if (vm != NULL) {
        vm->reboots++;
        registry_something_changed(registry); /* no fact, but somebody may wait for it */
    }
}

static void on_domain_hung(void *owner, const char *name, const char *uuid, int64_t since)
{
    struct registry *registry = owner;
    struct vm *vm = registry_find_vm(registry, name, uuid);
    if (vm != NULL && vm_set_time(&vm->facts.unresponsive, since)) {
        registry_vm_changed(registry, vm);
    }
}

static void on_samples(void *owner, const char *name, int64_t at,
                       const struct domain_sample *samples, size_t count,
                       const struct lodge_host_stats *host_stats)
{
    struct registry *registry = owner;
    registry->sample_turn++;
    for (size_t i = 0; i < count; i++) {
        struct vm *vm = registry_find_vm(registry, name, samples[i].uuid);
        if (vm == NULL || (vm->live != LODGE_VM_UNKNOWN && !vm_is_active(vm))) {
            continue; /* it ended while the lane's call was out: what it used is no more */
        }
        vm->facts.stats = samples[i].stats;
        vm->facts.stats.at = at;
        vm->entry.sampled_turn = registry->sample_turn;
        free(vm->rendered_stats);
        vm->rendered_stats = NULL;
    }
    if (host_stats != NULL) {
        struct registry_host *host = reporting(registry, name);
        host->facts.stats = *host_stats;
        host->facts.stats.at = at;
        host->entry.sampled_turn = registry->sample_turn;
    }
    registry_something_changed(registry);
}

const struct host_listener registry_listener = {
    .connection = on_connection,
    .abilities = on_abilities,
    .domain_state = on_domain_state,
    .domain_facts = on_domain_facts,
    .domain_gone = on_domain_gone,
    .synced = on_synced,
    .domain_rebooted = on_domain_rebooted,
    .domain_hung = on_domain_hung,
    .samples = on_samples,
};
