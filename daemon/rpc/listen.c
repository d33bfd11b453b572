/*
 * listen: four steps, none of which disturbs a daemon that lives: lock PATH.lock, see that nobody
 * answers at PATH, bind PATH.new without any rights, give it owner and mode and rename it. The
 * descriptors are the caller's.
 */
#include "rpc/listen.h"

#include "memory.h"
#include "scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool socket_address(const char *path, struct sockaddr_un *ret_address,
                           struct lodge_error *err)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof ret_address->sun_path) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "socket path '%s' is longer than %zu bytes: choose a shorter --socket",
                          path, sizeof ret_address->sun_path - 1);
    }
    memcpy(ret_address->sun_path, path, strlen(path) + 1);
    return true;
}

static bool failed(struct lodge_error *err, const char *what, const char *path)
{
    return lodge_fail(err, LODGE_ERROR_INVALID, "cannot %s '%s': %s", what, path, strerror(errno));
}

static bool make_parent(const char *path, struct lodge_error *err)
{
    AUTO(free) char *folder = xstrdup(path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder) {
        return true;
    }
    *slash = '\0';
    /* One level only: /run/lodge or $XDG_RUNTIME_DIR/lodge. More is the administrator's business.
     */
    if (mkdir(folder, 0755) != 0 && errno != EEXIST) {
        return failed(err, "make the socket's folder", folder);
    }
    return true;
}

/* Held for life, and never removed: a second daemon stops here. */
static bool take_lock(const char *path, int *ret_fd, struct lodge_error *err)
{
    AUTO(free) char *lock_path = xasprintf("%s.lock", path);
    AUTO(fd_close) int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return failed(err, "open the socket's lock", lock_path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return lodge_fail(err, LODGE_ERROR_EXISTS,
                          "another lodged has the socket '%s': stop it, or choose another --socket",
                          path);
    }
    *ret_fd = fd;
    fd = -1;
    return true;
}

static bool check_free(const char *path, const struct sockaddr_un *address, struct lodge_error *err)
{
    struct stat info;
    if (lstat(path, &info) != 0) {
        return errno == ENOENT || failed(err, "look at", path);
    }
    if (!S_ISSOCK(info.st_mode)) {
        return lodge_fail(err, LODGE_ERROR_EXISTS,
                          "'%s' is there and is no socket: remove it, or choose another --socket",
                          path);
    }
    AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return failed(err, "make a socket for", path);
    }
    /* Only a refusal proves that nobody is there: EAGAIN is a full backlog, EACCES somebody else's,
     * EPROTOTYPE a socket of another kind. */
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
        (errno != ECONNREFUSED && errno != ENOENT)) {
        return lodge_fail(err, LODGE_ERROR_EXISTS,
                          "something answers on '%s': stop it, or choose another --socket", path);
    }
    return true;
}

/* Bound under another name with no rights at all, given its owner and mode, then renamed: there is
 * no moment in which somebody may connect who should not. */
static bool bind_beside(const struct listen_options *options, struct listening *ret_listening,
                        struct lodge_error *err)
{
    AUTO(free) char *beside = xasprintf("%s.new", options->path);
    struct sockaddr_un address;
    if (!socket_address(beside, &address, err)) {
        return false;
    }
    AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return failed(err, "make a socket for", options->path);
    }
    (void)unlink(beside); /* left by a crash; our lock says that nobody else works on it */
    mode_t before = umask(0777);
    int bound = bind(fd, (struct sockaddr *)&address, sizeof address);
    int bind_errno = errno;
    umask(before);
    if (bound != 0) {
        errno = bind_errno;
        return failed(err, "bind", options->path);
    }
    struct stat info;
    bool owned = options->group == (gid_t)-1 || lchown(beside, (uid_t)-1, options->group) == 0;
    if (!owned || lstat(beside, &info) != 0 || chmod(beside, options->mode) != 0 ||
        listen(fd, LISTEN_BACKLOG) != 0 || rename(beside, options->path) != 0) {
        (void)failed(err, "put into place", options->path);
        (void)unlink(beside);
        return false;
    }
    *ret_listening = (struct listening){.fd = fd, .device = info.st_dev, .inode = info.st_ino};
    fd = -1;
    return true;
}

bool listen_at(const struct listen_options *options, struct listening *ret_listening,
               struct lodge_error *err)
{
    struct sockaddr_un address;
    AUTO(fd_close) int lock_fd = -1;
    struct listening listening;
    if (!socket_address(options->path, &address, err) || !make_parent(options->path, err) ||
        !take_lock(options->path, &lock_fd, err) || !check_free(options->path, &address, err) ||
        !bind_beside(options, &listening, err)) {
        return false;
    }
    listening.lock_fd = lock_fd;
    *ret_listening = listening;
    lock_fd = -1;
    return true;
}

void listen_end(const char *path, const struct listening *listening)
{
    struct stat info;
    bool is_ours = lstat(path, &info) == 0 && info.st_dev == listening->device &&
                   info.st_ino == listening->inode;
    if (is_ours) {
        (void)unlink(path);
    }
    close(listening->lock_fd);
}
