#include "support/test.h"

#include "store/ops.h"
#include "support/store_world.h"

#include <pthread.h>

/* --- rows ---------------------------------------------------------------------------------------
 */

static void users_and_vms_are_read_back(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    struct heard users = {""};
    struct heard vms = {""};
    AUTO(store_close) struct store *store = open_well();
    assert_int_equal(foreign("INSERT INTO user VALUES (1000, 'viewer'), (4294967294, 'admin');"
                             "INSERT INTO vm (host, uuid, name, owner) VALUES"
                             " ('h1', '7b2ab29e-0000-4000-8000-000000000001', 'web1', 1000)"),
                     SQLITE_OK);

    assert_true(store_read_users(store, hear_user, &users, &err));
    assert_true(store_read_vms(store, hear_vm, &vms, &err));

    assert_string_equal(users.text, "1000=viewer 4294967294=admin ");
    assert_string_equal(vms.text, "h1/web1 7b2ab29e-0000-4000-8000-000000000001 1000\n");
}

static void rows_that_make_no_sense_are_refused_by_the_schema(void **state)
{
    (void)state;
    store_close(open_well());
#define UUID "'7b2ab29e-0000-4000-8000-000000000001'"
    static const char *const bad[] = {
        "INSERT INTO meta VALUES (2, '0123456789abcdef0123456789abcdef', 1)",
        "INSERT INTO user VALUES (1000, 'king')",
        "INSERT INTO user VALUES (-1, 'user')",
        "INSERT INTO vm (host, uuid, name, owner) VALUES ('h1', 'short', 'a', 0)",
        "INSERT INTO vm (host, uuid, name, owner) VALUES ('h1', upper(" UUID "), 'a', 0)",
        "INSERT INTO vm (host, uuid, name, owner) VALUES ('', " UUID ", 'a', 0)",
        "INSERT INTO vm (host, uuid, name, owner) VALUES ('h1', " UUID ", 'a', 'bob')",
        /* over, but without an end */
        ("INSERT INTO op (kind, host, uuid, uid, state, step, started_ms) VALUES "
         "('vm.start', 'h1', " UUID ", 0, 'done', 'close', 1)"),
        /* refused, but without an error */
        ("INSERT INTO audit (at_ms, uid, pid, method, target, result) VALUES "
         "(1, 0, 1, 'vm.start', 'a', 'denied')"),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        if ((foreign(bad[i]) & 0xff) != SQLITE_CONSTRAINT) {
            fail_msg("the schema takes: %s", bad[i]);
        }
    }
}

static void a_vm_has_one_unfinished_operation_and_a_stop_beside_it(void **state)
{
    (void)state;
    store_close(open_well());
#define OP(kind)                                                             \
    "INSERT INTO op (kind, host, uuid, uid, state, step, started_ms) VALUES" \
    " ('" kind "', 'h1', " UUID ", 0, 'running', 'check', 1)"

    assert_int_equal(foreign(OP("vm.start")), SQLITE_OK);
    assert_int_equal(foreign(OP("vm.stop")), SQLITE_OK);
    assert_int_equal(foreign(OP("vm.pause")), SQLITE_CONSTRAINT);
    assert_int_equal(foreign(OP("vm.stop")), SQLITE_CONSTRAINT);
    assert_int_equal(foreign("UPDATE op SET state = 'done', ended_ms = 2"), SQLITE_OK);
    assert_int_equal(foreign(OP("vm.pause")), SQLITE_OK);
}

static void an_operation_that_has_ended_keeps_no_definitions(void **state)
{
    (void)state;
    static const char *const journals[][2] = {
        {"{\"name\":\"a\",\"old_xml\":\"Hush\",\"new_xml\":\"Hush\",\"vcpus\":2}",
         "{\"name\":\"a\",\"vcpus\":2}"},
        {"{}", "{}"},
        {"no JSON", "no JSON"},
    };
    struct lodge_error err = {0};
    const struct op_end end = {.state = LODGE_OP_DONE, .effect = VM_KEEP, .at_ms = 2};
    AUTO(store_close) struct store *store = open_well();
    for (size_t i = 0; i < ARRAY_LENGTH(journals); i++) {
        AUTO(free) char *insert = NULL;
        AUTO(free) char *text = NULL;
        assert_true(asprintf(&insert,
                             "INSERT INTO op (kind, host, uuid, uid, state, step, started_ms,"
                             " journal) VALUES ('vm.update', 'h1', " UUID
                             ", 0, 'running', 'live', 1, '%s')",
                             journals[i][0]) > 0);
        assert_int_equal(foreign(insert), SQLITE_OK);

        assert_true(store_end_op(store, (int64_t)i + 1, &end, &err));

        assert_true(database_ask_text(store, "SELECT journal FROM op ORDER BY id DESC LIMIT 1",
                                      &text, &err));
        assert_string_equal(text, journals[i][1]);
    }
}

