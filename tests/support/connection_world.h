/*
 * connection_world: a loop, and one connection of the daemon with its client's end in the test's
 * hand. Whose connection it is, says each program: it fills `its_owner` in its set-up.
 * Included by one program each, after support/test.h.
 */
#ifndef TESTS_SUPPORT_CONNECTION_WORLD_H
#define TESTS_SUPPORT_CONNECTION_WORLD_H

#include "support/loop_world.h"

#include "frame.h"
#include "rpc/account.h"
#include "rpc/connection.h"
#include "scope.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENT __attribute__((unused)) static

enum { HEARD_MAX = 8 << 20 };

static struct connection_owner its_owner;
static struct connection *connection; /* NULL: none yet, or none any more */
static uv_pipe_t listener;
static int client = -1;
static bool hung_up; /* the daemon has, as the client sees it */
static struct frame heard;
static char *heard_line; /* borrowed from `heard` until the next */
static const char *left_to_say;
static size_t left_bytes;

CLIENT void count_gone(struct connection_owner *mine, struct connection *gone)
{
    assert_ptr_equal(mine, &its_owner);
    assert_ptr_equal(gone, connection);
    connection = NULL;
}

CLIENT void client_knocks(uv_stream_t *server, int status)
{
    assert_int_equal(status, 0);
    connection = connection_accept(&its_owner, server);
    assert_non_null(connection);
}

CLIENT bool is_connected(void)
{
    return connection != NULL;
}

CLIENT bool is_gone(void)
{
    return connection == NULL;
}

/* At an abstract address that the kernel chooses (unix(7)): no file, nobody else's. */
CLIENT void open_client(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof address;
    const int kind = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    int fd = socket(AF_UNIX, kind, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    uv_pipe_init(loop_uv(loop), &listener, 0);
    assert_int_equal(uv_pipe_open(&listener, fd), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&listener, 4, client_knocks), 0);
    client = socket(AF_UNIX, kind, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, size), 0);
    signal(SIGPIPE, SIG_IGN); /* as lodged does */
    frame_init(&heard, HEARD_MAX);
    hung_up = false;
    assert_true(loop_until(is_connected));
}

CLIENT void hang_up(void)
{
    close(client);
    client = -1;
}

/* What was in line is gone then; calls that handlers have kept are still theirs to answer. */
CLIENT void close_client(void)
{
    if (client >= 0) {
        hang_up();
    }
    if (connection != NULL) {
        connection_close(connection);
        assert_true(loop_until(is_gone));
    }
}

/* When no call is left that holds its user's account. */
CLIENT void end_client(void)
{
    accounts_close(its_owner.accounts);
    assert_null(its_owner.accounts);
    frame_done(&heard);
    loop_close_handle((uv_handle_t *)&listener, NULL);
    loop_turn();
}

CLIENT bool all_is_said(void)
{
    ssize_t said = 1;
    errno = 0;
    while (left_bytes > 0 && said > 0) {
        said = send(client, left_to_say, left_bytes, MSG_NOSIGNAL);
        left_to_say += said > 0 ? said : 0;
        left_bytes -= said > 0 ? (size_t)said : 0;
    }
    return left_bytes == 0 || errno == EPIPE || errno == ECONNRESET;
}

/* Sends it, while the daemon reads. */
CLIENT void say_bytes(const char *bytes, size_t length)
{
    left_to_say = bytes;
    left_bytes = length;
    assert_true(loop_until(all_is_said));
}

CLIENT void say(const char *text)
{
    say_bytes(text, strlen(text));
}

/* Takes what is there; true when that was a line, or the end. */
CLIENT bool line_is_heard(void)
{
    enum { PIECE = 65536 };
    size_t length = 0;
    while (frame_next(&heard, &heard_line, &length) == FRAME_NEED_MORE) {
        char *space = frame_space(&heard, PIECE);
        ssize_t got = recv(client, space, PIECE, 0);
        hung_up = got == 0 || (got < 0 && errno == ECONNRESET);
        if (got <= 0) {
            heard_line = NULL;
            return hung_up;
        }
        frame_added(&heard, (size_t)got);
    }
    return true;
}

/* The next line; NULL: the daemon has hung up. */
CLIENT const char *hear(void)
{
    assert_true(loop_until(line_is_heard));
    return heard_line;
}

CLIENT void expect_heard(const char *line)
{
    const char *said = hear();
    assert_non_null(said);
    assert_string_equal(said, line);
}

/* The daemon has had its time, and has said nothing. */
CLIENT void expect_silence(void)
{
    loop_turn();
    loop_turn();
    assert_false(line_is_heard());
}

CLIENT void expect_hung_up(void)
{
    assert_null(hear());
    assert_true(hung_up);
    assert_true(loop_until(is_gone));
}

#endif
