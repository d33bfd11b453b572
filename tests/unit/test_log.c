#include "support/test.h"

#include "log.h"
#include "log_sink.h"
#include "log_storm.h"
#include "scope.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* --- levels -------------------------------------------------------------------------------------
 */

static void levels_are_set_by_folder(void **state)
{
    (void)state;
    struct lodge_error err = {0};

    assert_true(log_set_levels("warning,host=debug,rpc=error", &err));

    assert_true(log_wants(LOG_LEVEL_DEBUG, LOG_HOST));
    assert_true(log_wants(LOG_LEVEL_ERROR, LOG_RPC));
    assert_false(log_wants(LOG_LEVEL_WARNING, LOG_RPC));
    assert_true(log_wants(LOG_LEVEL_WARNING, LOG_MAIN));
    assert_false(log_wants(LOG_LEVEL_INFO, LOG_MAIN));

    assert_true(log_set_levels("rpc=debug", &err)); /* the others are back at info */
    assert_false(log_wants(LOG_LEVEL_DEBUG, LOG_HOST));
    assert_true(log_wants(LOG_LEVEL_INFO, LOG_MAIN));

    assert_true(log_set_level("store", "error", &err)); /* the others stay */
    assert_true(log_wants(LOG_LEVEL_DEBUG, LOG_RPC));
    assert_false(log_wants(LOG_LEVEL_WARNING, LOG_STORE));
    assert_true(log_set_level(NULL, "info", &err));
    assert_true(log_wants(LOG_LEVEL_INFO, LOG_STORE));
    assert_false(log_wants(LOG_LEVEL_DEBUG, LOG_RPC));
}

static void levels_that_make_no_sense_change_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           "loud",  "info,",           "host=",        "=debug",
        "hots=debug", "Info",  "host=debug=info", "debug,x=info", "info,,debug",
        "host",       " info",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct lodge_error err = {0};
        if (log_set_levels(bad[i], &err)) {
            fail_msg("'%s' was taken", bad[i]);
        }
        assert_int_equal(err.kind, LODGE_ERROR_INVALID);
        assert_false(log_wants(LOG_LEVEL_DEBUG, LOG_HOST));
    }
    struct lodge_error err = {0};
    assert_false(log_set_level("hots", "debug", &err));
    assert_string_equal(err.param, "folder");
    err = (struct lodge_error){0};
    assert_false(log_set_level("host", "loud", &err));
    assert_string_equal(err.param, "level");
}

/* --- storms: time is given, so none passes ------------------------------------------------------
 */

static struct log_record *line(const char *source, const char *message)
{
    return log_record_new(LOG_LEVEL_WARNING, LOG_HOST, NULL, source, message);
}

/* Is a line let through? */
static bool says(struct log_storms *storms, const char *source, const char *message, int64_t now_ms)
{
    struct log_record *record = log_storms_filter(storms, line(source, message), now_ms);
    log_record_free(record);
    return record != NULL;
}

static void expect_due(struct log_storms *storms, int64_t now_ms, const char *expected)
{
    struct log_record *due = log_storms_due(storms, now_ms);
    if (expected == NULL) {
        assert_null(due);
    } else {
        assert_non_null(due);
        assert_string_equal(due->message, expected);
    }
    log_record_free(due);
}

static void the_same_line_is_said_once_and_then_counted(void **state)
{
    (void)state;
    struct log_storms storms = {0};

    assert_true(says(&storms, "%s", "no answer", 5000));
    for (int64_t i = 1; i <= 41; i++) {
        assert_false(says(&storms, "%s", "no answer", 5000 + i));
    }

    assert_int_equal(log_storms_next_ms(&storms), 6000);
    expect_due(&storms, 5999, NULL);
    expect_due(&storms, 6000, "no answer ... 41 more like this in 1 s");
    expect_due(&storms, 6000, NULL);
    assert_int_equal(log_storms_next_ms(&storms), -1);
}

