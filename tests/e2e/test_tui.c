/*
 * The TUI as a person meets it: the real program in a terminal, keys in, pictures out.
 *
 * The fleet is the simulated one; what the daemon adds is tested where there is a daemon.
 */
#include "support/test.h"

#include "support/screen.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAVE_ALTERNATE_SCREEN "\033[?1049l"
#define ESC "\033"

static struct screen *screen;

static const char *program(void)
{
    const char *path = getenv("LODGE_PROGRAM");

    assert_non_null(path);
    return path;
}

/* Starts `lodge --demo 50` with this TERM, locale, and one more variable. */
static void start(int width, int height, const char *term, const char *locale, const char *more)
{
    char term_is[64];
    char locale_is[64];

    snprintf(term_is, sizeof(term_is), "TERM=%s", term);
    snprintf(locale_is, sizeof(locale_is), "LC_ALL=%s", locale);
    screen = screen_start(width, height, (const char *[]){program(), "--demo", "50", NULL},
                          (const char *[]){term_is, locale_is, "NO_COLOR", "TZ=UTC", more, NULL});
}

static void start_usual(int width, int height)
{
    start(width, height, "xterm-256color", "C.UTF-8", NULL);
    screen_wait(screen, "of 50");
}

static int tear_down(void **state)
{
    (void)state;
    if (screen != NULL) {
        screen_stop(screen);
        screen = NULL;
    }
    return 0;
}

/* Whether a colour was chosen: SGR 30 to 37, or 38;5. */
static bool wrote_colour(void)
{
    char sequence[16];

    for (int colour = 0; colour < 8; colour++) {
        snprintf(sequence, sizeof(sequence), ESC "[3%dm", colour);
        if (screen_wrote(screen, sequence)) {
            return true;
        }
    }
    return screen_wrote(screen, "38;5;");
}

static void the_list_shows_guests_and_their_host(void **state)
{
    (void)state;
    start_usual(80, 24);

    screen_wait(screen, "lodge demo > VMs  live");
    screen_wait(screen, "attic down");
    screen_wait_line(screen, "  H ", "build-runner-01");
    screen_wait_line(screen, "  ? ", "build-runner-04");
    screen_wait(screen, "q quit");
}

static void keys_move_the_cursor(void **state)
{
    (void)state;
    start_usual(80, 24);
    screen_wait_line(screen, "> ", "a-name-so");

    screen_type(screen, "jj");
    screen_wait_line(screen, "> ", "build-runner-02");
    screen_type(screen, "k");
    screen_wait_line(screen, "> ", "build-runner-01");
    screen_type(screen, ESC "OB"); /* an arrow */
    screen_wait_line(screen, "> ", "build-runner-02");
    screen_type(screen, ESC "[A"); /* and as a terminal sends it that does not heed modes */
    screen_wait_line(screen, "> ", "build-runner-01");
    screen_type(screen, "G");
    screen_wait(screen, "50/50");
    screen_wait_line(screen, "> ", "東京-edge");
    screen_type(screen, "g");
    screen_wait_line(screen, "> ", "a-name-so");
}

static void a_filter_narrows_while_it_is_typed(void **state)
{
    (void)state;
    start_usual(80, 24);

    screen_type(screen, "/owner:alice");
    screen_wait(screen, "1/22");
    screen_type(screen, " web");
    screen_wait(screen, "1/3");
    screen_type(screen, "\r");
    screen_wait_line(screen, "> ", "web-01");
    screen_type(screen, ESC);
    screen_wait(screen, "1/50");
}

static void a_filter_that_is_wrong_says_where(void **state)
{
    (void)state;
    start_usual(80, 24);

    screen_type(screen, "/owner:bob state:nosuch");
    screen_wait(screen, "column 17");
    screen_wait(screen, "nosuch");
    screen_type(screen, ESC);
    screen_wait_gone(screen, "column 17");
}

