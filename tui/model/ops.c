/* ops: the operations that the TUI has heard of, newest first, and the quotas. */
#include "contract/contract.h"
#include "memory.h"
#include "model/model.h"
#include "scope.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

static bool has_ended(enum lodge_op_state state)
{
    return state == LODGE_OP_DONE || state == LODGE_OP_FAILED || state == LODGE_OP_CANCELLED;
}

static size_t place_of_op(const struct model *model, int64_t id)
{
    size_t at = 0;
    while (at < model->op_count && model->ops[at].id != id) {
        at++;
    }
    return at;
}

static void make_room_for_op(struct model *model)
{
    if (model->ops == NULL) {
        model->ops = xcalloc(MODEL_OPS, sizeof *model->ops);
    }
    if (model->op_count == MODEL_OPS) {
        fields_clear(lodge_op_fields, &model->ops[--model->op_count]);
    }
    memmove(model->ops + 1, model->ops, model->op_count * sizeof *model->ops);
    model->op_count++;
    fields_init(lodge_op_fields, &model->ops[0]);
}

/* In the TUI's words, for all that shows it. */
static void take_words(const struct model *model, struct lodge_op *op)
{
    char **texts[] = {&op->error.message, &op->reason};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        char *words = words_of(model->commands, *texts[i], op->id);
        free(*texts[i]);
        *texts[i] = words;
    }
    for (size_t i = 0; i < op->notes.count; i++) {
        char *words = words_of(model->commands, op->notes.items[i], op->id);
        free(op->notes.items[i]);
        op->notes.items[i] = words;
    }
}

bool model_apply_op(struct model *model, const struct lodge_event *event)
{
    if (event->type == LODGE_EVENT_REMOVED) {
        return false; /* what has been seen stays to be read */
    }
    size_t at = place_of_op(model, event->op.id);
    bool had_ended = at < model->op_count && has_ended(model->ops[at].state);
    bool is_new = at == model->op_count;
    if (is_new) {
        make_room_for_op(model);
        at = 0;
    }
    fields_clear(lodge_op_fields, &model->ops[at]);
    if (!fields_copy(lodge_op_fields, &model->ops[at], &event->op)) {
        abort(); /* out of memory */
    }
    take_words(model, &model->ops[at]);
    model->facts++;
    bool ends = !had_ended && has_ended(event->op.state);
    if (model->ready && !model->retelling && (is_new || ends)) {
        model_note_op(model, &model->ops[at]);
    }
    return ends;
}

void model_forget_ops(struct model *model)
{
    for (size_t i = 0; i < model->op_count; i++) {
        fields_clear(lodge_op_fields, &model->ops[i]);
    }
    free(model->ops);
    model->ops = NULL;
    model->op_count = 0;
}

void model_add_offer(struct model *model, enum offer_kind kind, const char *name)
{
    if (name != NULL && !lodge_strings_add(&model->offers[kind], name)) {
        abort(); /* out of memory */
    }
    model->facts++;
}

void model_forget_offers(struct model *model)
{
    for (int kind = 0; kind < OFFERS; kind++) {
        lodge_strings_clear(&model->offers[kind]);
    }
}

void model_take_quota(struct model *model, const struct lodge_quota *system,
                      const struct lodge_quota *user)
{
    model->quota.known = true;
    model->quota.system = *system;
    model->quota.user = *user;
    model->facts++;
}

void model_apply_quota(struct model *model, const struct lodge_event *event)
{
    const struct lodge_quota_of *quota = &event->quota;
    bool is_known = model->quota.known && event->type != LODGE_EVENT_REMOVED;
    bool is_mine = quota->user != NULL && model->server.user != NULL &&
                   strcmp(quota->user, model->server.user) == 0;
    if (is_known && quota->scope == LODGE_QUOTA_SYSTEM) {
        model->quota.system = quota->quota;
    } else if (is_known && is_mine) {
        model->quota.user = quota->quota;
    }
    model->facts++;
}
