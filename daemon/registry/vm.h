/*
 * vm: the live state of one VM: facts merged from a host's reports, and their rendered fragments.
 *
 * Loop-only. The registry owns it; strings in `facts` are the VM's.
 */
#ifndef REGISTRY_VM_H
#define REGISTRY_VM_H

#include "host/report.h"
#include "index.h"
#include "registry/feed.h"
#include "registry/people.h"

#define VM_NO_OWNER ((uid_t)-1)

struct vm {
    struct feed_entry entry; /* first */
    struct registry_host *host;
    struct lodge_vm facts; /* facts.stats and facts.rev too */
    uid_t owner;           /* VM_NO_OWNER: lodge did not make it */
    bool persistent;
    struct index_link by_key;  /* in registry.by_key, host and uuid */
    struct index_link by_name; /* in registry.by_name */
    char *rendered;            /* members of the list mask but stats; NULL: stale */
    size_t rendered_length;
    char *rendered_stats; /* "stats":{…}; NULL: stale */
    size_t rendered_stats_length;
    uint64_t sampled_turn; /* registry.sample_turn of its last sample */
};

/* `uuid` as libvirt prints it. */
struct vm *vm_new(struct registry_host *host, const char *host_name, const char *uuid);
void vm_free(struct vm *vm);

/* Take over what a report says. They return whether any fact changed; `now` is ms since 1970. */
bool vm_merge_state(struct vm *vm, const struct domain_state_report *report, int64_t now);
bool vm_merge_facts(struct vm *vm, struct domain_facts *facts);
bool vm_set_time(int64_t *fact, int64_t value);

/* Running or paused: it uses something. */
bool vm_is_active(const struct vm *vm);

/* The next reader renders anew. */
void vm_forget_rendered(struct vm *vm);

/* Frees all but host, uuid and name: what a tombstone is still asked for. */
void vm_keep_key(struct vm *vm);

/* Users see their own, viewers and admins everything. */
bool vm_is_visible(const struct vm *vm, const struct viewer *viewer);

/* By host, name, uuid: the order of lists. */
int vm_compare(const struct vm *a, const struct vm *b);

#endif
