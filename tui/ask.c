/*
 * ask: an ask owns its parameters and its guests; each of its calls is made of the same parameters,
 * with another guest and a new request_id. Nothing is sent here, and nothing is said.
 */
#include "ask.h"

#include "memory.h"
#include "scope.h"
#include "ui.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct ask *ask_begin(struct ui *ui, const char *method, const char *verb)
{
    struct ask *ask = &ui->ask;

    ask_done(ask);
    ask->method = method;
    ask->verb = verb;
    ask->number = ++ui->asked;
    ask->params = json_object_new_object();
    return ask;
}

size_t ask_count(const struct ask *ask)
{
    return ask->target_count == 0 ? 1 : ask->target_count;
}

const char *ask_method(const struct ask *ask, size_t index)
{
    return index < ask->target_count ? ask->targets[index].method : ask->method;
}

char *ask_what(const struct ask *ask, size_t index)
{
    if (index >= ask->target_count || ask->way != SCREEN_NONE) {
        return xstrdup(ask->what);
    }
    return xasprintf("%s %s", ask->targets[index].verb, ask->targets[index].shown);
}

static bool has_namesake(const struct model *model, const struct model_row *row)
{
    for (size_t i = 0; i < model->count; i++) {
        const struct model_row *other = model->rows[i];
        if (other != row && other->gone_ms == 0 && strcmp(other->vm.name, row->vm.name) == 0) {
            return true;
        }
    }
    return false;
}

void target_take_disks(struct target *target, const struct lodge_vm *vm)
{
    target->known = DISKS_TOLD;
    target->disks = 0;
    target->gib = 0;
    for (size_t i = 0; i < vm->disks.count; i++) {
        const struct lodge_disk *disk = &vm->disks.items[i];
        if (disk->ours == LODGE_FLAG_YES) {
            target->disks++;
            target->gib += disk->size_gib > 0 ? disk->size_gib : 0;
        }
    }
}

void ask_add(struct ui *ui, const struct model_row *row)
{
    struct ask *ask = &ui->ask;
    const struct lodge_vm *vm = &row->vm;
    const struct lodge_vm *detail = &ui->model.detail;

    struct target *target = ARRAY_GROW(ask->targets, ask->target_count);
    *target = (struct target){
        .vm = xasprintf("%s/%s", vm->host, vm->uuid),
        .name = xstrdup(vm->name),
        .shown = has_namesake(&ui->model, row) ? xasprintf("%s/%s", vm->host, vm->name)
                                               : xstrdup(vm->name),
        .method = ask->method,
        .verb = ask->verb,
        .state = vm->state,
        .hidden = row->rank >= ui->state.list.count || ui->state.list.rows[row->rank] != row,
    };
    if (detail->host != NULL && strcmp(detail->host, vm->host) == 0 &&
        strcmp(detail->uuid, vm->uuid) == 0 && detail->rev == vm->rev) {
        target_take_disks(target, detail);
    }
}

void target_done(struct target *target)
{
    free(target->vm);
    free(target->name);
    free(target->shown);
}

char *ask_params(struct ask *ask, size_t index)
{
    unsigned char random[16];
    char id[2 * sizeof random + 1];

    if (getrandom(random, sizeof random, 0) != sizeof random) {
        abort(); /* never fails once the kernel is up (getrandom(2)) */
    }
    for (size_t i = 0; i < sizeof random; i++) {
        snprintf(id + 2 * i, 3, "%02x", random[i]);
    }
    if (ask->target_count > 0) {
        json_object_object_add(ask->params, "vm", json_object_new_string(ask->targets[index].vm));
    }
    if (!ask->is_plain) {
        json_object_object_add(ask->params, "request_id", json_object_new_string(id));
        json_object_object_add(ask->params, "wait", json_object_new_boolean(true));
    }
    return xstrdup(json_object_to_json_string_ext(ask->params, JSON_C_TO_STRING_PLAIN |
                                                                   JSON_C_TO_STRING_NOSLASHESCAPE));
}

void ask_done(struct ask *ask)
{
    json_object_put(ask->params);
    for (size_t i = 0; i < ask->target_count; i++) {
        target_done(&ask->targets[i]);
    }
    free(ask->targets);
    *ask = (struct ask){0};
}
