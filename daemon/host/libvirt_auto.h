/* libvirt_auto: AUTO() for libvirt's types. Only files of this folder include libvirt. */
#ifndef HOST_LIBVIRT_AUTO_H
#define HOST_LIBVIRT_AUTO_H

#include "scope.h"

#include <libvirt/libvirt.h>

/* Frees what a list call filled: `count` domains and the array. Never blocks as long as somebody
 * else holds the connection. NULL is fine. */
static inline void libvirt_domains_free(virDomainPtr *domains, size_t count)
{
    for (size_t i = 0; domains != NULL && i < count; i++) {
        virDomainFree(domains[i]);
    }
    free(domains);
}

DEFINE_AUTO(virDomainPtr, virDomainFree, NULL);
DEFINE_AUTO(virStoragePoolPtr, virStoragePoolFree, NULL);
DEFINE_AUTO(virStorageVolPtr, virStorageVolFree, NULL);
DEFINE_AUTO(virDomainStatsRecordPtr *, virDomainStatsRecordListFree, NULL);

#endif
