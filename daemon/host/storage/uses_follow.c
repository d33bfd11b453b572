/*
 * uses_follow.c: what the names of definitions mean: which files they are, and what these are based
 * on.
 *
 * A file is opened once, as a path (O_PATH: no device wakes up, no pipe waits), and what is read is
 * what that descriptor holds. Where lodged may not open one, libvirt is asked what it is based on;
 * a volume that libvirt does not know is looked for once more after its pool was refreshed. What
 * neither can tell adds nothing. On a worker of the host's readings of pools (reading.h): files may
 * be on a server that hangs, and neither the `sync` connection, by which the list lives, nor that
 * of operations must.
 */
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/storage/disk_header.h"
#include "host/storage/storage_private.h"
#include "host/storage/uses_private.h"
#include "host/xml/storage_xml.h"
#include "memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_FILES = 500000 };

DEFINE_AUTO(DIR *, closedir, NULL);

struct folder {
    char *pool; /* "" for lodge's own plain directory */
    char *path; /* NULL: the pool is none */
    virStoragePoolPtr handle;
    bool is_refreshed;
};

struct follow {
    struct uses *uses;
    struct host_conn *conn;
    bool sees;      /* its files are this machine's */
    bool has_pools; /* libvirt can be asked for volumes */
    struct folder *folders;
    size_t folder_count;
    struct lodge_error error; /* HOST_DOWN */
};

/* --- pools ------------------------------------------------------------------------------------ */

/* A daemon of libvirt's that is for storage alone may be away, or not be installed: that sounds as
 * if the host were. */
static bool is_down(const struct follow *follow, const struct lodge_error *why)
{
    return why->kind == LODGE_ERROR_HOST_DOWN && virConnectIsAlive(follow->conn->libvirt) != 1;
}

/* libvirt did not say something of one file: that matters only if it is gone. */
static void note_failure(struct follow *follow)
{
    struct lodge_error why = {0};
    libvirt_fail(&why, "host '%s'", host_name(follow->conn->host));
    if (is_down(follow, &why) && follow->error.kind == LODGE_ERROR_NONE) {
        follow->error = why;
    }
}

/* Of many files: what is not there has none, all else may hide some. */
static void follow_note_doubt(struct follow *follow, const char *what)
{
    struct lodge_error why = {0};
    libvirt_fail(&why, "%s", what);
    if (is_down(follow, &why)) {
        follow->error = follow->error.kind == LODGE_ERROR_NONE ? why : follow->error;
    } else if (why.kind != LODGE_ERROR_NOT_FOUND && why.kind != LODGE_ERROR_UNSUPPORTED) {
        uses_add_doubt(follow->uses, "%s", why.message);
    }
}

static void add_folder(struct follow *follow, const char *pool, const char *path,
                       virStoragePoolPtr handle)
{
    follow->folders =
        xrealloc(follow->folders, (follow->folder_count + 1) * sizeof *follow->folders);
    follow->folders[follow->folder_count++] = (struct folder){
        .pool = xstrdup(pool),
        .path = xstrdup_or_null(path),
        .handle = handle,
    };
}

static bool is_folder(const char *type)
{
    return type != NULL &&
           (strcmp(type, "dir") == 0 || strcmp(type, "fs") == 0 || strcmp(type, "netfs") == 0);
}

static void read_pool(struct follow *follow, virStoragePoolPtr pool)
{
    struct storage_xml_facts facts = {0};
    struct lodge_error err = {0};
    AUTO(free) char *xml = virStoragePoolGetXMLDesc(pool, 0);
    if (xml == NULL) {
        follow_note_doubt(follow, "a storage pool");
    }
    if (xml == NULL || !storage_xml_read_pool(xml, &facts, &err)) {
        virStoragePoolFree(pool); /* it has gone meanwhile, or nobody understands it */
        return;
    }
    add_folder(follow, virStoragePoolGetName(pool), is_folder(facts.type) ? facts.path : NULL,
               pool);
    storage_xml_facts_clear(&facts);
}

