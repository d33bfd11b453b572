/* session_rows: a row per session, ended once, ended by the next start, forgotten in the end. */
#include "support/test.h"

#include "store/ops.h"
#include "store/recall.h"
#include "store/session_rows.h"
#include "support/store_world.h"

#define UUID "7b2ab29e-0000-4000-8000-000000000001"

static void begin(struct store *store, int64_t id, int64_t started_ms)
{
    struct lodge_error err = {0};
    const struct session_row row = {
        .id = id,
        .host = "h1",
        .uuid = UUID,
        .vm = "web",
        .uid = 1000,
        .peer = "127.0.0.1:4000",
        .kind = "vnc",
        .mode = "ro",
        .door = "stream",
        .started_ms = started_ms,
    };
    if (!store_note_sessions(store, &row, 1, &err)) {
        fail_msg("%s", err.message);
    }
}

static void end(struct store *store, int64_t id, int64_t ended_ms, const char *reason,
                int64_t bytes)
{
    struct lodge_error err = {0};
    const struct session_row row = {
        .id = id, .ended_ms = ended_ms, .reason = reason, .bytes = bytes};
    if (!store_note_sessions(store, &row, 1, &err)) {
        fail_msg("%s", err.message);
    }
}

static int64_t recall_last(struct store *store, int64_t now_ms)
{
    struct lodge_error err = {0};
    int64_t last = -1;
    if (!store_recall_sessions(store, now_ms, &last, &err)) {
        fail_msg("%s", err.message);
    }
    return last;
}

static void a_row_says_who_looked_at_what_and_from_where(void **state)
{
    (void)state;
    AUTO(store_close) struct store *store = open_well();

    begin(store, 5, 1000);

    assert_int_equal(ask(store, "SELECT count(*) FROM session WHERE id = 5 AND host = 'h1'"
                                " AND uuid = '" UUID "' AND vm_name = 'web' AND uid = 1000"
                                " AND peer = '127.0.0.1:4000' AND kind = 'vnc' AND mode = 'ro'"
                                " AND door = 'stream' AND started_ms = 1000 AND ended_ms IS NULL"
                                " AND reason IS NULL AND bytes = 0"),
                     1);
}

static void a_session_ends_once(void **state)
{
    (void)state;
    AUTO(store_close) struct store *store = open_well();
    begin(store, 5, 1000);

    end(store, 5, 2000, "closed", 77);
    end(store, 5, 3000, "again", 99);
    end(store, 6, 3000, "never began", 1);

    assert_int_equal(ask(store, "SELECT count(*) FROM session"), 1);
    assert_int_equal(ask(store, "SELECT count(*) FROM session WHERE ended_ms = 2000 AND"
                                " reason = 'closed' AND bytes = 77"),
                     1);
}

static void the_next_start_ends_what_was_open_and_goes_on_counting(void **state)
{
    (void)state;
    AUTO(store_close) struct store *store = open_well();
    assert_int_equal(recall_last(store, 500), 0);
    begin(store, 8, 1000);
    begin(store, 9, 1000);
    end(store, 8, 2000, "closed", 77);

    assert_int_equal(recall_last(store, 5000), 9);

    assert_int_equal(ask(store, "SELECT ended_ms FROM session WHERE id = 8"), 2000);
    assert_int_equal(ask(store, "SELECT ended_ms FROM session WHERE id = 9"), 5000);
    assert_int_equal(ask(store, "SELECT count(*) FROM session WHERE reason ="
                                " 'lodged was not there any more'"),
                     1);
    assert_int_equal(recall_last(store, 6000), 9); /* and it stays so */
    assert_int_equal(ask(store, "SELECT ended_ms FROM session WHERE id = 9"), 5000);
}

static void a_recall_has_the_largest_number_and_leaves_nothing_open(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    AUTO(store_close) struct store *store = open_well();
    begin(store, 41, 1000);

    AUTO(recall_free) struct recall *recall = recall_read(store, &err);

    assert_non_null(recall);
    assert_int_equal(recall->last_session, 41);
    assert_int_equal(ask(store, "SELECT count(*) FROM session WHERE ended_ms IS NULL"), 0);
}

static void rows_go_with_the_audits_but_never_of_a_session_that_is_open(void **state)
{
    (void)state;
    bool more = true;
    struct lodge_error err = {0};
    AUTO(store_close) struct store *store = open_well();
    begin(store, 1, 1000);
    end(store, 1, 1500, "closed", 0);
    begin(store, 2, 1000);
    begin(store, 3, 9000);
    end(store, 3, 9500, "closed", 0);

    assert_true(store_forget_old(store, 9999, 5000, &more, &err));

    assert_false(more);
    assert_int_equal(ask(store, "SELECT count(*) FROM session"), 2);
    assert_int_equal(ask(store, "SELECT count(*) FROM session WHERE id = 1"), 0);
}

static void a_number_that_is_taken_is_refused(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    AUTO(store_close) struct store *store = open_well();
    begin(store, 5, 1000);
    const struct session_row again = {
        .id = 5,
        .host = "h2",
        .uuid = UUID,
        .vm = "db",
        .peer = "pid 1",
        .kind = "vnc",
        .mode = "rw",
        .door = "web",
    };

    assert_false(store_note_sessions(store, &again, 1, &err));

    assert_string_not_equal(err.message, "");
    assert_int_equal(ask(store, "SELECT count(*) FROM session WHERE host = 'h1'"), 1);
}

static void numbers_go_on_when_all_rows_are_forgotten(void **state)
{
    (void)state;
    bool more = true;
    struct lodge_error err = {0};
    int64_t last = 0;
    AUTO(store_close) struct store *store = open_well();
    begin(store, 41, 100);
    end(store, 41, 200, "done", 0);
    assert_true(store_forget_old(store, 9999, 5000, &more, &err));
    assert_int_equal(ask(store, "SELECT count(*) FROM session"), 0);
    assert_true(store_recall_sessions(store, 300, &last, &err));
    assert_int_equal(last, 41);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(a_row_says_who_looked_at_what_and_from_where),
        IN_DIR(a_session_ends_once),
        IN_DIR(the_next_start_ends_what_was_open_and_goes_on_counting),
        IN_DIR(a_recall_has_the_largest_number_and_leaves_nothing_open),
        IN_DIR(rows_go_with_the_audits_but_never_of_a_session_that_is_open),
        IN_DIR(a_number_that_is_taken_is_refused),
        IN_DIR(numbers_go_on_when_all_rows_are_forgotten),
    };
    return cmocka_run_group_tests_name("session_rows", tests, NULL, NULL);
}
