/* line_client: what the programs share that measure a line server on a Unix socket. */
#ifndef LINE_CLIENT_H
#define LINE_CLIENT_H

#include "scope.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

static inline long long now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* For qsort(): numbers of nanoseconds. */
static inline int compare_ns(const void *left, const void *right)
{
    long long a = *(const long long *)left;
    long long b = *(const long long *)right;
    return (a > b) - (a < b);
}

/* A connection, or -1 with errno; `flags` as SOCK_NONBLOCK. */
static inline int connect_to(const char *path, int flags)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (fd < 0 || strlen(path) >= sizeof(address.sun_path)) {
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        return -1;
    }
    int connected = fd;
    fd = -1;
    return connected;
}

#endif
