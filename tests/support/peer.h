/*
 * peer: the daemon's end of a socket, played by the test: what the client sends is expected line by
 * line, what the daemon would say is said. One thread does both ends, since the client never
 * blocks. Included by one program each, after support/test.h.
 */
#ifndef TESTS_SUPPORT_PEER_H
#define TESTS_SUPPORT_PEER_H

#include "frame.h"
#include "lodge/client.h"
#include "scope.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WITH_PEER(function) cmocka_unit_test_setup_teardown(function, peer_start, peer_stop)
#define PEER __attribute__((unused)) static

enum { PEER_DEADLINE_MS = 30000 };

static char dir[64];
static char path[96];
static int listener = -1;
static int peer = -1;
static struct frame heard;
static struct lodge_client *client;

PEER void peer_listen(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path) + 1);
    unlink(path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 4), 0);
}

PEER void peer_hang_up(void)
{
    close(peer);
    peer = -1;
    frame_done(&heard);
}

PEER void peer_accept(void)
{
    peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    assert_true(peer >= 0);
}

PEER int peer_start(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    snprintf(dir, sizeof dir, "/tmp/lodge-peer-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/lodged.sock", dir);
    frame_init(&heard, 2 << 20);
    peer_listen();
    client = lodge_client_open(path, &err);
    assert_non_null(client);
    peer_accept();
    return 0;
}

PEER int peer_stop(void **state)
{
    (void)state;
    lodge_client_close(TAKE(client));
    peer_hang_up();
    close(listener);
    unlink(path);
    rmdir(dir);
    return 0;
}

/* Lets the client work once there is something to do for it. */
PEER bool turn(struct lodge_error *err)
{
    struct pollfd ready = {lodge_client_fd(client), lodge_client_events(client), 0};
    int timeout = lodge_client_timeout_ms(client);
    poll(&ready, 1, timeout >= 0 && timeout < PEER_DEADLINE_MS ? timeout : PEER_DEADLINE_MS);
    return lodge_client_dispatch(client, err);
}

/* One dispatch that must find the connection whole. */
PEER void dispatch(void)
{
    struct lodge_error err = {0};
    if (!lodge_client_dispatch(client, &err)) {
        fail_msg("the connection is lost: %s", err.message);
    }
}

/* Says these bytes; the client reads on the way when the socket is full. */
PEER void say_bytes(const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t said = send(peer, bytes, size, MSG_NOSIGNAL);
        if (said < 0) {
            assert_int_equal(errno, EAGAIN);
            dispatch();
            continue;
        }
        bytes += said;
        size -= (size_t)said;
    }
}

/* Says one line, and the client hears it. */
PEER void say(const char *line)
{
    say_bytes(line, strlen(line));
    say_bytes("\n", 1);
    dispatch();
}

/* The client's next line, valid until the next call. */
PEER const char *hear(void)
{
    char *line = NULL;
    size_t length = 0;
    while (frame_next(&heard, &line, &length) == FRAME_NEED_MORE) {
        struct pollfd ready = {peer, POLLIN, 0};
        char *space = frame_space(&heard, 4096);
        assert_int_equal(poll(&ready, 1, PEER_DEADLINE_MS), 1);
        ssize_t got = recv(peer, space, 4096, 0);
        assert_true(got > 0);
        frame_added(&heard, (size_t)got);
        dispatch(); /* it may have more to send */
    }
    assert_non_null(line);
    return line;
}

PEER void expect_silence(void)
{
    char byte = 0;
    assert_false(frame_pending(&heard));
    assert_int_equal(recv(peer, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
}

PEER void expect_heard(const char *line)
{
    assert_string_equal(hear(), line);
}

/* The answer to a call, as its callback saw it. Static wherever it is, since closing the client
 * after a test answers what is still open. */
struct answer {
    int times;
    char result[200];
    struct lodge_error error;
};

PEER void keep(void *data, const char *result, const struct lodge_error *error)
{
    struct answer *answer = data;
    answer->times++;
    snprintf(answer->result, sizeof answer->result, "%s", result != NULL ? result : "");
    if (error != NULL) {
        answer->error = *error;
    }
}

PEER int64_t call(const char *method, const char *params, int timeout_ms, struct answer *answer)
{
    struct lodge_error err = {0};
    int64_t id = lodge_client_call(client, method, params, timeout_ms, keep, answer, &err);
    assert_string_equal(err.message, "");
    assert_true(id > 0);
    return id;
}

#endif
