/*
 * history: three questions (fleet_questions.h) to the store: operations, the audit, a copy of the
 * database, which is made once for all who ask meanwhile, by a worker of its own. A worker fills
 * the rows; on the loop they get the users' names, are lent to the caller, and freed unless taken.
 */
#include "reads/history.h"

#include "contract/contract.h"
#include "fleet_questions.h"
#include "memory.h"
#include "reads/reads_private.h"
#include "refusals.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of its result what is shown of every operation. */
struct noted {
    struct lodge_strings notes;
};
static const struct field noted_fields[] = {
    {"notes", FIELD_STRINGS, .offset = offsetof(struct noted, notes)},
    {.type = FIELD_END},
};

static void take_notes_of(struct lodge_op *op, const char *result)
{
    struct noted noted;
    struct lodge_error err = {0};
    if (result != NULL && fields_read_text(result, noted_fields, &noted, &err)) {
        op->notes = noted.notes; /* given away */
    }
}

static void from_row(struct lodge_op *op, const struct op_row *row)
{
    fields_init(lodge_op_fields, op);
    op->id = row->id;
    op->kind = xstrdup(row->kind);
    op->host = xstrdup(row->host);
    snprintf(op->uuid, sizeof op->uuid, "%s", row->uuid);
    op->vm = xstrdup_or_null(row->vm_name);
    op->state = row->state;
    op->step = xstrdup_or_null(row->step);
    op->can_cancel = LODGE_FLAG_NO;
    op->started_at = row->started_ms;
    op->ended_at = row->ended_ms;
    if (row->error_kind != LODGE_ERROR_NONE) {
        op->error.kind = xstrdup(lodge_error_kind_name(row->error_kind));
        op->error.message = xstrdup_or_null(row->error);
    }
    take_notes_of(op, row->result);
    op->steps.items = xcalloc(row->step_count, sizeof *op->steps.items);
    op->steps.count = row->step_count;
    for (size_t i = 0; i < row->step_count; i++) {
        op->steps.items[i].name = xstrdup(row->steps[i].name);
        op->steps.items[i].at = row->steps[i].at;
    }
}

struct listing {
    struct question question; /* first */
    bool one;
    int64_t id;
    struct history_choice choice;
    struct history_ops ops;
    history_ops_fn *answer;
    void *data;
};

static void take_op(void *data, const struct op_row *row)
{
    struct history_ops *ops = data;
    ops->items = xrealloc(ops->items, (ops->count + 1) * sizeof *ops->items);
    ops->uids = xrealloc(ops->uids, (ops->count + 1) * sizeof *ops->uids);
    from_row(&ops->items[ops->count], row);
    ops->uids[ops->count++] = row->uid;
}

static bool listing_read(struct question *question, struct store *store)
{
    struct listing *listing = (struct listing *)question;
    const struct history_choice *choice = &listing->choice;
    bool found = false;
    if (listing->one) {
        return store_read_op(store, listing->id, take_op, &listing->ops, &found, &question->error);
    }
    struct op_choice chosen = {
        .uid = choice->by_uid ? &choice->uid : NULL,
        .owner = choice->by_owner ? &choice->owner : NULL,
        .host = choice->host,
        .uuid = choice->uuid,
        .state = choice->state,
        .before = choice->before,
        .limit = choice->limit,
    };
    return store_list_ops(store, &chosen, take_op, &listing->ops, &question->error);
}

void history_ops_clear(struct history_ops *ops, size_t first)
{
    for (size_t i = first; i < ops->count; i++) {
        fields_clear(lodge_op_fields, &ops->items[i]);
    }
    free(ops->items);
    free(ops->uids);
    *ops = (struct history_ops){0};
}

static void listing_answered(struct question *question)
{
    struct listing *listing = (struct listing *)question;
    struct people *people = registry_people(question->fleet->registry);
    bool ok = question->error.kind == LODGE_ERROR_NONE;
    for (size_t i = 0; i < listing->ops.count; i++) {
        listing->ops.items[i].user = xstrdup(people_name(people, listing->ops.uids[i]));
    }
    listing->answer(listing->data, ok ? &listing->ops : NULL, ok ? NULL : &question->error);
    history_ops_clear(&listing->ops, 0);
    free(listing->choice.host);
    free(listing->choice.uuid);
    free(listing);
}

static struct listing *listing_new(history_ops_fn *answer, void *data)
{
    struct listing *listing = xcalloc(1, sizeof *listing);
    listing->question.run = listing_read;
    listing->question.reads = true;
    listing->question.answer = listing_answered;
    listing->answer = answer;
    listing->data = data;
    return listing;
}

void history_read_op(struct ops *ops, int64_t id, history_ops_fn *answer, void *data)
{
    struct listing *listing = listing_new(answer, data);
    listing->one = true;
    listing->id = id;
    question_ask(ops_fleet(ops), &listing->question);
}

