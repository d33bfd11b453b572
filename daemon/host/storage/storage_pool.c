/*
 * storage_pool: volumes in a libvirt pool of type dir; the pool itself is pool.c's.
 *
 * libvirtd makes and deletes them, so that its pool knows each without a refresh. On this machine
 * lodged looks at the files too, before and after: libvirt writes through a dangling symlink, and
 * deletes what it is told.
 */
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/storage/qemu_img.h"
#include "host/storage/storage_private.h"
#include "host/storage/uses.h"
#include "host/xml/storage_xml.h"
#include "memory.h"
#include "scope.h"

#include <errno.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <unistd.h>

/* Where a copy is put together that only libvirtd may write: a place for large files, not tmpfs. */
#define LARGE_FILES "/var/tmp"

static bool pool_refresh(struct host_conn *conn, const struct storage_place *place,
                         virStoragePoolPtr pool, struct lodge_error *err)
{
    return storage_refresh(conn, place->pool, pool, err);
}

/* --- one volume ------------------------------------------------------------------------------- */

/* *ret_volume is NULL when the pool knows none of that name. */
static bool volume_find(virStoragePoolPtr pool, const char *name, virStorageVolPtr *ret_volume,
                        struct lodge_error *err)
{
    struct lodge_error why = {0};
    *ret_volume = virStorageVolLookupByName(pool, name);
    if (*ret_volume == NULL) {
        libvirt_fail(&why, "looking up the volume");
        if (why.kind != LODGE_ERROR_NOT_FOUND) {
            *err = why;
            return false;
        }
    }
    return true;
}

/* By way of a file without a name, which a kill leaves nothing of. */
static bool fill_by_libvirt(struct host_conn *conn, virStorageVolPtr target,
                            const struct volume *volume, const atomic_bool *cancelled,
                            struct lodge_error *err)
{
    AUTO(fd_close) int fd = open(LARGE_FILES, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        return lodge_fail(err, LODGE_ERROR_HYPERVISOR, "cannot make a file in " LARGE_FILES ": %s",
                          strerror(errno));
    }
    return qemu_img_create(fd, volume->format, volume->size_gib, err) &&
           qemu_img_fill(fd, volume->format, volume->image, cancelled, err) &&
           storage_upload(conn, target, fd, cancelled, err);
}

/* The volume is there, empty and of its full size. Where lodged may write it, qemu-img does; a
 * libvirtd that runs as somebody else has to be given the bytes. */
static bool fill_volume(struct host_conn *conn, virStorageVolPtr target, const char *path,
                        const struct volume *volume, const atomic_bool *cancelled,
                        struct lodge_error *err)
{
    struct lodge_error why = {0};
    AUTO(fd_close) int fd = storage_file_open(AT_FDCWD, path, O_RDWR, &why);
    int cause = errno;
    if (fd < 0 && (cause == EACCES || cause == EPERM)) {
        return fill_by_libvirt(conn, target, volume, cancelled, err);
    }
    if (fd < 0) {
        *err = why;
        return false;
    }
    return qemu_img_fill(fd, volume->format, volume->image, cancelled, err);
}

/* What libvirtd made may be in its page cache alone. */
static bool sync_volume(const struct storage_place *place, const char *path,
                        struct lodge_error *err)
{
    struct lodge_error why = {0};
    AUTO(fd_close) int fd = storage_file_open(AT_FDCWD, path, O_RDONLY, &why);
    int cause = errno;
    if (fd < 0 && (cause == EACCES || cause == EPERM)) {
        return true; /* not ours to open */
    }
    if (fd < 0) {
        *err = why;
        return false;
    }
    if (fsync(fd) < 0) {
        return lodge_fail(err, LODGE_ERROR_HYPERVISOR, "cannot sync it to disk: %s",
                          strerror(errno));
    }
    return storage_folder_sync(place->dir, err);
}

