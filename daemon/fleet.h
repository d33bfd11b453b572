/*
 * fleet: what operations (ops/) and readings (reads/) have in common: the hosts with the places of
 * their disks, the store as soon as there is one, the library's folders and the limits as
 * configured. Loop-only, but for what is read by workers: the store, the options, a host's place.
 */
#ifndef FLEET_H
#define FLEET_H

#include "host/storage/storage.h"
#include "lodge/quota.h"
#include "lodge/strings.h"

#include <stdatomic.h>

struct host;
struct loop;
struct reads;
struct registry;
struct store;
struct workers;

struct fleet_options {
    struct lodge_strings image_dirs; /* borrowed */
    struct lodge_amounts system_limits, user_limits;
};

struct fleet_host {
    struct host *host;
    struct storage_place place;
};

struct fleet {
    struct loop *loop;
    struct registry *registry;
    struct fleet_options options;
    struct store *_Atomic store; /* set once; NULL until then */
    char *why_no_store;          /* or NULL */
    struct fleet_host *hosts;    /* all are there before the first operation */
    size_t host_count;
    struct workers *readers; /* for questions (fleet_questions.h): one */
    struct reads *reads;     /* who asks of it (reads/) */
    bool closing;            /* lodged leaves */
};

struct fleet *fleet_new(struct loop *loop, struct registry *registry,
                        const struct fleet_options *options);

/* Borrowed. `pool` and `dir` as configured, or NULL. */
void fleet_add_host(struct fleet *fleet, struct host *host, const char *pool, const char *dir);

/* NULL if none is called that. */
struct fleet_host *fleet_find(const struct fleet *fleet, const char *name);

/* The store, borrowed; or why there is none. */
void fleet_take_store(struct fleet *fleet, struct store *store);
void fleet_lack_store(struct fleet *fleet, const char *why);

/* Questions that wait are answered with CANCELLED, as all that are asked from now on. Before ops
 * and reads are closed. */
void fleet_close(struct fleet *fleet);

#endif
