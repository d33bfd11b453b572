/*
 * storage_dir: volumes as files in a plain directory of lodge's, for hosts without pools.
 *
 * Everything happens beneath the open directory: what a name there means is decided once. Files are
 * 0600: QEMU is of our own account, or libvirt gives them to its own when a guest starts.
 */
#include "host/storage/qemu_img.h"
#include "host/storage/storage_private.h"
#include "memory.h"
#include "scope.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Guests of another account have to pass; none of them is to list it. */
enum { FOLDER_MODE = 0711, FILE_MODE = 0600 };

DEFINE_AUTO(DIR *, closedir, NULL);

/* Made, or there already: a new name lasts when the folder above it was synced. */
static bool make_volumes_folder(const char *path, struct lodge_error *err)
{
    if (mkdir(path, FOLDER_MODE) < 0) {
        int why = errno;
        return why == EEXIST || access(path, F_OK) == 0 ||
               lodge_fail(err, LODGE_ERROR_HYPERVISOR, "cannot make the folder %s: %s", path,
                          strerror(why));
    }
    AUTO(free) char *above = xstrdup(path);
    char *slash = strrchr(above, '/');
    slash[slash == above ? 1 : 0] = '\0';
    return storage_folder_sync(above, err);
}

static bool dir_prepare(struct host_conn *conn, const struct storage_place *place,
                        struct lodge_error *err)
{
    (void)conn;
    AUTO(free) char *path = xstrdup(place->dir);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!make_volumes_folder(path, err)) {
            return false;
        }
        *slash = '/';
    }
    return make_volumes_folder(path, err);
}

/* -1 with the error; *ret_absent instead of one, if it is wanted. */
static int open_folder(const struct storage_place *place, bool *ret_absent, struct lodge_error *err)
{
    int fd = open(place->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int why = errno;
    if (ret_absent != NULL) {
        *ret_absent = fd < 0 && why == ENOENT;
    }
    if (fd < 0 && (ret_absent == NULL || why != ENOENT)) {
        lodge_fail(err, LODGE_ERROR_HYPERVISOR, "cannot open the folder %s: %s", place->dir,
                   strerror(why));
    }
    return fd;
}

static bool sync_both(int fd, int folder, struct lodge_error *err)
{
    return (fsync(fd) == 0 && fsync(folder) == 0) ||
           lodge_fail(err, LODGE_ERROR_HYPERVISOR, "cannot sync it to disk: %s", strerror(errno));
}

static bool dir_make(struct host_conn *conn, const struct storage_place *place,
                     const struct volume *volume, const atomic_bool *cancelled,
                     struct lodge_error *err)
{
    (void)conn;
    AUTO(fd_close) int folder = open_folder(place, NULL, err);
    if (folder < 0) {
        return false;
    }
    /* O_EXCL follows no symlink, not even a dangling one. */
    AUTO(fd_close)
    int fd =
        openat(folder, volume->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    int why = errno;
    if (fd < 0) {
        return lodge_fail(err, why == EEXIST ? LODGE_ERROR_EXISTS : LODGE_ERROR_HYPERVISOR, "%s",
                          why == EEXIST ? "something of that name is there already"
                                        : strerror(why));
    }
    return qemu_img_create(fd, volume->format, volume->size_gib, err) &&
           (volume->image == NULL ||
            qemu_img_fill(fd, volume->format, volume->image, cancelled, err)) &&
           sync_both(fd, folder, err);
}

static bool dir_remove(struct host_conn *conn, const struct storage_place *place, const char *name,
                       struct storage_removal *removal, struct lodge_error *err)
{
    bool no_folder = false;
    AUTO(free) char *path = storage_path(place, name);
    AUTO(fd_close) int folder = open_folder(place, &no_folder, err);
    if (folder < 0) {
        return no_folder;
    }
    if (!storage_file_remove(conn, folder, name, path, removal, err)) {
        return false;
    }
    if (removal->end == STORAGE_HIDDEN) {
        return lodge_fail(err, LODGE_ERROR_HYPERVISOR, "%s", strerror(EACCES));
    }
    if (removal->end != STORAGE_REMOVED) {
        return true;
    }
    return fsync(folder) == 0 || lodge_fail(err, LODGE_ERROR_HYPERVISOR,
                                            "cannot sync the folder to disk: %s", strerror(errno));
}

static bool dir_grow(struct host_conn *conn, const struct storage_place *place,
                     const struct volume_growth *growth, int64_t *ret_bytes,
                     struct lodge_error *err)
{
    (void)conn;
    return storage_file_grow(place, growth, ret_bytes, err);
}

static bool dir_list(struct host_conn *conn, const struct storage_place *place,
                     struct lodge_strings *ret_names, int64_t *ret_free_bytes,
                     struct lodge_error *err)
{
    (void)conn;
    bool no_folder = false;
    int fd = open_folder(place, &no_folder, err);
    if (fd < 0) {
        return no_folder;
    }
    AUTO(closedir) DIR *folder = fdopendir(fd);
    struct statvfs room;
    if (folder == NULL) {
        lodge_fail(err, LODGE_ERROR_HYPERVISOR, "%s", strerror(errno));
        close(fd);
        return false;
    }
    if (fstatvfs(fd, &room) == 0) {
        *ret_free_bytes = (int64_t)(room.f_bavail * room.f_frsize);
    }
    errno = 0;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            storage_add_name(ret_names, entry->d_name);
        }
        errno = 0;
    }
    return errno == 0 || lodge_fail(err, LODGE_ERROR_HYPERVISOR, "%s", strerror(errno));
}

const struct storage_backend storage_dir_backend = {
    .prepare = dir_prepare,
    .make = dir_make,
    .remove = dir_remove,
    .grow = dir_grow,
    .list = dir_list,
};
