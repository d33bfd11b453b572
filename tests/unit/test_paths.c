#include "lodge/client.h"
#include "paths.h"
#include "scope.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOT = 0, USER = 4242 };

static int with_a_clean_environment(void **state)
{
    (void)state;
    unsetenv("LODGE_SOCKET");
    setenv("XDG_RUNTIME_DIR", "/run/user/mine", 1);
    setenv("XDG_STATE_HOME", "/home/u/state", 1);
    setenv("HOME", "/home/u", 1);
    return 0;
}

static void expect_path(char *path, const char *expected)
{
    assert_non_null(path);
    assert_string_equal(path, expected);
    free(path);
}

static void roots_daemon_is_the_machines(void **state)
{
    (void)state;

    expect_path(path_daemon_socket(ROOT), "/run/lodge/lodged.sock");
    expect_path(path_state_dir(ROOT), "/var/lib/lodge");
}

static void a_users_daemon_lives_in_xdg_folders(void **state)
{
    (void)state;

    expect_path(path_daemon_socket(USER), "/run/user/mine/lodge/lodged.sock");
    expect_path(path_state_dir(USER), "/home/u/state/lodge");
}

static void the_library_and_a_users_data_have_their_places(void **state)
{
    (void)state;
    setenv("XDG_DATA_HOME", "/home/u/data", 1);
    expect_path(path_images_dir(ROOT), "/srv/lodge/images");
    expect_path(path_images_dir(USER), "/home/u/data/lodge/images");
    expect_path(path_data_dir(USER), "/home/u/data/lodge");

    unsetenv("XDG_DATA_HOME");

    expect_path(path_images_dir(USER), "/home/u/.local/share/lodge/images");
    expect_path(path_data_dir(ROOT), "/home/u/.local/share/lodge");
}

static void what_xdg_does_not_say_has_a_place_too(void **state)
{
    (void)state;

    unsetenv("XDG_RUNTIME_DIR");
    unsetenv("XDG_STATE_HOME");
    expect_path(path_daemon_socket(USER), "/run/user/4242/lodge/lodged.sock");
    expect_path(path_state_dir(USER), "/home/u/.local/state/lodge");
    setenv("XDG_RUNTIME_DIR", "relative/dir", 1);
    setenv("XDG_STATE_HOME", "", 1);
    expect_path(path_daemon_socket(USER), "/run/user/4242/lodge/lodged.sock");
    expect_path(path_state_dir(USER), "/home/u/.local/state/lodge");
}

static void without_a_home_the_user_database_knows_or_nobody_does(void **state)
{
    (void)state;

    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    char *daemons = path_state_dir(1); /* Debian's and others': /usr/sbin */
    if (daemons != NULL) {
        assert_non_null(strstr(daemons, "/.local/state/lodge"));
    }
    free(daemons);
    assert_null(path_state_dir((uid_t)4000000001));
}

static void a_client_takes_the_machines_daemon_if_it_is_there(void **state)
{
    (void)state;
    char there[] = "/tmp/lodge-paths-XXXXXX";
    int fd = mkstemp(there);
    assert_true(fd >= 0);

    expect_path(path_client_socket(USER, there), there);
    close(fd);
    unlink(there);
    expect_path(path_client_socket(USER, there), "/run/user/mine/lodge/lodged.sock");
    expect_path(path_client_socket(ROOT, there), there);
}

static void the_environment_decides_for_clients(void **state)
{
    (void)state;

    setenv("LODGE_SOCKET", "here.sock", 1);
    expect_path(lodge_socket_path(), "here.sock");
    setenv("LODGE_SOCKET", "", 1);
    expect_path(lodge_socket_path(), geteuid() == 0 || access(PATH_SYSTEM_SOCKET, F_OK) == 0
                                         ? PATH_SYSTEM_SOCKET
                                         : "/run/user/mine/lodge/lodged.sock");
}

static void paths_are_the_same_however_they_are_spelt(void **state)
{
    (void)state;
    static const char *const same[][2] = {{"/a/b", "/a/b"},
                                          {"/a/b", "//a///b/"},
                                          {"/a/b", "/a/./b/."},
                                          {"/", "//."},
                                          {"a/b", "./a//b"}};
    static const char *const others[][2] = {{"/a/b", "/a/bc"}, {"/a/b", "/a"},  {"/a", "a"},
                                            {"/a/b", "/a/.b"}, {"/a", "/a/.."}, {"", "/"}};
    for (size_t i = 0; i < ARRAY_LENGTH(same); i++) {
        assert_true(path_is_same(same[i][0], same[i][1]));
        assert_true(path_is_same(same[i][1], same[i][0]));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        assert_false(path_is_same(others[i][0], others[i][1]));
        assert_false(path_is_same(others[i][1], others[i][0]));
    }
}

#define CLEAN(function) cmocka_unit_test_setup(function, with_a_clean_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLEAN(roots_daemon_is_the_machines),
        CLEAN(a_users_daemon_lives_in_xdg_folders),
        CLEAN(the_library_and_a_users_data_have_their_places),
        CLEAN(what_xdg_does_not_say_has_a_place_too),
        CLEAN(without_a_home_the_user_database_knows_or_nobody_does),
        CLEAN(a_client_takes_the_machines_daemon_if_it_is_there),
        CLEAN(the_environment_decides_for_clients),
        TEST(paths_are_the_same_however_they_are_spelt),
    };
    return cmocka_run_group_tests_name("paths", tests, NULL, NULL);
}
