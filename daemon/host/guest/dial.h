/*
 * dial: a connection to a VNC server at an address, for drivers that hand out none. On a worker: it
 * waits about a second, and as long as the resolver takes for what is a name.
 */
#ifndef HOST_DIAL_H
#define HOST_DIAL_H

#include "lodge/error.h"

#include <stdint.h>

struct dial_at {
    const char *host; /* a name or an address */
    int64_t port;
    bool is_elsewhere; /* on another machine: what leads to this one is somebody else's server */
};

/* A connected socket, non-blocking and close-on-exec, which the caller closes; -1 with the error,
 * whose text calls the guest `name`. HYPERVISOR: nobody answers there. UNSUPPORTED: it is elsewhere
 * and the address is this machine's loopback. */
int dial_port(const struct dial_at *at, const char *name, struct lodge_error *err) LODGE_MUST_CHECK;
int dial_path(const char *path, const char *name, struct lodge_error *err) LODGE_MUST_CHECK;

/* UNSUPPORTED with what to do; returns -1. */
int dial_unreachable(const char *name, struct lodge_error *err);

#endif
