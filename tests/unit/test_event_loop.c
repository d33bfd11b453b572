/* What libvirt's watches are told by our event implementation, through libvirt's own functions. */
#include "host/event_loop.h"
#include "loop/loop.h"
#include "support/test.h"

#include <libvirt/libvirt.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, TIMES = 20, REST_MS = 2 };

/* A watched socket, whose callback says so through `told` with the byte that it read. */
struct watched {
    int here, there;
    int told[2];
    int id;
};

static void watch_told(int id, int fd, int events, void *data)
{
    struct watched *watched = data;
    char byte = 0;
    assert_int_equal(id, watched->id);
    assert_int_equal(events, VIR_EVENT_HANDLE_READABLE);
    assert_int_equal(read(fd, &byte, 1), 1);
    assert_int_equal(write(watched->told[1], &byte, 1), 1);
}

static void watched_begin(struct watched *watched)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(pipe(watched->told), 0);
    watched->here = ends[0];
    watched->there = ends[1];
    watched->id = virEventAddHandle(watched->here, 0, watch_told, watched, NULL);
    assert_true(watched->id > 0);
}

/* What the callback had read. */
static char expect_told(const struct watched *watched)
{
    struct pollfd pollfd = {.fd = watched->told[0], .events = POLLIN};
    char byte = 0;
    assert_int_equal(poll(&pollfd, 1, PATIENCE_MS), 1);
    assert_int_equal(read(watched->told[0], &byte, 1), 1);
    return byte;
}

/* The event thread may be in its callback: what that uses stays open, its socket is at its end. */
static void watched_end(struct watched *watched)
{
    virEventRemoveHandle(watched->id);
    close(watched->there);
}

static void as_long_as_some_of_it_is_read_it_is_told(void **state)
{
    (void)state;
    static struct watched watched;
    watched_begin(&watched);
    virEventUpdateHandle(watched.id, VIR_EVENT_HANDLE_READABLE);

    assert_int_equal(write(watched.there, "abc", 3), 3);
    assert_int_equal(expect_told(&watched), 'a');
    assert_int_equal(expect_told(&watched), 'b');
    assert_int_equal(expect_told(&watched), 'c');
    assert_int_equal(write(watched.there, "d", 1), 1);
    assert_int_equal(expect_told(&watched), 'd');
    watched_end(&watched);
}

/* Enables and disables it in less time than that counts as soon, however long that takes. */
static void hurry(const struct watched *watched)
{
    uint64_t begun;
    do {
        begun = loop_monotonic_ms();
        virEventUpdateHandle(watched->id, VIR_EVENT_HANDLE_READABLE);
        virEventUpdateHandle(watched->id, 0);
    } while (loop_monotonic_ms() - begun > REST_MS);
}

static void a_watch_that_was_enabled_for_a_moment_rests_before_it_is_told(void **state)
{
    (void)state;
    static struct watched watched;
    watched_begin(&watched);
    hurry(&watched);
    assert_int_equal(write(watched.there, "a", 1), 1);

    uint64_t begun = loop_monotonic_ms();
    virEventUpdateHandle(watched.id, VIR_EVENT_HANDLE_READABLE);
    assert_int_equal(expect_told(&watched), 'a');
    assert_true(loop_monotonic_ms() - begun >= REST_MS);
    watched_end(&watched);
}

static void what_comes_while_calls_follow_each_other_is_told_after_the_last(void **state)
{
    (void)state;
    static struct watched watched;
    watched_begin(&watched);
    for (int i = 0; i < TIMES; i++) {
        hurry(&watched);
        virEventUpdateHandle(watched.id, VIR_EVENT_HANDLE_READABLE);
        assert_int_equal(write(watched.there, "a", 1), 1);
        virEventUpdateHandle(watched.id, 0);
    }

    virEventUpdateHandle(watched.id, VIR_EVENT_HANDLE_READABLE);
    for (int i = 0; i < TIMES; i++) {
        assert_int_equal(expect_told(&watched), 'a');
    }
    watched_end(&watched);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(as_long_as_some_of_it_is_read_it_is_told),
        TEST(a_watch_that_was_enabled_for_a_moment_rests_before_it_is_told),
        TEST(what_comes_while_calls_follow_each_other_is_told_after_the_last),
    };
    if (!event_loop_start()) {
        return 1;
    }
    return cmocka_run_group_tests_name("event_loop", tests, NULL, NULL);
}
