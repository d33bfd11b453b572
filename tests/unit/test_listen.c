/* listen: a socket with the rights asked for, never taken from somebody who lives. */
#include "support/test.h"

#include "rpc/listen.h"
#include "scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[64];
static char path[128];
static char lock_path[160];
static char new_path[160];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/lodge-listen-XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/rpc.sock", dir);
    snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    snprintf(new_path, sizeof new_path, "%s.new", path);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)unlink(lock_path);
    (void)unlink(new_path);
    return rmdir(dir);
}

static struct listening listen_well(mode_t mode)
{
    struct listen_options options = {path, mode, (gid_t)-1};
    struct listening listening = {.fd = -1, .lock_fd = -1};
    struct lodge_error err = {0};
    if (!listen_at(&options, &listening, &err)) {
        fail_msg("%s", err.message);
    }
    return listening;
}

static void expect_refusal(enum lodge_error_kind kind, const char *message)
{
    struct listen_options options = {path, 0600, (gid_t)-1};
    struct listening listening = {.fd = -1, .lock_fd = -1};
    struct lodge_error err = {0};
    assert_false(listen_at(&options, &listening, &err));
    assert_int_equal(err.kind, kind);
    if (strstr(err.message, message) == NULL) {
        fail_msg("expected '%s' in '%s'", message, err.message);
    }
    assert_int_not_equal(access(new_path, F_OK), 0);
}

static int bind_as_somebody_else(int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, sizeof address.sun_path - 1);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static bool answers(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, sizeof address.sun_path - 1);
    AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

static void end(struct listening listening)
{
    listen_end(path, &listening);
    close(listening.fd);
}

static void the_socket_has_the_mode_asked_for_whatever_the_umask(void **state)
{
    (void)state;
    static const mode_t modes[] = {0600, 0660, 0666};
    mode_t before = umask(027);
    for (size_t i = 0; i < ARRAY_LENGTH(modes); i++) {
        struct listening listening = listen_well(modes[i]);
        struct stat info;
        assert_int_equal(lstat(path, &info), 0);
        assert_true(S_ISSOCK(info.st_mode));
        assert_int_equal(info.st_mode & 07777, modes[i]);
        assert_int_equal(lstat(lock_path, &info), 0);
        assert_int_equal(info.st_mode & 07777, 0600);
        assert_true(answers());
        assert_true(fcntl(listening.fd, F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(listening.fd, F_GETFD) & FD_CLOEXEC);
        end(listening);
        assert_int_not_equal(access(path, F_OK), 0);
    }
    assert_int_equal(umask(before), 027); /* as it was */
}

static void a_second_daemon_is_refused_while_the_first_lives(void **state)
{
    (void)state;
    struct listening first = listen_well(0600);

    expect_refusal(LODGE_ERROR_EXISTS, "another lodged has the socket");

    assert_true(answers());
    end(first);
    end(listen_well(0600)); /* and is let in afterwards */
}

static void a_stale_socket_is_taken_over(void **state)
{
    (void)state;
    int dead = bind_as_somebody_else(SOCK_STREAM);
    close(dead);
    assert_false(answers());

    struct listening listening = listen_well(0600);

    assert_true(answers());
    end(listening);
}

static void a_foreign_socket_that_answers_is_left_alone(void **state)
{
    (void)state;
    AUTO(fd_close) int alive = bind_as_somebody_else(SOCK_STREAM);
    assert_int_equal(listen(alive, 1), 0);

    expect_refusal(LODGE_ERROR_EXISTS, "something answers on");

    assert_true(answers());
}

static void a_foreign_socket_of_another_type_is_left_alone(void **state)
{
    (void)state;
    int alive = bind_as_somebody_else(SOCK_DGRAM);

    expect_refusal(LODGE_ERROR_EXISTS, "something answers on");
    close(alive);

    assert_int_equal(access(path, F_OK), 0);
}

static void a_regular_file_is_left_alone(void **state)
{
    (void)state;
    FILE *stream = fopen(path, "we");
    assert_non_null(stream);
    fputs("precious", stream);
    fclose(stream);

    expect_refusal(LODGE_ERROR_EXISTS, "is no socket");

    struct stat info;
    assert_int_equal(lstat(path, &info), 0);
    assert_int_equal(info.st_size, 8);
}

static void a_link_is_not_followed(void **state)
{
    (void)state;
    assert_int_equal(symlink("/tmp/lodge-nowhere", path), 0);
    expect_refusal(LODGE_ERROR_EXISTS, "is no socket");
    assert_int_equal(unlink(path), 0);

    assert_int_equal(unlink(lock_path), 0);
    assert_int_equal(symlink("/tmp/lodge-nowhere", lock_path), 0);
    expect_refusal(LODGE_ERROR_INVALID, "lock");
}

static void what_a_crash_left_beside_is_no_hindrance(void **state)
{
    (void)state;
    FILE *stream = fopen(new_path, "we");
    assert_non_null(stream);
    fclose(stream);

    end(listen_well(0600));
}

static void a_path_that_is_too_long_says_so(void **state)
{
    (void)state;
    char before[sizeof path];
    memcpy(before, path, sizeof path);
    size_t used = strlen(path);
    memset(path + used, 'x', 120 - used);
    path[120] = '\0';

    expect_refusal(LODGE_ERROR_INVALID, "choose a shorter --socket");

    memcpy(path, before, sizeof path);
}

#define IN_DIR(function) cmocka_unit_test_setup_teardown(function, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(the_socket_has_the_mode_asked_for_whatever_the_umask),
        IN_DIR(a_second_daemon_is_refused_while_the_first_lives),
        IN_DIR(a_stale_socket_is_taken_over),
        IN_DIR(a_foreign_socket_that_answers_is_left_alone),
        IN_DIR(a_foreign_socket_of_another_type_is_left_alone),
        IN_DIR(a_regular_file_is_left_alone),
        IN_DIR(a_link_is_not_followed),
        IN_DIR(what_a_crash_left_beside_is_no_hindrance),
        IN_DIR(a_path_that_is_too_long_says_so),
    };
    return cmocka_run_group_tests_name("listen", tests, NULL, NULL);
}
