/*
 * vm: reports are merged member by member, and each merge says whether a fact changed, so that
 * nobody is told of a report that says nothing new. A VM owns its texts: they are copied, or
 * swapped for the report's.
 *
 * What is shown as its state is joined from row and domain by vm_settle(), after each change of
 * either. Loop-only.
 */
#include "registry/vm.h"

#include "contract/contract.h"
#include "memory.h"
#include "paths.h"
#include "registry/access.h"
#include "registry/registry.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

struct vm *vm_new(struct registry_host *host, const char *host_name, const char *uuid)
{
    struct vm *vm = xcalloc(1, sizeof *vm);
    lodge_vm_init(&vm->facts);
    vm->host = host;
    vm->owner = VM_NO_OWNER;
    vm->run = LODGE_UNKNOWN;
    vm->most_vcpus = LODGE_UNKNOWN;
    vm->most_memory_mib = LODGE_UNKNOWN;
    vm->facts.viewers = 0; /* whoever looks, looks through us */
    vm->facts.host = xstrdup(host_name);
    strncpy(vm->facts.uuid, uuid, sizeof vm->facts.uuid - 1);
    return vm;
}

void vm_free(struct vm *vm)
{
    lodge_vm_clear(&vm->facts);
    free(vm->row);
    free(vm->live_reason);
    free(vm->rendered);
    free(vm->rendered_stats);
    free(vm);
}

static bool text_is_same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Replaces a text by a copy of `value`, which may be NULL; says whether that changed anything. */
static bool set_fact_text(char **fact, const char *value)
{
    if (text_is_same(*fact, value)) {
        return false;
    }
    free(*fact);
    *fact = xstrdup_or_null(value);
    return true;
}

static bool set_fact_int(int64_t *fact, int64_t value)
{
    bool changed = *fact != value;
    *fact = value;
    return changed;
}

bool vm_set_time(int64_t *fact, int64_t value)
{
    /* Both are "since": while it lasts, the first time stands. */
    if ((*fact == 0) == (value == 0)) {
        return false;
    }
    *fact = value;
    return true;
}

bool vm_is_active(const struct vm *vm)
{
    return vm->live == LODGE_VM_RUNNING || vm->live == LODGE_VM_PAUSED;
}

enum vm_phase vm_phase(const struct vm *vm)
{
    return vm->row == NULL ? VM_PHASE_NONE : vm->row->phase;
}

void vm_take_row(struct vm *vm, const struct vm_row *row)
{
    struct vm_row *taken = row == NULL ? NULL : vm_row_copy(row);
    free(vm->row); /* `row` may point into it */
    vm->row = taken;
}

void vm_mark_disks(struct vm *vm)
{
    for (size_t i = 0; i < vm->facts.disks.count; i++) {
        struct lodge_disk *disk = &vm->facts.disks.items[i];
        for (size_t j = 0; vm->row != NULL && j < vm->row->disk_count; j++) {
            const struct disk_row *row = &vm->row->disks[j];
            if (disk->path != NULL && strcmp(disk->path, row->path) == 0) {
                disk->size_gib = row->size_gib > 0 ? row->size_gib : LODGE_UNKNOWN;
                disk->ours = row->ours ? LODGE_FLAG_YES : LODGE_FLAG_NO;
            }
        }
    }
}

bool vm_row_has_path(const struct vm *vm, const char *path)
{
    for (size_t i = 0; vm->row != NULL && i < vm->row->disk_count; i++) {
        const char *stored = vm->row->disks[i].path;
        if (stored != NULL && path_is_same(stored, path)) {
            return true;
        }
    }
    return false;
}

bool vm_domain_has_path(const struct vm *vm, const char *path)
{
    for (size_t i = 0; i < vm->facts.disks.count; i++) {
        const char *used = vm->facts.disks.items[i].path;
        if (used != NULL && path_is_same(used, path)) {
            return true;
        }
    }
    return false;
}

bool vm_is_whole(const struct vm *vm)
{
    return vm->most_vcpus > 0 && vm->most_memory_mib > 0;
}

