/*
 * statements: every SQL text that runs while the daemon does, by name, prepared once at open.
 * Under the store's lock.
 */
#ifndef STORE_STATEMENTS_H
#define STORE_STATEMENTS_H

#include "lodge/error.h"
#include "scope.h"
#include "store/store.h"

#include <sqlite3.h>

enum statement {
    META_COUNT_BOOT,
    META_RAISE_BOOTS,
    AGE_GROW,
    AGE_RAISE,
    USER_LIST,
    USER_WRITE,
    USER_FORGET,
    USER_ROLE,
    VM_LIST,
    VM_GET,
    VM_DISKS,
    VM_MACS,
    VM_INSERT_ROW,
    VM_SET_PHASE,
    VM_SET_CHARGE,
    VM_FOLLOW,
    VM_NAME_TAKEN,
    VM_SET_NAME,
    VM_SUM_DISKS,
    VM_DELETE,
    DISK_INSERT,
    DISK_SET_SIZE,
    NIC_INSERT,
    QUOTA_GET,
    QUOTA_ALL,
    QUOTA_WRITE,
    QUOTA_SUM_ALL,
    QUOTA_SUM_USER,
    OP_FIND_REQUEST,
    OP_FIND_UNFINISHED,
    OP_FIND_STOP,
    OP_INSERT,
    OP_SET_STEP,
    OP_SET_JOURNAL,
    OP_COMMIT,
    OP_END,
    OP_END_GUARD,
    OP_LEAVE_ALL,
    OP_LEAVE,
    OP_LAST,
    OP_BEGUN,
    OP_RAISE_LAST,
    OP_MAKE_LAST,
    OP_ADD_STEP,
    OP_STEPS,
    OP_GET,
    OP_UNFINISHED,
    OP_GUARDED,
    OP_LIST,
    OP_LIST_OF_USER,
    OP_LIST_OF_VM,
    OP_FORGET,
    AUDIT_COUNT_UP,
    AUDIT_REFUSED,
    AUDIT_INSERT,
    AUDIT_LIST,
    AUDIT_LIST_OF_USER,
    AUDIT_LIST_OF_TARGET,
    AUDIT_FORGET,
    SESSION_INSERT,
    SESSION_END,
    SESSION_END_STALE,
    SESSION_LAST,
    SESSION_FORGET,
    STATEMENTS,
};

struct statement_row {
    const char *sql;
    bool hot; /* runs for a call of a client: its plan must not scan a table */
};
extern const struct statement_row statement_rows[STATEMENTS];

bool statements_prepare(struct store *store, struct lodge_error *err) LODGE_MUST_CHECK;
void statements_finalize(struct store *store);

/* Ready to be bound. Give it back at once after use, or it keeps a read open:
 *     AUTO(statement_reset) sqlite3_stmt *list = statement_get(store, USER_LIST); */
sqlite3_stmt *statement_get(struct store *store, enum statement name);
void statement_reset(sqlite3_stmt *statement);
DEFINE_AUTO(sqlite3_stmt *, statement_reset, NULL);

/* `index` is the N of ?N. NULL text is SQL's NULL; texts must live until the reset. */
void statement_bind_int(sqlite3_stmt *statement, int index, int64_t value);
void statement_bind_text(sqlite3_stmt *statement, int index, const char *text);

/* Goes on to the next row; *ret_row is false when there is none. */
bool statement_step(struct store *store, sqlite3_stmt *statement, bool *ret_row,
                    struct lodge_error *err) LODGE_MUST_CHECK;

/* Runs a statement that is bound and gives no rows; a UNIQUE constraint that it meets is told as
 * `*ret_clash` (NULL: a failure like another). */
bool statement_run(struct store *store, sqlite3_stmt *statement, bool *ret_clash,
                   struct lodge_error *err) LODGE_MUST_CHECK;

#endif
