/*
 * domain_disk.c: a disk that lodge made, as the domain that it is for uses it now, and how it grows
 * in a guest that runs. Worker-only.
 *
 * Other tools move disks (a snapshot's overlay), grow them, and put others in their place, and no
 * event says so: what is true is asked of libvirt right before each act, and looked at after it.
 */
#include "host/guest/domain_private.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/xml/disk_source_xml.h"
#include "memory.h"
#include "scope.h"

#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The path of what the XML names; *ret_path NULL for what has none, or whose pool does not say. */
static bool find_path(struct host_conn *conn, const struct disk_source *source, char **ret_path,
                      struct lodge_error *err)
{
    if (source->volume == NULL) {
        *ret_path = xstrdup_or_null(source->file);
        return true;
    }
    AUTO(virStoragePoolFree)
    virStoragePoolPtr pool = virStoragePoolLookupByName(conn->libvirt, source->pool);
    AUTO(virStorageVolFree)
    virStorageVolPtr volume = pool == NULL ? NULL : virStorageVolLookupByName(pool, source->volume);
    *ret_path = volume == NULL ? NULL : virStorageVolGetPath(volume);
    struct lodge_error why = {0};
    if (*ret_path == NULL) {
        libvirt_fail(&why, "%s", source->words);
    }
    bool lost = why.kind == LODGE_ERROR_HOST_DOWN;
    if (lost) {
        *err = why;
    }
    return !lost;
}

/* Ours may be gone, or have become a link: then it is the same as nothing. */
static bool is_same_disk_file(const struct host_conn *conn, const char *theirs, const char *ours)
{
    struct stat found;
    struct stat made;
    bool sees =
        host_conn_traits(conn).is_local && stat(theirs, &found) == 0 && lstat(ours, &made) == 0;
    if (!sees) {
        return strcmp(theirs, ours) == 0; /* in doubt by name alone */
    }
    return S_ISREG(made.st_mode) && found.st_dev == made.st_dev && found.st_ino == made.st_ino;
}

static bool compare_with_row(struct host_conn *conn, const struct disk_row *disk,
                             const struct disk_source *source, char **ret_path,
                             struct lodge_error *err)
{
    AUTO(free) char *path = NULL;
    if (!find_path(conn, source, &path, err)) {
        return false;
    }
    if (path != NULL && strcmp(path, disk->path) == 0 && !is_same_disk_file(conn, path, path)) {
        return lodge_fail(
            err, LODGE_ERROR_CONFLICT,
            "disk '%s' is %s, which lodge made as a plain file, and now it is none (a "
            "link?): it is left alone",
            disk->target, path);
    }
    if (path == NULL || !is_same_disk_file(conn, path, disk->path)) {
        return lodge_fail(err, LODGE_ERROR_CONFLICT,
                          "disk '%s' is %s now, not lodge's %s: another tool has moved it, grow it "
                          "there",
                          disk->target, source->words, disk->path);
    }
    const char *format = source->format == NULL ? "raw" : source->format;
    if (strcmp(format, disk->format) != 0) {
        return lodge_fail(err, LODGE_ERROR_CONFLICT,
                          "disk '%s' is read as %s by its definition, and lodge made %s as %s",
                          disk->target, format, disk->path, disk->format);
    }
    *ret_path = TAKE(path);
    return true;
}

/* By one of the domain's definitions. */
static bool uses(struct host_conn *conn, virDomainPtr domain, const struct disk_row *disk,
                 unsigned flags, char **ret_path, struct lodge_error *err)
{
    struct disk_source source = {0};
    const char *name = virDomainGetName(domain); /* after a failure it would take the reason away */
    AUTO(free) char *xml = virDomainGetXMLDesc(domain, flags);
    if (xml == NULL) {
        return libvirt_fail(err, "the definition of '%s'", name);
    }
    if (!disk_source_read(xml, disk->target, &source, err)) {
        bool gone = err->kind == LODGE_ERROR_NOT_FOUND;
        err->kind = gone ? LODGE_ERROR_CONFLICT : err->kind;
        return gone ? lodge_fail_in(err, "lodge's %s is nowhere", disk->path) : false;
    }
    bool good = compare_with_row(conn, disk, &source, ret_path, err);
    disk_source_clear(&source);
    return good;
}

