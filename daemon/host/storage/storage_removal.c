/*
 * storage_removal.c: what is asked of a file before it is deleted, and the deletion itself, the
 * same for both back ends.
 *
 * A file goes only by the folder that is open, only if it is a plain one with one name, no
 * definition of the host leads to it, no QEMU has it open, and its name still stands for what was
 * looked at. On a worker; nothing is owned.
 */
#include "host/storage/storage_private.h"
#include "host/storage/uses.h"
#include "loop/loop.h"
#include "scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Where QEMU locks the images that it has open, with F_OFD_SETLK: a byte for each thing it does or
 * lets nobody else do (file-posix.c, since 2.10). */
enum { QEMU_LOCKS_AT = 100, QEMU_LOCKS = 200 };

bool storage_removal_allows(const struct host_conn *conn, struct storage_removal *removal,
                            const struct use_target *target)
{
    if (removal->uses == NULL ||
        (removal->is_own ? uses_are_aged(removal->uses) : uses_are_old(removal->uses, conn))) {
        removal->end = STORAGE_ASKS;
        return false;
    }
    struct use use = uses_find(removal->uses, target, NULL);
    if (use.kind != USE_NONE) {
        removal->end = STORAGE_KEPT;
        use_say(&use, removal->why, sizeof removal->why);
    }
    return use.kind == USE_NONE;
}

/* Whoever has it open may be nobody's domain: qemu-nbd, another libvirtd's guest, one that was
 * started a moment ago. A file that lodged may not open is not looked into. */
static bool is_in_qemu(int folder, const char *name, const struct stat *seen)
{
    struct stat there;
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = QEMU_LOCKS_AT, .l_len = QEMU_LOCKS};
    AUTO(fd_close)
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd >= 0 && fstat(fd, &there) == 0 && there.st_dev == seen->st_dev &&
           there.st_ino == seen->st_ino && fcntl(fd, F_OFD_GETLK, &lock) == 0 &&
           lock.l_type != F_UNLCK;
}

static bool is_young(const struct stat *seen, struct storage_removal *removal)
{
    int64_t age_s = loop_wall_ms() / 1000 - (int64_t)seen->st_mtime;
    if (age_s >= removal->least_age_s) {
        return false;
    }
    removal->end = STORAGE_KEPT;
    (void)snprintf(
        removal->why, sizeof removal->why,
        "it was written %lld min ago: somebody may be making a VM of it, so it has to be "
        "%lld min old",
        (long long)(age_s < 0 ? 0 : age_s) / 60, (long long)removal->least_age_s / 60);
    return true;
}

/* Between the first look and this one the name may have come to mean something else. */
static bool unlink_same(int folder, const char *name, const struct stat *seen,
                        struct storage_removal *removal, struct lodge_error *err)
{
    struct stat there;
    bool is_same = fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
                   there.st_dev == seen->st_dev && there.st_ino == seen->st_ino &&
                   there.st_nlink == 1;
    if (!is_same) {
        return lodge_fail(err, LODGE_ERROR_BUSY, "somebody has just put something else there");
    }
    if (unlinkat(folder, name, 0) == 0) {
        removal->end = STORAGE_REMOVED;
        return true;
    }
    int why = errno;
    removal->end = why == ENOENT ? STORAGE_ABSENT : STORAGE_HIDDEN;
    return why == ENOENT || why == EACCES || why == EPERM ||
           lodge_fail(err, LODGE_ERROR_HYPERVISOR, "%s", strerror(why));
}

bool storage_file_remove(const struct host_conn *conn, int folder, const char *name,
                         const char *path, struct storage_removal *removal, struct lodge_error *err)
{
    struct stat seen;
    enum storage_file file;
    if (!storage_file_must_not_be_strange(folder, name, &file, err)) {
        return false;
    }
    if (file == STORAGE_FILE_VOLUME && fstatat(folder, name, &seen, AT_SYMLINK_NOFOLLOW) < 0) {
        file = errno == ENOENT ? STORAGE_FILE_ABSENT : STORAGE_FILE_HIDDEN;
    }
    if (file != STORAGE_FILE_VOLUME) {
        removal->end = file == STORAGE_FILE_ABSENT ? STORAGE_ABSENT : STORAGE_HIDDEN;
        return true;
    }
    struct use_target target = {
        .path = path, .is_seen = true, .device = seen.st_dev, .inode = seen.st_ino};
    if (!storage_removal_allows(conn, removal, &target)) {
        return true;
    }
    removal->is_allowed = true;
    if (is_in_qemu(folder, name, &seen)) {
        removal->end = STORAGE_KEPT;
        (void)snprintf(removal->why, sizeof removal->why, "a QEMU has it open");
        return true;
    }
    if (is_young(&seen, removal)) {
        return true;
    }
    return unlink_same(folder, name, &seen, removal, err);
}
