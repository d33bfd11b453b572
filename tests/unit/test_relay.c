#include "cli/relay.h"
#include "support/test.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEADLINE_MS = 10000, QUIET_MS = 200, PIECE = 4096 };

struct world {
    int viewer;
    int door;
    pid_t relay;
};

/* A relay in a process of its own, between two sockets whose other ends are ours. */
static struct world start(void)
{
    int viewer[2];
    int door[2];
    struct world world;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, viewer), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, door), 0);
    world.relay = fork();
    assert_true(world.relay >= 0);
    if (world.relay == 0) {
        (void)close(viewer[0]);
        (void)close(door[0]);
        (void)alarm(60); /* nobody is left behind by a test that failed */
        relay_run(viewer[1], door[1]);
        _exit(0);
    }
    assert_int_equal(close(viewer[1]), 0);
    assert_int_equal(close(door[1]), 0);
    world.viewer = viewer[0];
    world.door = door[0];
    return world;
}

/* Sends until nothing has fitted for a while; the number of bytes. */
static size_t fill(int fd)
{
    char piece[PIECE];
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    size_t sum = 0;
    memset(piece, 'x', sizeof piece);
    while (poll(&room, 1, QUIET_MS) == 1) {
        ssize_t sent = send(fd, piece, sizeof piece, MSG_DONTWAIT | MSG_NOSIGNAL);
        sum += sent > 0 ? (size_t)sent : 0;
    }
    return sum;
}

static size_t drain(int fd, size_t size)
{
    static char bytes[65536];
    struct pollfd news = {.fd = fd, .events = POLLIN};
    size_t sum = 0;
    while (sum < size && poll(&news, 1, DEADLINE_MS) == 1) {
        ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got <= 0) {
            break;
        }
        sum += (size_t)got;
    }
    return sum;
}

static void expect_end(const struct world *world)
{
    int status = -1;
    struct pollfd end = {.fd = world->door, .events = POLLIN};
    assert_int_equal(poll(&end, 1, DEADLINE_MS), 1);
    assert_int_equal(waitpid(world->relay, &status, 0), world->relay);
    assert_int_equal(status, 0);
}

static void ends_that_write_before_they_read_are_both_served(void **state)
{
    (void)state;
    struct world world = start();
    size_t from_door = fill(world.door);
    size_t from_viewer = fill(world.viewer);

    /* The way to the viewer is full still: the other must not wait for it. */
    assert_int_equal(drain(world.door, from_viewer), from_viewer);
    assert_int_equal(drain(world.viewer, from_door), from_door);

    assert_int_equal(close(world.viewer), 0);
    expect_end(&world);
    assert_int_equal(close(world.door), 0);
}

static void what_was_sent_before_hanging_up_arrives(void **state)
{
    (void)state;
    struct world world = start();
    char got[8] = "";
    assert_int_equal(send(world.viewer, "goodbye", 7, MSG_NOSIGNAL), 7);

    assert_int_equal(close(world.viewer), 0);

    expect_end(&world);
    assert_int_equal(recv(world.door, got, 7, 0), 7);
    assert_string_equal(got, "goodbye");
    assert_int_equal(recv(world.door, got, 1, 0), 0);
    assert_int_equal(close(world.door), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ends_that_write_before_they_read_are_both_served),
        TEST(what_was_sent_before_hanging_up_arrives),
    };
    return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
