/*
 * op_begin: the first transaction of every operation: it has a row, the VM has another phase, its
 * owner is charged. Everything that may refuse (limits, names, another operation at the VM) is in
 * it, so that what was checked is still true when it is written. On workers, which block.
 */
#include "memory.h"
#include "refusals.h"
#include "store/age.h"
#include "store/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool find_begun(struct store *store, const struct op_request *request,
                       struct op_begun *ret_begun, struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *find = statement_get(store, OP_FIND_REQUEST);
    bool found = false;
    *ret_begun = (struct op_begun){0};
    statement_bind_int(find, 1, request->uid);
    statement_bind_text(find, 2, request->kind);
    statement_bind_text(find, 3, request->request_id);
    if (!statement_step(store, find, &found, err)) {
        return false;
    }
    if (!found) {
        return true;
    }
    const char *hash = request->request_hash == NULL ? "" : request->request_hash;
    if (strcmp(statement_text(find, 1), hash) != 0) {
        return lodge_fail(err, LODGE_ERROR_CONFLICT,
                          "request_id '%.40s' was used with other parameters", request->request_id);
    }
    *ret_begun = (struct op_begun){.id = sqlite3_column_int64(find, 0), .known = true};
    snprintf(ret_begun->uuid, sizeof ret_begun->uuid, "%s", statement_text(find, 2));
    return true;
}

bool store_find_request(struct store *store, const struct op_request *request,
                        struct op_begun *ret_begun, struct lodge_error *err)
{
    if (!database_enter(store, err)) {
        return false;
    }
    AUTO(database_leave) struct store *entered = store;
    return find_begun(entered, request, ret_begun, err);
}

static bool is_vm_free(struct store *store, const struct op_begin *begin, struct lodge_error *err)
{
    bool stops = strcmp(begin->kind, "vm.stop") == 0;
    AUTO(statement_reset)
    sqlite3_stmt *find = statement_get(store, stops ? OP_FIND_STOP : OP_FIND_UNFINISHED);
    bool row = false;
    statement_bind_text(find, 1, begin->host);
    statement_bind_text(find, 2, begin->uuid);
    if (!statement_step(store, find, &row, err)) {
        return false;
    }
    if (!row) {
        return true;
    }
    err->op = sqlite3_column_int64(find, 0);
    return lodge_fail(err, LODGE_ERROR_BUSY, "'%s' is busy with %s: wait for it to end",
                      begin->vm_name, statement_text(find, 1));
}

/* Owner and role as they are now: what the loop has looked at may have changed since. */
static bool is_allowed(struct store *store, const struct op_begin *begin, struct lodge_error *err)
{
    if (begin->is_admin) {
        return true;
    }
    AUTO(statement_reset) sqlite3_stmt *role = statement_get(store, USER_ROLE);
    bool has_role = false;
    statement_bind_int(role, 1, begin->uid);
    if (!statement_step(store, role, &has_role, err)) {
        return false;
    }
    const char *word = has_role ? statement_text(role, 0) : "user";
    if (strcmp(word, "viewer") == 0 || strcmp(word, "none") == 0) {
        return lodge_fail(err, LODGE_ERROR_DENIED, "your role is %s: it may change nothing", word);
    }
    if (begin->effect == VM_INSERT) {
        return true;
    }
    struct vm_charge charge;
    bool found = false;
    if (!vm_charge(store, begin->host, begin->uuid, &charge, &found, err)) {
        return false;
    }
    return (found && charge.owner == begin->uid) || refuse_unknown_vm(err, begin->vm_name);
}

static bool insert_vm(struct store *store, const struct op_begin *begin, const char *phase,
                      struct lodge_error *err)
{
    const struct vm_row *vm = begin->vm;
    struct lodge_amounts more = {1, vm->vcpus, vm->memory_mib, vm->disk_gib};
    return quota_check(store, vm->owner, &more, begin, err) &&
           vm_name_is_free(store, vm->host, vm->uuid, vm->name, err) &&
           vm_insert(store, vm, phase, err);
}

static bool adopt(struct store *store, const struct op_begin *begin, struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *guard = statement_get(store, OP_END_GUARD);
    statement_bind_text(guard, 1, begin->host);
    statement_bind_text(guard, 2, begin->uuid);
    return statement_run(store, guard, NULL, err) && insert_vm(store, begin, "ready", err);
}

