/*
 * The hand on the keyboard: what is marked, typed in a hurry or pasted, on a TUI with three
 * guests of libvirt's test driver behind it. What a key did is seen in the list.
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

#define BEGIN "\033[200~"
#define END "\033[201~"
#define ESC "\033"

#define GUEST(name, number, more)                                                     \
    "<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"    \
    "<name>" name "</name><uuid>10d9e000-0000-4000-8000-00000000000" number "</uuid>" \
    "<memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type>hvm</type></os>" more "</domain>"

static struct screen *screen;
static char folder[] = "/tmp/lodge-hand-XXXXXX";
static char socket_path[64];
static pid_t daemon_pid;

static void write_guests(const char *path)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs("<node>" GUEST("alpha", "1", "") GUEST("beta", "2", "<test:runstate>5</test:runstate>")
              GUEST("gamma", "3", "") "</node>",
          file);
    fclose(file);
}

static void daemon_start(void)
{
    const char *program = getenv("LODGED_PROGRAM");
    char guests[64];
    char host[96];
    char state[64];
    char log[64];

    assert_non_null(program);
    snprintf(guests, sizeof(guests), "%s/guests.xml", folder);
    snprintf(host, sizeof(host), "local=test://%s", guests);
    snprintf(state, sizeof(state), "%s/state", folder);
    snprintf(log, sizeof(log), "%s/log", folder);
    write_guests(guests);
    screen_keep_too("lodged.log", log);
    daemon_pid = fork();
    assert_int_not_equal(daemon_pid, -1);
    if (daemon_pid == 0) {
        if (freopen(log, "a", stderr) == NULL || freopen(log, "a", stdout) == NULL) {
            _exit(126);
        }
        execl(program, "lodged", "--host", host, "--socket", socket_path, "--state-dir", state,
              "--http", "off", (char *)NULL);
        _exit(127);
    }
}

static int set_up(void **state)
{
    const char *program = getenv("LODGE_PROGRAM");

    (void)state;
    assert_non_null(program);
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    snprintf(socket_path, sizeof(socket_path), "%s/lodged.sock", folder);
    daemon_start();
    screen = screen_start(80, 24, (const char *[]){program, "--socket", socket_path, NULL},
                          (const char *[]){"TERM=xterm-256color", "LC_ALL=C.UTF-8",
                                           "XDG_STATE_HOME=/dev/null", NULL});
    screen_wait_line(screen, "> R alpha", "local");
    screen_wait_line(screen, "  S beta", "local");
    screen_wait_line(screen, "  R gamma", "local");
    screen_wait(screen, "live");
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
    screen_stop(screen);
    kill(daemon_pid, SIGKILL);
    waitpid(daemon_pid, NULL, 0);
    return nftw(folder, take_away, 8, FTW_DEPTH | FTW_PHYS);
}

static void send_text(const char *text)
{
    screen_send(screen, text, strlen(text));
}

/* Nothing was done to any guest: what is in the list stands after a key that was heard since. */
static void expect_untouched(void)
{
    screen_type(screen, "1I");
    screen_wait(screen, "sort NAME v");
    screen_type(screen, "I");
    screen_wait(screen, "sort NAME ^");
    screen_wait_line(screen, "", "R alpha");
    screen_wait_line(screen, "", "S beta");
    screen_wait_line(screen, "", "R gamma");
    screen_wait(screen, "of 3");
}

static void expect_a_live_tui(void)
{
    expect_untouched();
    screen_type(screen, "q");
    assert_int_equal(screen_wait_end(screen), 0);
    assert_true(screen_modes_are_restored(screen));
}

static void the_marked_guest_is_named_and_goes_and_the_one_under_the_cursor_stays(void **state)
{
    (void)state;
    screen_type(screen, " ");
    screen_wait_line(screen, " *R alpha", "local");
    screen_type(screen, "G");
    screen_wait_line(screen, "> R gamma", "local");
    screen_type(screen, "D");
    screen_wait(screen, "Force off alpha (running)?");
    screen_wait(screen, "Y (capital)");
    screen_type(screen, "Y");
    screen_wait(screen, "force off alpha: done");
    screen_wait_line(screen, " *S alpha", "local");
    screen_wait_line(screen, "> R gamma", "local");
}

