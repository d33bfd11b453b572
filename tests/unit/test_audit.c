/* audit: what waits to be written is bounded, summed where it may be, and lost nowhere. */
#include "support/test.h"

#include "support/loop_world.h"
#include "support/store_world.h"

#include "reads/audit.h"

static struct store *store;
static struct audit *audit;
static int written;

static int make_audit(void **state)
{
    if (make_dir(state) != 0) {
        return -1;
    }
    make_loop(state);
    store = open_well();
    audit = audit_new(loop);
    audit_take_store(audit, store);
    written = 0;
    return 0;
}

/* As often as a busy machine needs it: how long it waits at most is lodged's promise, not ours. */
static bool finish(void)
{
    enum { TRIES = 60 };
    int tries = 1;
    while (!audit_finish(audit) && tries < TRIES) {
        tries++;
    }
    return tries < TRIES;
}

static int end_audit(void **state)
{
    if (!finish()) {
        return -1;
    }
    loop_turn(); /* the letters */
    audit_free(TAKE(audit));
    store_close(TAKE(store));
    return end_loop(state) + remove_dir(state);
}
#define NOTING(function) cmocka_unit_test_setup_teardown(function, make_audit, end_audit)

static void refuse(uid_t uid, const char *method, int target)
{
    char name[16];
    struct lodge_error err = {0};
    snprintf(name, sizeof name, "h1/vm%d", target);
    (void)lodge_fail(&err, LODGE_ERROR_DENIED, "not yours");
    audit_refused(audit, &(struct audit_call){uid, 7, method, name, NULL, 0}, &err);
    memset(name, 'x', sizeof name - 1); /* it copies what it is given */
}

static void count_written(void *data)
{
    assert_ptr_equal(data, &written);
    written++;
}

static void note_done(uid_t uid)
{
    audit_done(audit, &(struct audit_call){uid, 7, "vm.stop", "h1/web1", NULL, 0}, count_written,
               &written);
}

static int wanted;

static bool all_are_written(void)
{
    return written >= wanted;
}

/* Until what was noted so far is on disk: notes are written in order. */
static void write_all(void)
{
    wanted = written + 1;
    note_done(0);
    assert_true(loop_until(all_are_written));
}

static void a_hundred_thousand_refusals_are_on_disk_when_lodged_leaves(void **state)
{
    (void)state;
    for (int i = 0; i < 100000; i++) {
        refuse(1000, "vm.start", i % 1000);
        refuse(1001, "vm.stop", 1);
    }

    assert_true(finish());

    assert_int_equal(ask(store, "SELECT sum(times) FROM audit WHERE uid = 1000"), 100000);
    assert_int_equal(ask(store, "SELECT sum(times) FROM audit WHERE uid = 1001"), 100000);
    assert_true(ask(store, "SELECT count(*) FROM audit") < 2 * AUDIT_PER_USER);
}

static void what_was_done_has_a_row_each_and_is_told_when_it_is_there(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) { /* more than wait of one user otherwise */
        note_done(1000);
        refuse(1000, "vm.start", i);
    }
    assert_int_equal(written, 0);

    wanted = 1000;
    assert_true(loop_until(all_are_written));

    assert_int_equal(ask(store, "SELECT count(*) FROM audit WHERE result = 'ok'"), 1000);
    write_all();
    assert_int_equal(written, 1001);
    assert_int_equal(ask(store, "SELECT sum(times) FROM audit WHERE result = 'denied'"), 1000);
}

/* Another connection sees only what is committed. */
static int rows_outside(void)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *count = NULL;
    assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM audit", -1, &count, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(count), SQLITE_ROW);
    int rows = sqlite3_column_int(count, 0);
    sqlite3_finalize(count);
    sqlite3_close(db);
    return rows;
}

static void look_from_outside(void *data)
{
    *(int *)data = rows_outside();
    written++;
}