static bool charge_growth(struct store *store, const struct op_begin *begin,
                          struct lodge_error *err)
{
    const struct vm_row *vm = begin->vm;
    struct vm_charge now;
    bool found = false;
    if (!vm_charge(store, begin->host, begin->uuid, &now, &found, err)) {
        return false;
    }
    if (!found) {
        return lodge_fail(err, LODGE_ERROR_NOT_FOUND, "lodge has no row of '%s'", begin->vm_name);
    }
    struct lodge_amounts more = {
        .vms = 0,
        .vcpus = vm->vcpus - now.amounts.vcpus,
        .memory_mib = vm->memory_mib - now.amounts.memory_mib,
        .disk_gib = vm->disk_gib - now.amounts.disk_gib,
    };
    return quota_check(store, now.owner, &more, begin, err) &&
           (begin->new_name == NULL ||
            vm_name_is_free(store, begin->host, begin->uuid, begin->new_name, err)) &&
           vm_set_charge(store, vm, err);
}

static bool apply_begin(struct store *store, const struct op_begin *begin, struct lodge_error *err)
{
    switch (begin->effect) {
    case VM_INSERT:
        return insert_vm(store, begin, "creating", err);
    case VM_ADOPT:
        return adopt(store, begin, err);
    case VM_CHARGE:
        return charge_growth(store, begin, err);
    case VM_DELETING:
        return vm_set_phase(store, begin->host, begin->uuid, "deleting", err);
    case VM_KEEP:
    case VM_READY:
    case VM_SETTLE:
    case VM_ERROR:
    case VM_REMOVE:
        return true;
    }
    return true;
}

static bool insert_op(struct store *store, const struct op_begin *begin, int64_t *ret_id,
                      struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *insert = statement_get(store, OP_INSERT);
    bool row = false;
    statement_bind_text(insert, 1, begin->kind);
    statement_bind_text(insert, 2, begin->host);
    statement_bind_text(insert, 3, begin->uuid);
    statement_bind_int(insert, 4, begin->uid);
    statement_bind_text(insert, 5, begin->step);
    statement_bind_int(insert, 6, begin->at_ms);
    statement_bind_text(insert, 7, begin->vm_name);
    statement_bind_text(insert, 8, begin->journal);
    statement_bind_text(insert, 9, begin->request_id);
    statement_bind_text(insert, 10, begin->request_hash);
    if (!statement_step(store, insert, &row, err)) {
        return false;
    }
    *ret_id = sqlite3_column_int64(insert, 0);
    return true;
}

static bool note_audit(struct store *store, const struct op_begin *begin, int64_t op,
                       struct lodge_error *err)
{
    AUTO(free) char *target = xasprintf("%s/%s", begin->host, begin->vm_name);
    struct audit_row row = {
        .at_ms = begin->at_ms,
        .uid = begin->uid,
        .pid = begin->pid,
        .method = begin->kind,
        .target = target,
        .result = LODGE_ERROR_NONE,
        .params = begin->asked,
        .op = op,
    };
    return audit_insert(store, &row, err);
}

bool store_begin_op(struct store *store, const struct op_begin *begin, struct op_begun *ret_begun,
                    struct lodge_error *err)
{
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    const struct op_request request = {begin->uid, begin->kind, begin->request_id,
                                       begin->request_hash};
    *ret_begun = (struct op_begun){0};
    if (transaction == NULL ||
        (request.request_id != NULL && !find_begun(store, &request, ret_begun, err))) {
        return false;
    }
    if (ret_begun->known) {
        return true; /* nothing was written: the end rolls back */
    }
    snprintf(ret_begun->uuid, sizeof ret_begun->uuid, "%s", begin->uuid);
    return is_allowed(store, begin, err) && is_vm_free(store, begin, err) &&
           apply_begin(store, begin, err) && insert_op(store, begin, &ret_begun->id, err) &&
           age_grow(store, err) &&
           op_add_step(store, ret_begun->id, begin->step, begin->at_ms, err) &&
           note_audit(store, begin, ret_begun->id, err) && transaction_commit(transaction, err);
}
