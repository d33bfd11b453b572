/* socket_connect: one attempt to reach lodged, and when it fails, what a person can do about it. */
#include "client_private.h"
#include "paths.h"
#include "scope.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_fail(struct lodge_error *err, enum lodge_error_kind kind, const char *path,
                        const char *what, const char *help)
{
    lodge_fail(err, kind, "cannot reach lodged at '%s': %s; %s", path, what, help);
    return -1;
}

static int fail_not_running(const char *path, const char *what, struct lodge_error *err)
{
    char help[200];
    AUTO(free) char *own = path_daemon_socket(geteuid());
    bool has_systemd = access("/run/systemd/system", F_OK) == 0; /* sd_booted(3) */
    if (strcmp(path, PATH_SYSTEM_SOCKET) == 0) {
        snprintf(help, sizeof help, "start lodged, with %s",
                 has_systemd ? "'systemctl start lodged'" : "'lodged', as root");
    } else if (own != NULL && strcmp(path, own) == 0) {
        snprintf(help, sizeof help, "start lodged, with 'lodged'");
    } else {
        snprintf(help, sizeof help, "start lodged, with 'lodged --socket %s'", path);
    }
    return connect_fail(err, LODGE_ERROR_UNREACHABLE, path, what, help);
}

static void user_name(uid_t uid, char name[64])
{
    struct passwd entry;
    struct passwd *found = NULL;
    char names[4096];
    if (getpwuid_r(uid, &entry, names, sizeof names, &found) == 0 && found != NULL) {
        snprintf(name, 64, "%.63s", found->pw_name);
    } else {
        snprintf(name, 64, "#%lu", (unsigned long)uid);
    }
}

static void group_name(gid_t gid, char name[64])
{
    struct group entry;
    struct group *found = NULL;
    char names[16384]; /* with the names of its members */
    if (getgrgid_r(gid, &entry, names, sizeof names, &found) == 0 && found != NULL) {
        snprintf(name, 64, "%.63s", found->gr_name);
    } else {
        snprintf(name, 64, "#%lu", (unsigned long)gid);
    }
}

static int fail_denied(const char *path, struct lodge_error *err)
{
    struct stat socket;
    char me[64];
    char owner[64];
    char group[64];
    char help[320];
    user_name(geteuid(), me);
    if (stat(path, &socket) != 0) {
        snprintf(help, sizeof help,
                 "user '%s' may not look into its folder: ask its owner, or use "
                 "another daemon with $LODGE_SOCKET",
                 me);
        return connect_fail(err, LODGE_ERROR_DENIED, path, "permission denied", help);
    }
    user_name(socket.st_uid, owner);
    group_name(socket.st_gid, group);
    int used =
        snprintf(help, sizeof help, "it belongs to user '%s' and group '%s' (mode %04o): ", owner,
                 group, (unsigned)socket.st_mode & 07777);
    bool group_may = (socket.st_mode & S_IWGRP) != 0 && socket.st_gid != 0;
    if (group_may) {
        snprintf(help + used, sizeof help - (size_t)used,
                 "join the group with 'sudo usermod -aG %s %s' and log in again", group, me);
    } else {
        snprintf(help + used, sizeof help - (size_t)used, "only '%s' may use it; try 'sudo -u %s'",
                 owner, owner);
    }
    return connect_fail(err, LODGE_ERROR_DENIED, path, "permission denied", help);
}

static int fail_connect(const char *path, int error, struct lodge_error *err)
{
    struct stat there;
    if (error == ENOENT || error == ENOTDIR) {
        return fail_not_running(path, "no such file", err);
    }
    if (error == ECONNREFUSED && stat(path, &there) == 0 && !S_ISSOCK(there.st_mode)) {
        return connect_fail(err, LODGE_ERROR_UNREACHABLE, path, "that is no socket",
                            "give the path of lodged's socket with $LODGE_SOCKET");
    }
    if (error == ECONNREFUSED) {
        return fail_not_running(path, "nobody listens on it", err);
    }
    if (error == EACCES || error == EPERM) {
        return fail_denied(path, err);
    }
    if (error == EAGAIN) {
        return connect_fail(err, LODGE_ERROR_UNREACHABLE, path, "too many are waiting to connect",
                            "try again in a moment");
    }
    return connect_fail(err, LODGE_ERROR_UNREACHABLE, path, strerror(error), "see lodged's log");
}

int socket_connect(const char *path, struct lodge_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address.sun_path) {
        lodge_fail(err, LODGE_ERROR_INVALID, "the socket's path '%.120s' must have 1 to %zu bytes",
                   path, sizeof address.sun_path - 1);
        return -1;
    }
    memcpy(address.sun_path, path, length);
    /* Non-blocking from the start: a full backlog is told instead of waited for. */
    AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        lodge_fail(err, LODGE_ERROR_INTERNAL, "cannot make a socket: %s", strerror(errno));
        return -1;
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        return fail_connect(path, errno, err);
    }
    int connected = fd;
    fd = -1;
    return connected;
}
