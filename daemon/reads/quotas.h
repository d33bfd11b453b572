/*
 * quotas: limits and what was promised, read and set. Answers come once, on the loop.
 */
#ifndef READS_QUOTAS_H
#define READS_QUOTAS_H

#include "lodge/quota.h"
#include "ops/ops.h"
#include "reads/audit.h"

struct quota_answer {
    struct lodge_quota system, user;
    uid_t uid; /* whose `user` is */
};
typedef void quota_fn(void *data, const struct quota_answer *quota,
                      const struct lodge_error *error);

/* The system's and one user's. `running` is summed from the registry. */
void quota_read(struct ops *ops, uid_t uid, quota_fn *answer, void *data);

/* Which members of `limits` are named: the rest stay as they are, stored or configured. */
struct quota_change {
    bool is_system; /* else uid's */
    uid_t uid;
    struct lodge_amounts limits;
    bool vms, vcpus, memory_mib, disk_gib; /* named */
};

/* The row of the audit is written with the change; `by` has texts that live until the answer. */
void quota_write(struct ops *ops, const struct quota_change *change, const struct audit_call *by,
                 quota_fn *answer, void *data);

#endif
