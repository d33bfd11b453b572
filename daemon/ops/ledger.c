/*
 * ledger: what quotas call promised is what libvirt has, whoever changed it: the larger of what a
 * guest runs with and what its next boot gets. A row that differs is written anew, and so is a name
 * that `virsh domrename` gave.
 *
 * Before anything is written the VM is read anew: what is known may be older than the operation
 * that has just ended. An operation that has the VM charges by itself, so both the loop and the
 * transaction look for one. A few are under way at a time; vm.is_followed says which. Loop-only,
 * but for write_row().
 */
#include "ops/ledger.h"

#include "fleet_questions.h"
#include "host/host.h"
#include "log.h"
#include "memory.h"
#include "ops/op.h"
#include "store/vms.h"

#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 8 };

struct entry {
    struct question question; /* first */
    struct ops *ops;
    char *host;
    char uuid[37];
    char *name;
    int64_t vcpus, memory_mib;
    int64_t old_vcpus, old_memory_mib; /* of the row that differs */
    bool done;
    bool clash;
};

static bool is_due(struct ops *ops, const struct vm *vm)
{
    return vm_row_differs(vm) && !vm->is_followed && !vm->is_unfollowed &&
           vm->host->facts.state == LODGE_HOST_UP && vm->host->facts.synced_at != 0 &&
           ops_holder(ops, vm->facts.host, vm->facts.uuid) == NULL;
}

/* One that has not come to its end is left until the next time that all are looked at. */
static void entry_end(struct entry *entry, bool good)
{
    struct ops *ops = entry->ops;
    struct vm *vm =
        ops->fleet->closing ? NULL : registry_find_vm(ops->registry, entry->host, entry->uuid);
    if (vm != NULL) {
        vm->is_followed = false;
        vm->is_unfollowed = !good;
    }
    free(entry->host);
    free(entry->name);
    free(entry);
    ops->followed--;
    if (!ops->fleet->closing) {
        loop_later(ops->loop, &ops->look); /* the next */
    }
}

/* On a worker. */
static bool write_row(struct question *question, struct store *store)
{
    struct entry *entry = (struct entry *)question;
    const struct vm_row row = {
        .host = entry->host,
        .uuid = entry->uuid,
        .name = entry->name,
        .vcpus = entry->vcpus,
        .memory_mib = entry->memory_mib,
    };
    const struct vm_row old = {.vcpus = entry->old_vcpus, .memory_mib = entry->old_memory_mib};
    return store_follow_vm(store, &row, &old, &entry->done, &entry->clash, &question->error);
}

static void was_written(struct question *question)
{
    struct entry *entry = (struct entry *)question;
    struct log_fields fields = {.host = entry->host, .vm = entry->name};
    if (question->error.kind != LODGE_ERROR_NONE) {
        log_with(LOG_LEVEL_WARNING, LOG_OPS, &fields, "its row does not follow libvirt: %s",
                 question->error.message);
    } else if (entry->done && !entry->ops->fleet->closing) {
        log_with(LOG_LEVEL_INFO, LOG_OPS, &fields,
                 "libvirt has %lld vCPUs and %lld MiB for it: so much is charged%s",
                 (long long)entry->vcpus, (long long)entry->memory_mib,
                 entry->clash ? "; another VM's row has its name" : "");
        registry_set_charge(entry->ops->registry, entry->host, entry->uuid,
                            entry->clash ? NULL : entry->name, entry->vcpus, entry->memory_mib);
    }
    entry_end(entry, entry->done && !entry->clash);
}

static void take_reading(void *data, const struct lodge_error *error)
{
    struct entry *entry = data;
    struct ops *ops = entry->ops;
    struct vm *vm =
        ops->fleet->closing ? NULL : registry_find_vm(ops->registry, entry->host, entry->uuid);
    bool still = error == NULL && vm != NULL && vm_row_differs(vm) &&
                 ops_holder(ops, entry->host, entry->uuid) == NULL;
    if (!still) {
        entry_end(entry, error == NULL);
        return;
    }
    bool is_known = vm_is_whole(vm);
    entry->name = xstrdup(vm->facts.name == NULL ? vm->row_name : vm->facts.name);
    entry->vcpus = is_known ? vm->most_vcpus : vm->row_vcpus;
    entry->memory_mib = is_known ? vm->most_memory_mib : vm->row_memory_mib;
    entry->old_vcpus = vm->row_vcpus;
    entry->old_memory_mib = vm->row_memory_mib;
    entry->question.run = write_row;
    entry->question.answer = was_written;
    question_ask(ops->fleet, &entry->question);
}

static void begin_entry(struct ops *ops, struct vm *vm)
{
    struct entry *entry = xcalloc(1, sizeof *entry);
    entry->ops = ops;
    entry->host = xstrdup(vm->facts.host);
    memcpy(entry->uuid, vm->facts.uuid, sizeof entry->uuid);
    vm->is_followed = true;
    ops->followed++;
    host_fresh(fleet_find(ops->fleet, vm->facts.host)->host, entry->uuid, take_reading, entry);
}

void ledger_look(struct ops *ops)
{
    uint64_t differs = registry_differs(ops->registry);
    if (ops->fleet->store == NULL || ops->fleet->closing || ops->followed >= AT_ONCE ||
        ops->differs_seen == differs) {
        return;
    }
    size_t count = 0;
    struct vm *const *vms = registry_sorted(ops->registry, &count);
    for (size_t i = 0; i < count; i++) {
        if (is_due(ops, vms[i])) {
            begin_entry(ops, vms[i]);
        }
        if (ops->followed >= AT_ONCE) {
            return; /* the others when one of these has ended */
        }
    }
    ops->differs_seen = differs;
}

void ledger_look_again(struct ops *ops)
{
    size_t count = 0;
    struct vm *const *vms = registry_sorted(ops->registry, &count);
    for (size_t i = 0; i < count; i++) {
        vms[i]->is_unfollowed = false;
    }
    ops->differs_seen = 0;
    ledger_look(ops);
}
