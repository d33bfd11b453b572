/*
 * host_conn: what a worker asks of its connection and of the host that it is of, which its task
 * holds. Nothing is kept.
 */
#include "host/host_conn.h"
#include "host/host_private.h"
#include "host/libvirt_error.h"

virDomainPtr host_conn_domain(struct host_conn *conn, const char *uuid, struct lodge_error *err)
{
    virDomainPtr domain = virDomainLookupByUUIDString(conn->libvirt, uuid);
    if (domain == NULL) {
        (void)libvirt_fail(err, "host '%s', domain %s", conn->host->name, uuid);
    }
    return domain;
}

struct host_traits host_traits(const struct host *host)
{
    const struct uri *uri = &host->uri;
    return (struct host_traits){
        .is_local = uri->is_local && !uri->is_test,
        .is_test = uri->is_test,
        .is_embedded = uri->is_embedded,
        .starts_paused = !uri->is_test,
    };
}

struct host_traits host_conn_traits(const struct host_conn *conn)
{
    return host_traits(conn->host);
}