void history_list_ops(struct ops *ops, struct history_choice *choice, history_ops_fn *answer,
                      void *data)
{
    struct listing *listing = listing_new(answer, data);
    listing->choice = *choice;
    question_ask(ops_fleet(ops), &listing->question);
}

/* The audit */

struct audit_reading {
    struct question question; /* first */
    struct audit_question choice;
    struct history_audit audit;
    history_audit_fn *answer;
    void *data;
};

static void take_audit(void *data, const struct audit_entry *entry)
{
    struct history_audit *audit = data;
    audit->items = xrealloc(audit->items, (audit->count + 1) * sizeof *audit->items);
    audit->items[audit->count++] = (struct lodge_audit){
        .id = entry->id,
        .at = entry->at_ms,
        .uid = entry->uid,
        .pid = entry->pid,
        .method = xstrdup(entry->method),
        .target = xstrdup_or_null(entry->target),
        .result = xstrdup(entry->result),
        .error = xstrdup_or_null(entry->error),
        .times = entry->times,
        .op = entry->op > 0 ? entry->op : LODGE_UNKNOWN,
        .params = xstrdup_or_null(entry->params),
    };
}

static bool audit_reading_read(struct question *question, struct store *store)
{
    struct audit_reading *reading = (struct audit_reading *)question;
    const struct audit_question *choice = &reading->choice;
    struct audit_choice chosen = {
        .uid = choice->by_uid ? &choice->uid : NULL,
        .target = choice->target,
        .since_ms = choice->since_ms,
        .before = choice->before,
        .limit = choice->limit,
    };
    return store_list_audit(store, &chosen, take_audit, &reading->audit, &question->error);
}

void history_audit_clear(struct history_audit *audit, size_t first)
{
    for (size_t i = first; i < audit->count; i++) {
        fields_clear(lodge_audit_fields, &audit->items[i]);
    }
    free(audit->items);
    *audit = (struct history_audit){0};
}

static void audit_reading_answered(struct question *question)
{
    struct audit_reading *reading = (struct audit_reading *)question;
    struct people *people = registry_people(question->fleet->registry);
    bool ok = question->error.kind == LODGE_ERROR_NONE;
    for (size_t i = 0; i < reading->audit.count; i++) {
        struct lodge_audit *row = &reading->audit.items[i];
        row->user = xstrdup(people_name(people, (uid_t)row->uid));
    }
    reading->answer(reading->data, ok ? &reading->audit : NULL, ok ? NULL : &question->error);
    history_audit_clear(&reading->audit, 0);
    free(reading->choice.target);
    free(reading);
}

void history_list_audit(struct ops *ops, struct audit_question *choice, history_audit_fn *answer,
                        void *data)
{
    struct audit_reading *reading = xcalloc(1, sizeof *reading);
    reading->question.run = audit_reading_read;
    reading->question.reads = true;
    reading->question.answer = audit_reading_answered;
    reading->choice = *choice;
    reading->answer = answer;
    reading->data = data;
    question_ask(ops_fleet(ops), &reading->question);
}

/* A copy of the database */

struct backing_up {
    struct question question; /* first */
    char *path;
    int64_t bytes;
};

static bool backup_make(struct question *question, struct store *store)
{
    struct backing_up *backup = (struct backing_up *)question;
    return store_make_backup(store, loop_wall_ms(), &backup->path, &backup->bytes,
                             &question->error);
}

static void backup_answered(struct question *question)
{
    struct backing_up *backup = (struct backing_up *)question;
    bool ok = question->error.kind == LODGE_ERROR_NONE;
    if (question->fleet->reads->backups != NULL) { /* else lodged leaves, and they know */
        rounds_end(question->fleet->reads->backups, ok ? backup : NULL,
                   ok ? NULL : &question->error);
    }
    free(backup->path);
    free(backup);
}

static void begin_backup(void *owner)
{
    struct reads *reads = owner;
    struct backing_up *backup = xcalloc(1, sizeof *backup);
    backup->question.run = backup_make;
    backup->question.answer = backup_answered;
    backup->question.workers = reads->copies;
    question_ask(reads->fleet, &backup->question);
}

const struct rounds_kind history_backups = {.begin = begin_backup};

/* Who asked. */
struct backup_asker {
    history_backup_fn *answer;
    void *data;
};

static void pass_backup_on(void *data, const void *answer, const struct lodge_error *error)
{
    struct backup_asker *asker = data;
    const struct backing_up *backup = answer;
    asker->answer(asker->data, backup == NULL ? NULL : backup->path,
                  backup == NULL ? 0 : backup->bytes, error);
    free(asker);
}

void history_backup(struct ops *ops, history_backup_fn *answer, void *data)
{
    struct lodge_error err = {0};
    struct reads *reads = reads_of(ops);
    if (reads->fleet->closing) {
        (void)refuse_stopping(&err);
        answer(data, NULL, 0, &err);
        return;
    }
    struct backup_asker *asker = xcalloc(1, sizeof *asker);
    asker->answer = answer;
    asker->data = data;
    rounds_join(reads->backups, pass_backup_on, asker);
}