static bool pool_make(struct host_conn *conn, const struct storage_place *place,
                      const struct volume *volume, const atomic_bool *cancelled,
                      struct lodge_error *err)
{
    bool sees = storage_sees_files(conn);
    AUTO(free) char *path = storage_path(place, volume->name);
    AUTO(virStoragePoolFree) virStoragePoolPtr pool = NULL;
    if ((sees && !storage_file_must_be_absent(AT_FDCWD, path, err)) ||
        !pool_must_open(conn, place, &pool, err)) {
        return false;
    }
    AUTO(free)
    char *xml = storage_xml_volume(volume->name, volume->format, volume->size_gib, err);
    if (xml == NULL) {
        return false;
    }
    AUTO(virStorageVolFree) virStorageVolPtr made = virStorageVolCreateXML(pool, xml, 0);
    if (made == NULL) {
        return libvirt_fail(err, "pool '%s'", place->pool);
    }
    if (!sees) {
        return true; /* the test driver's volumes hold nothing */
    }
    enum storage_file file;
    return storage_file_must_not_be_strange(AT_FDCWD, path, &file, err) &&
           (volume->image == NULL || fill_volume(conn, made, path, volume, cancelled, err)) &&
           sync_volume(place, path, err);
}

/* --- deleting --------------------------------------------------------------------------------- */

static bool remove_known(virStorageVolPtr volume, const struct storage_place *place,
                         struct lodge_error *err)
{
    if (virStorageVolDelete(volume, 0) == 0) {
        return true;
    }
    struct lodge_error why = {0};
    libvirt_fail(&why, "pool '%s'", place->pool);
    if (why.kind == LODGE_ERROR_NOT_FOUND) {
        return true;
    }
    if (why.kind == LODGE_ERROR_BAD_STATE) {
        why.kind = LODGE_ERROR_BUSY; /* "still being allocated", "in use" */
    }
    *err = why;
    return false;
}

