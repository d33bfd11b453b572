/*
 * chronicle_vms: virtual machines as they were told last, and as they were said last, which is kept
 * while something of them is still to be said. A VM owns both. One thread.
 */
#include "cli/chronicle_private.h"
#include "cli/vm_words.h"
#include "contract/contract.h"
#include "memory.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

static void copy_vm(struct lodge_vm *to, const struct lodge_vm *from)
{
    lodge_vm_clear(to);
    if (!fields_copy(lodge_vm_fields, to, from)) {
        abort(); /* out of memory */
    }
}

static struct known_vm *add_known_vm(struct chronicle *chronicle, const struct lodge_vm *vm)
{
    struct known_vm *known = xcalloc(1, sizeof *known);
    lodge_vm_init(&known->vm);
    lodge_vm_init(&known->base);
    copy_vm(&known->vm, vm);
    index_add(&chronicle->vms, &known->link, index_hash(vm->host, vm->uuid));
    return known;
}

static void free_vm(struct chronicle *chronicle, struct known_vm *known)
{
    index_remove(&chronicle->vms, &known->link);
    lodge_vm_clear(&known->vm);
    lodge_vm_clear(&known->base);
    free(known);
}

static void hold_vm(struct chronicle *chronicle, struct known_vm *known)
{
    if (!known->is_held) {
        copy_vm(&known->base, &known->vm);
        known->is_held = true;
        known->next_held = NULL;
        *chronicle->last_held = known;
        chronicle->last_held = &known->next_held;
    }
}

/* What is read of a host for the first time is no change: the host's line counts who is there. */
static bool vm_is_news(const struct chronicle *chronicle, const struct lodge_vm *vm)
{
    return chronicle->is_ready &&
           (chronicle_host_is_read(chronicle, vm->host) || chronicle_is_worked_on(chronicle, vm));
}

void chronicle_hear_vm(struct chronicle *chronicle, const struct lodge_event *event)
{
    const struct lodge_vm *vm = &event->vm;
    struct known_vm *known = chronicle_find_vm(chronicle, vm->host, vm->uuid);
    if (event->type == LODGE_EVENT_REMOVED) {
        if (known != NULL) {
            hold_vm(chronicle, known);
            known->is_gone = true;
        }
        return;
    }
    if (known == NULL) {
        known = add_known_vm(chronicle, vm);
        if (vm_is_news(chronicle, vm)) {
            known->is_new = true;
            hold_vm(chronicle, known);
        }
    } else if (known->is_held || vm_is_news(chronicle, vm)) {
        hold_vm(chronicle, known);
        copy_vm(&known->vm, vm);
        known->is_gone = false;
    } else {
        copy_vm(&known->vm, vm);
    }
    known->telling = chronicle->telling;
}

static void unhold(struct chronicle *chronicle, struct known_vm *known)
{
    struct known_vm **place = &chronicle->held;
    while (*place != known) {
        place = &(*place)->next_held;
    }
    *place = known->next_held;
    if (*place == NULL) {
        chronicle->last_held = place;
    }
    lodge_vm_clear(&known->base);
    known->is_held = false;
    known->is_new = false;
}

void chronicle_tell_vm(struct chronicle *chronicle, struct known_vm *known, unsigned told)
{
    const struct lodge_vm *vm = &known->vm;
    AUTO(free) char *label = chronicle_label(chronicle, vm->host, known->base.name);
    bool is_searched = chronicle->query != NULL;
    if (told == VM_PARTS || (known->is_gone && known->is_new)) {
        /* nothing is left to say; or it came and went, and what brought it about was said */
    } else if (known->is_gone) {
        chronicle_say(chronicle, "%s  %s", label,
                      is_searched ? "is gone, or no longer matches" : "is gone");
    } else if (known->is_new) {
        AUTO(free) char *words = vm_words_new(vm);
        chronicle_say(chronicle, "%s  %s: %s", label, is_searched ? "matches now" : "is new",
                      words);
    } else {
        AUTO(free) char *words = vm_words_changes(&known->base, vm, VM_PARTS & ~told);
        if (words != NULL) {
            chronicle_say(chronicle, "%s  %s", label, words);
        }
    }
    unhold(chronicle, known);
    if (known->is_gone) {
        free_vm(chronicle, known);
    }
}

/* That its QEMU hangs is why an operation takes so long. */
static void tell_at_once(struct chronicle *chronicle, struct known_vm *known)
{
    AUTO(free) char *words = vm_words_changes(&known->base, &known->vm, VM_PART_ANSWERS);
    if (words != NULL && !known->is_new) {
        AUTO(free) char *label = chronicle_label(chronicle, known->vm.host, known->base.name);
        chronicle_say(chronicle, "%s  %s", label, words);
        known->base.unresponsive = known->vm.unresponsive;
    }
}

void chronicle_settle(struct chronicle *chronicle)
{
    if (chronicle->is_retelling || !chronicle->is_ready) {
        return;
    }
    chronicle_settle_hosts(chronicle);
    for (struct known_vm *known = chronicle->held, *next; known != NULL; known = next) {
        next = known->next_held;
        if (chronicle_is_worked_on(chronicle, &known->vm)) {
            tell_at_once(chronicle, known);
        } else {
            chronicle_tell_vm(chronicle, known, 0);
        }
    }
}

void chronicle_sweep_vms(struct chronicle *chronicle)
{
    for (size_t i = 0; i < chronicle->vms.bucket_count; i++) {
        for (struct index_link *link = chronicle->vms.buckets[i]; link != NULL; link = link->next) {
            struct known_vm *known = chronicle_vm_at(link);
            if (known->telling != chronicle->telling) {
                hold_vm(chronicle, known);
                known->is_gone = true;
            }
        }
    }
}

void chronicle_forget_vms(struct chronicle *chronicle)
{
    for (size_t i = 0; i < chronicle->vms.bucket_count; i++) {
        while (chronicle->vms.buckets[i] != NULL) {
            free_vm(chronicle, chronicle_vm_at(chronicle->vms.buckets[i]));
        }
    }
    chronicle->held = NULL;
    chronicle->last_held = &chronicle->held;
}
