/* domain_list: domains of a host by libvirt's filters, however many there are. */
#ifndef HOST_DOMAIN_LIST_H
#define HOST_DOMAIN_LIST_H

#include "lodge/error.h"

#include <libvirt/libvirt.h>
#include <stddef.h>

/* On a worker: all domains that match the list's flags, past libvirt's 16,384 of one reply too, by
 * asking for the halves of what was too much. The caller frees domains and array. */
bool domain_list(virConnectPtr conn, unsigned flags, virDomainPtr **ret_domains, size_t *ret_count,
                 struct lodge_error *err) LODGE_MUST_CHECK;

#endif
