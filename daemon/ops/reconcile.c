/*
 * reconcile: what quotas call promised is what libvirt has, whoever changed it: the larger of what
 * a guest runs with and what its next boot gets. A row that differs is written anew, and so is a
 * name that `virsh domrename` gave.
 *
 * Before anything is written the VM is read anew: what is known may be older than the operation
 * that has just ended. An operation that has the VM charges by itself, so both the loop and the
 * transaction look for one. A few are under way at a time; vm.is_followed says which. Loop-only,
 * but for write_row().
 */
#include "ops/reconcile.h"

#include "fleet_questions.h"
#include "host/host.h"
#include "log.h"
#include "memory.h"
#include "ops/op.h"
#include "store/vms.h"

#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 8 };

struct row_change {
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
static void row_change_end(struct row_change *change, bool good)
{
    struct ops *ops = change->ops;
    struct vm *vm =
        ops->fleet->closing ? NULL : registry_find_vm(ops->registry, change->host, change->uuid);
    if (vm != NULL) {
        vm->is_followed = false;
        vm->is_unfollowed = !good;
    }
    free(change->host);
    free(change->name);
    free(change);
    ops->followed--;
    if (!ops->fleet->closing) {
        loop_later(ops->loop, &ops->look); /* the next */
    }
}

/* On a worker. */
static bool row_change_write(struct question *question, struct store *store)
{
    struct row_change *change = (struct row_change *)question;
    const struct vm_row row = {
        .host = change->host,
        .uuid = change->uuid,
        .name = change->name,
        .vcpus = change->vcpus,
        .memory_mib = change->memory_mib,
    };
    const struct vm_row old = {.vcpus = change->old_vcpus, .memory_mib = change->old_memory_mib};
    return store_follow_vm(store, &row, &old, &change->done, &change->clash, &question->error);
}

static void row_change_written(struct question *question)
{
    struct row_change *change = (struct row_change *)question;
    struct log_fields fields = {.host = change->host, .vm = change->name};
    if (question->error.kind != LODGE_ERROR_NONE) {
        log_with(LOG_LEVEL_WARNING, LOG_OPS, &fields, "its row does not follow libvirt: %s",
                 question->error.message);
    } else if (change->done && !change->ops->fleet->closing) {
        log_with(LOG_LEVEL_INFO, LOG_OPS, &fields,
                 "libvirt has %lld vCPUs and %lld MiB for it: so much is charged%s",
                 (long long)change->vcpus, (long long)change->memory_mib,
                 change->clash ? "; another VM's row has its name" : "");
        registry_set_charge(change->ops->registry, change->host, change->uuid,
                            change->clash ? NULL : change->name, change->vcpus, change->memory_mib);
    }
    row_change_end(change, change->done && !change->clash);
}

static void take_vm_reading(void *data, const struct lodge_error *error)
{
    struct row_change *change = data;
    struct ops *ops = change->ops;
    struct vm *vm =
        ops->fleet->closing ? NULL : registry_find_vm(ops->registry, change->host, change->uuid);
    bool still = error == NULL && vm != NULL && vm_row_differs(vm) &&
                 ops_holder(ops, change->host, change->uuid) == NULL;
    if (!still) {
        row_change_end(change, error == NULL);
        return;
    }
    bool is_known = vm_is_whole(vm);
    change->name = xstrdup(vm->facts.name == NULL ? vm->row->name : vm->facts.name);
    change->vcpus = is_known ? vm->most_vcpus : vm->row->vcpus;
    change->memory_mib = is_known ? vm->most_memory_mib : vm->row->memory_mib;
    change->old_vcpus = vm->row->vcpus;
    change->old_memory_mib = vm->row->memory_mib;
    change->question.run = row_change_write;
    change->question.answer = row_change_written;
    question_ask(ops->fleet, &change->question);
}

static void begin_row_change(struct ops *ops, struct vm *vm)
{
    struct row_change *change = xcalloc(1, sizeof *change);
    change->ops = ops;
    change->host = xstrdup(vm->facts.host);
    memcpy(change->uuid, vm->facts.uuid, sizeof change->uuid);
    vm->is_followed = true;
    ops->followed++;
    host_fresh(fleet_find(ops->fleet, vm->facts.host)->host, change->uuid, take_vm_reading, change);
}

void reconcile_look(struct ops *ops)
{
    uint64_t differs = registry_differs(ops->registry);
    if (ops->fleet->store == NULL || ops->fleet->closing || ops->followed >= AT_ONCE ||
        ops->differs_seen == differs) {
        return;
    }
    struct order_walk walk = registry_walk(ops->registry, NULL);
    struct vm *vm;
    while ((vm = order_next(&walk)) != NULL) {
        if (is_due(ops, vm)) {
            begin_row_change(ops, vm);
        }
        if (ops->followed >= AT_ONCE) {
            return; /* the others when one of these has ended */
        }
    }
    ops->differs_seen = differs;
}

void reconcile_look_again(struct ops *ops)
{
    struct order_walk walk = registry_walk(ops->registry, NULL);
    struct vm *vm;
    while ((vm = order_next(&walk)) != NULL) {
        vm->is_unfollowed = false;
    }
    ops->differs_seen = 0;
    reconcile_look(ops);
}
