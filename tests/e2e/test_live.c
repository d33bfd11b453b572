/*
 * The TUI and the daemon: what is there is shown, and a daemon that goes and comes back is
 * noticed without a key being hit. The guests are those of libvirt's test driver.
 */
#include "support/test.h"

#include "support/screen.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct screen *screen;
static char folder[] = "/tmp/lodge-live-XXXXXX";
static char socket_path[64];
static pid_t daemon_pid;

static void daemon_start(void)
{
    const char *program = getenv("LODGED_PROGRAM");
    char state[64];
    char log[64];
    char rows[64 + 9];

    assert_non_null(program);
    snprintf(state, sizeof(state), "%s/state", folder);
    snprintf(log, sizeof(log), "%s/log", folder);
    snprintf(rows, sizeof(rows), "%s/lodge.db", state);
    screen_keep_too("lodged.log", log);
    screen_keep_too("lodge.db", rows);
    daemon_pid = fork();
    assert_int_not_equal(daemon_pid, -1);
    if (daemon_pid == 0) {
        if (freopen(log, "a", stderr) == NULL || freopen(log, "a", stdout) == NULL) {
            _exit(126);
        }
        execl(program, "lodged", "--uri", "test:///default", "--socket", socket_path, "--state-dir",
              state, (char *)NULL);
        _exit(127);
    }
}

static void daemon_kill(void)
{
    assert_int_equal(kill(daemon_pid, SIGKILL), 0);
    assert_int_equal(waitpid(daemon_pid, NULL, 0), daemon_pid);
    daemon_pid = 0;
}

static void tui_start(void)
{
    const char *program = getenv("LODGE_PROGRAM");

    assert_non_null(program);
    screen = screen_start(100, 30, (const char *[]){program, "--socket", socket_path, NULL},
                          (const char *[]){"TERM=xterm-256color", "LC_ALL=C.UTF-8",
                                           "XDG_STATE_HOME=/dev/null", NULL});
}

static int set_up(void **state)
{
    (void)state;
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    snprintf(socket_path, sizeof(socket_path), "%s/lodged.sock", folder);
    return 0;
}

static int take_away(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    if (screen != NULL) {
        screen_stop(screen);
        screen = NULL;
    }
    if (daemon_pid != 0) {
        daemon_kill();
    }
    return nftw(folder, take_away, 8, FTW_DEPTH | FTW_PHYS);
}

static void what_the_daemon_knows_is_shown(void **state)
{
    (void)state;
    daemon_start();
    tui_start();

    screen_wait_line(screen, "> R test", "local");
    screen_wait(screen, "local up");
    screen_wait(screen, "of 1");
    screen_wait(screen, "6695eb01-f6a4-8304-79aa-97f2502e193f");
    screen_wait(screen, "/guest/diskimage1"); /* vm.get has answered */
    screen_type(screen, "q");
    assert_int_equal(screen_wait_end(screen), 0);
}

static void a_daemon_that_comes_later_is_found(void **state)
{
    (void)state;
    tui_start();
    screen_wait(screen, "cannot reach lodged");

    daemon_start();

    screen_wait_line(screen, "> R test", "local");
    screen_wait(screen, "live");
}

static void a_daemon_that_restarts_is_found_again_and_nothing_vanishes(void **state)
{
    (void)state;
    daemon_start();
    tui_start();
    screen_wait_line(screen, "> R test", "local");

    daemon_kill();
    screen_wait(screen, "stale");
    screen_wait_line(screen, "> R test", "local");
    daemon_start();

    screen_wait(screen, "live");
    screen_wait_line(screen, "> R test", "local");
    screen_wait(screen, "of 1");
}

/* From the form to the list and the events, and away again by its typed name. */
static void a_guest_is_made_forced_off_and_deleted_by_keys(void **state)
{
    (void)state;
    daemon_start();
    tui_start();
    screen_wait_line(screen, "> R test", "local");
    screen_wait(screen, "live");

    screen_type(screen, "i");
    screen_wait(screen, "Create a guest");
    screen_type(screen, "web\t2\t\t\x15"); /* 12 vCPUs, no disk */
    screen_wait(screen, "no limits");
    screen_type(screen, "\t\t\t\tnone\r");
    screen_wait(screen, "create web: done in");
    screen_type(screen, "\x1b"); /* it is left by a key, and by nothing else */
    screen_wait_line(screen, "  R web", "local");
    screen_wait(screen, "create done"); /* among the events */

    screen_type(screen, "G");
    screen_wait_line(screen, "> R web", "local");
    screen_type(screen, "D");
    screen_wait(screen, "Force off web");
    screen_wait(screen, "Y (capital)"); /* it hears */
    screen_type(screen, "y");           /* the wrong key */
    screen_wait(screen, "nothing was done");
    screen_wait_line(screen, "> R web", "local");
    screen_type(screen, "D");
    screen_wait(screen, "Y (capital)");
    screen_type(screen, "Y");
    screen_wait_line(screen, "> S web", "local");

    screen_type(screen, "X");
    screen_wait(screen, "Type its name");
    screen_type(screen, "wab\r");
    screen_wait(screen, "nothing was done");
    screen_wait_line(screen, "> S web", "local");
    screen_type(screen, "X");
    screen_wait(screen, "Type its name");
    screen_type(screen, "web\r");
    screen_wait(screen, "of 1 ");
    screen_type(screen, "4");
    screen_wait(screen, "web  delete done");
}

static void a_picture_of_a_guests_screen_is_shown_in_the_terminal(void **state)
{
    (void)state;
    daemon_start();
    tui_start();
    screen_wait_line(screen, "> R test", "local");
    screen_wait(screen, "live");

    screen_type(screen, "V");
    screen_wait(screen, "p picture");
    screen_type(screen, "p");
    screen_wait(screen, "> Screen");
    screen_wait(screen, "r again");
    screen_wait(screen, "test   1120x832 at ");
    screen_wait_bytes(screen, "48;5;231"); /* the driver's picture has white in it … */
    screen_wait(screen, "\u258c");         /* … and edges */
    screen_type(screen, "\x1b");
    screen_wait_line(screen, "> R test", "local");
    screen_type(screen, "q");
    assert_int_equal(screen_wait_end(screen), 0);
}

#define LIVE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE_TEST(what_the_daemon_knows_is_shown),
        LIVE_TEST(a_daemon_that_comes_later_is_found),
        LIVE_TEST(a_guest_is_made_forced_off_and_deleted_by_keys),
        LIVE_TEST(a_picture_of_a_guests_screen_is_shown_in_the_terminal),
        LIVE_TEST(a_daemon_that_restarts_is_found_again_and_nothing_vanishes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
