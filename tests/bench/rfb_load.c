/*
 * rfb_load: a VNC viewer that measures, straight over TCP or over a WebSocket.
 *
 * rfb_load PORT PATH flood MIB: seconds for so many MiB.
 *
 * rfb_load PORT PATH ping COUNT: p50 and p99 of so many key events' round trips, in µs.
 *
 * rfb_load PORT - idle COUNT: opens so many, each at the path that a line of standard input says
 * (or `-`), says `ready`, and keeps them until standard input ends.
 *
 * rfb_load PORT PATH stall: asks for 4 GiB and reads none of it; says `ready`, then as idle.
 *
 * PATH `-` is TCP.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 1 << 20, PATH_ROOM = 512, MOST = 4096 };

struct line {
    int fd;
    bool is_web;
    uint64_t left; /* of the frame that is being read */
};

static uint8_t room[ROOM];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void send_all(const struct line *line, const void *bytes, size_t length)
{
    if (send(line->fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) {
        fail("send");
    }
}

static size_t read_some(const struct line *line, void *bytes, size_t most)
{
    ssize_t got = recv(line->fd, bytes, most, 0);
    if (got <= 0) {
        fail("recv");
    }
    return (size_t)got;
}

static void read_exactly(const struct line *line, void *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        at += read_some(line, (char *)bytes + at, length - at);
    }
}

/* Of what the server says, not of frames. */
static size_t receive(struct line *line, void *bytes, size_t most)
{
    while (line->is_web && line->left == 0) {
        uint8_t head[8];
        read_exactly(line, head, 2);
        line->left = head[1] & 127;
        unsigned more = line->left == 126 ? 2 : line->left == 127 ? 8 : 0;
        if (more > 0) {
            read_exactly(line, head, more);
            line->left = 0;
            for (unsigned i = 0; i < more; i++) {
                line->left = line->left << 8 | head[i];
            }
        }
    }
    size_t wanted = line->is_web && line->left < most ? (size_t)line->left : most;
    size_t got = read_some(line, bytes, wanted);
    line->left -= line->is_web ? got : 0;
    return got;
}

static void receive_exactly(struct line *line, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t left = length - at;
        at += receive(line, room, left < ROOM ? left : ROOM);
    }
}

/* One binary message. Its mask is never of zeros: that one a server may leave as it came. */
static void say(struct line *line, const void *bytes, size_t length)
{
    static uint32_t turn;
    uint8_t frame[64] = {0x82, (uint8_t)(0x80 | length)};
    uint32_t mask = ++turn * 2654435761U | 0x01010101U;
    if (!line->is_web) {
        send_all(line, bytes, length);
        return;
    }
    memcpy(frame + 2, &mask, sizeof mask);
    for (size_t i = 0; i < length; i++) {
        frame[6 + i] = ((const uint8_t *)bytes)[i] ^ frame[2 + i % 4];
    }
    send_all(line, frame, 6 + length);
}

static void upgrade(struct line *line, int port, const char *path)
{
    char text[PATH_ROOM + 512];
    size_t seen = 0;
    int length = snprintf(text, sizeof text,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n"
                          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n\r\n",
                          path, port);
    send_all(line, text, (size_t)length);
    do {
        read_exactly(line, text + seen, 1);
        seen++;
    } while (seen < sizeof text && (seen < 4 || memcmp(text + seen - 4, "\r\n\r\n", 4) != 0));
    if (memcmp(text, "HTTP/1.1 101", 12) != 0) {
        fprintf(stderr, "refused: %.*s\n", (int)seen, text);
        exit(1);
    }
}

static struct line enter(int port, const char *path)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    struct line line = {.fd = socket(AF_INET, SOCK_STREAM, 0), .is_web = strcmp(path, "-") != 0};
    if (connect(line.fd, (struct sockaddr *)&address, sizeof address) != 0) {
        fail("connect");
    }
    setsockopt(line.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (line.is_web) {
        upgrade(&line, port, path);
    }
    receive_exactly(&line, 12);
    say(&line, "RFB 003.008\n", 12);
    receive_exactly(&line, 2);
    say(&line, "\1", 1);
    receive_exactly(&line, 4);
    say(&line, "\1", 1);
    receive_exactly(&line, 28);
    return line;
}

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void ask(struct line *line, uint32_t kib)
{
    const uint8_t request[10] = {
        3, 0, (uint8_t)(kib >> 24), (uint8_t)(kib >> 16), (uint8_t)(kib >> 8), (uint8_t)kib};
    say(line, request, sizeof request);
}

static void flood(struct line *line, uint32_t mib)
{
    double begun = now_us();
    ask(line, mib * 1024);
    receive_exactly(line, (size_t)mib << 20);
    printf("%.6f\n", (now_us() - begun) / 1e6);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void ping(struct line *line, size_t count)
{
    static const uint8_t key[8] = {4, 1, 0, 0, 0, 0, 0, 97};
    double *took = calloc(count, sizeof *took);
    for (size_t i = 0; i < count; i++) {
        double begun = now_us();
        say(line, key, sizeof key);
        receive_exactly(line, 16);
        took[i] = now_us() - begun;
    }
    qsort(took, count, sizeof *took, compare);
    printf("%.2f %.2f\n", took[count / 2], took[count * 99 / 100]);
    free(took);
}

static void keep(void)
{
    puts("ready");
    fflush(stdout);
    while (fgets((char *)room, ROOM, stdin) != NULL) {
    }
}

static void idle(int port, size_t count)
{
    char path[PATH_ROOM];
    for (size_t i = 0; i < count && fgets(path, sizeof path, stdin) != NULL; i++) {
        path[strcspn(path, "\n")] = '\0';
        (void)enter(port, path);
    }
    keep();
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        return 2;
    }
    int port = (int)strtol(argv[1], NULL, 10);
    size_t amount = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
    if (strcmp(argv[3], "idle") == 0) {
        idle(port, amount);
        return 0;
    }
    struct line line = enter(port, argv[2]);
    if (strcmp(argv[3], "flood") == 0) {
        flood(&line, (uint32_t)amount);
    } else if (strcmp(argv[3], "ping") == 0) {
        ping(&line, amount);
    } else {
        ask(&line, 4 << 20);
        keep();
    }
    return 0;
}
