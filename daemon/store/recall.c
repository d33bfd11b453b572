/*
 * recall: what is read is copied row by row; `blocks` has every text and array that a row points
 * to, and is what is freed. On one thread at a time: who reads it, then who takes it over.
 */
#include "store/recall.h"

#include "memory.h"
#include "store/database.h"
#include "store/session_rows.h"

#include <stdlib.h>
#include <string.h>

#define HOUR_MS INT64_C(3600000)

static void *keep_block(struct recall *recall, void *block)
{
    recall->blocks = xrealloc(recall->blocks, (recall->block_count + 1) * sizeof(void *));
    recall->blocks[recall->block_count++] = block;
    return block;
}

static const char *keep_text(struct recall *recall, const char *text)
{
    return text == NULL ? NULL : keep_block(recall, xstrdup(text));
}

static void add_recalled_user(void *data, uid_t uid, const char *role)
{
    struct recall *recall = data;
    size_t size = (recall->user_count + 1) * sizeof *recall->users;
    recall->users = xrealloc(recall->users, size);
    recall->users[recall->user_count++] = (struct recalled_user){uid, keep_text(recall, role)};
}

static void add_recalled_limits(void *data, const uid_t *user, const struct lodge_amounts *limits)
{
    struct recall *recall = data;
    size_t size = (recall->limit_count + 1) * sizeof *recall->limits;
    recall->limits = xrealloc(recall->limits, size);
    recall->limits[recall->limit_count++] =
        (struct recalled_limits){user == NULL, user == NULL ? 0 : *user, *limits};
}

static void add_recalled_vm(void *data, const struct vm_row *row)
{
    struct recall *recall = data;
    const struct vm_row *kept = keep_block(recall, vm_row_copy(row));
    recall->vms = xrealloc(recall->vms, (recall->vm_count + 1) * sizeof *recall->vms);
    recall->vms[recall->vm_count++] = *kept;
}

static struct op_row keep_op(struct recall *recall, const struct op_row *row)
{
    struct op_row kept = *row;
    kept.kind = keep_text(recall, row->kind);
    kept.host = keep_text(recall, row->host);
    kept.uuid = keep_text(recall, row->uuid);
    kept.vm_name = keep_text(recall, row->vm_name);
    kept.step = keep_text(recall, row->step);
    kept.journal = keep_text(recall, row->journal);
    kept.result = keep_text(recall, row->result);
    kept.error = keep_text(recall, row->error);
    kept.steps = NULL;
    kept.step_count = 0;
    return kept;
}

static void add_recalled_unfinished(void *data, const struct op_row *row)
{
    struct recall *recall = data;
    size_t size = (recall->unfinished_count + 1) * sizeof *recall->unfinished;
    recall->unfinished = xrealloc(recall->unfinished, size);
    recall->unfinished[recall->unfinished_count++] = keep_op(recall, row);
}

static void add_recalled_guarded(void *data, const struct op_row *row)
{
    struct recall *recall = data;
    size_t size = (recall->guarded_count + 1) * sizeof *recall->guarded;
    recall->guarded = xrealloc(recall->guarded, size);
    recall->guarded[recall->guarded_count++] = keep_op(recall, row);
}

static void add_recalled_begun(void *data, uid_t uid, int64_t started_ms)
{
    struct recall *recall = data;
    size_t size = (recall->begun_count + 1) * sizeof *recall->begun;
    recall->begun = xrealloc(recall->begun, size);
    recall->begun[recall->begun_count++] = (struct recalled_begin){uid, started_ms};
}

struct recall *recall_read(struct store *store, struct lodge_error *err)
{
    AUTO(recall_free) struct recall *recall = xcalloc(1, sizeof *recall);
    if (!store_read_users(store, add_recalled_user, recall, err) ||
        !store_read_all_limits(store, add_recalled_limits, recall, err) ||
        !store_read_vms(store, add_recalled_vm, recall, err) ||
        !store_read_unfinished(store, add_recalled_unfinished, recall, err) ||
        !store_read_guarded(store, NULL, add_recalled_guarded, recall, err) ||
        !store_read_begun(store, database_now_ms() - HOUR_MS, add_recalled_begun, recall, err) ||
        !store_read_last_op(store, &recall->last_op, err) ||
        !store_recall_sessions(store, database_now_ms(), &recall->last_session, err)) {
        return NULL;
    }
    return TAKE(recall);
}

void recall_free(struct recall *recall)
{
    if (recall == NULL) {
        return;
    }
    for (size_t i = 0; i < recall->block_count; i++) {
        free(recall->blocks[i]);
    }
    free(recall->blocks);
    free(recall->users);
    free(recall->limits);
    free(recall->vms);
    free(recall->unfinished);
    free(recall->guarded);
    free(recall->begun);
    free(recall);
}
