/*
 * dial: non-blocking connects, one address of a name after the other, with one deadline for all.
 *
 * When the server is another machine's, addresses at which Linux would connect to this one
 * (loopback, 0.0.0.0, ::) are left out: whoever listens there is not that guest. Nothing is kept
 * between calls.
 */
#include "host/guest/dial.h"

#include "loop/loop.h"
#include "scope.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CONNECT_MS = 1200 }; /* for all addresses of a name together */

DEFINE_AUTO(struct addrinfo *, freeaddrinfo, NULL);

/* Until the connection that is being made is there or refused; 0 or errno. */
static int wait_connected(int fd, uint64_t deadline)
{
    struct pollfd until = {.fd = fd, .events = POLLOUT};
    uint64_t now = loop_monotonic_ms();
    int error = 0;
    socklen_t size = sizeof error;
    if (poll(&until, 1, deadline > now ? (int)(deadline - now) : 0) != 1) {
        return ETIMEDOUT;
    }
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 ? errno : error;
}

/* -1 with errno. */
static int connect_to(const struct sockaddr *address, socklen_t length, uint64_t deadline)
{
    AUTO(fd_close)
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = fd < 0 || connect(fd, address, length) != 0 ? errno : 0;
    if (fd >= 0 && error == EINPROGRESS) {
        error = wait_connected(fd, deadline);
    }
    if (error != 0) {
        errno = error;
        return -1;
    }
    int connected = fd;
    fd = -1;
    return connected;
}

int dial_unreachable(const char *name, struct lodge_error *err)
{
    (void)lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                     "the VNC server of '%s' cannot be reached from here: it must listen at an "
                     "address of its host (<listen type='address'> of its <graphics>)",
                     name);
    return -1;
}

int dial_path(const char *path, const char *name, struct lodge_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = -1;
    if (strlen(path) < sizeof address.sun_path) {
        memcpy(address.sun_path, path, strlen(path) + 1);
        fd = connect_to((const struct sockaddr *)&address, sizeof address,
                        loop_monotonic_ms() + CONNECT_MS);
    } else {
        errno = ENAMETOOLONG;
    }
    if (fd < 0) {
        (void)lodge_fail(err, LODGE_ERROR_HYPERVISOR, "the VNC server of '%s' at %s: %s", name,
                         path, strerror(errno));
    }
    return fd;
}

/* Linux connects 0.0.0.0 and :: to this machine as well. */
static bool is_here(const struct sockaddr *address)
{
    struct sockaddr_in6 six;
    struct sockaddr_in four;
    uint32_t number;
    if (address->sa_family == AF_INET) {
        memcpy(&four, address, sizeof four);
        number = ntohl(four.sin_addr.s_addr);
    } else {
        memcpy(&six, address, sizeof six);
        if (!IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
            return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr) || IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr);
        }
        memcpy(&number, &six.sin6_addr.s6_addr[12], sizeof number);
        number = ntohl(number);
    }
    return number >> 24 == IN_LOOPBACKNET || number >> 24 == 0;
}

/* One after another; -1 with errno, EADDRNOTAVAIL when there was none that may be tried. */
static int connect_to_any(const struct addrinfo *found, bool is_elsewhere)
{
    uint64_t deadline = loop_monotonic_ms() + CONNECT_MS;
    int fd = -1;
    errno = EADDRNOTAVAIL;
    for (; fd < 0 && found != NULL; found = found->ai_next) {
        if (!is_elsewhere || !is_here(found->ai_addr)) {
            fd = connect_to(found->ai_addr, found->ai_addrlen, deadline);
        }
    }
    return fd;
}

static bool is_only_here(const struct addrinfo *found)
{
    while (found != NULL && is_here(found->ai_addr)) {
        found = found->ai_next;
    }
    return found == NULL;
}

int dial_port(const struct dial_at *at, const char *name, struct lodge_error *err)
{
    char service[24];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    AUTO(freeaddrinfo) struct addrinfo *found = NULL;
    (void)snprintf(service, sizeof service, "%lld", (long long)at->port);
    int failed = getaddrinfo(at->host, service, &hints, &found);
    if (failed == 0 && at->is_elsewhere && is_only_here(found)) {
        return dial_unreachable(name, err);
    }
    int fd = failed != 0 ? -1 : connect_to_any(found, at->is_elsewhere);
    if (fd < 0) {
        (void)lodge_fail(err, LODGE_ERROR_HYPERVISOR, "the VNC server of '%s' at %s port %s: %s",
                         name, at->host, service,
                         failed != 0 ? gai_strerror(failed) : strerror(errno));
        return -1;
    }
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}
