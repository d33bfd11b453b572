/*
 * registry: what is known of every host and VM, in memory, ready to be read without asking anybody.
 *
 * It hears plain reports (host/report.h), never libvirt. Loop-only. Readers borrow: what they are
 * given is valid until the next turn of the loop.
 */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include "host/report.h"
#include "lodge/op.h"
#include "lodge/quota.h"
#include "lodge/session.h"
#include "registry/feed.h"
#include "registry/order.h"
#include "registry/vm.h"

struct registry_host {
    struct feed_entry entry; /* first */
    struct lodge_host facts;
    struct registry_host *next;
    struct index_link by_name;
};

struct registry;

/* `boot` is the store's count of starts. */
struct registry *registry_new(struct loop *loop, struct people *people, uint64_t boot);
void registry_free(struct registry *registry); /* subscribers first */

/* Before its first report. `uri` NULL: one that is not configured. */
void registry_add_host(struct registry *registry, const char *name, const char *uri);

/* Adds or replaces what is known of a row, which is copied: a VM of the store is shown whether its
 * host has the domain or not. Its amounts are shown until the domain's XML has been read. A host
 * that is not configured is added, as down. */
void registry_set_row(struct registry *registry, const struct vm_row *row);

/* Unless there is no row. */
void registry_set_phase(struct registry *registry, const char *host, const char *uuid,
                        enum vm_phase phase);

/* The row is gone: the VM too, or it is one that lodge did not make, if its domain is there. */
void registry_drop_row(struct registry *registry, const char *host, const char *uuid);

/* The operation that has claimed it; LODGE_UNKNOWN: none. */
void registry_set_op(struct registry *registry, const char *host, const char *uuid, int64_t op);

/* NULL if neither row nor domain is known. */
struct vm *registry_find_vm(struct registry *registry, const char *host, const char *uuid);

/* Whether a row of a VM other than `except`, or a domain of another host than `host`, has `path` as
 * a disk: what asking that host's domains (host/storage/uses.h) would not tell. */
bool registry_path_is_taken(struct registry *registry, const char *host, const char *path,
                            const struct vm *except);

/* An operation as the feed shows it. Its maker fills `facts` and says when they change. */
struct registry_op {
    struct feed_entry entry; /* first */
    struct lodge_op facts;
    uid_t uid;   /* who asked for it */
    uid_t owner; /* of the VM, VM_NO_OWNER if it has none */
};
struct registry_op *registry_add_op(struct registry *registry);
void registry_op_changed(struct registry *registry, struct registry_op *op);
void registry_remove_op(struct registry *registry, struct registry_op *op);
struct registry_op *registry_find_op(struct registry *registry, int64_t id);

/* The last one of that kind at that VM, as far as they are still shown; NULL: none. */
struct registry_op *registry_last_op(struct registry *registry, const char *host, const char *uuid,
                                     const char *kind);

/* Those one asked for, and those of VMs one owns. */
bool registry_op_is_visible(const struct registry_op *op, const struct viewer *viewer);

/* A session as the feed shows it. Its maker fills `facts` and says when they change. */
struct registry_session {
    struct feed_entry entry; /* first */
    struct lodge_session facts;
    uid_t uid;   /* who opened it */
    uid_t owner; /* of the VM, VM_NO_OWNER if it has none */
};
struct registry_session *registry_add_session(struct registry *registry);
void registry_session_changed(struct registry *registry, struct registry_session *session);
/* `reason`: whole, as the session's row has it. */
void registry_remove_session(struct registry *registry, struct registry_session *session,
                             const char *reason);

/* As with operations. */
bool registry_session_is_visible(const struct registry_session *session,
                                 const struct viewer *viewer);

/* How many look at a VM's screen now. */
void registry_set_viewers(struct registry *registry, const char *host, const char *uuid,
                          int64_t viewers);

/* What VMs may add up to and do, the system's and each user's who has VMs, limits of his own or
 * looks: summed of the VMs that are shown, a moment after something changed, while anybody looks.
 */
struct registry_quota {
    struct feed_entry entry; /* first */
    struct lodge_quota_of facts;
    uid_t uid;     /* of scope user */
    bool is_known; /* the store has told limits and rows: before that nothing is told of it */
    struct index_link by_uid;
    struct registry_quota *next;            /* in registry.quotas */
    struct lodge_amounts promised, running; /* as they are being summed */
};

/* The configuration's, which hold where none were set. Before anything else about quotas. */
void registry_set_default_limits(struct registry *registry, const struct lodge_amounts *system,
                                 const struct lodge_amounts *user);

/* The store has told all it knows: quotas are shown from now on. */
void registry_quotas_are_known(struct registry *registry);

/* They were set; `uid` NULL: the system's. */
void registry_set_limits(struct registry *registry, const uid_t *uid,
                         const struct lodge_amounts *limits);

/* One more looks, as this user; one fewer. */
void registry_watch_quotas(struct registry *registry, const struct viewer *viewer);
void registry_leave_quotas(struct registry *registry);

/* Of one that runs or is paused. */
void registry_add_running(struct lodge_amounts *sum, const struct vm *vm);

/* How many VMs were ever added: who looks for newcomers compares. */
uint64_t registry_added(const struct registry *registry);

/* How often a VM's row was found to differ from what libvirt has (vm_row_differs): who brings rows
 * up to it compares. */
uint64_t registry_differs(const struct registry *registry);

/* The store has it so now; `name` NULL: it could not be taken. */
void registry_set_charge(struct registry *registry, const char *host, const char *uuid,
                         const char *name, int64_t vcpus, int64_t memory_mib);

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

/* All VMs in the order of lists, from the first behind `key` on, of which host, name and uuid are
 * asked; NULL: from the first. Valid until a VM comes, goes or is called otherwise. */
struct order_walk registry_walk(struct registry *registry, const struct vm *key);

/* The same of one host: NULL is behind the last. */
struct order_walk registry_walk_host(struct registry *registry, const char *host);
struct vm *registry_next_of_host(struct order_walk *walk, const char *host);

/* By name or uuid, either with `host/` in front. NULL with NOT_FOUND, also for one that the viewer
 * may not see, or CONFLICT when more than one is called so. */
struct vm *registry_get(struct registry *registry, const char *text, const struct viewer *viewer,
                        struct lodge_error *err);

/* Whether a VM of that host is called so, whoever may see it. */
bool registry_name_is_taken(struct registry *registry, const char *host, const char *name);

/* Whether every host has been read, or is known to be down. */
bool registry_is_ready(const struct registry *registry);

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