static void the_order_can_be_changed(void **state)
{
    (void)state;
    start_usual(80, 24);

    screen_wait(screen, "sort NAME ^");
    screen_type(screen, "I");
    screen_wait(screen, "sort NAME v");
    screen_wait_line(screen, "> ", "東京-edge");
    screen_type(screen, ":sort cpu\r");
    screen_wait(screen, "sort CPU% v");
    screen_type(screen, "<");
    screen_wait(screen, "sort vCPU v");
}

static void a_new_size_is_a_new_layout(void **state)
{
    (void)state;
    start_usual(80, 24);
    screen_wait_gone(screen, "STATUS");

    screen_resize(screen, 120, 35);
    screen_wait(screen, "STATUS");
    screen_wait(screen, "uuid");
    screen_wait(screen, "52:54:00"); /* what only vm.get tells */
    screen_resize(screen, 200, 50);
    screen_wait(screen, "TAGS");
    screen_resize(screen, 40, 12);
    screen_wait_gone(screen, "HOST");
    screen_wait(screen, "CPU%");
    screen_wait(screen, "q quit");
    screen_resize(screen, 80, 24);
    screen_wait(screen, "lodge demo > VMs");
}

static void help_and_the_other_views_open_and_close(void **state)
{
    (void)state;
    start_usual(80, 24);

    screen_type(screen, "?");
    screen_wait(screen, "a page down");
    screen_type(screen, "q");
    screen_wait_gone(screen, "a page down");
    screen_type(screen, "2");
    screen_wait(screen, "No route to host");
    screen_type(screen, "j\r");
    screen_wait(screen, "/ host:lodge1");
    screen_type(screen, "j\r");
    screen_wait(screen, "52:54:00");
    screen_type(screen, ESC);
    screen_wait(screen, "/ host:lodge1");
}

static void expect_restored(void)
{
    screen_wait_bytes(screen, LEAVE_ALTERNATE_SCREEN);
    assert_true(screen_modes_are_restored(screen));
}

static void quitting_gives_the_terminal_back(void **state)
{
    (void)state;
    start_usual(80, 24);
    assert_false(screen_modes_are_restored(screen));

    screen_type(screen, "q");

    assert_int_equal(screen_wait_end(screen), 0);
    expect_restored();
}

static void signals_give_the_terminal_back(void **state)
{
    static const int signals[] = {SIGTERM, SIGHUP, SIGINT};

    (void)state;
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        start_usual(80, 24);

        screen_signal(screen, signals[i]);

        assert_int_equal(screen_wait_end(screen), 0);
        expect_restored();
        tear_down(NULL);
    }
}

static void a_crash_gives_the_terminal_back(void **state)
{
    static const int signals[] = {SIGSEGV, SIGABRT};

    (void)state;
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        start_usual(80, 24);

        screen_signal(screen, signals[i]);

        assert_int_equal(screen_wait_end(screen), 128 + signals[i]);
        expect_restored();
        tear_down(NULL);
    }
}

static void suspending_gives_the_terminal_back_for_a_while(void **state)
{
    (void)state;
    start_usual(80, 24);

    screen_type(screen, "\x1a");
    screen_wait_stopped(screen);
    expect_restored();
    screen_forget_bytes(screen);

    screen_signal(screen, SIGCONT);
    screen_type(screen, "?");
    screen_wait(screen, "a page down");
    assert_false(screen_modes_are_restored(screen));
    assert_true(screen_wrote(screen, "lodge")); /* all was drawn anew */
}

static void the_c_locale_gets_ascii_only(void **state)
{
    (void)state;
    start(80, 24, "xterm-256color", "C", NULL);
    screen_wait(screen, "of 50");

    screen_type(screen, "2");
    screen_wait(screen, "No route to host");
    screen_type(screen, "1G");
    screen_wait(screen, "50/50");

    for (size_t i = 0; i < screen->length; i++) {
        assert_true((unsigned char)screen->bytes[i] < 0x80);
    }
}

