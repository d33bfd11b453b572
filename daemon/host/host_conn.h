/* host_conn: a connection as a worker has it while its task runs. */
#ifndef HOST_HOST_CONN_H
#define HOST_HOST_CONN_H

#include "host/task.h"
#include "host/uri.h"

#include <libvirt/libvirt.h>

struct host_conn {
    struct host *host;
    virConnectPtr libvirt;
};

/* The domain, or NULL with the error. The caller frees. */
virDomainPtr host_conn_domain(struct host_conn *conn, const char *uuid, struct lodge_error *err);

/* Any thread. */
const struct uri *host_uri(const struct host *host);

/* Counts what may have named new files (host.defined). Any thread. */
unsigned long long host_defined(const struct host *host);

#endif
