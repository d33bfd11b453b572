/*
 * registry: what is known of every host and VM, in memory, ready to be read without asking anybody.
 *
 * It hears plain reports (host/report.h), never libvirt. Loop-only. Readers borrow: what they are
 * given is valid until the next turn of the loop.
 */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include "host/report.h"
#include "registry/feed.h"
#include "registry/vm.h"

struct registry_host {
    struct feed_entry entry; /* first */
    struct lodge_host facts;
    uint64_t sampled_turn;
    struct registry_host *next;
};

struct registry;

/* `boot` is the store's count of starts. */
struct registry *registry_new(struct loop *loop, struct people *people, uint64_t boot);
void registry_free(struct registry *registry); /* subscribers first */

/* Before its first report. */
void registry_add_host(struct registry *registry, const char *name, const char *uri);

/* Who owns a VM, whether it has been seen yet or not (its row was read at start). */
void registry_set_owner(struct registry *registry, const char *host, const char *uuid, uid_t owner);

/* What a host's reports go to; the owner is the registry. */
extern const struct host_listener registry_listener;

/* Roles or names changed: everybody's view begins anew. */
void registry_people_changed(struct registry *registry);

struct people *registry_people(struct registry *registry);
struct loop *registry_loop(struct registry *registry);
struct feed *registry_feed(struct registry *registry);
uint64_t registry_sample_turn(const struct registry *registry);

struct registry_host *registry_first_host(struct registry *registry); /* in order of name */
struct registry_host *registry_find_host(struct registry *registry, const char *name);

/* All VMs in the order of lists. */
struct vm *const *registry_sorted(struct registry *registry, size_t *ret_count);

/* By name or uuid, either with `host/` in front. NULL with NOT_FOUND, also for one that the viewer
 * may not see, or CONFLICT when more than one is called so. */
struct vm *registry_get(struct registry *registry, const char *text, const struct viewer *viewer,
                        struct lodge_error *err);

/* Adds the names of hosts that have not, or no longer, been read. */
void registry_incomplete(struct registry *registry, struct lodge_strings *names);

/* Called once per turn of the loop in which anything changed or was sampled. */
struct registry_reader {
    void (*changed)(struct registry_reader *reader);
    void (*people_changed)(struct registry_reader *reader);
    struct registry_reader *next;
};
/* Whether all readers together have had their part of this turn of the loop: what is left waits for
 * the next, so that no number of them holds up an answer for long. */
bool registry_turn_is_over(struct registry *registry);

void registry_add_reader(struct registry *registry, struct registry_reader *reader);
void registry_remove_reader(struct registry *registry, struct registry_reader *reader);

#endif