static void add_audit(struct store *store, int64_t at_ms, enum lodge_error_kind result)
{
    struct lodge_error err = {0};
    const struct audit_row row = {
        .at_ms = at_ms,
        .uid = 1000,
        .pid = 77,
        .method = "vm.stop",
        .target = "h1/web1",
        .result = result,
        .error = result == LODGE_ERROR_NONE ? NULL : "not yours",
    };
    if (!store_add_audit(store, &row, 1, &err)) {
        fail_msg("%s", err.message);
    }
}

static void a_refusal_that_repeats_counts_up_one_row_a_minute(void **state)
{
    (void)state;
    AUTO(store_close) struct store *store = open_well();

    for (int64_t second = 0; second < 120; second++) {
        add_audit(store, 1000000 + second * 1000, LODGE_ERROR_DENIED);
    }
    add_audit(store, 1000500, LODGE_ERROR_NONE);
    add_audit(store, 1000600, LODGE_ERROR_NONE);

    assert_int_equal(ask(store, "SELECT count(*) FROM audit WHERE result = 'denied'"), 2);
    assert_int_equal(ask(store, "SELECT sum(times) FROM audit WHERE result = 'denied'"), 120);
    assert_int_equal(ask(store, "SELECT count(*) FROM audit WHERE result = 'ok'"), 2);
}

/* Each of so many targets is refused by three methods, 20 ms apart: one, two and three times. */
static void refuse(struct store *store, uid_t uid, int targets)
{
    static const char *const methods[] = {"vm.stop", "vm.start", "vm.delete"};
    static char names[1000][16];
    static struct audit_row rows[3000];
    struct lodge_error err = {0};
    for (int i = 0; i < 3 * targets; i++) {
        snprintf(names[i / 3], sizeof names[0], "h1/vm%d", i / 3);
        rows[i] = (struct audit_row){
            1000000 + i / 3 * 20, uid,         77,        methods[i % 3], names[i / 3],
            LODGE_ERROR_DENIED,   "not yours", i % 3 + 1, NULL,           0};
    }
    if (!store_add_audit(store, rows, 3 * (size_t)targets, &err)) {
        fail_msg("%s", err.message);
    }
}

static void who_is_refused_everything_makes_few_rows_and_each_call_is_counted(void **state)
{
    (void)state;
    AUTO(store_close) struct store *store = open_well();

    refuse(store, 1000, 1000);
    refuse(store, 1000, 1000); /* the same ones again */
    refuse(store, 1001, 2);    /* another's refusals are not summed for that */
    add_audit(store, 1040000, LODGE_ERROR_NONE);
    add_audit(store, 1040000, LODGE_ERROR_NONE);

#define REFUSED "FROM audit WHERE result = 'denied' AND uid = "
    assert_int_equal(ask(store, "SELECT sum(times) " REFUSED "1000"), 2000 * (1 + 2 + 3));
    assert_int_equal(ask(store, "SELECT count(*) " REFUSED "1000"), 203);
    assert_int_equal(ask(store, "SELECT count(*) " REFUSED "1000 AND target = ''"), 3);
    assert_int_equal(ask(store, "SELECT count(*) " REFUSED "1001"), 6);
    assert_int_equal(ask(store, "SELECT count(*) FROM audit WHERE result = 'ok'"), 2);
}

static void each_refusal_is_counted_once_though_a_method_has_no_target(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    AUTO(store_close) struct store *store = open_well();
    struct audit_row row = {0, 1000, 77, "vm.create", "", LODGE_ERROR_EXISTS, "is there",
                            1, NULL, 0};
    for (int minute = 1; minute < 5; minute++) { /* a row each: the hour's sum is the newest's */
        row.at_ms = minute * 60001;
        assert_true(store_add_audit(store, &row, 1, &err));
    }
    refuse(store, 1000, 100);
    row.at_ms = 1100000;

    assert_true(store_add_audit(store, &row, 1, &err));

    assert_int_equal(ask(store, "SELECT sum(times) FROM audit WHERE method = 'vm.create'"), 5);
    assert_int_equal(ask(store, "SELECT count(*) FROM audit WHERE method = 'vm.create'"), 4);
}

