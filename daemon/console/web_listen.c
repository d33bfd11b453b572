/* web_listen.c: addresses: the one that is bound, and how they are said. */
#include "console/web_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static bool split(const char *listen, char *ret_host, size_t size, const char **ret_port)
{
    const char *colon = strrchr(listen, ':');
    bool bracketed = listen[0] == '[' && colon != NULL && colon > listen && colon[-1] == ']';
    const char *start = bracketed ? listen + 1 : listen;
    size_t length = colon == NULL ? 0 : (size_t)(colon - start) - (bracketed ? 1 : 0);
    if (colon == NULL || length >= size) {
        return false;
    }
    memcpy(ret_host, start, length);
    ret_host[length] = '\0';
    *ret_port = colon + 1;
    return true;
}

static int bound_socket(const struct addrinfo *address)
{
    int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static int bound_anywhere(struct addrinfo *address)
{
    if (address->ai_family == AF_INET) {
        ((struct sockaddr_in *)(void *)address->ai_addr)->sin_port = 0;
    } else {
        ((struct sockaddr_in6 *)(void *)address->ai_addr)->sin6_port = 0;
    }
    return bound_socket(address);
}

bool web_door_bind(const char *listen, bool any_port, int *ret_fd, struct lodge_error *err)
{
    char host[INET6_ADDRSTRLEN];
    const char *port;
    struct addrinfo *address = NULL;
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    if (!split(listen, host, sizeof host, &port) ||
        getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, &address) != 0) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "'%s' is no address to listen at, expected one such as 127.0.0.1:6080",
                          listen);
    }
    *ret_fd = bound_socket(address);
    if (*ret_fd < 0 && errno == EADDRINUSE && any_port) {
        *ret_fd = bound_anywhere(address);
    }
    int why = errno;
    freeaddrinfo(address);
    return *ret_fd >= 0 ||
           lodge_fail(err, LODGE_ERROR_INVALID,
                      "cannot listen at %s for browsers: %s; choose another with --http ADDR:PORT, "
                      "or off",
                      listen, strerror(why));
}

bool web_is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const void *)address;
        return ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    const struct sockaddr_in6 *six = (const void *)address;
    return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

/* An address without its port, and the port. An IPv4 address that came to an IPv6 socket is IPv4.
 */
unsigned web_describe(const struct sockaddr_storage *address, char ret_text[static WEB_PEER_MAX])
{
    const struct sockaddr_in *four = (const void *)address;
    const struct sockaddr_in6 *six = (const void *)address;
    ret_text[0] = '\0';
    if (address->ss_family == AF_INET) {
        (void)inet_ntop(AF_INET, &four->sin_addr, ret_text, WEB_PEER_MAX);
        return ntohs(four->sin_port);
    }
    if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
        (void)inet_ntop(AF_INET, &six->sin6_addr.s6_addr[12], ret_text, WEB_PEER_MAX);
    } else {
        (void)inet_ntop(AF_INET6, &six->sin6_addr, ret_text, WEB_PEER_MAX);
    }
    return ntohs(six->sin6_port);
}
