/* session_log: rows are written in order by a worker, and nobody waits for the store. */
#include "support/test.h"

#include "support/loop_world.h"
#include "support/store_world.h"

#include "reads/session_log.h"

static struct store *store;
static struct session_log *journal;
static FILE *complaints; /* stderr's stand-in: without a writer lines are there at once */
static int stderr_before;

static int make_log(void **state)
{
    if (make_dir(state) != 0) {
        return -1;
    }
    make_loop(state);
    store = open_well();
    journal = session_log_new(loop);
    complaints = tmpfile();
    stderr_before = dup(2);
    return complaints == NULL || dup2(fileno(complaints), 2) != 2 ? -1 : 0;
}

static int end_log(void **state)
{
    dup2(stderr_before, 2);
    close(stderr_before);
    fclose(complaints);
    store_close(TAKE(store));
    return end_loop(state) + remove_dir(state);
}
#define LOGGING(function) cmocka_unit_test_setup_teardown(function, make_log, end_log)

static void begin(int64_t id, const char *mode)
{
    char name[16];
    snprintf(name, sizeof name, "vm%lld", (long long)id);
    session_log_begin(journal, &(struct session_row){
                                   .id = id,
                                   .host = "h1",
                                   .uuid = "7b2ab29e-0000-4000-8000-000000000001",
                                   .vm = name, /* it copies what it is given */
                                   .peer = "pid 7",
                                   .kind = "vnc",
                                   .mode = mode,
                                   .door = "web",
                                   .started_ms = 1000,
                               });
    memset(name, 'x', sizeof name);
}

static int times_said(const char *words)
{
    static char text[1 << 16];
    int times = 0;
    ssize_t length = pread(fileno(complaints), text, sizeof text - 1, 0);
    assert_true(length >= 0);
    text[length] = '\0';
    for (const char *at = text; (at = strstr(at, words)) != NULL; at += strlen(words)) {
        times++;
    }
    return times;
}

static char last_words[64];

static bool last_is_said(void)
{
    return times_said(last_words) > 0;
}

/* The worker is through with the store when the failure of a last row, which the schema refuses,
 * has come back: only then may the store be looked at and closed. */
static void write_all(void)
{
    static int64_t last = 1000; /* another each time, since what repeats is counted, not said */
    snprintf(last_words, sizeof last_words, "the row of session %lld:", (long long)++last);
    begin(last, "nonsense");
    assert_true(loop_until(last_is_said));
    (void)session_log_free(TAKE(journal));
}

static void each_end_finds_its_beginning(void **state)
{
    (void)state;
    session_log_take_store(journal, store);

    for (int64_t id = 1; id <= 50; id++) {
        begin(id, "rw");
        session_log_end(journal, id, "closed", (uint64_t)id * 10);
    }
    write_all();

    assert_int_equal(ask(store, "SELECT sum(bytes) FROM session WHERE reason = 'closed'"), 12750);
    assert_int_equal(ask(store, "SELECT count(*) FROM session WHERE vm_name = 'vm' || id"), 50);
}

static void a_row_that_cannot_be_written_is_said_once(void **state)
{
    (void)state;
    session_log_take_store(journal, store);

    begin(7, "nonsense");
    session_log_end(journal, 7, "closed", 1); /* of what has no row: nothing to say */
    write_all();

    assert_int_equal(times_said("the row of session 7:"), 1);
    assert_int_equal(ask(store, "SELECT count(*) FROM session"), 0);
}

static void without_a_store_there_are_no_rows_and_later_ones_are_fine(void **state)
{
    (void)state;
    begin(1, "rw");
    session_log_take_store(journal, store);
    session_log_end(journal, 1, "closed", 1); /* the end of what has no row */
    begin(2, "rw");
    session_log_end(journal, 2, "closed", 2);

    write_all();

    assert_int_equal(ask(store, "SELECT count(*) FROM session"), 1);
    assert_int_equal(ask(store, "SELECT bytes FROM session WHERE id = 2"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOGGING(each_end_finds_its_beginning),
        LOGGING(a_row_that_cannot_be_written_is_said_once),
        LOGGING(without_a_store_there_are_no_rows_and_later_ones_are_fine),
    };
    return cmocka_run_group_tests_name("session_log", tests, NULL, NULL);
}
