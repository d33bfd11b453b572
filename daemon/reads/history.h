/* history: operations, audit and users as the store keeps them. Answers come once, on the loop;
 * what they show is borrowed for the call, but rows may be taken by leaving none. */
#ifndef READS_HISTORY_H
#define READS_HISTORY_H

#include "lodge/audit.h"
#include "ops/ops.h"
#include "store/ops.h"

#include <sys/types.h>

/* Newest first. Names of users are filled in. */
struct history_ops {
    struct lodge_op *items;
    uid_t *uids; /* beside them */
    size_t count;
};
struct history_choice {
    bool by_uid;
    uid_t uid;
    bool by_owner; /* of another's operations those on VMs of `owner` */
    uid_t owner;
    char *host, *uuid; /* both or none; taken over */
    enum lodge_op_state state;
    int64_t before;
    int64_t limit;
};
typedef void history_ops_fn(void *data, struct history_ops *ops, const struct lodge_error *error);
void history_read_op(struct ops *ops, int64_t id, history_ops_fn *answer, void *data);
void history_list_ops(struct ops *ops, struct history_choice *choice, history_ops_fn *answer,
                      void *data);

/* Frees those from `first` on; those before were. */
void history_ops_clear(struct history_ops *ops, size_t first);

struct history_audit {
    struct lodge_audit *items;
    size_t count;
};
struct audit_question {
    bool by_uid;
    uid_t uid;
    char *target; /* taken over, or NULL */
    int64_t since_ms;
    int64_t before;
    int64_t limit;
};
typedef void history_audit_fn(void *data, struct history_audit *audit,
                              const struct lodge_error *error);
void history_list_audit(struct ops *ops, struct audit_question *choice, history_audit_fn *answer,
                        void *data);
void history_audit_clear(struct history_audit *audit, size_t first);

/* server.backup */
typedef void history_backup_fn(void *data, const char *path, int64_t bytes,
                               const struct lodge_error *error);
void history_backup(struct ops *ops, history_backup_fn *answer, void *data);

/* For reads.backups: who asks while one is made shares the next. */
struct rounds_kind;
extern const struct rounds_kind history_backups;

#endif
