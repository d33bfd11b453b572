/*
 * events: libvirt's domain events, copied where they come up and posted to the loop.
 *
 * An event means "look again", never more: their order and their number mean nothing. Callbacks run
 * on the thread of libvirt's event loop, which owns nothing.
 */
#ifndef HOST_EVENTS_H
#define HOST_EVENTS_H

#include <libvirt/libvirt.h>
#include <stdbool.h>

struct domain_event {
    unsigned char uuid[VIR_UUID_BUFLEN];
    bool rebooted;           /* its guest did, by itself or on request */
    bool moved;              /* its state has changed: since now */
    bool changes_definition; /* its XML may read differently */
    bool names_files;        /* … and name files that it did not name before */
};

enum { EVENT_KINDS_MAX = 32 };

/* One kind of event on one connection: what libvirt hands back to the callback. */
struct event_subscription {
    const struct event_kind *kind;
    void *owner;
    void (*heard)(void *owner, const struct domain_event *event); /* libvirt's event thread */
    void (*gone)(void *owner); /* any thread: no event comes after it */
    int id;                    /* libvirt's, -1 without */
};

/* Registers for every kind that may change what we tell; returns how many the driver took, for each
 * of which `like->gone` is called once. `subscriptions` has EVENT_KINDS_MAX places, filled after
 * `like`. Blocks: it calls libvirt. */
unsigned events_register(virConnectPtr conn, struct event_subscription *subscriptions,
                         const struct event_subscription *like);

/* Blocks. */
void events_deregister(virConnectPtr conn, struct event_subscription *subscriptions);

#endif