static void follow_read_pools(struct follow *follow, const struct storage_place *place)
{
    virStoragePoolPtr *pools = NULL;
    bool has_place = place == NULL;
    int count =
        follow->has_pools ? virConnectListAllStoragePools(follow->conn->libvirt, &pools, 0) : 0;
    bool needs_pools = follow->uses->volume_count > 0 || (place != NULL && place->pool[0] != '\0');
    if (count < 0 && needs_pools) {
        follow_note_doubt(follow, "the list of storage pools");
    } else if (count < 0) {
        note_failure(follow); /* a libvirt whose daemon for storage is not installed has none */
    }
    follow->has_pools &= count >= 0;
    for (int i = 0; i < count; i++) {
        read_pool(follow, pools[i]);
    }
    free(pools);
    for (size_t i = 0; i < follow->folder_count && !has_place; i++) {
        const char *path = follow->folders[i].path;
        has_place = path != NULL && strcmp(path, place->dir) == 0;
    }
    if (!has_place) {
        add_folder(follow, "", place->dir, NULL);
    }
}

static void forget_pools(struct follow *follow)
{
    for (size_t i = 0; i < follow->folder_count; i++) {
        struct folder *folder = &follow->folders[i];
        if (folder->handle != NULL) {
            virStoragePoolFree(folder->handle);
        }
        free(folder->pool);
        free(folder->path);
    }
    free(follow->folders);
}

static struct folder *find_pool(struct follow *follow, const char *name)
{
    for (size_t i = 0; i < follow->folder_count; i++) {
        if (strcmp(follow->folders[i].pool, name) == 0) {
            return &follow->folders[i];
        }
    }
    return NULL;
}

/* Of a pool that is no folder: where libvirt says that it is. The caller frees. */
static char *volume_path(struct follow *follow, const struct folder *folder, const char *name)
{
    AUTO(virStorageVolFree)
    virStorageVolPtr volume = virStorageVolLookupByName(folder->handle, name);
    char *path = volume == NULL ? NULL : virStorageVolGetPath(volume);
    if (path == NULL) {
        note_failure(follow);
    }
    return path;
}

/* One whose pool is not known is still a name. */
static void resolve_volumes(struct follow *follow)
{
    struct uses *uses = follow->uses;
    for (size_t i = 0; i < uses->volume_count; i++) {
        const struct uses_volume *volume = &uses->volumes[i];
        const struct named_file *named = &volume->named;
        const struct folder *folder = find_pool(follow, named->pool);
        AUTO(free) char *path = NULL;
        if (folder != NULL && folder->path != NULL) {
            path = xasprintf("%s/%s", folder->path, named->volume);
        } else if (folder != NULL && folder->handle != NULL) {
            path = volume_path(follow, folder, named->volume);
        }
        uses_add_said(uses, volume->user, named->as, path, named->volume, named->may_name_others);
    }
}

/* --- what a file is based on ------------------------------------------------------------------ */

/* As QEMU takes the name in an image's header: with a protocol, from the root, or beside the image.
 */
static void add_named(struct follow *follow, struct uses_file *file, const char *name,
                      bool may_name_others)
{
    static const char protocol[] = "file:";
    if (strncmp(name, protocol, sizeof protocol - 1) == 0) {
        name += sizeof protocol - 1;
    }
    size_t part = strcspn(name, "/:");
    if (name[0] == '/') {
        uses_add_below(follow->uses, file, name, NULL, may_name_others);
        return;
    }
    if (name[part] == ':') {
        uses_add_below(follow->uses, file, NULL, name, may_name_others);
        return;
    }
    int folder = (int)(strrchr(file->path, '/') - file->path);
    AUTO(free) char *path = xasprintf("%.*s/%s", folder, file->path, name);
    uses_add_below(follow->uses, file, path, NULL, may_name_others);
}

static struct folder *folder_of(struct follow *follow, const char *path)
{
    size_t length = (size_t)(strrchr(path, '/') - path);
    for (size_t i = 0; i < follow->folder_count; i++) {
        const char *at = follow->folders[i].path;
        if (at != NULL && strlen(at) == length && memcmp(at, path, length) == 0) {
            return &follow->folders[i];
        }
    }
    return NULL;
}

static virStorageVolPtr follow_volume(struct follow *follow, const struct uses_file *file)
{
    virStorageVolPtr volume = virStorageVolLookupByPath(follow->conn->libvirt, file->path);
    if (volume != NULL || virGetLastErrorCode() != VIR_ERR_NO_STORAGE_VOL) {
        return volume;
    }
    struct folder *folder = folder_of(follow, file->path);
    if (file->is_alone || folder == NULL || folder->handle == NULL || folder->is_refreshed) {
        return NULL;
    }
    folder->is_refreshed = true;
    struct lodge_error ignored = {0}; /* while one of its volumes is filled there is none */
    if (!storage_refresh(follow->conn, folder->pool, folder->handle, &ignored)) {
        return NULL;
    }
    return virStorageVolLookupByPath(follow->conn->libvirt, file->path);
}