static void few_colours_are_enough(void **state)
{
    (void)state;
    start(80, 24, "xterm", "C.UTF-8", NULL);
    screen_wait(screen, "of 50");

    assert_true(wrote_colour());
    assert_false(screen_wrote(screen, "38;5;"));
    assert_false(screen_wrote(screen, ESC "[40m")); /* no background of our own */
}

static void no_colour_is_enough(void **state)
{
    (void)state;
    start(80, 24, "xterm-256color", "C.UTF-8", "NO_COLOR=1");
    screen_wait(screen, "of 50");
    assert_false(wrote_colour());
    tear_down(NULL);

    start(80, 24, "vt100", "C", NULL);
    screen_wait(screen, "of 50");
    assert_false(wrote_colour());
    screen_type(screen, "q");
    assert_int_equal(screen_wait_end(screen), 0);
}

static void where_no_tui_can_be_it_says_what_can(void **state)
{
    (void)state;
    start(80, 24, "dumb", "C.UTF-8", NULL);
    assert_int_equal(screen_wait_end(screen), 2);
    screen_wait(screen, "lodge ls");
    assert_false(screen_wrote(screen, ESC));
    tear_down(NULL);

    start(80, 24, "no-such-terminal", "C.UTF-8", NULL);
    assert_int_equal(screen_wait_end(screen), 2);
    screen_wait(screen, "TERM=no-such-terminal");
}

static void without_a_daemon_it_says_so_and_what_helps(void **state)
{
    (void)state;
    screen = screen_start(80, 24,
                          (const char *[]){program(), "--socket", "/nonexistent/lodged.sock", NULL},
                          (const char *[]){"TERM=xterm-256color", "LC_ALL=C.UTF-8", NULL});

    screen_wait(screen, "/nonexistent/lodged.sock");
    screen_wait(screen, "retry");
    screen_wait(screen, "lodged --socket"); /* the command that helps */
    screen_type(screen, "q");
    assert_int_equal(screen_wait_end(screen), 0);
}

static void a_screenshot_is_what_is_seen(void **state)
{
    char path[] = "/tmp/lodge-shot-XXXXXX";
    char command[64];
    char file[65536] = "";

    (void)state;
    start_usual(80, 24);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    unlink(path); /* the TUI writes over nothing */

    snprintf(command, sizeof(command), ":screenshot %s\r", path);
    screen_type(screen, command);
    screen_wait(screen, "the picture is in");

    FILE *shot = fopen(path, "r");
    assert_non_null(shot);
    assert_true(fread(file, 1, sizeof(file) - 1, shot) > 1000);
    fclose(shot);
    assert_non_null(strstr(file, "build-runner-01"));
    screen_type(screen, command);
    screen_wait(screen, "File exists");
    unlink(path);
}

#define SCREEN_TEST(function) cmocka_unit_test_teardown(function, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCREEN_TEST(the_list_shows_guests_and_their_host),
        SCREEN_TEST(keys_move_the_cursor),
        SCREEN_TEST(a_filter_narrows_while_it_is_typed),
        SCREEN_TEST(a_filter_that_is_wrong_says_where),
        SCREEN_TEST(the_order_can_be_changed),
        SCREEN_TEST(a_new_size_is_a_new_layout),
        SCREEN_TEST(help_and_the_other_views_open_and_close),
        SCREEN_TEST(quitting_gives_the_terminal_back),
        SCREEN_TEST(signals_give_the_terminal_back),
        SCREEN_TEST(a_crash_gives_the_terminal_back),
        SCREEN_TEST(suspending_gives_the_terminal_back_for_a_while),
        SCREEN_TEST(the_c_locale_gets_ascii_only),
        SCREEN_TEST(few_colours_are_enough),
        SCREEN_TEST(no_colour_is_enough),
        SCREEN_TEST(where_no_tui_can_be_it_says_what_can),
        SCREEN_TEST(without_a_daemon_it_says_so_and_what_helps),
        SCREEN_TEST(a_screenshot_is_what_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