static void a_storm_that_goes_on_is_one_line_a_second(void **state)
{
    (void)state;
    struct log_storms storms = {0};
    assert_true(says(&storms, "%s", "no answer", 0));
    for (int64_t second = 0; second < 5; second++) {
        for (int64_t ms = 100; ms < 1000; ms += 100) {
            assert_false(says(&storms, "%s", "no answer", second * 1000 + ms));
        }
        expect_due(&storms, second * 1000 + 1000, "no answer ... 9 more like this in 1 s");
    }
    assert_true(says(&storms, "%s", "no answer", 6000)); /* a quiet second: it is news again */
}

static void one_repetition_is_said_itself(void **state)
{
    (void)state;
    struct log_storms storms = {0};
    assert_true(says(&storms, "%s", "no answer", 0));
    assert_false(says(&storms, "%s", "no answer", 10));
    expect_due(&storms, 1000, "no answer");
}

static void many_lines_of_one_place_are_a_storm_too(void **state)
{
    (void)state;
    struct log_storms storms = {0};
    static const char source[] = "%s is gone";
    char message[32];
    unsigned said = 0;

    for (int i = 0; i < 10000; i++) {
        snprintf(message, sizeof message, "vm%d is gone", i);
        said += says(&storms, source, message, i / 20);
    }

    assert_int_equal(said, LOG_STORM_PER_SOURCE);
    assert_true(says(&storms, "host %s is down", "host h1 is down", 500)); /* others are heard */
    expect_due(&storms, INT64_MAX, "vm9999 is gone ... 9990 more like this in 1 s");
    expect_due(&storms, INT64_MAX, NULL);
}

static void the_same_words_about_another_vm_are_another_line(void **state)
{
    (void)state;
    struct log_storms storms = {0};
    for (int i = 0; i < 3; i++) {
        char vm[8];
        snprintf(vm, sizeof vm, "vm%d", i);
        const struct log_fields fields = {.vm = vm};
        struct log_record *record = log_storms_filter(
            &storms, log_record_new(LOG_LEVEL_INFO, LOG_HOST, &fields, "crashed", "crashed"), 0);
        assert_non_null(record);
        assert_string_equal(record->fields.vm, vm);
        log_record_free(record);
    }
}

/* --- how lines look -----------------------------------------------------------------------------
 */

static const struct log_fields all_fields = {.host = "h1", .vm = "web1", .user = "bob", .op = 7};

/* Writes one line to a sink of `format` over a pipe and a journal's socket; what came out of
 * whichever was written to. */
static void render(enum log_format format, bool journal, const struct log_fields *fields,
                   const char *message, char *ret_text, size_t size)
{
    char dir[] = "/tmp/lodge-log-XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_non_null(mkdtemp(dir));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", dir);
    AUTO(fd_close) int listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (journal) {
        assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    }
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    struct log_sink sink;
    log_sink_open(&sink, format, ends[1], address.sun_path);
    struct log_record *record =
        log_record_new(LOG_LEVEL_WARNING, LOG_HOST, fields, message, message);
    log_sink_write(&sink, record);
    log_record_free(record);
    log_sink_close(&sink);

    bool to_journal = journal && format == LOG_FORMAT_JOURNAL;
    ssize_t length = to_journal ? recv(listener, ret_text, size - 1, MSG_DONTWAIT)
                                : read(ends[0], ret_text, size - 1);
    assert_true(length > 0);
    ret_text[length] = '\0';
    close(ends[0]);
    close(ends[1]);
    unlink(address.sun_path);
    rmdir(dir);
}

static void text_is_time_level_folder_message_and_fields(void **state)
{
    (void)state;
    char text[512];

    render(LOG_FORMAT_TEXT, false, &all_fields, "no answer", text, sizeof text);

    const char *behind_time = text + strlen("2026-11-23 18:14:00.123 ");
    assert_string_equal(behind_time, "warning host: no answer (host=h1 vm=web1 user=bob op=7)\n");
    render(LOG_FORMAT_TEXT, false, NULL, "no answer", text, sizeof text);
    assert_string_equal(behind_time, "warning host: no answer\n");
}