bool vm_row_differs(const struct vm *vm)
{
    const struct vm_row *row = vm->row;
    bool is_settled = vm_phase(vm) == VM_PHASE_READY && vm->present;
    return is_settled && ((vm_is_whole(vm) && (vm->most_vcpus != row->vcpus ||
                                               vm->most_memory_mib != row->memory_mib)) ||
                          (vm->facts.name != NULL && strcmp(vm->facts.name, row->name) != 0));
}

static enum lodge_vm_state joined_state(const struct vm *vm, const char **ret_reason)
{
    *ret_reason = NULL;
    switch (vm_phase(vm)) {
    case VM_PHASE_CREATING:
        return LODGE_VM_CREATING;
    case VM_PHASE_DELETING:
        return LODGE_VM_DELETING;
    case VM_PHASE_ERROR:
        return LODGE_VM_ERROR;
    case VM_PHASE_NONE:
    case VM_PHASE_READY:
        break;
    }
    if (!vm->present && vm->host->facts.synced_at != 0) {
        *ret_reason = "missing";
        return LODGE_VM_ERROR;
    }
    *ret_reason = vm->live_reason;
    return vm->live;
}

bool vm_settle(struct vm *vm, int64_t began)
{
    struct lodge_vm *facts = &vm->facts;
    const char *reason;
    enum lodge_vm_state state = joined_state(vm, &reason);
    bool changed = set_fact_text(&facts->reason, reason);
    if (facts->state != state) {
        facts->state = state;
        facts->since = began;
        changed = true;
    }
    return changed;
}

/* What only a QEMU that is there has. */
static bool forget_activity(struct vm *vm)
{
    fields_init(lodge_vm_stats_fields, &vm->facts.stats);
    free(TAKE(vm->rendered_stats));
    return vm_set_time(&vm->facts.unresponsive, 0);
}

bool vm_merge_state(struct vm *vm, const struct domain_state_report *report, int64_t now)
{
    struct lodge_vm *facts = &vm->facts;
    bool changed = vm_set_time(&facts->stale, 0);
    if (report->name != NULL) {
        changed |= set_fact_text(&facts->name, report->name);
    }
    vm->persistent = report->persistent;
    if (report->autostart != LODGE_FLAG_UNKNOWN && facts->autostart != report->autostart) {
        facts->autostart = report->autostart;
        changed = true;
    }
    vm->present = true;
    if (report->state == LODGE_VM_UNKNOWN) {
        return vm_settle(vm, 0) || changed; /* only that it is there: its state stays as known */
    }
    bool saw_change = vm->live != LODGE_VM_UNKNOWN || report->seen_change;
    bool was_active = vm_is_active(vm);
    vm->live = report->state;
    vm->starts += vm_is_active(vm) && (!was_active || vm->run != report->run);
    vm->run = report->run;
    (void)set_fact_text(&vm->live_reason, report->reason);
    if (!vm_is_active(vm)) {
        changed |= forget_activity(vm);
    }
    return vm_settle(vm, saw_change ? now : 0) || changed;
}

bool vm_merge_gone(struct vm *vm, int64_t now)
{
    vm->present = false;
    vm->live = LODGE_VM_UNKNOWN;
    vm->run = LODGE_UNKNOWN;
    free(TAKE(vm->live_reason));
    bool changed = forget_activity(vm);
    return vm_settle(vm, now) || changed;
}

