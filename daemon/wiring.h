/*
 * wiring: who hears whose reports. With main the only file that knows everyone.
 */
#ifndef WIRING_H
#define WIRING_H

#include "config.h"
#include "loop/loop.h"
#include "rpc/listen.h"

struct daemon;

/* What main has taken and opened before any thread ran; the daemon takes it. */
struct daemon_parts {
    struct loop *loop;
    struct config config;
    struct listening listening;
    struct listening stream; /* the door for byte streams */
    int web_fd;              /* where browsers come; -1: nowhere */
};

/* Opens the store, which blocks: for before the loop runs. NULL with INVALID when the web door
 * cannot be made (its certificate): the program ends. */
struct daemon *daemon_new(struct daemon_parts *parts, struct lodge_error *err);

/* Hosts begin to connect, the door opens. */
void daemon_open(struct daemon *daemon);

/* Reads the configuration again and takes over what can be changed while running. */
void daemon_reload(struct daemon *daemon, const struct options *options);

/* Closes the door and lets the hosts go; call daemon_leave() when the loop has run out. */
void daemon_close(struct daemon *daemon);

/* The sockets' files go and the store is closed. Nothing is freed: workers may be in the middle of
 * something, or lost, and the process ends under them. */
void daemon_leave(struct daemon *daemon);

#endif