/* *ret_path is what the domain of now calls it. */
static bool check_disk_of(struct host_conn *conn, virDomainPtr domain, const struct disk_row *disk,
                          char **ret_path, struct lodge_error *err)
{
    AUTO(free) char *now = NULL;
    AUTO(free) char *next = NULL;
    if (!uses(conn, domain, disk, 0, &now, err)) {
        return false;
    }
    if (virDomainIsPersistent(domain) == 1 &&
        !uses(conn, domain, disk, VIR_DOMAIN_XML_INACTIVE, &next, err)) {
        return err->kind == LODGE_ERROR_CONFLICT ? lodge_fail_in(err, "at its next boot") : false;
    }
    *ret_path = TAKE(now);
    return true;
}

bool domain_check_disk(struct host_conn *conn, const char *uuid, const struct disk_row *disk,
                       struct lodge_error *err)
{
    AUTO(free) char *path = NULL;
    AUTO(virDomainFree) virDomainPtr domain = host_conn_domain(conn, uuid, err);
    return domain != NULL && check_disk_of(conn, domain, disk, &path, err);
}

static bool ask_bytes(struct host_conn *conn, virDomainPtr domain, const char *path,
                      int64_t *ret_bytes, struct lodge_error *err)
{
    virDomainBlockInfo info;
    if (virDomainGetBlockInfo(domain, path, &info, 0) < 0) {
        return domain_fail(conn, "its disk's size is not known", domain, err);
    }
    *ret_bytes = (int64_t)info.capacity;
    return true;
}

/* By its path and not by its target: libvirt refuses one that has been replaced since we looked. */
static bool resize(struct host_conn *conn, virDomainPtr domain, const char *path, int64_t bytes,
                   int64_t *ret_bytes, struct lodge_error *err)
{
    if (!ask_bytes(conn, domain, path, ret_bytes, err)) {
        return false;
    }
    if (*ret_bytes >= bytes) {
        return true;
    }
    if (virDomainBlockResize(domain, path, (unsigned long long)bytes,
                             VIR_DOMAIN_BLOCK_RESIZE_BYTES) < 0) {
        return domain_fail(conn, "its disk could not grow", domain, err);
    }
    return ask_bytes(conn, domain, path, ret_bytes, err) &&
           (*ret_bytes >= bytes ||
            lodge_fail(err, LODGE_ERROR_HYPERVISOR, "%s has %lld bytes still", path,
                       (long long)*ret_bytes));
}

bool domain_disk_size(struct host_conn *conn, const char *uuid, const char *target,
                      int64_t *ret_bytes, struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = domain_reach(conn, uuid, err);
    return domain != NULL && ask_bytes(conn, domain, target, ret_bytes, err);
}

bool domain_grow_disk_live(struct host_conn *conn, const char *uuid, const struct disk_row *disk,
                           int64_t bytes, int64_t *ret_bytes, struct lodge_error *err)
{
    AUTO(free) char *path = NULL;
    AUTO(virDomainFree) virDomainPtr domain = domain_reach(conn, uuid, err);
    if (domain == NULL || !check_disk_of(conn, domain, disk, &path, err)) {
        return false;
    }
    if (resize(conn, domain, path, bytes, ret_bytes, err)) {
        return true;
    }
    /* It may have been moved between our look and the call: that says more than libvirt does. */
    struct lodge_error moved = {0};
    AUTO(free) char *again = NULL;
    if (err->kind != LODGE_ERROR_HOST_DOWN && !check_disk_of(conn, domain, disk, &again, &moved) &&
        moved.kind == LODGE_ERROR_CONFLICT) {
        *err = moved;
    }
    return false;
}