static void after_an_hour_refusals_have_their_targets_again(void **state)
{
    (void)state;
    AUTO(store_close) struct store *store = open_well();
    refuse(store, 1000, 100);

    add_audit(store, 1000000 + 60 * 60 * 1000 + 3000, LODGE_ERROR_BUSY);

    assert_int_equal(ask(store, "SELECT count(*) FROM audit WHERE target = 'h1/web1'"), 1);
}

static void rows_of_one_list_are_all_written_or_none(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    AUTO(store_close) struct store *store = open_well();
    const struct audit_row rows[] = {
        {1, 1000, 7, "vm.stop", "h1/a", LODGE_ERROR_NONE, NULL, 0, NULL, 0},
        {2, (uid_t)-1, 7, "vm.stop", "h1/a", LODGE_ERROR_NONE, NULL, 0, NULL,
         0}, /* the schema refuses it */
    };

    assert_false(store_add_audit(store, rows, 2, &err));

    assert_int_equal(ask(store, "SELECT count(*) FROM audit"), 0);
    err = (struct lodge_error){0};
    assert_true(store_add_audit(store, rows, 1, &err));
    assert_int_equal(ask(store, "SELECT count(*) FROM audit"), 1);
}

/* A row that the schema refuses, with a change: neither is there. */
static void a_change_of_roles_or_limits_and_its_row_are_written_together_or_not_at_all(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    AUTO(store_close) struct store *store = open_well();
    const struct lodge_amounts limits = {1, 2, 3, 4};
    const uid_t user = 1000;
    struct audit_row row = {1,    (uid_t)-1, 7,    "user.set", "user/bob", LODGE_ERROR_NONE,
                            NULL, 1,         NULL, 0};

    assert_false(store_write_role(store, user, "viewer", &row, &err));
    err = (struct lodge_error){0};
    assert_false(store_write_limits(store, &user, &limits, &row, &err));

    assert_int_equal(
        ask(store, "SELECT count(*) FROM user") + ask(store, "SELECT count(*) FROM quota"), 0);
    row.uid = 0;
    err = (struct lodge_error){0};
    assert_true(store_write_role(store, user, "viewer", &row, &err));
    assert_true(store_write_limits(store, &user, &limits, &row, &err));
    assert_int_equal(
        ask(store, "SELECT count(*) FROM user") + ask(store, "SELECT count(*) FROM quota"), 2);
    assert_int_equal(ask(store, "SELECT count(*) FROM audit WHERE result = 'ok'"), 2);
}

/* --- statements and transactions ----------------------------------------------------------------
 */

static void each_statement_prepares_on_a_fresh_schema(void **state)
{
    (void)state;
    AUTO(store_close) struct store *store = open_well();
    for (int i = 0; i < STATEMENTS; i++) {
        assert_non_null(statement_rows[i].sql);
        assert_non_null(statement_get(store, i));
    }
}

static void no_hot_statement_scans_a_table(void **state)
{
    (void)state;
    AUTO(store_close) struct store *store = open_well();
    for (int i = 0; i < STATEMENTS; i++) {
        char sql[1024];
        sqlite3_stmt *plan = NULL;
        snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", statement_rows[i].sql);
        assert_int_equal(sqlite3_prepare_v2(store->db, sql, -1, &plan, NULL), SQLITE_OK);
        while (statement_rows[i].hot && sqlite3_step(plan) == SQLITE_ROW) {
            const char *step = (const char *)sqlite3_column_text(plan, 3);
            if (strstr(step, "SCAN") != NULL && strstr(step, "SCAN (subquery") == NULL) {
                fail_msg("%s: %s", statement_rows[i].sql, step);
            }
        }
        sqlite3_finalize(plan);
    }
}

