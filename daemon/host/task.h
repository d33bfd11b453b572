/*
 * task: what an operation has done on a host by a worker, on a connection of the kind that it
 * needs.
 *
 * host_submit() is the loop's. run() has a `struct host_conn`, the connection for as long as it
 * lasts, makes blocking calls, and may be lost in one.
 */
#ifndef HOST_TASK_H
#define HOST_TASK_H

#include "host/host.h"

struct host_conn;

/* `ops`: at most 4 in flight. `rescue`: virDomainDestroy and nothing else, at most 3 (it holds a
 * priority worker of libvirtd up to 17 s, and is the way out of a hung guest). `screen`:
 * asks a guest's QEMU for its picture, which may hang: each call has a connection of its own, so it
 * holds up neither an operation nor another picture; no more than HOST_SCREEN_CALLS at a time. */
enum host_channel { HOST_CHANNEL_OPS, HOST_CHANNEL_RESCUE, HOST_CHANNEL_SCREEN };
enum { HOST_SCREEN_CALLS = 3, HOST_READ_CALLS = 2 /* reading.h */ };

struct host_task {
    void (*run)(struct host_task *task, struct host_conn *conn); /* on a worker */
    /* On the loop, exactly once, whatever happens; frees the task. `ran` false: it never began,
     * since the host was not up or lodged is leaving. When it ran, what run() found is valid, even
     * if the host has gone since. */
    void (*done)(struct host_task *task, bool ran);
};

/* Gives the task away. */
void host_submit(struct host *host, enum host_channel channel, struct host_task *task);

/* A call that needs a guest's monitor does not return: who hangs is found out and told. Lanes would
 * not notice, since libvirt leaves a guest out that somebody else waits for. Loop-only. */
void host_doubt_guests(struct host *host);

/* What the host's driver can do, by its URI alone. Any thread. */
struct host_traits {
    bool is_local;    /* guests run on this machine: library images and plain files can be used */
    bool is_test;     /* made-up guests */
    bool is_embedded; /* no pools, no networks of its own: plain directory, QEMU's user network */
    bool starts_paused;
};
struct host_traits host_traits(const struct host *host);
struct host_traits host_conn_traits(const struct host_conn *conn);

#endif
