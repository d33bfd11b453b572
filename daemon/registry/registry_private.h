/* registry_private: what the registry is made of, and what its files ask of each other. Loop-only.
 */
#ifndef REGISTRY_REGISTRY_PRIVATE_H
#define REGISTRY_REGISTRY_PRIVATE_H

#include "index.h"
#include "registry/registry.h"

struct registry {
    struct loop *loop;
    struct people *people;
    struct feed feed;
    struct registry_host *hosts; /* in order of name */
    struct index hosts_by_name;
    struct index by_key;
    struct index by_name;
    struct order order;
    uint64_t sample_turn;
    uint64_t added;   /* VMs, ever */
    uint64_t differs; /* how often a row was not what libvirt has */
    struct registry_reader *readers;
    struct registry_quota *quotas;
    struct registry_quota *system_quota; /* one of them; NULL until somebody wants it */
    struct index quotas_by_uid;
    struct lodge_amounts system_limits, user_limits; /* where none were set */
    struct loop_timer *sum_quotas;
    size_t quota_watchers;
    bool quotas_are_old;
    bool quotas_are_known;
    uint64_t turn;      /* of the loop, that the next is about */
    uint64_t turn_ends; /* when its readers have had their part of it, monotonic ms */
    struct loop_later tell;
    bool knows_secrets;           /* else they are of fewer hosts than there are */
    struct lodge_strings secrets; /* told_secrets.c: what is in hosts' URIs */
};

/* changes.c: an object comes, gets its next revision, goes: readers hear of it. */
void registry_add_entry(struct registry *registry, struct feed_entry *entry,
                        const struct feed_class *class);
void registry_entry_changed(struct registry *registry, struct feed_entry *entry);
void registry_remove_entry(struct registry *registry, struct feed_entry *entry);
void registry_init_readers(struct registry *registry);

/* find.c: the next object of that topic (NONE: of any) at `*slot` or after it, which goes on; NULL:
 * there is none. Objects may be changed and added meanwhile. */
struct feed_entry *registry_next_of(struct registry *registry, enum lodge_topic topic,
                                    size_t *slot);
struct vm *registry_next_vm(struct registry *registry, size_t *slot);

/* quotas.c */
void registry_init_quotas(struct registry *registry);
void registry_done_quotas(struct registry *registry); /* after the feed */

/* A VM, or its row, has changed: sums are made again soon. */
void registry_quotas_changed(struct registry *registry);

/* Readers are told at the end of this turn. */
void registry_something_changed(struct registry *registry);

/* Facts changed: the next revision, rendered anew. */
void registry_host_changed(struct registry *registry, struct registry_host *host);
void registry_vm_changed(struct registry *registry, struct vm *vm);

struct vm *registry_add_vm(struct registry *registry, struct registry_host *host, const char *uuid);
void registry_remove_vm(struct registry *registry, struct vm *vm);

/* Its owner, and what the owner is called as far as that is known. */
void registry_own(struct registry *registry, struct vm *vm, uid_t owner);

/* After any change of a VM's row, name or amounts. */
void registry_compare_row(struct registry *registry, const struct vm *vm);

/* After any merge that may have changed the name. */
void registry_index_name(struct registry *registry, struct vm *vm);

#endif
