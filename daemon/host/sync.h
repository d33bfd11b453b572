/* sync: everything at once, after each connect: names, states, then XML in batches. */
#ifndef HOST_SYNC_H
#define HOST_SYNC_H

#include "host/parts.h"

/* Loop-only. What is out from before is not waited for: its answers count for nothing. */
void sync_start(struct host *host);

/* On a worker: all domains that match the list's flags, past libvirt's 16,384 of one reply too, by
 * asking for the halves of what was too much. The caller frees domains and array. */
bool sync_list(virConnectPtr conn, unsigned flags, virDomainPtr **ret_domains, size_t *ret_count,
               struct lodge_error *err) LODGE_MUST_CHECK;

#endif
