/* libvirt_auto: AUTO() for libvirt's types. Only files of this folder include libvirt. */
#ifndef HOST_LIBVIRT_AUTO_H
#define HOST_LIBVIRT_AUTO_H

#include "scope.h"

#include <libvirt/libvirt.h>
#include <stdint.h>

/* Frees what a list call filled: `count` domains and the array. Never blocks as long as somebody
 * else holds the connection. NULL is fine. */
static inline void libvirt_domains_free(virDomainPtr *domains, size_t count)
{
    for (size_t i = 0; domains != NULL && i < count; i++) {
        virDomainFree(domains[i]);
    }
    free(domains);
}

/* Which run of the domain this is: its id, that no two runs have, as it was when `domain` was
 * looked up; LODGE_UNKNOWN (-1) of one that was not active then. */
static inline int64_t libvirt_run(virDomainPtr domain)
{
    unsigned id = virDomainGetID(domain);
    return id == (unsigned)-1 ? -1 : (int64_t)id;
}

DEFINE_AUTO(virDomainPtr, virDomainFree, NULL);
DEFINE_AUTO(virStoragePoolPtr, virStoragePoolFree, NULL);
DEFINE_AUTO(virStorageVolPtr, virStorageVolFree, NULL);
DEFINE_AUTO(virDomainStatsRecordPtr *, virDomainStatsRecordListFree, NULL);

#endif
