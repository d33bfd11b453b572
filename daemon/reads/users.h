/* users: who has a role of their own or VMs. Answers come once, on the loop. */
#ifndef READS_USERS_H
#define READS_USERS_H

#include "ops/ops.h"
#include "reads/audit.h"

struct user_entry {
    uid_t uid;
    bool has_role;
    enum user_role role;
    struct lodge_amounts promised;
};
typedef void users_fn(void *data, const struct user_entry *users, size_t count,
                      const struct lodge_error *error);

/* Those with a row or with VMs, in order of uid. */
void users_list(struct ops *ops, users_fn *answer, void *data);

/* Gives a user a role, in the store, with the row of the audit, and then in the loop's memory; the
 * answer has that one. `by` has texts that live until the answer. */
void users_set_role(struct ops *ops, uid_t uid, enum user_role role, const struct audit_call *by,
                    users_fn *answer, void *data);

#endif