static bool strings_are_same(const struct lodge_strings *a, const struct lodge_strings *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->items[i], b->items[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool disks_are_same(const struct lodge_vm *vm, const struct domain_facts *facts)
{
    if (vm->disks.count != facts->disk_count) {
        return false;
    }
    for (size_t i = 0; i < facts->disk_count; i++) {
        const struct lodge_disk *a = &vm->disks.items[i];
        const struct lodge_disk *b = &facts->disks[i];
        if (!text_is_same(a->target, b->target) || !text_is_same(a->path, b->path) ||
            !text_is_same(a->format, b->format) || !text_is_same(a->device, b->device)) {
            return false;
        }
    }
    return true;
}

static bool nics_are_same(const struct lodge_vm *vm, const struct domain_facts *facts)
{
    if (vm->nics.count != facts->nic_count) {
        return false;
    }
    for (size_t i = 0; i < facts->nic_count; i++) {
        const struct lodge_nic *a = &vm->nics.items[i];
        const struct lodge_nic *b = &facts->nics[i];
        if (!text_is_same(a->mac, b->mac) || !text_is_same(a->network, b->network) ||
            !text_is_same(a->model, b->model)) {
            return false;
        }
    }
    return true;
}

#define SWAP(a, b)                    \
    do {                              \
        __typeof__(a) swapped_ = (a); \
        (a) = (b);                    \
        (b) = swapped_;               \
    } while (0)

static void keep_next_boot(const struct vm *vm, struct domain_facts *facts)
{
    facts->saved = vm->saved;
    facts->most_vcpus = vm->most_vcpus;
    facts->most_memory_mib = vm->most_memory_mib;
    for (size_t i = 0; i < vm->facts.pending.count; i++) {
        xstrings_note(&facts->pending, vm->facts.pending.items[i]);
    }
    if (vm->saved) {
        facts->vcpus = vm->facts.vcpus;
        facts->memory_mib = vm->facts.memory_mib;
    }
}

bool vm_merge_facts(struct vm *vm, struct domain_facts *facts)
{
    struct lodge_vm *old = &vm->facts;
    memcpy(vm->installation, facts->installation, sizeof vm->installation);
    vm->made_by = facts->made_by;
    vm->made_whole = facts->made_whole;
    if (!facts->is_whole) { /* the first reading after a connect: the rest is as it was, so far */
        keep_next_boot(vm, facts);
    }
    vm->saved = facts->saved;
    vm->most_vcpus = facts->most_vcpus;
    vm->most_memory_mib = facts->most_memory_mib;
    bool changed = set_fact_int(&old->vcpus, facts->vcpus);
    changed |= set_fact_int(&old->memory_mib, facts->memory_mib);
    changed |= set_fact_text(&old->graphics, facts->graphics);
    changed |= set_fact_text(&old->name, facts->name);
    changed |= set_fact_text(&old->firmware, facts->firmware);
    changed |= set_fact_text(&old->kernel, facts->kernel);
    /* What differs is swapped, so that the report frees the old. */
    if (!strings_are_same(&old->tags, &facts->tags)) {
        SWAP(old->tags, facts->tags);
        changed = true;
    }
    if (!strings_are_same(&old->pending, &facts->pending)) {
        SWAP(old->pending, facts->pending);
        changed = true;
    }
    if (!strings_are_same(&old->boot, &facts->boot)) {
        SWAP(old->boot, facts->boot);
        changed = true;
    }
    if (!disks_are_same(old, facts)) {
        SWAP(old->disks.items, facts->disks);
        SWAP(old->disks.count, facts->disk_count);
        vm_mark_disks(vm);
        changed = true;
    }
    if (!nics_are_same(old, facts)) {
        SWAP(old->nics.items, facts->nics);
        SWAP(old->nics.count, facts->nic_count);
        changed = true;
    }
    return changed;
}

void vm_forget_rendered(struct vm *vm)
{
    free(vm->rendered);
    vm->rendered = NULL;
}

void vm_keep_key(struct vm *vm)
{
    struct lodge_vm *facts = &vm->facts;
    struct lodge_vm key = {.host = TAKE(facts->host), .name = TAKE(facts->name)};
    memcpy(key.uuid, facts->uuid, sizeof key.uuid);
    lodge_vm_clear(facts);
    facts->host = key.host;
    facts->name = key.name;
    memcpy(facts->uuid, key.uuid, sizeof key.uuid);
    free(TAKE(vm->rendered));
    free(TAKE(vm->rendered_stats));
}

bool vm_is_visible(const struct vm *vm, const struct viewer *viewer)
{
    return access_allows(viewer, vm, ACCESS_SEE);
}

int vm_compare(const struct vm *a, const struct vm *b)
{
    int order = strcmp(a->facts.host, b->facts.host);
    if (order == 0) {
        order = strcmp(a->facts.name == NULL ? "" : a->facts.name,
                       b->facts.name == NULL ? "" : b->facts.name);
    }
    return order != 0 ? order : strcmp(a->facts.uuid, b->facts.uuid);
}
