#include "lodge/client.h"
#include "support/test.h"

#include "support/peer.h"

#include <grp.h>
#include <sys/stat.h>

static void expect_refusal(const char *where, enum lodge_error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void expect_refusal(const char *where, enum lodge_error_kind kind, const char *format, ...)
{
    struct lodge_error err = {0};
    char message[600];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);

    assert_null(lodge_client_open(where, &err));

    assert_string_equal(err.message, message);
    assert_int_equal(err.kind, kind);
}

static void without_a_file_lodged_is_to_be_started(void **state)
{
    (void)state;
    char none[128];
    snprintf(none, sizeof none, "%s/none.sock", dir);

    expect_refusal(none, LODGE_ERROR_UNREACHABLE,
                   "cannot reach lodged at '%s': no such file; start lodged, with 'lodged --socket "
                   "%s'",
                   none, none);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", dir, 1), 0);
    snprintf(none, sizeof none, "%s/lodge/lodged.sock", dir);
    if (geteuid() != 0) {
        expect_refusal(none, LODGE_ERROR_UNREACHABLE,
                       "cannot reach lodged at '%s': no such file; start lodged, with 'lodged'",
                       none);
    }
    if (access("/run/lodge/lodged.sock", F_OK) != 0) {
        bool has_systemd = access("/run/systemd/system", F_OK) == 0;
        expect_refusal("/run/lodge/lodged.sock", LODGE_ERROR_UNREACHABLE,
                       "cannot reach lodged at '/run/lodge/lodged.sock': no such file; start "
                       "lodged, with %s",
                       has_systemd ? "'systemctl start lodged'" : "'lodged', as root");
    }
}

static void a_socket_that_nobody_listens_on_says_so(void **state)
{
    (void)state;

    close(listener);

    expect_refusal(path, LODGE_ERROR_UNREACHABLE,
                   "cannot reach lodged at '%s': nobody listens on it; start lodged, with 'lodged "
                   "--socket %s'",
                   path, path);
}

static void a_file_that_is_no_socket_is_told_from_one(void **state)
{
    (void)state;

    expect_refusal("/etc/passwd", LODGE_ERROR_UNREACHABLE,
                   "cannot reach lodged at '/etc/passwd': that is no socket; give the path of "
                   "lodged's socket with $LODGE_SOCKET");
}

static void a_path_has_its_bounds(void **state)
{
    (void)state;
    char long_path[200];
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';

    expect_refusal("", LODGE_ERROR_INVALID, "the socket's path '' must have 1 to 107 bytes");
    expect_refusal(long_path, LODGE_ERROR_INVALID,
                   "the socket's path '%.120s' must have 1 to 107 bytes", long_path);
}

static void a_full_backlog_is_told_and_not_waited_for(void **state)
{
    (void)state;
    struct lodge_client *waiting[16] = {0};
    struct lodge_error err = {0};

    for (size_t i = 0; i < ARRAY_LENGTH(waiting) && err.kind == LODGE_ERROR_NONE; i++) {
        waiting[i] = lodge_client_open(path, &err);
    }

    assert_non_null(strstr(err.message, "too many are waiting to connect; try again in a moment"));
    for (size_t i = 0; i < ARRAY_LENGTH(waiting); i++) {
        lodge_client_close(waiting[i]);
    }
}

enum { NOBODY = 65534 };

/* Permissions bind anybody but root: the test becomes somebody else where it is root. */
static void a_closed_socket_says_whose_it_is_and_what_to_do(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    struct group *group = getgrgid(1);
    assert_non_null(group);
    char group_name[64];
    snprintf(group_name, sizeof group_name, "%s", group->gr_name);
    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(chmod(path, 0660), 0);
    assert_int_equal(chown(path, 0, 1), 0);
    assert_int_equal(seteuid(NOBODY), 0);

    expect_refusal(path, LODGE_ERROR_DENIED,
                   "cannot reach lodged at '%s': permission denied; it belongs to user 'root' and "
                   "group '%s' (mode 0660): join the group with 'sudo usermod -aG %s nobody' and "
                   "log in again",
                   path, group_name, group_name);

    assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(seteuid(NOBODY), 0);
    expect_refusal(path, LODGE_ERROR_DENIED,
                   "cannot reach lodged at '%s': permission denied; it belongs to user 'root' and "
                   "group '%s' (mode 0600): only 'root' may use it; try 'sudo -u root'",
                   path, group_name);

    assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(dir, 0700), 0);
    assert_int_equal(seteuid(NOBODY), 0);
    expect_refusal(
        path, LODGE_ERROR_DENIED,
        "cannot reach lodged at '%s': permission denied; user 'nobody' may not look into "
        "its folder: ask its owner, or use another daemon with $LODGE_SOCKET",
        path);
    assert_int_equal(seteuid(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PEER(without_a_file_lodged_is_to_be_started),
        WITH_PEER(a_socket_that_nobody_listens_on_says_so),
        WITH_PEER(a_file_that_is_no_socket_is_told_from_one),
        WITH_PEER(a_path_has_its_bounds),
        WITH_PEER(a_full_backlog_is_told_and_not_waited_for),
        WITH_PEER(a_closed_socket_says_whose_it_is_and_what_to_do),
    };
    return cmocka_run_group_tests_name("socket_connect", tests, NULL, NULL);
}