static void what_a_filter_hides_is_named_before_it_goes(void **state)
{
    (void)state;
    screen_type(screen, " ");
    screen_wait(screen, "1 marked");
    screen_type(screen, "/gamma\r");
    screen_wait_line(screen, "> R gamma", "local");
    screen_type(screen, "X");
    screen_wait(screen, "Delete alpha (running, hidden by the filter) for good, with no disk that");
    screen_wait(screen, "Type its name:");
    screen_type(screen, "gamma\r");
    screen_wait(screen, "nothing was done");
    screen_type(screen, ESC);
    expect_untouched();
}

static void keys_in_a_burst_answer_no_question(void **state)
{
    static const struct {
        const char *keys;
        const char *answers;
    } bursts[] = {{"DY", "Y (capital) / N"},
                  {"Sy", "y/N"},
                  {"DYDYDY", "Y (capital) / N"},
                  {"Ry", "y/N"},
                  {"Py", "y/N"}};

    (void)state;
    for (size_t i = 0; i < sizeof(bursts) / sizeof(bursts[0]); i++) {
        screen_type(screen, bursts[i].keys);
        screen_wait(screen, "alpha (running)?");
        screen_wait(screen, bursts[i].answers);
        screen_type(screen, "n");
        screen_wait(screen, "nothing was done");
        expect_untouched();
    }
}

static void of_many_the_sum_is_said(void **state)
{
    (void)state;
    screen_type(screen, "   ");
    screen_wait(screen, "3 marked");
    screen_type(screen, "P");
    screen_wait(screen, "Pause 3 VMs: alpha (running), beta (shutoff), gamma (running)? y/N");
    screen_type(screen, "y");
    screen_wait(screen, "pause 3 VMs: 1 failed, 2 done. beta: ");
    screen_wait_line(screen, "", "P alpha");
    screen_wait_line(screen, "", "P gamma");
    screen_wait_line(screen, "", "S beta");
}

static void pasted_text_is_no_keys(void **state)
{
    static const char *const pastes[] = {
        BEGIN "service restart" END,
        BEGIN "DY\nXalpha\n" END,
        BEGIN ESC "D" ESC "[201D Y\n" END,
        BEGIN "\x03\x1a\x1c\x13\x04qQ\377\300" END,
    };

    (void)state;
    screen_type(screen, "j"); /* on one that is off: s would start it */
    for (size_t i = 0; i < sizeof(pastes) / sizeof(pastes[0]); i++) {
        send_text(pastes[i]);
        screen_wait(screen, "what is pasted is no keys");
        expect_untouched();
    }
    expect_a_live_tui();
}

static void pasted_text_answers_no_question(void **state)
{
    (void)state;
    screen_type(screen, "D");
    screen_wait(screen, "Y (capital)");
    send_text(BEGIN "Y" END);
    screen_type(screen, "n");
    screen_wait(screen, "nothing was done");
    screen_type(screen, "X");
    screen_wait(screen, "Type its name:");
    send_text(BEGIN "alpha\n" END); /* in a field it is text; its line end submits nothing */
    screen_wait(screen, "Type its name: alpha");
    screen_type(screen, ESC);
    screen_wait(screen, "nothing was done");
    expect_a_live_tui();
}

static void pasted_text_fills_fields_and_sends_no_form(void **state)
{
    (void)state;
    screen_type(screen, "i");
    screen_wait(screen, "Create a guest");
    send_text(BEGIN "pasted-vm\r\n" END);
    screen_wait(screen, "> Name       pasted-vm");
    screen_type(screen, ESC);
    screen_wait_gone(screen, "Create a guest");
    screen_type(screen, "/");
    send_text(BEGIN "al" ESC "pha\n" END);
    screen_wait(screen, "/ alpha");
    screen_wait(screen, "1/1");
    screen_type(screen, ESC);
    screen_wait(screen, "/3");
    expect_a_live_tui();
}

static void a_paste_in_single_bytes_is_a_paste(void **state)
{
    static const char paste[] = BEGIN "DYs\n" END;

    (void)state;
    screen_type(screen, "/");
    for (size_t i = 0; i < strlen(paste); i++) {
        screen_send(screen, paste + i, 1);
    }
    screen_wait(screen, "/ DYs");
    screen_type(screen, ESC);
    expect_a_live_tui();
}

static void a_megabyte_is_pasted_in_a_moment(void **state)
{
    static const size_t size = 1 << 20;
    char *text = malloc(size);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < size; i++) {
        text[i] = "DY\nXalpha\n"[i % 10];
    }
    for (int place = 0; place < 2; place++) {
        send_text(place == 0 ? "" : ":");
        send_text(BEGIN);
        screen_send(screen, text, size);
        send_text(END);
        screen_wait(screen,
                    place == 0 ? "what is pasted is no keys" : "not all of what was pasted");
        screen_type(screen, ESC);
        expect_untouched();
    }
    free(text);
    expect_a_live_tui();
}

