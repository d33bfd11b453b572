/* open_screen: a connection to a guest's VNC server. On a worker, may be lost in libvirt. */
#ifndef HOST_OPEN_SCREEN_H
#define HOST_OPEN_SCREEN_H

#include "host/guest/domain.h"

/* A connected socket, non-blocking, which the caller closes; -1 with the error.
 *
 * On a local host it is QEMU's own end of a pair (virDomainOpenGraphicsFD with SKIPAUTH): no port
 * has to exist, no password has to be known. Where the driver cannot do that, the address in the
 * live XML is connected to, within about a second; a password is then asked by the server.
 *
 * BAD_STATE: it does not run, or is just starting or ending. UNSUPPORTED: it has no VNC, or none
 * that can be reached from here. UNRESPONSIVE, HOST_DOWN. */
int domain_open_screen(struct host_conn *conn, const char *uuid, struct lodge_error *err);

#endif
