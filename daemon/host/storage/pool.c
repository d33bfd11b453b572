/*
 * pool: libvirt's pool of a place: found, made, started. Nobody is asked to start it but for what
 * needs it: one that cannot be started stops nothing else. Worker-only; a pool is its finder's.
 */
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/storage/storage_private.h"
#include "host/xml/storage_xml.h"
#include "memory.h"
#include "scope.h"

#include <libvirt/virterror.h>
#include <string.h>

bool pool_find(struct host_conn *conn, const char *name, virStoragePoolPtr *ret_pool,
               struct lodge_error *err)
{
    struct lodge_error why = {0};
    *ret_pool = virStoragePoolLookupByName(conn->libvirt, name);
    if (*ret_pool == NULL) {
        libvirt_fail(&why, "looking up pool '%s'", name);
        if (why.kind != LODGE_ERROR_NOT_FOUND) {
            *err = why;
            return false;
        }
    }
    return true;
}

/* Two may do it at once: the second finds it done. */
bool pool_start(virStoragePoolPtr pool, const char *name, struct lodge_error *err)
{
    if (virStoragePoolIsActive(pool) == 1 || virStoragePoolCreate(pool, 0) == 0) {
        return true;
    }
    struct lodge_error why = {0};
    libvirt_fail(&why, "starting pool '%s'", name);
    if (virStoragePoolIsActive(pool) == 1) {
        return true;
    }
    *err = why;
    return false;
}

bool pool_open(struct host_conn *conn, const struct storage_place *place,
               virStoragePoolPtr *ret_pool, struct lodge_error *err)
{
    AUTO(virStoragePoolFree) virStoragePoolPtr pool = NULL;
    if (!pool_find(conn, place->pool, &pool, err) ||
        (pool != NULL && !pool_start(pool, place->pool, err))) {
        return false;
    }
    *ret_pool = TAKE(pool);
    return true;
}

bool pool_must_open(struct host_conn *conn, const struct storage_place *place,
                    virStoragePoolPtr *ret_pool, struct lodge_error *err)
{
    return pool_open(conn, place, ret_pool, err) &&
           (*ret_pool != NULL ||
            lodge_fail(err, LODGE_ERROR_NOT_FOUND, "there is no pool '%s'", place->pool));
}

static bool pool_define(struct host_conn *conn, const struct storage_place *place,
                        virStoragePoolPtr *ret_pool, struct lodge_error *err)
{
    AUTO(free) char *xml = storage_xml_pool(place->pool, place->dir, err);
    if (xml == NULL) {
        return false;
    }
    *ret_pool = virStoragePoolDefineXML(conn->libvirt, xml, 0);
    if (*ret_pool != NULL) {
        return true;
    }
    struct lodge_error why = {0};
    libvirt_fail(&why, "making pool '%s'", place->pool);
    if (why.kind == LODGE_ERROR_EXISTS && !pool_find(conn, place->pool, ret_pool, err)) {
        return false;
    }
    if (*ret_pool == NULL) {
        *err = why;
    }
    return *ret_pool != NULL;
}

bool pool_is_plain(virStoragePoolPtr pool, const char *name, bool *ret_plain,
                   struct lodge_error *err)
{
    struct storage_xml_facts facts = {0};
    AUTO(free) char *xml = virStoragePoolGetXMLDesc(pool, 0);
    if (xml == NULL) {
        return libvirt_fail(err, "reading pool '%s'", name);
    }
    if (!storage_xml_read_pool(xml, &facts, err)) {
        return false;
    }
    *ret_plain = facts.type != NULL && strcmp(facts.type, "dir") == 0;
    storage_xml_facts_clear(&facts);
    return true;
}

/* Paths of volumes are made of it, so it must be where lodge believes it to be. */
static bool pool_check_dir(virStoragePoolPtr pool, const struct storage_place *place,
                           struct lodge_error *err)
{
    struct storage_xml_facts facts = {0};
    AUTO(free) char *xml = virStoragePoolGetXMLDesc(pool, 0);
    if (xml == NULL) {
        return libvirt_fail(err, "reading pool '%s'", place->pool);
    }
    if (!storage_xml_read_pool(xml, &facts, err)) {
        return false;
    }
    bool good = facts.path != NULL && strcmp(facts.path, place->dir) == 0;
    if (!good) {
        lodge_fail(err, LODGE_ERROR_CONFLICT,
                   "pool '%s' is at %s and not at %s: set `dir` of this host, or another `pool`",
                   place->pool, facts.path == NULL ? "no path" : facts.path, place->dir);
    }
    storage_xml_facts_clear(&facts);
    return good;
}

/* One that runs is left as it is. One that does not may have lost its folder, or never had it, when
 * somebody was killed in here. */
bool pool_prepare(struct host_conn *conn, const struct storage_place *place,
                  struct lodge_error *err)
{
    struct lodge_error why = {0};
    AUTO(virStoragePoolFree) virStoragePoolPtr pool = NULL;
    if (!pool_find(conn, place->pool, &pool, err) ||
        (pool == NULL && !pool_define(conn, place, &pool, err)) ||
        !pool_check_dir(pool, place, err)) {
        return false;
    }
    if (virStoragePoolIsActive(pool) == 1) {
        return true;
    }
    if (!pool_start(pool, place->pool, &why)) {
        /* Another maker may have built and started it meanwhile: then there is nothing to build. */
        why = (struct lodge_error){0};
        if (virStoragePoolBuild(pool, VIR_STORAGE_POOL_BUILD_NEW) < 0) {
            libvirt_fail(&why, "making the folder %s of pool '%s'", place->dir, place->pool);
        }
        if (why.kind != LODGE_ERROR_NONE && virStoragePoolIsActive(pool) != 1) {
            *err = why;
            return false;
        }
        if (!pool_start(pool, place->pool, err)) {
            return false;
        }
    }
    return virStoragePoolSetAutostart(pool, 1) == 0 ||
           libvirt_fail(err, "setting autostart of pool '%s'", place->pool);
}
