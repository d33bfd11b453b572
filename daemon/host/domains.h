/*
 * domains: every domain of one host that is known of, by uuid. Loop-only.
 *
 * It outlives connections: a host that is away keeps its domains, so that after a reconnect the
 * differences are known.
 */
#ifndef HOST_DOMAINS_H
#define HOST_DOMAINS_H

#include "lodge/vm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UUID_SIZE = 16 };

/* A question about one domain that goes out alone, or with a handful of others (refresh.c). */
struct ask {
    bool wanted;
    bool out;
};

struct domain {
    struct domain *next_in_bucket;
    struct domain *previous, *next; /* in domains.first */
    unsigned char uuid[UUID_SIZE];
    char uuid_text[37];

    char *name;
    int libvirt_state; /* -1 until read */
    int libvirt_reason;
    enum lodge_flag autostart;
    bool persistent;
    int64_t run;   /* its id while it is active, LODGE_UNKNOWN when it is not */
    int64_t vcpus; /* LODGE_UNKNOWN until read */

    int autodestroy_looks; /* autodestroy.c: how often it was there */
    bool told;             /* the listener knows that it is there */
    bool moved;            /* an event said that its state changed, and it was not read since */
    bool doubted;          /* the recheck found a difference and had it asked again */
    uint64_t last_event;   /* host.serial of it */
    uint64_t round;        /* of the last comparison it was on a list of */
    uint64_t listed_in;    /* the host.generation whose whole list it was on */
    bool has_autostart;    /* in the list of the recheck that is being compared */
    bool lacks_state;      /* since the connection came up */
    bool lacks_definition;
    struct ask state;
    struct ask definition;
    bool whole; /* its run and its next boot have both been read, on this connection */
    uint64_t
        definition_hash; /* of its text when it was told last, on this connection; 0: not yet */

    uint64_t beside_at;  /* monotonic ms: not read again for who looks before */
    uint64_t cpu_ns;     /* at the last sample, 0 before */
    int64_t cpu_at_us;   /* monotonic */
    int64_t stuck_since; /* ms since 1970: its monitor does not answer, 0: it does */
    bool hung;           /* and the listener has been told so */
};

struct domains {
    struct domain *first; /* in no order */
    struct domain **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
    uint64_t seed;
};

void domains_init(struct domains *domains);
void domains_done(struct domains *domains);

struct domain *domains_find(const struct domains *domains, const unsigned char *uuid);

/* libvirt's text of a uuid as bytes; false if it is none. */
bool domains_uuid(const char *text, unsigned char ret_uuid[static UUID_SIZE]);

/* Finds or makes; one that was made is unknown throughout. */
struct domain *domains_get(struct domains *domains, const unsigned char *uuid);

void domains_remove(struct domains *domains, struct domain *domain);

/* True if it was another one. */
bool domain_set_name(struct domain *domain, const char *name);

#endif
