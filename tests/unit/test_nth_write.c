/*
 * nth_write: whatever call of SQLite fails, nothing was written, and what is tried again is done.
 *
 * A life of one installation, function by function, on one database. Each is called with its first
 * call of SQLite failing, with its second, and so on until none fails any more: each time it says
 * so, the file is as it was, and the store goes on with it.
 */
#include "support/test.h"

#include "store/ops.h"
#include "store/recall.h"
#include "store/session_rows.h"
#include "support/store_world.h"

#include <stdlib.h>

#define HOST "h1"
#define VM_UUID "7b2ab29e-0000-4000-8000-000000000001"
#define OWNER 1000
enum { MOST_CALLS = 200, NOBODY_FAILS = -1 };

/* --- SQLite, of which one call fails ------------------------------------------------------------
 */

static int calls_left = NOBODY_FAILS; /* so many go well until one fails */
static bool has_failed;

int step_for_real(sqlite3_stmt *statement) __asm__("__real_sqlite3_step");
int step_or_fail(sqlite3_stmt *statement) __asm__("__wrap_sqlite3_step");
int exec_for_real(sqlite3 *db, const char *sql, sqlite3_callback each, void *data,
                  char **ret_message) __asm__("__real_sqlite3_exec");
int exec_or_fail(sqlite3 *db, const char *sql, sqlite3_callback each, void *data,
                 char **ret_message) __asm__("__wrap_sqlite3_exec");

static bool fails_now(void)
{
    if (calls_left == NOBODY_FAILS || calls_left-- > 0) {
        return false;
    }
    calls_left = NOBODY_FAILS;
    has_failed = true;
    return true;
}

int step_or_fail(sqlite3_stmt *statement)
{
    return fails_now() ? SQLITE_FULL : step_for_real(statement);
}

int exec_or_fail(sqlite3 *db, const char *sql, sqlite3_callback each, void *data,
                 char **ret_message)
{
    return fails_now() ? SQLITE_IOERR : exec_for_real(db, sql, each, data, ret_message);
}

/* --- what is in the file ------------------------------------------------------------------------
 */

static int print_row(void *data, int count, char **values, char **names)
{
    FILE *out = data;
    (void)names;
    for (int i = 0; i < count; i++) {
        fprintf(out, "%s|", values[i] == NULL ? "NULL" : values[i]);
    }
    fputc('\n', out);
    return 0;
}

struct tables {
    sqlite3 *db;
    FILE *out;
};

static int print_table(void *data, int count, char **values, char **names)
{
    const struct tables *tables = data;
    char sql[128];
    (void)count;
    (void)names;
    fprintf(tables->out, "-- %s\n", values[0]);
    snprintf(sql, sizeof sql, "SELECT * FROM \"%s\"", values[0]);
    assert_int_equal(sqlite3_exec(tables->db, sql, print_row, tables->out, NULL), SQLITE_OK);
    return 0;
}

