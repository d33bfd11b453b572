#include "support/test.h"

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
    if (!store_add_audit(store, &row, &err)) {
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
            if (strstr(step, "SCAN") != NULL) {
                fail_msg("%s: %s", statement_rows[i].sql, step);
            }
        }
        sqlite3_finalize(plan);
    }
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
        IN_DIR(a_refusal_that_repeats_counts_up_one_row_a_minute),
        IN_DIR(each_statement_prepares_on_a_fresh_schema),
        IN_DIR(no_hot_statement_scans_a_table),
        IN_DIR(what_is_not_committed_was_never_there),
        IN_DIR(threads_take_turns),
    };
    return cmocka_run_group_tests_name("store_rows", tests, NULL, NULL);
}
