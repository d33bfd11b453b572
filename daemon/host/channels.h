/* channels: a host's connections by risk, and calls on them by workers that may be lost in one. */
#ifndef HOST_CHANNELS_H
#define HOST_CHANNELS_H

#include "host/host_private.h"

/* One or a few libvirt calls in a row. Embed it first in a struct with inputs and answers by value.
 */
struct host_call {
    struct job job;
    struct host *host;
    struct libvirt_connection *connection; /* in use from submit to delivery */
    enum channel_name channel;
    uint64_t generation;
    uint64_t serial; /* host.serial when it was submitted */
    struct host_call *next;

    /* On a worker. A failure of the whole call goes into `error`. */
    void (*run)(struct host_call *call, virConnectPtr conn);
    /* On the loop, always. `current` false: its connection is gone, or it never ran: only free.
     * Frees what the call owns; the call itself is freed after it. */
    void (*done)(struct host_call *call, bool current);
    struct lodge_error error;
    bool is_broken; /* the connection broke under it */
    bool ran;       /* run() was entered: something may have happened, current or not */
};

/* Gives the call away; it starts as soon as its channel's connection is open and has a worker. */
void channel_submit(struct host *host, enum channel_name channel, struct host_call *call);

/* The one of these that is free, which of them may be open already. */
enum channel_name channel_for_screen(const struct host *host);
enum channel_name channel_for_read(const struct host *host);

void channels_init(struct host *host);

/* Its timers end with the host. */
void channels_end(struct host *host);

/* Starts opening unless it is open or opening. */
void channel_open(struct host *host, enum channel_name channel);

/* Its connection has come up: what waited for it starts. */
void channel_start(struct host *host, enum channel_name channel);

/* Drops its connection. Calls that have not begun are delivered stale before it returns. */
void channel_drop(struct host *host, enum channel_name channel);

#endif
