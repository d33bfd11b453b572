/*
 * connection: one virConnectPtr with all that has to outlive it.
 *
 * virConnectOpen and virConnectClose have no timeout, so each runs on a thread of its own that may
 * be lost in it. Loop-only unless it says otherwise. What a connection reports after it was dropped
 * goes nowhere: a letter from an old connection can be told from a new one's by whom it belongs to.
 */
#ifndef HOST_CONNECTION_H
#define HOST_CONNECTION_H

#include "host/events.h"
#include "lodge/error.h"
#include "loop/loop.h"

#include <libvirt/libvirt.h>

struct libvirt_connection;

struct libvirt_connection_listener {
    /* Once: open when `error` is NULL. */
    void (*opened)(void *owner, struct libvirt_connection *connection,
                   const struct lodge_error *error);
    /* The close callback spoke. `reason` is static. */
    void (*lost)(void *owner, struct libvirt_connection *connection, const char *reason);
    /* Have libvirt ask for a sign of life. Only where no calls are made: when a keepalive ends a
     * connection with several calls out, libvirt before 10.2 fails one of them and forgets an event
     * source on its stack; the process dies when the daemon speaks again. */
    bool keepalive;
    /* Events from before `opened` are swallowed: whatever is asked after it, knows of them. NULL:
     * this connection does not register for any. */
    void (*event)(void *owner, struct libvirt_connection *connection,
                  const struct domain_event *event);
};

/* Starts opening. `uri` is copied, the listener borrowed for the connection's life. */
struct libvirt_connection *libvirt_connection_open(struct loop *loop, const char *uri,
                                                   const struct libvirt_connection_listener *to,
                                                   void *owner);

/* The listener hears nothing more; the connection is closed as soon as nobody uses it, by a thread
 * that nobody waits for, and then freed. NULL is fine. */
void libvirt_connection_drop(struct libvirt_connection *connection);

/* The process is about to end: connections to a libvirtd are not closed any more. */
void libvirt_connections_leave(void);

/* Only when open, and used from a worker only between use and release. */
virConnectPtr libvirt_connection_get(const struct libvirt_connection *connection);
void libvirt_connection_use(struct libvirt_connection *connection);
void libvirt_connection_release(struct libvirt_connection *connection);

bool libvirt_connection_has_events(const struct libvirt_connection *connection);

/* Any thread that uses it: did this failure mean that the connection is broken? */
bool libvirt_connection_is_broken(virConnectPtr conn, const struct lodge_error *error);

#endif
