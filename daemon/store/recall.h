/*
 * recall: what the store remembers of the time before, in one piece: read by a worker (or before
 * the loop runs), taken over by the loop, which must not ask the store itself.
 */
#ifndef STORE_RECALL_H
#define STORE_RECALL_H

#include "scope.h"
#include "store/ops.h"

struct recalled_user {
    uid_t uid;
    const char *role;
};

struct recalled_limits {
    bool is_system; /* else uid's */
    uid_t uid;
    struct lodge_amounts limits;
};

struct recalled_begin {
    uid_t uid;
    int64_t started_ms; /* since 1970 */
};

struct recall {
    struct recalled_user *users;
    size_t user_count;
    struct recalled_limits *limits; /* that were set */
    size_t limit_count;
    struct vm_row *vms; /* without MACs */
    size_t vm_count;
    struct op_row *unfinished; /* operations, oldest first; without steps */
    size_t unfinished_count;
    struct op_row *guarded; /* creations that were undone and are kept */
    size_t guarded_count;
    struct recalled_begin *begun; /* within the hour before, the newest first */
    size_t begun_count;
    int64_t last_op;      /* the largest number of an operation that was begun */
    int64_t last_session; /* the largest number of one; those that were open have ended */

    void **blocks; /* all that the rows point to */
    size_t block_count;
};

/* Blocks. Sessions that were open are ended. NULL on failure; else recall_free() when all is taken
 * over. */
struct recall *recall_read(struct store *store, struct lodge_error *err);
void recall_free(struct recall *recall); /* NULL is fine */

DEFINE_AUTO(struct recall *, recall_free, NULL);

#endif