/* Rows are found by their time, not sorted by it: else a clean-up reads all there are. */
static void what_is_forgotten_is_found_in_order(void **state)
{
    (void)state;
    static const enum statement found[] = {OP_FORGET, AUDIT_FORGET, SESSION_FORGET, AUDIT_COUNT_UP,
                                           AUDIT_REFUSED};
    AUTO(store_close) struct store *store = open_well();
    for (size_t i = 0; i < ARRAY_LENGTH(found); i++) {
        char sql[1024];
        sqlite3_stmt *plan = NULL;
        int searches = 0;
        snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", statement_rows[found[i]].sql);
        assert_int_equal(sqlite3_prepare_v2(store->db, sql, -1, &plan, NULL), SQLITE_OK);
        while (sqlite3_step(plan) == SQLITE_ROW) {
            const char *step = (const char *)sqlite3_column_text(plan, 3);
            if (strstr(step, "TEMP B-TREE") != NULL) {
                fail_msg("%s: %s", statement_rows[found[i]].sql, step);
            }
            searches +=
                strstr(step, "USING COVERING INDEX") != NULL || strstr(step, "USING INDEX") != NULL;
        }
        assert_int_equal(searches, 1);
        sqlite3_finalize(plan);
    }
}

static void a_clean_up_says_whether_some_is_left(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    bool more = false;
    AUTO(store_close) struct store *store = open_well();
    assert_int_equal(
        foreign("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)"
                " INSERT INTO audit (at_ms, uid, pid, method, target, result)"
                " SELECT i, 0, 1, 'vm.stop', '', 'ok' FROM n"),
        SQLITE_OK);

    for (int left = 1500; left >= 500; left -= 1000) {
        assert_true(store_forget_old(store, 9999, 9999, &more, &err));
        assert_true(more);
        assert_int_equal(ask(store, "SELECT count(*) FROM audit"), left);
        assert_int_equal(ask(store, "SELECT max(at_ms) FROM audit"), 2500);
    }
    assert_true(store_forget_old(store, 9999, 9999, &more, &err));
    assert_false(more);
    assert_int_equal(ask(store, "SELECT count(*) FROM audit"), 0);
}

static void what_is_not_committed_was_never_there(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    AUTO(store_close) struct store *store = open_well();
    {
        AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, &err);
        assert_non_null(transaction);
        assert_true(database_run(store, "INSERT INTO user VALUES (1, 'admin')", &err));
    }
    assert_int_equal(ask(store, "SELECT count(*) FROM user"), 0);
    {
        AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, &err);
        assert_non_null(transaction);
        assert_true(database_run(store, "INSERT INTO user VALUES (1, 'admin')", &err));
        assert_true(transaction_commit(transaction, &err));
    }
    assert_int_equal(ask(store, "SELECT count(*) FROM user"), 1);
}

static void *count_boots(void *store)
{
    for (int i = 0; i < 25; i++) {
        struct lodge_error err = {0};
        int64_t boot = 0;
        if (!store_count_boot(store, &boot, &err)) {
            return store;
        }
    }
    return NULL;
}

static void threads_take_turns(void **state)
{
    (void)state;
    AUTO(store_close) struct store *store = open_well();
    pthread_t threads[4];

    for (size_t i = 0; i < ARRAY_LENGTH(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_boots, store), 0);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(threads); i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }

    assert_int_equal(count_boot(store), 101);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(users_and_vms_are_read_back),
        IN_DIR(rows_that_make_no_sense_are_refused_by_the_schema),
        IN_DIR(a_vm_has_one_unfinished_operation_and_a_stop_beside_it),
        IN_DIR(an_operation_that_has_ended_keeps_no_definitions),
        IN_DIR(a_refusal_that_repeats_counts_up_one_row_a_minute),
        IN_DIR(who_is_refused_everything_makes_few_rows_and_each_call_is_counted),
        IN_DIR(each_refusal_is_counted_once_though_a_method_has_no_target),
        IN_DIR(after_an_hour_refusals_have_their_targets_again),
        IN_DIR(rows_of_one_list_are_all_written_or_none),
        IN_DIR(a_change_of_roles_or_limits_and_its_row_are_written_together_or_not_at_all),
        IN_DIR(each_statement_prepares_on_a_fresh_schema),
        IN_DIR(no_hot_statement_scans_a_table),
        IN_DIR(what_is_forgotten_is_found_in_order),
        IN_DIR(a_clean_up_says_whether_some_is_left),
        IN_DIR(what_is_not_committed_was_never_there),
        IN_DIR(threads_take_turns),
    };
    return cmocka_run_group_tests_name("store_rows", tests, NULL, NULL);
}