/* All rows of all tables, as another program reads them. */
static char *read_all(void)
{
    char *text = NULL;
    size_t size = 0;
    struct tables tables = {.out = open_memstream(&text, &size)};
    assert_non_null(tables.out);
    assert_int_equal(sqlite3_open(file, &tables.db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(tables.db, "SELECT name FROM sqlite_master WHERE type = 'table'",
                                  print_table, &tables, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(tables.db), SQLITE_OK);
    fclose(tables.out);
    return text;
}

/* --- a life -------------------------------------------------------------------------------------
 */

static int64_t op; /* the last that was begun */

static const char *const macs[] = {"52:54:00:00:00:01"};
static const struct disk_row disk = {
    .target = "vda",
    .pool = "lodge",
    .volume = VM_UUID "-vda.qcow2",
    .path = "/srv/" VM_UUID "-vda.qcow2",
    .format = "qcow2",
    .size_gib = 8,
    .ours = true,
};
static struct disk_row larger_disk;

static struct vm_row vm_of(int64_t vcpus, const struct disk_row *its_disk)
{
    return (struct vm_row){
        .host = HOST,
        .uuid = VM_UUID,
        .name = "web1",
        .owner = OWNER,
        .vcpus = vcpus,
        .memory_mib = 512,
        .disk_gib = its_disk->size_gib,
        .disks = its_disk,
        .disk_count = 1,
        .macs = macs,
        .mac_count = 1,
    };
}

static bool begin(struct store *store, const char *kind, enum vm_effect effect,
                  const struct vm_row *vm, struct lodge_error *err)
{
    const struct op_begin how = {
        .kind = kind,
        .host = HOST,
        .uuid = VM_UUID,
        .vm_name = "web1",
        .uid = OWNER,
        .pid = 77,
        .at_ms = 1000,
        .step = "check",
        .journal = "{}",
        .request_id = kind,
        .request_hash = "hash",
        .asked = "{}",
        .effect = effect,
        .vm = vm,
        .system_limits = {100, 100, 100000, 1000},
        .user_limits = {10, 10, 10000, 100},
    };
    struct op_begun begun;
    bool good = store_begin_op(store, &how, &begun, err);
    assert_false(good && begun.known);
    op = good ? begun.id : op;
    return good;
}

static bool end(struct store *store, enum lodge_op_state state, enum vm_effect effect,
                const struct vm_row *vm, struct lodge_error *err)
{
    struct lodge_error why = {0};
    (void)lodge_fail(&why, LODGE_ERROR_HYPERVISOR, "it broke");
    const struct op_end how = {
        .state = state,
        .error = state == LODGE_OP_DONE ? NULL : &why,
        .result = state == LODGE_OP_DONE ? "{}" : NULL,
        .effect = effect,
        .vm = vm,
        .at_ms = 2000,
    };
    return store_end_op(store, op, &how, err);
}

static const struct audit_row audit[] = {
    {.at_ms = 1, .uid = OWNER, .pid = 7, .method = "quota.set", .target = ""},
    {.at_ms = 2,
     .uid = 1,
     .pid = 8,
     .method = "vm.stop",
     .target = HOST "/web1",
     .result = LODGE_ERROR_DENIED,
     .error = "not yours",
     .times = 3},
};

static bool count_start(struct store *store, struct lodge_error *err)
{
    int64_t boot;
    return store_count_boot(store, &boot, err);
}

static bool set_limits(struct store *store, struct lodge_error *err)
{
    const uid_t uid = OWNER;
    const struct lodge_amounts limits = {5, 50, 5000, 500};
    return store_write_limits(store, &uid, &limits, &audit[0], err);
}

static bool set_role(struct store *store, struct lodge_error *err)
{
    return store_write_role(store, 1, "viewer", &audit[0], err);
}

static bool take_role(struct store *store, struct lodge_error *err)
{
    return store_write_role(store, 1, "", &audit[0], err);
}

static bool add_audit(struct store *store, struct lodge_error *err)
{
    return store_add_audit(store, audit, ARRAY_LENGTH(audit), err);
}

static bool begin_creation(struct store *store, struct lodge_error *err)
{
    const struct vm_row vm = vm_of(1, &disk);
    return begin(store, "vm.create", VM_INSERT, &vm, err);
}

static bool note_step(struct store *store, struct lodge_error *err)
{
    return store_note_step(store, op, "define", LODGE_OP_RUNNING, "{\"a\":1}", 1100, err);
}

static bool commit(struct store *store, struct lodge_error *err)
{
    return store_commit_op(store, op, "commit", VM_READY, 1200, err);
}

static bool end_well(struct store *store, struct lodge_error *err)
{
    return end(store, LODGE_OP_DONE, VM_READY, NULL, err);
}

static bool begin_growth(struct store *store, struct lodge_error *err)
{
    const struct vm_row vm = vm_of(2, &larger_disk);
    return begin(store, "vm.update", VM_CHARGE, &vm, err);
}

static bool end_growth(struct store *store, struct lodge_error *err)
{
    const struct vm_row vm = vm_of(2, &larger_disk);
    return end(store, LODGE_OP_DONE, VM_SETTLE, &vm, err);
}

static bool follow(struct store *store, struct lodge_error *err)
{
    const struct vm_row old = vm_of(2, &larger_disk);
    const struct vm_row vm = vm_of(3, &larger_disk);
    bool done = false;
    bool clash = false;
    return store_follow_vm(store, &vm, &old, &done, &clash, err);
}

static bool begin_session(struct store *store, struct lodge_error *err)
{
    const struct session_row row = {
        .id = 1,
        .host = HOST,
        .uuid = VM_UUID,
        .vm = "web1",
        .uid = OWNER,
        .peer = "127.0.0.1",
        .kind = "vnc",
        .mode = "rw",
        .door = "web",
    };
    return store_note_sessions(store, &row, 1, err);
}

static bool end_session(struct store *store, struct lodge_error *err)
{
    const struct session_row row = {.id = 1, .ended_ms = 2000, .reason = "closed", .bytes = 42};
    return store_note_sessions(store, &row, 1, err);
}

static bool end_open_sessions(struct store *store, struct lodge_error *err)
{
    int64_t last;
    return store_recall_sessions(store, 3000, &last, err);
}

static bool begin_deletion(struct store *store, struct lodge_error *err)
{
    return begin(store, "vm.delete", VM_DELETING, NULL, err);
}

static bool end_badly(struct store *store, struct lodge_error *err)
{
    return end(store, LODGE_OP_FAILED, VM_ERROR, NULL, err);
}

static bool leave_all(struct store *store, struct lodge_error *err)
{
    return store_leave_all(store, 100, err);
}

static bool leave_one(struct store *store, struct lodge_error *err)
{
    return store_leave_op(store, op, err);
}

static bool begin_second_deletion(struct store *store, struct lodge_error *err)
{
    return begin(store, "vm.delete_again", VM_DELETING, NULL, err);
}

static bool end_deletion(struct store *store, struct lodge_error *err)
{
    return end(store, LODGE_OP_DONE, VM_REMOVE, NULL, err);
}

static bool forget_old(struct store *store, struct lodge_error *err)
{
    bool more;
    return store_forget_old(store, 5000, 5000, &more, err);
}

/* --- what only reads ----------------------------------------------------------------------------
 */

static void hear_nothing(void *data, const struct op_row *row)
{
    (void)data;
    (void)row;
}

static void hear_no_audit(void *data, const struct audit_entry *entry)
{
    (void)data;
    (void)entry;
}

static bool recall(struct store *store, struct lodge_error *err)
{
    AUTO(recall_free) struct recall *recalled = recall_read(store, err);
    return recalled != NULL;
}

static bool list_ops(struct store *store, struct lodge_error *err)
{
    const struct op_choice choice = {.state = LODGE_OP_UNKNOWN, .limit = 100};
    return store_list_ops(store, &choice, hear_nothing, NULL, err);
}

static bool read_op(struct store *store, struct lodge_error *err)
{
    bool found;
    return store_read_op(store, op, hear_nothing, NULL, &found, err);
}

static bool list_audit(struct store *store, struct lodge_error *err)
{
    const struct audit_choice choice = {.limit = 100};
    return store_list_audit(store, &choice, hear_no_audit, NULL, err);
}

static bool sum_promised(struct store *store, struct lodge_error *err)
{
    const uid_t uid = OWNER;
    struct lodge_amounts sum;
    return store_sum_promised(store, &uid, &sum, err) && store_sum_promised(store, NULL, &sum, err);
}

static bool read_limits(struct store *store, struct lodge_error *err)
{
    const uid_t uid = OWNER;
    struct lodge_amounts limits;
    bool found;
    return store_read_limits(store, &uid, &limits, &found, err);
}

/* --- each of them, failing at every call --------------------------------------------------------
 */

struct part {
    const char *name;
    bool (*run)(struct store *store, struct lodge_error *err);
    bool in_pieces; /* several transactions: those before have been done */
};
#define PART(function)                      \
    {                                       \
        .name = #function, .run = function, \
    }

static const struct part life[] = {
    PART(count_start),
    PART(set_limits),
    PART(set_role),
    PART(add_audit),
    PART(take_role),
    PART(begin_creation),
    PART(note_step),
    PART(read_op),
    PART(recall),
    PART(commit),
    PART(end_well),
    PART(begin_growth),
    PART(end_growth),
    PART(follow),
    PART(begin_session),
    PART(list_ops),
    PART(list_audit),
    PART(sum_promised),
    PART(read_limits),
    PART(end_session),
    PART(end_open_sessions),
    PART(begin_deletion),
    PART(end_badly),
    PART(leave_one),
    PART(leave_all),
    PART(begin_second_deletion),
    PART(end_deletion),
    {.name = "forget_old", .run = forget_old, .in_pieces = true},
};

/* Did it fail? It must have said so, and have written nothing. */
static bool fails_at(struct store *store, const struct part *part, int n)
{
    struct lodge_error err = {0};
    AUTO(free) char *before = read_all();
    has_failed = false;
    calls_left = n;
    bool good = part->run(store, &err);
    calls_left = NOBODY_FAILS;
    if (good == has_failed || good != (err.kind == LODGE_ERROR_NONE)) {
        fail_msg("%s: call %d %s, and it says '%s'", part->name, n,
                 has_failed ? "failed" : "went well", err.message);
    }
    if (has_failed) {
        AUTO(free) char *after = read_all();
        assert_int_equal(err.kind, LODGE_ERROR_STORE_UNAVAILABLE);
        assert_non_null(store_trouble(store));
        if (!part->in_pieces && strcmp(before, after) != 0) {
            fail_msg("%s: call %d failed, and it wrote\n%s\ninstead of\n%s", part->name, n, after,
                     before);
        }
    }
    return has_failed;
}

static void what_fails_at_its_nth_call_has_written_nothing_and_can_be_done_again(void **state)
{
    (void)state;
    AUTO(store_close) struct store *store = open_well();
    larger_disk = disk;
    larger_disk.size_gib = 16;
    for (size_t i = 0; i < ARRAY_LENGTH(life); i++) {
        int n = 0;
        while (fails_at(store, &life[i], n)) {
            assert_in_range(++n, 1, MOST_CALLS);
        }
        print_message("# %s failed at each of %d calls\n", life[i].name, n);
        assert_true(n > 0);
    }
    AUTO(free) char *left = read_all();
    assert_null(strstr(left, "web1-vda"));
    assert_null(store_trouble(store));
}

/* Opening takes everything apart again. */
static void a_store_whose_opening_fails_at_its_nth_call_opens_the_next_time(void **state)
{
    (void)state;
    for (int n = 0; n < MOST_CALLS; n++) {
        struct lodge_error err = {0};
        has_failed = false;
        calls_left = n;
        struct store *store = store_open(dir, &err);
        calls_left = NOBODY_FAILS;
        store_close(store);
        if (!has_failed) {
            assert_non_null(store);
            print_message("# opened after %d failures\n", n);
            return;
        }
        if (store == NULL) {
            assert_int_not_equal(err.kind, LODGE_ERROR_NONE);
            assert_string_not_equal(err.message, "");
        }
    }
    fail_msg("it never opened");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(what_fails_at_its_nth_call_has_written_nothing_and_can_be_done_again),
        IN_DIR(a_store_whose_opening_fails_at_its_nth_call_opens_the_next_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
