/*
 * round_trip: how long one line there and one line back takes on a Unix socket.
 *
 * `round_trip SOCKET COUNT LINE` prints the median, the 99th percentile (ns) and the bytes of the
 * last answer. The same client measures lodged and its baseline.
 */
#include "scope.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

static long long now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int compare(const void *left, const void *right)
{
    long long a = *(const long long *)left;
    long long b = *(const long long *)right;
    return (a > b) - (a < b);
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || strlen(path) >= sizeof(address.sun_path)) {
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? fd : -1;
}

/* Bytes up to and with the newline, or -1. */
static ssize_t read_line(int fd, char *buffer, size_t size)
{
    ssize_t total = 0;
    for (;;) {
        ssize_t got = recv(fd, buffer, size, 0);
        if (got <= 0) {
            return -1;
        }
        total += got;
        if (buffer[got - 1] == '\n') {
            return total;
        }
    }
}

int main(int argc, char **argv)
{
    static char buffer[1 << 20];

    if (argc != 4) {
        fprintf(stderr, "usage: round_trip SOCKET COUNT LINE\n");
        return 2;
    }
    size_t count = strtoul(argv[2], NULL, 10);
    AUTO(free) long long *took = calloc(count + 1, sizeof(*took));
    AUTO(free) char *line = NULL;
    int length = asprintf(&line, "%s\n", argv[3]);
    AUTO(fd_close) int fd = connect_to(argv[1]);
    if (fd < 0 || took == NULL || count == 0 || length < 0) {
        perror("round_trip");
        return 1;
    }
    ssize_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        long long begun = now_ns();
        if (send(fd, line, (size_t)length, MSG_NOSIGNAL) != length ||
            (bytes = read_line(fd, buffer, sizeof(buffer))) < 0) {
            perror("round_trip");
            return 1;
        }
        took[i] = now_ns() - begun;
    }
    qsort(took, count, sizeof(*took), compare);
    printf("%lld %lld %zd\n", took[count / 2], took[count * 99 / 100], bytes);
    return 0;
}
