/* rows: what the files of operations share about rows. Under the store's lock, inside a transaction
 * where they write. Only daemon/store includes it. */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include "store/database.h"
#include "store/ops.h"

bool vm_insert(struct store *store, const struct vm_row *vm, const char *phase,
               struct lodge_error *err) LODGE_MUST_CHECK;
bool vm_set_phase(struct store *store, const char *host, const char *uuid, const char *phase,
                  struct lodge_error *err) LODGE_MUST_CHECK;
/* EXISTS when another row of the host, or an operation that has not ended, has this name. */
bool vm_name_is_free(struct store *store, const char *host, const char *uuid, const char *name,
                     struct lodge_error *err) LODGE_MUST_CHECK;
/* vcpus, memory_mib and sizes of disks; the name if it is another, and no other row's: an operation
 * that has ended must not hang on that. */
bool vm_set_charge(struct store *store, const struct vm_row *vm, struct lodge_error *err)
    LODGE_MUST_CHECK;
bool vm_remove(struct store *store, const char *host, const char *uuid, struct lodge_error *err)
    LODGE_MUST_CHECK;
/* What is charged for it now; all 0 and *ret_found false without a row. */
struct vm_charge {
    uid_t owner;
    struct lodge_amounts amounts; /* vms is 1 */
};
bool vm_charge(struct store *store, const char *host, const char *uuid,
               struct vm_charge *ret_charge, bool *ret_found, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* QUOTA_EXCEEDED when `more` does not fit beside what there is, for the system and for `owner`. */
bool quota_check(struct store *store, uid_t owner, const struct lodge_amounts *more,
                 const struct op_begin *begin, struct lodge_error *err) LODGE_MUST_CHECK;

bool op_add_step(struct store *store, int64_t id, const char *step, int64_t at_ms,
                 struct lodge_error *err) LODGE_MUST_CHECK;

/* The row of an audit, in somebody's transaction. */
bool audit_insert(struct store *store, const struct audit_row *row, struct lodge_error *err)
    LODGE_MUST_CHECK;

#endif
