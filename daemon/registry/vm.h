/*
 * vm: the live state of one VM: facts merged from a host's reports, and their rendered fragments.
 *
 * Loop-only. The registry owns it; strings in `facts` are the VM's.
 */
#ifndef REGISTRY_VM_H
#define REGISTRY_VM_H

#include "host/report.h"
#include "index.h"
#include "records.h"
#include "registry/feed.h"
#include "registry/order.h"
#include "registry/people.h"

#define VM_NO_OWNER ((uid_t)-1)

struct vm {
    struct feed_entry entry; /* first */
    struct registry_host *host;
    struct lodge_vm facts;    /* facts.stats and facts.rev too */
    uid_t owner;              /* VM_NO_OWNER: lodge has no row of it */
    struct vm_row *row;       /* as the store has it; NULL: it has none */
    bool is_followed;         /* its row is being brought up to libvirt (ops/reconcile.c) … */
    bool is_unfollowed;       /* … or could not be, a moment ago */
    bool present;             /* its host has the domain */
    enum lodge_vm_state live; /* the domain's, UNKNOWN while it is not present */
    char *live_reason;
    char installation[33]; /* the mark on its domain, "" without … */
    int64_t made_by;       /* … its operation … */
    bool made_whole;       /* … which was past its point of no return */
    int64_t run;           /* libvirt's id of it while it is active, else LODGE_UNKNOWN */
    bool saved;            /* its memory is: the next start goes on with it */
    int64_t most_vcpus, most_memory_mib; /* of its run and its next boot, as libvirt has them;
                                            LODGE_UNKNOWN until both were read */
    uint64_t starts;                     /* how often it was seen to become active */
    uint64_t reboots;                    /* told by its host */
    bool persistent;
    struct index_link by_key;  /* in registry.by_key, host and uuid */
    struct index_link by_name; /* in registry.by_name */
    struct order_place place;  /* in registry.order */
    char *rendered;            /* members of the list mask but stats; NULL: stale */
    size_t rendered_length;
    char *rendered_stats; /* "stats":{…}; NULL: stale */
    size_t rendered_stats_length;
};

/* `uuid` as libvirt prints it. */
struct vm *vm_new(struct registry_host *host, const char *host_name, const char *uuid);
void vm_free(struct vm *vm);

/* Take over what a report says. They return whether any fact changed; `now` is ms since 1970. */
bool vm_merge_state(struct vm *vm, const struct domain_state_report *report, int64_t now);
bool vm_merge_facts(struct vm *vm, struct domain_facts *facts);
bool vm_merge_gone(struct vm *vm, int64_t now);

/* Row and domain make one state: the row's while an operation has it, `error` with reason `missing`
 * when a host that has been read has no domain of it, else the domain's. Returns whether it
 * changed; `began` 0 means that it was so before we looked. */
bool vm_settle(struct vm *vm, int64_t began);

/* Whether run and next boot have both been read: most_… are known. */
bool vm_is_whole(const struct vm *vm);

/* Whether its row says another name, or charges other amounts, than libvirt has: the larger of its
 * run and its next boot. */
bool vm_row_differs(const struct vm *vm);

enum vm_phase vm_phase(const struct vm *vm);

/* Takes a copy of what the store has of it now; NULL: nothing any more. */
void vm_take_row(struct vm *vm, const struct vm_row *row);

/* Disks that the store knows say how large they are and whether lodge made them. */
void vm_mark_disks(struct vm *vm);
bool vm_set_time(int64_t *fact, int64_t value);

/* Whether its row, or its domain as far as it was read, has a disk whose path is the same but for
 * how it is written. */
bool vm_row_has_path(const struct vm *vm, const char *path);
bool vm_domain_has_path(const struct vm *vm, const char *path);

/* Running or paused: it uses something. */
bool vm_is_active(const struct vm *vm);

/* The next reader renders anew. */
void vm_forget_rendered(struct vm *vm);

/* Frees all but host, uuid and name: what a tombstone is still asked for. */
void vm_keep_key(struct vm *vm);

/* As access SEE (registry/access.h). */
bool vm_is_visible(const struct vm *vm, const struct viewer *viewer);

/* By host, name, uuid: the order of lists. */
int vm_compare(const struct vm *a, const struct vm *b);

#endif
