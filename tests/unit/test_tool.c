#include "host/storage/tool.h"

#include "memory.h"
#include "support/folder_world.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

/* Runs a shell's line with its $1 to $3: the files that it may open, and one that it may not. */
static struct tool_result shell(const char *line, int reads, int writes, const char *other,
                                int64_t seconds)
{
    char read_name[64];
    char write_name[64];
    struct tool_result result = {0};
    (void)snprintf(read_name, sizeof read_name, "/proc/self/fd/%d", reads);
    (void)snprintf(write_name, sizeof write_name, "/proc/self/fd/%d", writes);
    const char *const words[] = {"sh", "-c", line, "sh", read_name, write_name, other, NULL};
    struct tool tool = {
        .words = words,
        .reads = &reads,
        .read_count = reads >= 0,
        .writes = writes,
        .seconds = seconds,
    };
    expect_good(tool_run(&tool, &result, err));
    return result;
}

static void a_tool_opens_what_it_was_given_and_nothing_else(void **state)
{
    (void)state;
    file_write(in_folder("given"), "given\n");
    file_write(in_folder("other"), "other\n");
    AUTO(fd_close) int reads = open(in_folder("given"), O_RDONLY | O_CLOEXEC);
    AUTO(fd_close) int writes = open(in_folder("result"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    struct tool_result result =
        shell("cat \"$1\"; cat \"$3\"; echo bad >\"$1\"; cat \"$1\" >\"$2\"; echo new >\"$3.new\"; "
              "echo old >\"$3\"; cat \"$2\"",
              reads, writes, in_folder("other"), 60);

    if (!result.confined) {
        tool_result_clear(&result);
        skip(); /* this kernel has no Landlock */
    }
    assert_int_equal(result.end, TOOL_ENDED);
    assert_string_equal(result.out, "given\ngiven\n");
    assert_false(file_is_there(in_folder("other.new")));
    tool_result_clear(&result);
}

static void a_file_without_a_name_is_written_too(void **state)
{
    (void)state;
    char text[8] = "";
    AUTO(fd_close) int writes = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    assert_true(writes >= 0);

    struct tool_result result = shell("echo words >\"$2\"", -1, writes, "", 60);

    assert_true(WIFEXITED(result.status) && WEXITSTATUS(result.status) == 0);
    assert_int_equal(pread(writes, text, sizeof text, 0), 6);
    assert_string_equal(text, "words\n");
    tool_result_clear(&result);
}

static void a_tool_that_is_late_is_killed(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);

    struct tool_result result = shell("cat <\"$1\"", ends[0], -1, "", 1);

    assert_int_equal(result.end, TOOL_LATE);
    assert_true(WIFSIGNALED(result.status) && WTERMSIG(result.status) == SIGKILL);
    tool_result_clear(&result);
    close(ends[0]);
    close(ends[1]);
}

static void a_tool_that_computes_for_ever_is_ended(void **state)
{
    (void)state;
    struct tool_result result = shell("while :; do :; done", -1, -1, "", 2);

    assert_true(WIFSIGNALED(result.status));
    tool_result_clear(&result);
}

static void a_tool_has_no_more_memory_than_it_may(void **state)
{
    (void)state;
    struct tool_result result = shell("dd if=/dev/zero bs=3G count=1 >/dev/null", -1, -1, "", 60);
    assert_int_equal(result.end, TOOL_ENDED);
    assert_true(!WIFEXITED(result.status) || WEXITSTATUS(result.status) != 0);
    tool_result_clear(&result);
}

static void a_tool_has_no_more_words_than_there_is_room_for(void **state)
{
    (void)state;
    struct tool_result result = shell("yes; yes >&2", -1, -1, "", 60);

    assert_int_equal(result.end, TOOL_ENDED);
    assert_int_equal(strlen(result.out), 64 * 1024);
    assert_int_equal(strlen(result.err), 64 * 1024);
    tool_result_clear(&result);
}

/* Ends the process with what `run` says; the caller gets that. */
static int in_a_child(int (*run)(void))
{
    pid_t child = fork();
    if (child == 0) {
        _exit(run());
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Less CPU time than the tool is to have, and no right to more. */
static int run_with_lower_limits(void)
{
    static const char *const words[] = {"sh", "-c", "ulimit -t", NULL};
    struct tool tool = {.words = words, .writes = -1, .seconds = 600};
    struct tool_result result = {0};
    struct lodge_error err = {0};
    if (setrlimit(RLIMIT_CPU, &(struct rlimit){60, 60}) != 0 ||
        (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)) {
        return 2;
    }
    if (!tool_run(&tool, &result, &err)) {
        return 3;
    }
    bool good = strcmp(result.out, "60\n") == 0;
    tool_result_clear(&result);
    return good ? 0 : 4;
}

static void a_tool_runs_within_limits_that_are_lower_than_its_own(void **state)
{
    (void)state;
    assert_int_equal(in_a_child(run_with_lower_limits), 0);
}

static pid_t dies_as_it_forks; /* 0: nobody does */

/* In the child, before fork() returns there. */
static void end_the_parent(void)
{
    if (dies_as_it_forks == 0) {
        return;
    }
    kill(dies_as_it_forks, SIGKILL);
    while (getppid() == dies_as_it_forks) {
        sched_yield();
    }
}

static int run_and_die(void)
{
    dies_as_it_forks = getpid();
    struct tool_result result = shell("echo lived >\"$2\"", -1, 100, "", 60);
    tool_result_clear(&result);
    return 0; /* it was to be killed */
}

/* All that have the pipe's other end are gone. */
static bool all_have_ended(int pipe_end)
{
    char byte;
    struct pollfd end = {.fd = pipe_end, .events = POLLIN};
    return poll(&end, 1, 20 * 1000) == 1 && read(pipe_end, &byte, 1) == 0;
}

static void a_tool_whose_parent_ended_before_it_began_does_nothing(void **state)
{
    (void)state;
    int alive[2]; /* they all have its other end, and it is nobody's when they have ended */
    struct stat info;
    assert_int_equal(pthread_atfork(NULL, NULL, end_the_parent), 0);
    assert_int_equal(pipe(alive), 0);
    AUTO(fd_close) int writes = open(in_folder("result"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(dup3(writes, 100, O_CLOEXEC), 100);

    assert_int_equal(in_a_child(run_and_die), 128 + SIGKILL);

    close(alive[1]);
    assert_true(all_have_ended(alive[0]));
    close(alive[0]);
    close(100);
    assert_int_equal(fstat(writes, &info), 0);
    assert_int_equal(info.st_size, 0);
}

/* Each waits for words that nobody says. */
static void what_a_tool_has_started_ends_with_it(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum tool_end end;
    } rows[] = {
        {"cat <\"$1\" & wait", TOOL_LATE},
        {"cat <\"$1\" & exit 0", TOOL_ENDED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int never[2];
        int alive[2];
        assert_int_equal(pipe2(never, O_CLOEXEC), 0);
        assert_int_equal(pipe(alive), 0);

        struct tool_result result = shell(rows[i].line, never[0], -1, "", 2);

        assert_int_equal(result.end, rows[i].end);
        close(alive[1]);
        bool ended = all_have_ended(alive[0]);
        tool_result_clear(&result);
        close(alive[0]);
        close(never[0]);
        close(never[1]);
        assert_true(ended);
    }
}

static void a_tool_that_is_not_there_is_said(void **state)
{
    (void)state;
    const char *const words[] = {"no-such-tool-anywhere", NULL};
    struct tool tool = {.words = words, .writes = -1, .seconds = 10};
    struct tool_result result = {0};

    expect_kind(tool_run(&tool, &result, err), LODGE_ERROR_UNSUPPORTED);
}

#define IN_FOLDER(function) cmocka_unit_test_setup_teardown(function, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_tool_opens_what_it_was_given_and_nothing_else),
        IN_FOLDER(a_file_without_a_name_is_written_too),
        IN_FOLDER(a_tool_that_is_late_is_killed),
        IN_FOLDER(a_tool_that_computes_for_ever_is_ended),
        IN_FOLDER(a_tool_has_no_more_memory_than_it_may),
        IN_FOLDER(a_tool_has_no_more_words_than_there_is_room_for),
        IN_FOLDER(a_tool_runs_within_limits_that_are_lower_than_its_own),
        IN_FOLDER(a_tool_whose_parent_ended_before_it_began_does_nothing),
        IN_FOLDER(what_a_tool_has_started_ends_with_it),
        IN_FOLDER(a_tool_that_is_not_there_is_said),
    };
    return cmocka_run_group_tests_name("tool", tests, NULL, NULL);
}
