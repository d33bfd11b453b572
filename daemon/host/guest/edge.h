/* edge: a guest that is just starting, or ending, has no screen yet or none any more. On a worker.
 */
#ifndef HOST_EDGE_H
#define HOST_EDGE_H

#include "host/guest/domain_private.h"

/* Whether it is being started: what asks its QEMU would wait for that to end. */
bool edge_is_starting(virDomainPtr domain, struct lodge_error *err);

/* `err`, why something could not be had of a running guest, becomes BAD_STATE if that was its start
 * or its end, whatever libvirt has called it. */
void edge_tell(struct host_conn *conn, const char *uuid, struct lodge_error *err);

#endif