/* However fast they come. */
static void refusals_alone_are_written_ten_times_a_second_after_a_burst(void **state)
{
    (void)state;
    enum { COUNT = 150, REST_MS = 100, BURST = 20 };
    int writings = 0;
    int rows = 0;
    uint64_t begun = loop_monotonic_ms();
    for (int i = 0; i < COUNT; i++) {
        refuse(1000, "vm.start", i);
        loop_turn();
        int now = rows_outside();
        writings += now > rows;
        rows = now;
    }
    assert_true((uint64_t)writings <= (loop_monotonic_ms() - begun) / REST_MS + BURST + 2);
    write_all();
    assert_int_equal(rows_outside(), COUNT + 1);
}

static void who_is_told_finds_the_row_committed(void **state)
{
    (void)state;
    int seen = 0;
    wanted = 1;

    audit_done(audit, &(struct audit_call){1000, 7, "vm.stop", "", NULL, 0}, look_from_outside,
               &seen);

    assert_true(loop_until(all_are_written));
    assert_int_equal(seen, 1);
}

static void rows_are_in_the_order_of_their_calls(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        refuse(1000, "vm.start", i);
        note_done(1000 + i % 3);
    }
    write_all();

    assert_int_equal(
        ask(store, "SELECT count(*) FROM audit WHERE id % 2 = 1 AND target <> 'h1/vm' || (id / 2)"
                   " AND uid <> 0"),
        0);
}

static int rooms;

static void count_room(void *owner)
{
    assert_ptr_equal(owner, &rooms);
    rooms++;
}

static bool is_room(void)
{
    return rooms > 0;
}

static void who_fills_it_is_full_until_there_is_room_and_nobody_else_is(void **state)
{
    (void)state;
    rooms = 0;
    audit_on_room(audit, count_room, &rooms);
    for (int i = 0; i < AUDIT_PER_USER - 1; i++) {
        refuse(1000, "vm.start", i);
        assert_false(audit_is_full(audit, 1000));
    }

    refuse(1000, "vm.start", -1);

    assert_true(audit_is_full(audit, 1000));
    assert_false(audit_is_full(audit, 1001));
    assert_int_equal(rooms, 0);
    assert_true(loop_until(is_room));
    assert_false(audit_is_full(audit, 1000));
    write_all();
    assert_int_equal(rooms, 1); /* nobody was full again */
}

static void many_users_fill_it_together_and_a_newcomer_still_has_a_share(void **state)
{
    (void)state;
    enum { USERS = AUDIT_IN_ALL / 128 };
    for (uid_t uid = 1; uid <= USERS; uid++) {
        for (int i = 0; i < 128; i++) {
            assert_false(audit_is_full(audit, uid));
            refuse(uid, "vm.start", i);
        }
    }

    assert_true(audit_is_full(audit, 1));
    for (int i = 0; i < AUDIT_SHARE; i++) {
        assert_false(audit_is_full(audit, 5000));
        refuse(5000, "vm.start", i);
    }
    assert_true(audit_is_full(audit, 5000));
}

static void without_a_store_who_waits_is_told_all_the_same(void **state)
{
    (void)state;
    audit_take_store(audit, NULL);

    write_all();

    assert_int_equal(written, 1);
    assert_int_equal(ask(store, "SELECT count(*) FROM audit"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTING(a_hundred_thousand_refusals_are_on_disk_when_lodged_leaves),
        NOTING(what_was_done_has_a_row_each_and_is_told_when_it_is_there),
        NOTING(refusals_alone_are_written_ten_times_a_second_after_a_burst),
        NOTING(who_is_told_finds_the_row_committed),
        NOTING(rows_are_in_the_order_of_their_calls),
        NOTING(who_fills_it_is_full_until_there_is_room_and_nobody_else_is),
        NOTING(many_users_fill_it_together_and_a_newcomer_still_has_a_share),
        NOTING(without_a_store_who_waits_is_told_all_the_same),
    };
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