static void ask_libvirt(struct follow *follow, struct uses_file *file)
{
    struct storage_xml_backing backing = {0};
    struct lodge_error err = {0};
    file->is_followed = true;
    file->is_unknown = true;
    if (!follow->has_pools) {
        return;
    }
    AUTO(virStorageVolFree) virStorageVolPtr volume = follow_volume(follow, file);
    AUTO(free) char *xml = volume == NULL ? NULL : virStorageVolGetXMLDesc(volume, 0);
    if (xml == NULL) {
        note_failure(follow);
        return;
    }
    file->is_unknown = false;
    if (storage_xml_read_backing(xml, &backing, &err) && backing.path != NULL) {
        add_named(follow, file, backing.path, backing.may_name_others);
    }
    storage_xml_backing_clear(&backing);
}

/* Opens what a descriptor of O_PATH holds. */
static int open_to_read(int fd)
{
    char name[40];
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static void read_header(struct follow *follow, struct uses_file *file, int path_fd)
{
    struct header_names names = {0};
    AUTO(fd_close) int fd = open_to_read(path_fd);
    if (fd < 0 && (errno == EACCES || errno == EPERM)) {
        ask_libvirt(follow, file);
        return;
    }
    file->is_followed = true;
    if (fd < 0 &&
        (errno == ENXIO || errno == ENODEV || errno == ENOMEDIUM || errno == EMEDIUMTYPE)) {
        return; /* a device with nothing in it */
    }
    if (fd < 0) {
        uses_add_doubt(follow->uses, "%s cannot be opened: %s", file->path, strerror(errno));
        return;
    }
    if (!disk_header_read(fd, &names)) {
        uses_add_doubt(follow->uses, "%s cannot be read: %s", file->path, strerror(errno));
    }
    for (size_t i = 0; i < names.count; i++) {
        add_named(follow, file, names.items[i].text, names.items[i].may_name_others);
    }
    header_names_clear(&names);
}

/* What is not there, or goes round in circles, no guest can use. */
static bool is_nothing(int why)
{
    return why == ENOENT || why == ENOTDIR || why == ELOOP || why == ENAMETOOLONG;
}

static void look_into(struct follow *follow, struct uses_file *file, int fd,
                      const struct stat *there)
{
    struct uses_file *same = uses_see(follow->uses, file, there->st_dev, there->st_ino);
    if (S_ISBLK(there->st_mode)) {
        uses_follow_device(follow->uses, file, there->st_rdev);
    } else if (!S_ISREG(there->st_mode)) {
        return;
    }
    if (same != file && same->is_followed) { /* by another name before */
        uses_add_below(follow->uses, file, same->path, NULL, false);
    }
    file->waits = !file->may_name_others;
    bool is_image = S_ISBLK(there->st_mode) || there->st_size > 0; /* nothing below /proc is */
    if (file->may_name_others && is_image) {
        read_header(follow, file, fd);
    }
}

static void follow_look_at(struct follow *follow, struct uses_file *file)
{
    struct stat there = {0};
    AUTO(fd_close) int fd = follow->sees ? open(file->path, O_PATH | O_CLOEXEC) : -1;
    int why = follow->sees ? errno : EACCES;
    if (fd >= 0 && fstat(fd, &there) == 0) {
        look_into(follow, file, fd, &there);
        return;
    }
    why = fd >= 0 ? errno : why;
    if (why == EACCES || why == EPERM) {
        file->waits = !file->may_name_others;
        if (file->may_name_others) {
            ask_libvirt(follow, file);
        }
    } else if (!is_nothing(why)) {
        uses_add_doubt(follow->uses, "%s cannot be looked at: %s", file->path, strerror(why));
    }
}

/* --- volumes that nobody names ---------------------------------------------------------------- */

/* The format of one of ours is what its name ends in. */
static bool is_raw_by_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return storage_is_our_name(name) && dot != NULL && strcmp(dot, ".raw") == 0;
}

