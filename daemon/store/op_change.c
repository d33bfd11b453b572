/*
 * op_change: what is written of an operation after its beginning, each in one transaction: a step
 * with its journal, the point of no return, the end, with what they mean for the VM's row. What is
 * not under way any more is refused. On workers, which block.
 */
#include "store/age.h"
#include "store/rows.h"

#include <stdio.h>

bool op_add_step(struct store *store, int64_t id, const char *step, int64_t at_ms,
                 struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *add = statement_get(store, OP_ADD_STEP);
    statement_bind_int(add, 1, id);
    statement_bind_text(add, 2, step);
    statement_bind_int(add, 3, at_ms);
    return statement_run(store, add, NULL, err);
}

static bool set_step(struct store *store, int64_t id, const char *step, enum lodge_op_state state,
                     struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *set = statement_get(store, OP_SET_STEP);
    statement_bind_int(set, 1, id);
    statement_bind_text(set, 2, step);
    statement_bind_text(set, 3, lodge_op_state_name(state));
    if (!statement_run(store, set, NULL, err)) {
        return false;
    }
    return sqlite3_changes(store->db) == 1 ||
           lodge_fail(err, LODGE_ERROR_INTERNAL, "operation %lld is not under way", (long long)id);
}

static bool write_journal(struct store *store, int64_t id, const char *journal,
                          struct lodge_error *err)
{
    if (journal == NULL) {
        return true;
    }
    AUTO(statement_reset) sqlite3_stmt *set = statement_get(store, OP_SET_JOURNAL);
    statement_bind_int(set, 1, id);
    statement_bind_text(set, 2, journal);
    return statement_run(store, set, NULL, err);
}

bool store_note_step(struct store *store, int64_t id, const char *step, enum lodge_op_state state,
                     const char *journal, int64_t at_ms, struct lodge_error *err)
{
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    return transaction != NULL && set_step(store, id, step, state, err) &&
           write_journal(store, id, journal, err) && op_add_step(store, id, step, at_ms, err) &&
           transaction_commit(transaction, err);
}

/* Which VM an operation is about, as its row says. */
struct subject {
    char host[65];
    char uuid[37];
};

static bool take_subject(struct store *store, sqlite3_stmt *statement, int64_t id,
                         struct subject *ret_subject, struct lodge_error *err)
{
    bool row = false;
    if (!statement_step(store, statement, &row, err)) {
        return false;
    }
    if (!row) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "operation %lld is not under way",
                          (long long)id);
    }
    snprintf(ret_subject->host, sizeof ret_subject->host, "%s", statement_text(statement, 0));
    snprintf(ret_subject->uuid, sizeof ret_subject->uuid, "%s", statement_text(statement, 1));
    return true;
}

static bool apply_effect(struct store *store, const struct subject *subject, enum vm_effect effect,
                         const struct vm_row *vm, struct lodge_error *err)
{
    switch (effect) {
    case VM_READY:
        return vm_set_phase(store, subject->host, subject->uuid, "ready", err);
    case VM_ERROR:
        return vm_set_phase(store, subject->host, subject->uuid, "error", err);
    case VM_REMOVE:
        return vm_remove(store, subject->host, subject->uuid, err);
    case VM_SETTLE:
        return vm_set_charge(store, vm, err) &&
               vm_set_phase(store, subject->host, subject->uuid, "ready", err);
    case VM_KEEP:
    case VM_INSERT:
    case VM_ADOPT:
    case VM_CHARGE:
    case VM_DELETING:
        return true;
    }
    return true;
}

static bool set_committed(struct store *store, int64_t id, const char *step,
                          struct subject *ret_subject, struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *set = statement_get(store, OP_COMMIT);
    statement_bind_int(set, 1, id);
    statement_bind_text(set, 2, step);
    return take_subject(store, set, id, ret_subject, err);
}

bool store_commit_op(struct store *store, int64_t id, const char *step, enum vm_effect effect,
                     int64_t at_ms, struct lodge_error *err)
{
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    struct subject subject;
    return transaction != NULL && set_committed(store, id, step, &subject, err) &&
           apply_effect(store, &subject, effect, NULL, err) &&
           op_add_step(store, id, step, at_ms, err) && age_grow(store, err) &&
           transaction_commit(transaction, err);
}

static bool set_ended(struct store *store, int64_t id, const struct op_end *end,
                      struct subject *ret_subject, struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *set = statement_get(store, OP_END);
    statement_bind_int(set, 1, id);
    statement_bind_text(set, 2, lodge_op_state_name(end->state));
    statement_bind_int(set, 3, end->at_ms);
    if (end->error != NULL) {
        statement_bind_text(set, 4, lodge_error_kind_name(end->error->kind));
        statement_bind_text(set, 5, end->error->message);
    }
    statement_bind_text(set, 6, end->result);
    statement_bind_int(set, 7, end->left_alone);
    return take_subject(store, set, id, ret_subject, err);
}

bool store_end_op(struct store *store, int64_t id, const struct op_end *end,
                  struct lodge_error *err)
{
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    struct subject subject;
    return transaction != NULL && set_ended(store, id, end, &subject, err) &&
           apply_effect(store, &subject, end->effect, end->vm, err) && age_grow(store, err) &&
           transaction_commit(transaction, err);
}

bool store_leave_op(struct store *store, int64_t id, struct lodge_error *err)
{
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    if (transaction == NULL) {
        return false;
    }
    {
        AUTO(statement_reset) sqlite3_stmt *leave = statement_get(store, OP_LEAVE);
        statement_bind_int(leave, 1, id);
        if (!statement_run(store, leave, NULL, err)) {
            return false;
        }
    }
    return transaction_commit(transaction, err);
}
