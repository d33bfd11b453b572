/*
 * storage_file: what is asked of every file before it is touched, whichever back end it is of:
 * links are never followed, and only a regular file with one name is a volume. On a worker; nothing
 * is kept.
 */
#include "host/storage/storage_private.h"
#include "memory.h"
#include "scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An inode's number is given to the next file at once; its time of birth is not. */
char *storage_seal(const struct host_conn *conn, const struct storage_place *place,
                   const char *name)
{
    struct statx file = {0};
    AUTO(free) char *path = storage_path(place, name);
    if (!storage_sees_files(conn) ||
        statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &file) < 0 ||
        !S_ISREG(file.stx_mode)) {
        return NULL;
    }
    return xasprintf("%llu,%lld.%09u %llu %lld.%09u", (unsigned long long)file.stx_ino,
                     (long long)file.stx_btime.tv_sec, file.stx_btime.tv_nsec,
                     (unsigned long long)file.stx_size, (long long)file.stx_mtime.tv_sec,
                     file.stx_mtime.tv_nsec);
}

bool storage_seal_is_broken(const char *before, const char *now)
{
    size_t which = strcspn(before, " ");
    return strncmp(before, now, which + 1) == 0 && strcmp(before, now) != 0;
}

bool storage_file_look(int folder, const char *name, enum storage_file *ret_file,
                       struct lodge_error *err)
{
    struct stat there;
    if (fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0) {
        *ret_file = S_ISREG(there.st_mode) && there.st_nlink == 1 ? STORAGE_FILE_VOLUME
                                                                  : STORAGE_FILE_STRANGE;
        return true;
    }
    int why = errno;
    *ret_file = why == EACCES ? STORAGE_FILE_HIDDEN : STORAGE_FILE_ABSENT;
    return why == ENOENT || why == ENOTDIR || why == EACCES ||
           lodge_fail(err, LODGE_ERROR_HYPERVISOR, "cannot look at %s: %s", name, strerror(why));
}

bool storage_file_must_be_absent(int folder, const char *name, struct lodge_error *err)
{
    enum storage_file file;
    if (!storage_file_look(folder, name, &file, err)) {
        return false;
    }
    return file == STORAGE_FILE_ABSENT || file == STORAGE_FILE_HIDDEN ||
           lodge_fail(err, LODGE_ERROR_EXISTS, "%s is there already", name);
}

bool storage_file_must_not_be_strange(int folder, const char *name, enum storage_file *ret_file,
                                      struct lodge_error *err)
{
    if (!storage_file_look(folder, name, ret_file, err)) {
        return false;
    }
    return *ret_file != STORAGE_FILE_STRANGE ||
           lodge_fail(err, LODGE_ERROR_CONFLICT,
                      "%s is not a plain file with one name: lodge made no such thing, and leaves "
                      "it alone",
                      name);
}

int storage_file_open(int folder, const char *name, int flags, struct lodge_error *err)
{
    AUTO(fd_close) int fd = openat(folder, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    int why = errno;
    struct stat there;
    if (fd < 0) {
        lodge_fail(err, why == ENOENT ? LODGE_ERROR_NOT_FOUND : LODGE_ERROR_HYPERVISOR,
                   "cannot open %s: %s", name, strerror(why));
        errno = why;
        return -1;
    }
    if (fstat(fd, &there) < 0 || !S_ISREG(there.st_mode) || there.st_nlink != 1) {
        lodge_fail(err, LODGE_ERROR_CONFLICT, "%s is not a plain file with one name", name);
        errno = EINVAL;
        return -1;
    }
    int opened = fd;
    fd = -1;
    return opened;
}

bool storage_folder_sync(const char *dir, struct lodge_error *err)
{
    AUTO(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return true; /* not ours to open: libvirtd's file system does it in its own time */
    }
    return fsync(fd) == 0 || lodge_fail(err, LODGE_ERROR_HYPERVISOR, "cannot sync %s to disk: %s",
                                        dir, strerror(errno));
}

void storage_add_name(struct lodge_strings *names, const char *name)
{
    if (!lodge_strings_add(names, name)) {
        abort(); /* out of memory, as xmalloc */
    }
}
