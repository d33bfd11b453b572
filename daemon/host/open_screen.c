#include "host/open_screen.h"

#include "host/hand_private.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/parts.h"
#include "host/screen_xml.h"
#include "memory.h"
#include "scope.h"

#include <errno.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CONNECT_MS = 1200 };

DEFINE_AUTO(struct addrinfo *, freeaddrinfo, NULL);

static bool make_non_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

/* Non-blocking, and given so long; -1 with errno. */
static int connect_to(const struct sockaddr *address, socklen_t length)
{
    AUTO(fd_close)
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    if (connect(fd, address, length) != 0) {
        struct pollfd until = {.fd = fd, .events = POLLOUT};
        int error = errno;
        socklen_t size = sizeof error;
        if (error != EINPROGRESS) {
            return -1;
        }
        if (poll(&until, 1, CONNECT_MS) != 1) {
            errno = ETIMEDOUT;
            return -1;
        }
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
            errno = error;
            return -1;
        }
    }
    int connected = fd;
    fd = -1;
    return connected;
}

static int connect_to_path(const char *path, const char *name, struct lodge_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = -1;
    if (strlen(path) < sizeof address.sun_path) {
        memcpy(address.sun_path, path, strlen(path) + 1);
        fd = connect_to((const struct sockaddr *)&address, sizeof address);
    } else {
        errno = ENAMETOOLONG;
    }
    if (fd < 0) {
        (void)lodge_fail(err, LODGE_ERROR_HYPERVISOR, "the VNC server of '%s' at %s: %s", name,
                         path, strerror(errno));
    }
    return fd;
}

static int connect_to_port(const char *host, int64_t port, const char *name,
                           struct lodge_error *err)
{
    char service[16];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    AUTO(freeaddrinfo) struct addrinfo *found = NULL;
    (void)snprintf(service, sizeof service, "%lld", (long long)port);
    int failed = getaddrinfo(host, service, &hints, &found);
    int fd = failed != 0 ? -1 : connect_to(found->ai_addr, found->ai_addrlen);
    if (fd < 0) {
        (void)lodge_fail(err, LODGE_ERROR_HYPERVISOR, "the VNC server of '%s' at %s port %s: %s",
                         name, host, service, failed != 0 ? gai_strerror(failed) : strerror(errno));
        return -1;
    }
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static bool is_one_of(const char *text, const char *const *words)
{
    while (*words != NULL && strcmp(text, *words) != 0) {
        words++;
    }
    return *words != NULL;
}

/* By what the XML says. A remote guest that listens on every address is at its host's name. */
static int open_by_address(struct hand *hand, const struct screen_place *place, const char *name,
                           struct lodge_error *err)
{
    static const char *const everywhere[] = {"0.0.0.0", "::", NULL};
    static const char *const loopback[] = {"127.0.0.1", "::1", "localhost", NULL};
    const char *listen = place->listen == NULL ? "127.0.0.1" : place->listen;
    bool local = hand->host->uri.is_local || hand->host->uri.is_test;
    if (place->socket != NULL && local) {
        return connect_to_path(place->socket, name, err);
    }
    if (place->port == LODGE_UNKNOWN || (is_one_of(listen, loopback) && !local)) {
        (void)lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                         "the VNC server of '%s' cannot be reached from here: it must listen at an "
                         "address of its host (<listen type='address'> of its <graphics>)",
                         name);
        return -1;
    }
    if (!is_one_of(listen, everywhere)) {
        return connect_to_port(listen, place->port, name, err);
    }
    if (local) {
        return connect_to_port("127.0.0.1", place->port, name, err);
    }
    AUTO(free) char *there = virConnectGetHostname(hand->conn);
    if (there == NULL) {
        (void)libvirt_fail(err, "asking for the host's name");
        return -1;
    }
    return connect_to_port(there, place->port, name, err);
}

static bool is_unable(void)
{
    const virError *error = virGetLastError();
    return error != NULL &&
           (error->code == VIR_ERR_NO_SUPPORT || error->code == VIR_ERR_ARGUMENT_UNSUPPORTED ||
            error->code == VIR_ERR_OPERATION_UNSUPPORTED);
}

static int open_place(struct hand *hand, virDomainPtr domain, const struct screen_place *place,
                      struct lodge_error *err)
{
    const char *name = virDomainGetName(domain);
    if (hand->host->uri.is_local && !hand->host->uri.is_test) {
        int fd = virDomainOpenGraphicsFD(domain, (unsigned)place->index,
                                         VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH);
        if (fd >= 0 && !make_non_blocking(fd)) {
            close(fd);
            (void)lodge_fail(err, LODGE_ERROR_INTERNAL, "the screen's socket: %s", strerror(errno));
            return -1;
        }
        if (fd >= 0) {
            return fd;
        }
        if (!is_unable()) {
            (void)hand_fail(hand, "its screen could not be opened", domain, err);
            return -1;
        }
    }
    return open_by_address(hand, place, name, err);
}

int hand_open_screen(struct hand *hand, const char *uuid, struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = hand_reach(hand, uuid, err);
    struct screen_place place;
    if (domain == NULL) {
        return -1;
    }
    if (virDomainIsActive(domain) != 1) {
        (void)snprintf(err->state, sizeof err->state, "shutoff");
        (void)lodge_fail(err, LODGE_ERROR_BAD_STATE,
                         "it does not run: start it first (vm.start, or `start`)");
        return -1;
    }
    AUTO(free) char *xml = virDomainGetXMLDesc(domain, 0);
    if (xml == NULL) {
        (void)hand_fail(hand, "its XML could not be read", domain, err);
        return -1;
    }
    if (!screen_xml_read(xml, &place, err)) {
        return -1;
    }
    int fd = -1;
    if (place.index < 0) {
        (void)lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                         "it has no VNC screen: its <graphics> has no type vnc");
    } else {
        fd = open_place(hand, domain, &place, err);
    }
    screen_place_clear(&place);
    return fd;
}