static void a_paste_that_does_not_end_is_given_up(void **state)
{
    (void)state;
    send_text(BEGIN "DY");
    screen_wait(screen, "what was pasted has no end");
    expect_a_live_tui();
}

static void the_terminal_is_asked_to_mark_pastes_for_as_long_as_it_is_ours(void **state)
{
    (void)state;
    screen_wait_bytes(screen, ESC "[?2004h");
    screen_forget_bytes(screen);
    screen_type(screen, "\x1a");
    screen_wait_stopped(screen);
    screen_wait_bytes(screen, ESC "[?2004l");
    screen_forget_bytes(screen);
    screen_signal(screen, SIGCONT);
    screen_wait_bytes(screen, ESC "[?2004h");
    screen_type(screen, "q");
    assert_int_equal(screen_wait_end(screen), 0);
    screen_wait_bytes(screen, ESC "[?2004l");
}

static void a_crash_takes_it_back(void **state)
{
    (void)state;
    screen_signal(screen, SIGSEGV);
    assert_int_equal(screen_wait_end(screen), 128 + SIGSEGV);
    screen_wait_bytes(screen, ESC "[?2004l");
}

/* The keys that follow a creation are the form's, whenever its answer comes. */
static void the_form_hears_keys_until_it_is_left(void **state)
{
    (void)state;
    screen_type(screen, "j");
    screen_wait_line(screen, "> S beta", "local");
    screen_type(screen, "i");
    screen_wait(screen, "Create a guest");
    screen_type(screen, "new\t\t\t\x15\t\t\t\tnone\r");
    screen_wait(screen, "create new: done in");
    screen_type(screen, "sDYs");
    screen_wait(screen, "> Network    nonesDYs"); /* where it was typed */
    screen_type(screen, ESC);
    screen_wait_gone(screen, "Create a guest");
    screen_wait_line(screen, "> S beta", "local");
    screen_wait(screen, "of 4");
}

/* A newcomer's first slips, on the smallest usual terminal: what was wrong and what to do is there
 * to its last word. */
static void what_a_newcomer_is_told_is_there_to_its_last_word(void **state)
{
    static const struct {
        const char *typed;
        const char *told;
    } slips[] = {
        {":crate\r", "no command 'crate': Tab shows how it goes on, ? what there is"},
        {":create build-server-for-the-web-team-01\r",
         "expected a name, a number of CPUs and memory: web 2 1G 10G start"},
        {":create alpha 1 64M\r", "create alpha: host 'local' has a VM called 'alpha' already"},
        {":create build-server-for-the-web-team-01 1 64M 1G image=debian-12-generic.qcow2\r",
         "host 'local' is another machine: it cannot read this library's images"},
        {":create build-server-for-the-web-team-01 1 4M\r", "memory must be from 16M to 16T"},
        {"/stat:running\r", "no key is called 'stat'; there are state, owner, host, tag"},
        {ESC "%", "% means nothing here; ? lists the keys"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(slips) / sizeof(slips[0]); i++) {
        screen_type(screen, slips[i].typed);
        screen_wait_whole(screen, slips[i].told);
    }
    expect_a_live_tui();
}

#define HAND_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HAND_TEST(the_marked_guest_is_named_and_goes_and_the_one_under_the_cursor_stays),
        HAND_TEST(what_a_filter_hides_is_named_before_it_goes),
        HAND_TEST(keys_in_a_burst_answer_no_question),
        HAND_TEST(of_many_the_sum_is_said),
        HAND_TEST(pasted_text_is_no_keys),
        HAND_TEST(pasted_text_answers_no_question),
        HAND_TEST(pasted_text_fills_fields_and_sends_no_form),
        HAND_TEST(a_paste_in_single_bytes_is_a_paste),
        HAND_TEST(a_megabyte_is_pasted_in_a_moment),
        HAND_TEST(a_paste_that_does_not_end_is_given_up),
        HAND_TEST(the_terminal_is_asked_to_mark_pastes_for_as_long_as_it_is_ours),
        HAND_TEST(a_crash_takes_it_back),
        HAND_TEST(the_form_hears_keys_until_it_is_left),
        HAND_TEST(what_a_newcomer_is_told_is_there_to_its_last_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
