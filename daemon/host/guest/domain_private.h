/* domain_private: what the files of this folder share. On a worker. */
#ifndef HOST_DOMAIN_PRIVATE_H
#define HOST_DOMAIN_PRIVATE_H

#include "host/guest/domain.h"
#include "host/host_conn.h"

#include <libvirt/libvirt.h>

/* The domain (host_conn_domain()), its QEMU answering as far as GetControlInfo knows; else
 * UNRESPONSIVE. For what needs its monitor. */
virDomainPtr domain_reach(struct host_conn *conn, const char *uuid, struct lodge_error *err);

/* The same of that run (domain_look.run) only, else CONFLICT or BAD_STATE; LODGE_UNKNOWN:
 * whichever.
 */
virDomainPtr domain_reach_run(struct host_conn *conn, const char *uuid, int64_t run,
                              struct lodge_error *err);

/* The flags to undefine with, from all that a driver may know down to what each takes, as far as
 * these keep what must be kept; how many. On a host without files nothing must. */
enum { UNDEFINE_WAYS = 4 };
size_t domain_undefine_ways(const struct undefine *how, bool has_files,
                            unsigned ret_flags[static UNDEFINE_WAYS]);

/* libvirt's last error about `domain`; BAD_STATE says in which it is. Returns false. */
bool domain_fail(struct host_conn *conn, const char *what, virDomainPtr domain,
                 struct lodge_error *err);

#endif
