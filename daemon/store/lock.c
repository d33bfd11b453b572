/*
 * lock: one lodged per state directory, by flock(2) on DIR/lock: it ends with the process, whatever
 * ended that. The file holds the pid for whoever finds it locked. Before any other thread.
 */
#include "memory.h"
#include "scope.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* mkdir -p; true when a directory is there afterwards, else errno says why not. */
static bool make_directory(const char *path)
{
    AUTO(free) char *part = xstrdup(path);
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST && access(part, F_OK) != 0) {
            return false;
        }
        *slash = '/';
    }
    struct stat info;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return false;
    }
    if (stat(path, &info) != 0) {
        return false;
    }
    errno = ENOTDIR;
    return S_ISDIR(info.st_mode);
}

static bool held_by_other(int fd, const char *state_dir, struct lodge_error *err)
{
    char holder[24] = "";
    ssize_t length = pread(fd, holder, sizeof holder - 1, 0);
    holder[length > 0 ? length : 0] = '\0';
    holder[strspn(holder, "0123456789")] = '\0';
    return lodge_fail(err, LODGE_ERROR_BUSY,
                      "another lodged%s%s%s runs on the state directory %s: stop it, or give "
                      "--state-dir another one",
                      holder[0] == '\0' ? "" : " (pid ", holder, holder[0] == '\0' ? "" : ")",
                      state_dir);
}

bool store_lock_directory(const char *state_dir, int *ret_lock_fd, struct lodge_error *err)
{
    if (!make_directory(state_dir)) {
        return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE,
                          "cannot make the state directory %s: %s", state_dir, strerror(errno));
    }
    AUTO(free) char *path = xasprintf("%s/lock", state_dir);
    AUTO(fd_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE, "cannot open the lock %s: %s", path,
                          strerror(errno));
    }
    /* lodged --restore by root must not keep the lock from the user whose directory it is. */
    struct stat owner;
    if (geteuid() == 0 && stat(state_dir, &owner) == 0 &&
        fchown(fd, owner.st_uid, owner.st_gid) != 0) {
        (void)errno;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            return held_by_other(fd, state_dir, err);
        }
        return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE, "cannot lock %s: %s", path,
                          strerror(errno));
    }
    /* For whoever finds it held; the lock itself is the kernel's, so a failed write is no harm. */
    if (ftruncate(fd, 0) != 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
        (void)errno;
    }
    *ret_lock_fd = fd;
    fd = -1;
    return true;
}