/* The file itself, by lodged. */
static bool remove_file(struct host_conn *conn, const struct storage_place *place, const char *name,
                        const char *path, struct storage_removal *removal, bool *ret_folder,
                        struct lodge_error *err)
{
    AUTO(fd_close) int folder = open(place->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int why = errno;
    *ret_folder = folder >= 0;
    if (folder >= 0) {
        return storage_file_remove(conn, folder, name, path, removal, err);
    }
    removal->end = why == ENOENT || why == ENOTDIR ? STORAGE_ABSENT : STORAGE_HIDDEN;
    return removal->end == STORAGE_ABSENT || why == EACCES ||
           lodge_fail(err, LODGE_ERROR_HYPERVISOR, "cannot open the folder %s: %s", place->dir,
                      strerror(why));
}

/* Does only the pool know whether the file is there, so that it must be started? Not where lodged
 * has seen for itself: one that cannot be started held up every deletion, also of what never was.
 */
static bool must_start(virStoragePoolPtr pool, const struct storage_place *place,
                       const struct storage_removal *removal, bool has_folder, bool *ret_must,
                       struct lodge_error *err)
{
    bool plain = false;
    *ret_must = false;
    if (pool == NULL || removal->end == STORAGE_REMOVED ||
        (removal->end == STORAGE_ABSENT && removal->is_log)) {
        return true;
    }
    if (removal->end == STORAGE_ABSENT && !pool_is_plain(pool, place->pool, &plain, err)) {
        return false;
    }
    *ret_must = !plain || (!has_folder && removal->was_made);
    return true;
}

/* *ret_pool is active, or NULL when it is not needed, or there is none. */
static bool look_first(struct host_conn *conn, const struct storage_place *place, const char *name,
                       struct storage_removal *removal, virStoragePoolPtr *ret_pool,
                       struct lodge_error *err)
{
    bool has_folder = true;
    bool must = true;
    bool sees = storage_sees_files(conn);
    AUTO(free) char *path = storage_path(place, name);
    AUTO(virStoragePoolFree) virStoragePoolPtr pool = NULL;
    if (!pool_find(conn, place->pool, &pool, err) ||
        (sees && !remove_file(conn, place, name, path, removal, &has_folder, err))) {
        return false;
    }
    bool is_active = pool != NULL && virStoragePoolIsActive(pool) == 1;
    if (is_active || pool == NULL || removal->end == STORAGE_KEPT || removal->end == STORAGE_ASKS) {
        *ret_pool = is_active ? TAKE(pool) : NULL;
        return true;
    }
    if (sees && !must_start(pool, place, removal, has_folder, &must, err)) {
        return false;
    }
    if (!must) {
        return true;
    }
    if (!pool_start(pool, place->pool, err) ||
        (sees && removal->end == STORAGE_ABSENT &&
         !remove_file(conn, place, name, path, removal, &has_folder, err))) {
        return false;
    }
    *ret_pool = TAKE(pool);
    return true;
}

/* A file that lodged may not delete itself, and the pool has not heard of. */
static bool find_unknown(struct host_conn *conn, const struct storage_place *place,
                         virStoragePoolPtr pool, const char *name, virStorageVolPtr *ret_volume,
                         struct lodge_error *err)
{
    if (pool == NULL) {
        return lodge_fail(err, LODGE_ERROR_HYPERVISOR,
                          "this account may not delete it, and there is no pool '%s'", place->pool);
    }
    if (!pool_refresh(conn, place, pool, err) || !volume_find(pool, name, ret_volume, err)) {
        return false;
    }
    return *ret_volume != NULL ||
           lodge_fail(err, LODGE_ERROR_HYPERVISOR, "it is there, and pool '%s' does not know it",
                      place->pool);
}

/* libvirt deletes what it is told, and its pool may be another one by now. */
static bool volume_is_at(virStorageVolPtr volume, const char *path, struct lodge_error *err)
{
    AUTO(free) char *where = virStorageVolGetPath(volume);
    if (where == NULL) {
        return libvirt_fail(err, "asking where it is");
    }
    return strcmp(where, path) == 0 ||
           lodge_fail(err, LODGE_ERROR_CONFLICT, "libvirt has it at %s and not at %s", where, path);
}

/* By libvirt: the file, or what its pool still believes of one that is gone. */
static bool remove_by_libvirt(struct host_conn *conn, const struct storage_place *place,
                              virStorageVolPtr volume, const char *path,
                              struct storage_removal *removal, struct lodge_error *err)
{
    struct use_target target = {.path = path};
    bool was_absent = removal->end == STORAGE_ABSENT;
    bool is_removed = removal->end == STORAGE_REMOVED;
    if (!is_removed && !removal->is_allowed && !storage_removal_allows(conn, removal, &target)) {
        return true;
    }
    if (!volume_is_at(volume, path, err)) {
        *err = is_removed ? (struct lodge_error){0} : *err; /* another one: the file is gone */
        return is_removed;
    }
    if (!remove_known(volume, place, err)) {
        return false;
    }
    bool sees = storage_sees_files(conn);
    removal->end = sees && was_absent ? STORAGE_ABSENT : STORAGE_REMOVED;
    return true;
}

static bool pool_remove(struct host_conn *conn, const struct storage_place *place, const char *name,
                        struct storage_removal *removal, struct lodge_error *err)
{
    AUTO(free) char *path = storage_path(place, name);
    AUTO(virStoragePoolFree) virStoragePoolPtr pool = NULL;
    AUTO(virStorageVolFree) virStorageVolPtr volume = NULL;
    bool sees = storage_sees_files(conn);
    if (!look_first(conn, place, name, removal, &pool, err)) {
        return false;
    }
    if (removal->end == STORAGE_KEPT || removal->end == STORAGE_ASKS) {
        return true;
    }
    if (pool != NULL && !volume_find(pool, name, &volume, err)) {
        return false;
    }
    if (removal->is_allowed && removal->end == STORAGE_HIDDEN && volume == NULL &&
        !find_unknown(conn, place, pool, name, &volume, err)) {
        return false;
    }
    if (volume != NULL && !remove_by_libvirt(conn, place, volume, path, removal, err)) {
        return false;
    }
    if (removal->end == STORAGE_HIDDEN) { /* nobody knows of any */
        removal->end = STORAGE_ABSENT;
    }
    return !sees || removal->end != STORAGE_REMOVED || storage_folder_sync(place->dir, err);
}

/* --- growing, listing ------------------------------------------------------------------------- */

/* The test driver has no resize; what its volumes hold is their size. */
static bool grow_made_up(virStoragePoolPtr pool, virStorageVolPtr volume,
                         const struct volume_growth *growth, struct lodge_error *err)
{
    AUTO(free) char *xml = storage_xml_volume(growth->name, growth->format, growth->size_gib, err);
    if (xml == NULL) {
        return false;
    }
    if (virStorageVolDelete(volume, 0) < 0) {
        return libvirt_fail(err, "making room for it");
    }
    AUTO(virStorageVolFree) virStorageVolPtr made = virStorageVolCreateXML(pool, xml, 0);
    return made != NULL || libvirt_fail(err, "making it anew");
}

static bool grow_by_test_driver(struct host_conn *conn, const struct storage_place *place,
                                const struct volume_growth *growth, int64_t *ret_bytes,
                                struct lodge_error *err)
{
    virStorageVolInfo info;
    AUTO(virStoragePoolFree) virStoragePoolPtr pool = NULL;
    AUTO(virStorageVolFree) virStorageVolPtr volume = NULL;
    if (!pool_must_open(conn, place, &pool, err) ||
        !volume_find(pool, growth->name, &volume, err)) {
        return false;
    }
    if (volume == NULL) {
        return lodge_fail(err, LODGE_ERROR_NOT_FOUND, "pool '%s' has no such volume", place->pool);
    }
    if (virStorageVolGetInfo(volume, &info) < 0) {
        return libvirt_fail(err, "asking its size");
    }
    int64_t wanted = growth->size_gib * STORAGE_GIB;
    int64_t bytes = (int64_t)info.capacity;
    *ret_bytes = bytes < wanted ? wanted : bytes;
    return bytes >= wanted || grow_made_up(pool, volume, growth, err);
}

/* Never virStorageVolResize(): it takes the format from what the pool's last refresh took the
 * content for, and a guest writes that; between a look and the call it may change, too. */
static bool pool_grow(struct host_conn *conn, const struct storage_place *place,
                      const struct volume_growth *growth, int64_t *ret_bytes,
                      struct lodge_error *err)
{
    if (host_uri(conn->host)->is_test) {
        return grow_by_test_driver(conn, place, growth, ret_bytes, err);
    }
    if (!storage_sees_files(conn)) {
        return lodge_fail(err, LODGE_ERROR_DENIED, "host '%s' is another machine",
                          host_name(conn->host));
    }
    enum storage_file file;
    AUTO(free) char *path = storage_path(place, growth->name);
    return storage_file_must_not_be_strange(AT_FDCWD, path, &file, err) &&
           storage_file_grow(place, growth, ret_bytes, err);
}

/* A refresh finds what was put there behind libvirt's back. While a volume is being filled there is
 * none, and the list is what libvirt knows. */
static bool pool_list(struct host_conn *conn, const struct storage_place *place,
                      struct lodge_strings *ret_names, int64_t *ret_free_bytes,
                      struct lodge_error *err)
{
    struct lodge_error why = {0};
    virStoragePoolInfo info;
    AUTO(virStoragePoolFree) virStoragePoolPtr pool = NULL;
    if (!pool_open(conn, place, &pool, err) || pool == NULL) {
        return pool == NULL && err->kind == LODGE_ERROR_NONE;
    }
    if (!pool_refresh(conn, place, pool, &why) && why.kind != LODGE_ERROR_BUSY) {
        *err = why;
        return false;
    }
    virStorageVolPtr *volumes = NULL;
    int count = virStoragePoolListAllVolumes(pool, &volumes, 0);
    if (count < 0) {
        return libvirt_fail(err, "pool '%s'", place->pool);
    }
    for (int i = 0; i < count; i++) {
        storage_add_name(ret_names, virStorageVolGetName(volumes[i]));
        virStorageVolFree(volumes[i]);
    }
    free(volumes);
    if (virStoragePoolGetInfo(pool, &info) == 0) {
        *ret_free_bytes = (int64_t)info.available;
    }
    return true;
}

const struct storage_backend storage_pool_backend = {
    .prepare = pool_prepare,
    .make = pool_make,
    .remove = pool_remove,
    .grow = pool_grow,
    .list = pool_list,
};
