/* activity: what has happened since the TUI looks, the last MODEL_ACTIVITIES of it. */
#include "memory.h"
#include "model/model.h"
#include "words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void model_note(struct model *model, bool bad, const char *format, ...)
{
    va_list args;

    if (model->activities == NULL) {
        model->activities = xcalloc(MODEL_ACTIVITIES, sizeof *model->activities);
    }
    struct activity *activity = &model->activities[model->activity_count++ % MODEL_ACTIVITIES];
    activity->at_ms = model->now_ms;
    activity->bad = bad;
    va_start(args, format);
    vsnprintf(activity->text, sizeof activity->text, format, args);
    va_end(args);
}

size_t model_activity_count(const struct model *model)
{
    return model->activity_count < MODEL_ACTIVITIES ? model->activity_count : MODEL_ACTIVITIES;
}

const struct activity *model_activity(const struct model *model, size_t back)
{
    return &model->activities[(model->activity_count - 1 - back) % MODEL_ACTIVITIES];
}

void model_note_vm(struct model *model, const struct lodge_vm *before, const struct lodge_vm *now)
{
    const char *reason = now->reason == NULL ? "" : now->reason;

    if (before->state != now->state) {
        model_note(model, now->state == LODGE_VM_CRASHED, "%s  %s%s%s%s", now->name,
                   lodge_vm_state_name(now->state), *reason == '\0' ? "" : " (", reason,
                   *reason == '\0' ? "" : ")");
    }
    if ((before->unresponsive != 0) != (now->unresponsive != 0)) {
        bool hangs = now->unresponsive != 0;
        model_note(model, hangs, "%s  %s", now->name,
                   hangs ? "its QEMU does not answer" : "its QEMU answers again");
    }
}

void model_note_op(struct model *model, const struct lodge_op *op)
{
    const char *verb = words_for_kind(op->kind);
    const char *vm = op->vm == NULL ? "" : op->vm;

    if (op->ended_at == 0) {
        model_note(model, false, "%s  %s began (%s)", vm, verb, op->user == NULL ? "" : op->user);
    } else if (op->error.message != NULL) {
        model_note(model, true, "%s  %s: %s", vm, verb, op->error.message);
    } else {
        model_note(model, false, "%s  %s done, %.1f s", vm, verb,
                   (double)(op->ended_at - op->started_at) / 1000);
    }
    for (size_t i = 0; op->ended_at != 0 && i < op->notes.count; i++) {
        model_note(model, true, "%s  %s: %s", vm, verb, op->notes.items[i]);
    }
}
