/*
 * bare_echo: the least a line server on a Unix socket can do; what lodged's door is compared with.
 *
 * `bare_echo SOCKET [BYTES]` answers each line with itself, or with BYTES bytes made beforehand.
 * One thread, epoll, no parsing. Ends when its first client hangs up.
 */
#include "scope.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

struct answer {
    char *data; /* NULL: the line itself */
    size_t size;
};

static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Answers the whole lines that are there; what is left moves to the front. */
static bool serve(int fd, const struct answer *answer, char *buffer, size_t size, size_t *used)
{
    ssize_t got = recv(fd, buffer + *used, size - *used, 0);
    if (got <= 0) {
        return false;
    }
    *used += (size_t)got;
    char *start = buffer;
    char *end;
    while ((end = memchr(start, '\n', *used - (size_t)(start - buffer))) != NULL) {
        size_t length = (size_t)(end + 1 - start);
        if (!write_all(fd, answer->data != NULL ? answer->data : start,
                       answer->data != NULL ? answer->size : length)) {
            return false;
        }
        start = end + 1;
    }
    *used -= (size_t)(start - buffer);
    memmove(buffer, start, *used);
    return true;
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, 16) != 0) {
        return -1;
    }
    int listening = fd;
    fd = -1;
    return listening;
}

int main(int argc, char **argv)
{
    static char buffer[65536];
    struct answer answer = {0};

    if (argc < 2) {
        fprintf(stderr, "usage: bare_echo SOCKET [BYTES]\n");
        return 2;
    }
    if (argc > 2) {
        answer.size = strtoul(argv[2], NULL, 10);
        answer.data = malloc(answer.size + 1);
        if (answer.data == NULL || answer.size == 0) {
            return 1;
        }
        memset(answer.data, 'x', answer.size);
        answer.data[answer.size - 1] = '\n';
    }
    int listening = listen_at(argv[1]);
    int client = listening < 0 ? -1 : accept(listening, NULL, NULL);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = client};
    if (client < 0 || epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event) != 0) {
        perror("bare_echo");
        return 1;
    }
    size_t used = 0;
    while (epoll_wait(epoll, &event, 1, -1) == 1 &&
           serve(client, &answer, buffer, sizeof(buffer), &used)) {
    }
    free(answer.data);
    return 0;
}
