/*
 * rfb_server: a VNC server that costs nothing itself: RFB 3.8 without security, one thread, epoll.
 *
 * A KeyEvent is answered by 16 bytes. A FramebufferUpdateRequest asks for as many KiB as its x, y
 * (high and low 16 bits) say, which are sent as fast as the other side takes them. Prints its port.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024, EVENTS = 64, INPUT = 4096 };

static const char version[] = "RFB 003.008\n";
static const uint8_t init[] = {2,  128, 1, 224, 32, 24, 0, 1, 0, 255, 0,   255, 0,   255,
                               16, 8,   0, 0,   0,  0,  0, 0, 0, 4,   't', 'e', 's', 't'};

struct viewer {
    int fd;
    unsigned step; /* of the handshake; 3: done */
    size_t length;
    uint8_t input[INPUT];
    uint64_t owed;
    bool waits_for_room;
};

static uint8_t pixels[CHUNK];
static int epoll_fd;

static void watch(struct viewer *viewer, bool room)
{
    struct epoll_event event = {.events = EPOLLIN | (room ? EPOLLOUT : 0U), .data.ptr = viewer};
    viewer->waits_for_room = room;
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, viewer->fd, &event);
}

static void say(struct viewer *viewer, const void *bytes, size_t length)
{
    ssize_t sent = send(viewer->fd, bytes, length, MSG_NOSIGNAL);
    (void)sent; /* handshakes and echoes always find room */
}

static void pay(struct viewer *viewer)
{
    while (viewer->owed > 0) {
        size_t part = viewer->owed < CHUNK ? (size_t)viewer->owed : CHUNK;
        ssize_t sent = send(viewer->fd, pixels, part, MSG_NOSIGNAL);
        if (sent < 0) {
            break;
        }
        viewer->owed -= (size_t)sent;
    }
    if ((viewer->owed > 0) != viewer->waits_for_room) {
        watch(viewer, viewer->owed > 0);
    }
}

/* Returns how many bytes of the input it understood. */
static size_t take(struct viewer *viewer, const uint8_t *at, size_t length)
{
    static const size_t steps[] = {12, 1, 1};
    if (viewer->step < 3) {
        if (length < steps[viewer->step]) {
            return 0;
        }
        size_t taken = steps[viewer->step++];
        if (viewer->step == 1) {
            say(viewer, "\1\1", 2);
        } else if (viewer->step == 2) {
            say(viewer, "\0\0\0\0", 4);
        } else {
            say(viewer, init, sizeof init);
        }
        return taken;
    }
    if (at[0] == 4 && length >= 8) {
        say(viewer, pixels, 16);
        return 8;
    }
    if (at[0] == 3 && length >= 10) {
        uint64_t kib = (uint64_t)at[2] << 24 | (uint64_t)at[3] << 16 | (uint64_t)at[4] << 8 | at[5];
        viewer->owed += kib * 1024;
        return 10;
    }
    return 0;
}

/* Returns whether it is still there. */
static bool hear(struct viewer *viewer)
{
    ssize_t got = recv(viewer->fd, viewer->input + viewer->length, INPUT - viewer->length, 0);
    if (got <= 0) {
        return got < 0 && errno == EAGAIN;
    }
    viewer->length += (size_t)got;
    size_t at = 0;
    size_t taken;
    while (at < viewer->length &&
           (taken = take(viewer, viewer->input + at, viewer->length - at)) > 0) {
        at += taken;
    }
    viewer->length -= at;
    memmove(viewer->input, viewer->input + at, viewer->length);
    return true;
}

/* Pages of their own, as a screen's are: untouched ones would all be the kernel's page of zeros. */
static void paint(void)
{
    uint32_t colour = 1;
    for (size_t i = 0; i < CHUNK; i++) {
        colour = colour * 1664525 + 1013904223;
        pixels[i] = i % 4 == 3 ? 0 : (uint8_t)(colour >> 24);
    }
}

static void let_in(int listening)
{
    int on = 1;
    struct viewer *viewer = calloc(1, sizeof *viewer);
    viewer->fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK);
    if (viewer->fd < 0) {
        free(viewer);
        return;
    }
    setsockopt(viewer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = viewer};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, viewer->fd, &event);
    say(viewer, version, 12);
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct epoll_event knock = {.events = EPOLLIN};
    paint();
    epoll_fd = epoll_create1(0);
    if (bind(listening, (struct sockaddr *)&address, size) != 0 || listen(listening, 1024) != 0 ||
        getsockname(listening, (struct sockaddr *)&address, &size) != 0) {
        perror("rfb_server");
        return 1;
    }
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listening, &knock);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct viewer *viewer = events[i].data.ptr;
            if (viewer == NULL) {
                let_in(listening);
            } else if ((events[i].events & (EPOLLIN | EPOLLHUP)) != 0 && !hear(viewer)) {
                close(viewer->fd);
                free(viewer);
            } else {
                pay(viewer);
            }
        }
    }
}