static void add_volume(struct follow *follow, const struct folder *folder, const char *name)
{
    struct uses *uses = follow->uses;
    AUTO(free) char *path = xasprintf("%s/%s", folder->path, name);
    size_t before = uses->file_count;
    ssize_t place = is_raw_by_name(name) ? -1 : uses_add_file(uses, path, false);
    if (place >= 0 && uses->file_count > before) { /* no definition names it so */
        uses->files[place]->is_alone = true;
    }
}

static bool list_folder(struct follow *follow, const struct folder *folder)
{
    AUTO(closedir) DIR *entries = follow->sees ? opendir(folder->path) : NULL;
    if (entries == NULL) {
        return follow->sees && is_nothing(errno);
    }
    errno = 0;
    for (const struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (entry->d_type != DT_DIR) {
            add_volume(follow, folder, entry->d_name);
        }
        errno = 0;
    }
    if (errno != 0) {
        uses_add_doubt(follow->uses, "%s cannot be listed: %s", folder->path, strerror(errno));
    }
    return true;
}

static void list_volumes(struct follow *follow, const struct folder *folder)
{
    virStorageVolPtr *volumes = NULL;
    int count = folder->handle == NULL || virStoragePoolIsActive(folder->handle) != 1
                    ? 0
                    : virStoragePoolListAllVolumes(folder->handle, &volumes, 0);
    if (count < 0 && virStoragePoolIsActive(folder->handle) == 1) {
        follow_note_doubt(follow, "the volumes of a storage pool");
    }
    for (int i = 0; i < count; i++) {
        add_volume(follow, folder, virStorageVolGetName(volumes[i]));
        virStorageVolFree(volumes[i]);
    }
    free(volumes);
}

/* Another name of a file that a definition has is none of its own. */
static void look_at_volume(struct follow *follow, struct uses_file *file)
{
    struct stat there;
    if (follow->sees && fstatat(AT_FDCWD, file->path, &there, 0) == 0) {
        const struct uses_file *same = uses_see(follow->uses, file, there.st_dev, there.st_ino);
        file->is_alone = same == file;
    }
    file->may_name_others = file->is_alone;
    if (file->is_alone) {
        follow_look_at(follow, file);
    }
}

/* A definition calls a file raw, and what comes later calls it something else: it is followed after
 * all, and so is what that brings. True if there was one. */
static bool follow_late(struct follow *follow)
{
    struct uses *uses = follow->uses;
    bool was_late = false;
    for (size_t i = 0; i < uses->file_count && follow->error.kind == LODGE_ERROR_NONE; i++) {
        struct uses_file *file = uses->files[i];
        if (file->waits && file->may_name_others) {
            was_late = true;
            file->waits = false;
            follow_look_at(follow, file);
        }
    }
    return was_late;
}

static void follow_from(struct follow *follow, size_t from)
{
    struct uses *uses = follow->uses;
    for (size_t i = from; i < uses->file_count && follow->error.kind == LODGE_ERROR_NONE; i++) {
        if (uses->file_count > MOST_FILES) {
            uses_add_doubt(uses, "more than %d files are named", MOST_FILES);
            return;
        }
        if (uses->files[i]->is_alone) {
            look_at_volume(follow, uses->files[i]);
        } else {
            follow_look_at(follow, uses->files[i]);
        }
    }
}

static void follow_all(struct follow *follow, size_t from)
{
    do {
        follow_from(follow, from);
        from = follow->uses->file_count;
    } while (follow_late(follow));
}

bool uses_follow(struct uses *uses, struct host_conn *conn, const struct storage_place *place,
                 struct lodge_error *err)
{
    struct follow follow = {
        .uses = uses,
        .conn = conn,
        .sees = storage_sees_files(conn),
        .has_pools = !host_uri(conn->host)->is_embedded,
    };
    if (place != NULL || uses->volume_count > 0) {
        follow_read_pools(&follow, place);
    }
    resolve_volumes(&follow);
    follow_all(&follow, 0);
    size_t named = uses->file_count;
    for (size_t i = 0; place != NULL && i < follow.folder_count; i++) {
        const struct folder *folder = &follow.folders[i];
        if (folder->path != NULL && !list_folder(&follow, folder)) {
            list_volumes(&follow, folder);
        }
    }
    follow_all(&follow, named);
    forget_pools(&follow);
    if (follow.error.kind != LODGE_ERROR_NONE) {
        *err = follow.error;
        return false;
    }
    return true;
}