static void a_terminal_is_not_commanded_by_what_is_quoted(void **state)
{
    (void)state;
    char text[512];

    render(LOG_FORMAT_TEXT, false, NULL, "a\nb\033[31m\x7f\xc2\x9b\xc3\xa4", text, sizeof text);

    assert_non_null(strstr(text, "host: a\\nb\\x1b[31m\\x7f\\x9b\xc3\xa4\n"));

    render(LOG_FORMAT_TEXT, false, NULL, "web\u200b1\u202e\x9b\xff", text, sizeof text);
    assert_non_null(strstr(text, "host: web\\u200b1\\u202e\\x9b\\xff\n"));
}

static void the_journal_gets_a_field_each(void **state)
{
    (void)state;
    char text[512];

    render(LOG_FORMAT_JOURNAL, true, &all_fields, "no answer", text, sizeof text);

    assert_string_equal(text, "PRIORITY=4\nSYSLOG_IDENTIFIER=lodged\nMESSAGE=no answer\n"
                              "LODGE_FOLDER=host\nLODGE_HOST=h1\nLODGE_VM=web1\nLODGE_USER=bob\n"
                              "LODGE_OP=7\n");
}

static void a_message_of_two_lines_cannot_forge_a_field(void **state)
{
    (void)state;
    char text[512];

    render(LOG_FORMAT_JOURNAL, true, NULL, "a\nPRIORITY=0", text, sizeof text);

    static const char expected[] = "PRIORITY=4\nSYSLOG_IDENTIFIER=lodged\n"
                                   "MESSAGE\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\nLODGE_FOLDER=host\n";
    assert_memory_equal(text, expected, sizeof expected - 1);
}

static void without_a_journal_stderr_gets_its_prefix(void **state)
{
    (void)state;
    char text[512];

    render(LOG_FORMAT_JOURNAL, false, &all_fields, "no answer", text, sizeof text);

    assert_string_equal(text, "<4>host: no answer (host=h1 vm=web1 user=bob op=7)\n");
}

static void auto_takes_the_journal_only_when_stderr_is_its_stream(void **state)
{
    (void)state;
    char stream[64];
    struct stat info;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(fstat(ends[1], &info), 0);
    struct log_sink sink;

    setenv("JOURNAL_STREAM", "1:1", 1);
    log_sink_open(&sink, LOG_FORMAT_AUTO, ends[1], "/nowhere");
    assert_int_equal(sink.format, LOG_FORMAT_TEXT);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)info.st_dev,
             (unsigned long long)info.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_sink_open(&sink, LOG_FORMAT_AUTO, ends[1], "/nowhere");
    assert_int_equal(sink.format, LOG_FORMAT_JOURNAL);

    unsetenv("JOURNAL_STREAM");
    close(ends[0]);
    close(ends[1]);
}

/* --- the ring -----------------------------------------------------------------------------------
 */

static int saved_stderr;
static int log_reader;

/* From here on stderr is a pipe that the test reads. */
static void redirect(void)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fflush(stderr);
    saved_stderr = dup(2);
    assert_int_equal(dup2(ends[1], 2), 2);
    close(ends[1]);
    log_reader = ends[0];
}

static void redirect_back(void)
{
    assert_int_equal(dup2(saved_stderr, 2), 2);
    close(saved_stderr);
    close(log_reader);
}

static size_t read_all(char *text, size_t size)
{
    size_t length = 0;
    struct pollfd ready = {.fd = log_reader, .events = POLLIN};
    while (length + 1 < size && poll(&ready, 1, 0) == 1) {
        ssize_t got = read(log_reader, text + length, size - 1 - length);
        if (got <= 0) {
            break;
        }
        length += (size_t)got;
    }
    text[length] = '\0';
    return length;
}

