/*
 * journal_world: operations as they stand in a store's journal, for the tests of what becomes of
 * them. Included by one program each, after support/store_world.h.
 */
#ifndef TESTS_SUPPORT_JOURNAL_WORLD_H
#define TESTS_SUPPORT_JOURNAL_WORLD_H

#include "store/ops.h"
#include "store/recall.h"

#define JOURNAL_UUID "7b2ab29e-0000-4000-8000-00000000000%d"

/* A creation of vm `n` that has begun; its number. */
WORLD int64_t begin_creation(struct store *store, int n)
{
    struct lodge_error err = {0};
    char uuid[40];
    char name[16];
    snprintf(uuid, sizeof uuid, JOURNAL_UUID, n);
    snprintf(name, sizeof name, "vm%d", n);
    const struct vm_row vm = {.host = "h1", .uuid = uuid, .name = name, .owner = 1000};
    const struct op_begin begin = {
        .kind = "vm.create",
        .host = "h1",
        .uuid = uuid,
        .vm_name = name,
        .is_admin = true,
        .at_ms = 1000,
        .step = "volumes",
        .journal = "{}",
        .effect = VM_INSERT,
        .vm = &vm,
        .system_limits = {LODGE_UNKNOWN, LODGE_UNKNOWN, LODGE_UNKNOWN, LODGE_UNKNOWN},
        .user_limits = {LODGE_UNKNOWN, LODGE_UNKNOWN, LODGE_UNKNOWN, LODGE_UNKNOWN},
    };
    struct op_begun begun;
    if (!store_begin_op(store, &begin, &begun, &err)) {
        fail_msg("%s", err.message);
    }
    return begun.id;
}

WORLD void end_operation(struct store *store, int64_t id, bool done)
{
    struct lodge_error err = {0};
    struct lodge_error why = {0};
    (void)lodge_fail(&why, LODGE_ERROR_CANCELLED, "undone");
    const struct op_end end = {
        .state = done ? LODGE_OP_DONE : LODGE_OP_FAILED,
        .error = done ? NULL : &why,
        .effect = done ? VM_READY : VM_REMOVE,
        .at_ms = 2000,
    };
    if ((done && !store_commit_op(store, id, "commit", VM_READY, 1500, &err)) ||
        !store_end_op(store, id, &end, &err)) {
        fail_msg("%s", err.message);
    }
}

struct journal {
    size_t unfinished, left_alone, guarded;
};

WORLD void hear_unfinished(void *data, const struct op_row *row)
{
    struct journal *journal = data;
    journal->unfinished++;
    journal->left_alone += row->restored;
}

WORLD void hear_guarded(void *data, const struct op_row *row)
{
    struct journal *journal = data;
    (void)row;
    journal->guarded++;
}

/* What a start would find. */
WORLD struct journal read_journal(struct store *store)
{
    struct lodge_error err = {0};
    struct journal journal = {0};
    if (!store_read_unfinished(store, hear_unfinished, &journal, &err) ||
        !store_read_guarded(store, NULL, hear_guarded, &journal, &err)) {
        fail_msg("%s", err.message);
    }
    return journal;
}

WORLD void expect_journal(struct store *store, size_t unfinished, size_t left_alone, size_t guarded)
{
    const struct journal journal = read_journal(store);
    assert_int_equal(journal.unfinished, unfinished);
    assert_int_equal(journal.left_alone, left_alone);
    assert_int_equal(journal.guarded, guarded);
}

static char copy_bytes_of[1 << 20];
static size_t copy_length;

/* As by cp, of a database that is open: its log is taken into it before. */
WORLD void copy_database(void)
{
    assert_int_equal(foreign("PRAGMA wal_checkpoint(TRUNCATE)"), SQLITE_OK);
    copy_length = read_bytes(file, copy_bytes_of, sizeof copy_bytes_of);
    assert_true(copy_length < sizeof copy_bytes_of);
}

/* As by cp, of a lodged that is stopped; the log of the other is removed. */
WORLD void put_copy_back(void)
{
    char beside[128];
    snprintf(beside, sizeof beside, "%s-wal", file);
    (void)unlink(beside);
    snprintf(beside, sizeof beside, "%s-shm", file);
    (void)unlink(beside);
    write_bytes(file, copy_bytes_of, copy_length);
}

#endif
