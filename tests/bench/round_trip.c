/*
 * round_trip: how long one line there and one line back takes on a Unix socket.
 *
 * `round_trip SOCKET COUNT LINE` prints the median, the 99th percentile (ns) and the bytes of the
 * last answer. The same client measures lodged and its baseline.
 */
#include "line_client.h"

#include <stdio.h>

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
    AUTO(fd_close) int fd = connect_to(argv[1], 0);
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
    qsort(took, count, sizeof(*took), compare_ns);
    printf("%lld %lld %zd\n", took[count / 2], took[count * 99 / 100], bytes);
    return 0;
}
