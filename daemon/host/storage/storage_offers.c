/* storage_offers: the pools and networks that a guest of a host can be given. */
#include "host/libvirt_error.h"
#include "host/storage/storage_private.h"
#include "host/xml/storage_xml.h"
#include "memory.h"
#include "scope.h"

#include <libvirt/virterror.h>
#include <string.h>
#include <sys/statvfs.h>

/* A plain directory of an embedded host, under the name that its libvirt pool would have. It is
 * made with the first volume: until then the file system's room is that of a folder above. */
static void tell_directory(const struct storage_place *place, storage_pool_fn *each, void *data)
{
    struct statvfs room;
    AUTO(free) char *path = xstrdup(place->dir);
    while (statvfs(path, &room) < 0) {
        char *slash = strrchr(path, '/');
        if (slash == NULL || slash[1] == '\0') {
            each(data, "lodge", "dir", true, LODGE_UNKNOWN, LODGE_UNKNOWN);
            return;
        }
        slash[slash == path ? 1 : 0] = '\0';
    }
    each(data, "lodge", "dir", true,
         (int64_t)(room.f_blocks * room.f_frsize / (uint64_t)STORAGE_GIB),
         (int64_t)(room.f_bavail * room.f_frsize / (uint64_t)STORAGE_GIB));
}

/* One that goes away meanwhile is left out. */
static bool tell_pool(virStoragePoolPtr pool, storage_pool_fn *each, void *data,
                      struct lodge_error *err)
{
    virStoragePoolInfo info;
    struct storage_xml_facts facts = {0};
    AUTO(free) char *xml = virStoragePoolGetXMLDesc(pool, 0);
    if (xml == NULL) {
        struct lodge_error why = {0};
        libvirt_fail(&why, "reading a pool");
        *err = why.kind == LODGE_ERROR_NOT_FOUND ? *err : why;
        return why.kind == LODGE_ERROR_NOT_FOUND;
    }
    if (!storage_xml_read_pool(xml, &facts, err)) {
        return false;
    }
    bool active = virStoragePoolIsActive(pool) == 1;
    bool known = active && virStoragePoolGetInfo(pool, &info) == 0;
    each(data, virStoragePoolGetName(pool), facts.type, active,
         known ? (int64_t)(info.capacity / (uint64_t)STORAGE_GIB) : LODGE_UNKNOWN,
         known ? (int64_t)(info.available / (uint64_t)STORAGE_GIB) : LODGE_UNKNOWN);
    storage_xml_facts_clear(&facts);
    return true;
}

bool storage_list_pools(struct host_conn *conn, const struct storage_place *place,
                        storage_pool_fn *each, void *data, struct lodge_error *err)
{
    if (place->pool[0] == '\0') {
        tell_directory(place, each, data);
        return true;
    }
    virStoragePoolPtr *pools = NULL;
    int count = virConnectListAllStoragePools(conn->libvirt, &pools, 0);
    bool good = count >= 0 || libvirt_fail(err, "listing pools");
    for (int i = 0; i < count; i++) {
        good = good && tell_pool(pools[i], each, data, err);
        virStoragePoolFree(pools[i]);
    }
    free(pools);
    return good;
}

static bool tell_network(virNetworkPtr network, storage_network_fn *each, void *data,
                         struct lodge_error *err)
{
    AUTO(free) char *xml = virNetworkGetXMLDesc(network, 0);
    if (xml == NULL) {
        struct lodge_error why = {0};
        libvirt_fail(&why, "reading a network");
        *err = why.kind == LODGE_ERROR_NOT_FOUND ? *err : why;
        return why.kind == LODGE_ERROR_NOT_FOUND;
    }
    AUTO(free) char *kind = storage_xml_network_kind(xml, err);
    if (kind == NULL) {
        return false;
    }
    each(data, virNetworkGetName(network), kind, virNetworkIsActive(network) == 1);
    return true;
}

bool storage_list_networks(struct host_conn *conn, storage_network_fn *each, void *data,
                           struct lodge_error *err)
{
    if (host_uri(conn->host)->is_embedded) {
        each(data, "user", "user", true);
        return true;
    }
    virNetworkPtr *networks = NULL;
    int count = virConnectListAllNetworks(conn->libvirt, &networks, 0);
    bool good = count >= 0 || libvirt_fail(err, "listing networks");
    for (int i = 0; i < count; i++) {
        good = good && tell_network(networks[i], each, data, err);
        virNetworkFree(networks[i]);
    }
    free(networks);
    return good;
}