static void *chatter(void *data)
{
    const char *name = data;
    for (int i = 0; i < 200; i++) {
        log_with(LOG_LEVEL_INFO, LOG_HOST, (&(struct log_fields){.host = name}), "hello %d", i % 5);
    }
    return NULL;
}

static void threads_are_heard_and_nothing_is_left_behind(void **state)
{
    (void)state;
    static char text[1 << 16];
    char names[4][4] = {"h0", "h1", "h2", "h3"};
    pthread_t threads[4];
    redirect();
    log_info(LOG_MAIN, "before");
    log_start(LOG_FORMAT_TEXT);

    for (size_t i = 0; i < ARRAY_LENGTH(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, chatter, names[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    log_error(LOG_STORE, "the last one");
    log_stop();
    log_info(LOG_MAIN, "after");

    read_all(text, sizeof text);
    redirect_back();
    assert_non_null(strstr(text, "main: before\n"));
    assert_non_null(strstr(text, "store: the last one\n"));
    assert_non_null(strstr(text, "more like this in 1 s"));
    assert_non_null(strstr(strstr(text, "the last one"), "main: after\n"));
}

static void a_terminal_that_was_stopped_stops_nobody(void **state)
{
    (void)state;
    static char text[1 << 21];
    char filler[1024];
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    redirect(); /* nobody reads: the pipe takes 64 KiB, then the writer hangs */
    struct lodge_error err = {0};
    assert_true(log_set_levels("debug", &err));
    log_start(LOG_FORMAT_TEXT);

    for (int i = 0; i < 3000; i++) {
        log_debug(LOG_RPC, "%d %s", i, filler);
    }

    for (size_t length = 0; length == 0 || strstr(text, "lines missing here: ") == NULL;) {
        struct pollfd ready = {.fd = log_reader, .events = POLLIN};
        assert_int_equal(poll(&ready, 1, 20000), 1);
        length += read_all(text + length, sizeof text - length);
        assert_true(length + 1 < sizeof text || strstr(text, "missing") != NULL);
    }
    assert_non_null(strstr(text, "rpc: 0 x"));
    log_stop();
    redirect_back();
    assert_true(log_set_levels("info", &err));
}

static void leaving_does_not_wait_for_a_hung_writer(void **state)
{
    (void)state;
    char filler[1024];
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    redirect();
    struct lodge_error err = {0};
    assert_true(log_set_levels("debug", &err));
    log_start(LOG_FORMAT_TEXT);
    for (int i = 0; i < 500; i++) {
        log_debug(LOG_RPC, "%d %s", i, filler);
    }

    log_stop();
    log_error(LOG_MAIN, "this cannot be said, and does not hang");

    /* once somebody reads, the writer ends by itself */
    static char text[1 << 21];
    struct pollfd ready = {.fd = log_reader, .events = POLLIN};
    size_t length = 0;
    while (strstr(text, "499 x") == NULL) {
        assert_int_equal(poll(&ready, 1, 20000), 1);
        length += read_all(text + length, sizeof text - length);
    }
    redirect_back();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(levels_are_set_by_folder),
        TEST(levels_that_make_no_sense_change_nothing),
        TEST(the_same_line_is_said_once_and_then_counted),
        TEST(a_storm_that_goes_on_is_one_line_a_second),
        TEST(one_repetition_is_said_itself),
        TEST(many_lines_of_one_place_are_a_storm_too),
        TEST(the_same_words_about_another_vm_are_another_line),
        TEST(text_is_time_level_folder_message_and_fields),
        TEST(a_terminal_is_not_commanded_by_what_is_quoted),
        TEST(the_journal_gets_a_field_each),
        TEST(a_message_of_two_lines_cannot_forge_a_field),
        TEST(without_a_journal_stderr_gets_its_prefix),
        TEST(auto_takes_the_journal_only_when_stderr_is_its_stream),
        TEST(threads_are_heard_and_nothing_is_left_behind),
        TEST(a_terminal_that_was_stopped_stops_nobody),
        TEST(leaving_does_not_wait_for_a_hung_writer),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
