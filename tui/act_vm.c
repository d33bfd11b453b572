/* act_vm: what is done to guests: by a key on the one under the cursor, and by `:create`. */
#include "act.h"

#include "units.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIB_PER_GIB = 1024 };

/* In the order of enum change. The question has the guest's name in its middle. */
static const struct {
    const char *method;
    const char *verb;
    enum ask_weight weight;
    const char *before;
    const char *after;
} changes[CHANGES] = {
    [CHANGE_START] = {"vm.start", "start", ASK_LIGHT, "", ""},
    [CHANGE_SHUTDOWN] = {"vm.shutdown", "shut down", ASK_PLAIN, "Shut down ", "? y/N"},
    [CHANGE_REBOOT] = {"vm.reboot", "reboot", ASK_PLAIN, "Reboot ", "? y/N"},
    [CHANGE_PAUSE] = {"vm.pause", "pause", ASK_PLAIN, "Pause ", "? y/N"},
    [CHANGE_SAVE] = {"vm.save", "save", ASK_PLAIN, "Save ", " and shut it off? y/N"},
    [CHANGE_STOP] = {"vm.stop", "force off", ASK_HEAVY, "Force off ",
                     "? What its guest has not written is lost. Y (capital) / N"},
    [CHANGE_DELETE] = {"vm.delete", "delete", ASK_FINAL, "", ""},
};

enum { MANY = 10 }; /* of more than that, the number must be typed */

/* "Delete web (running) for good, with 2 disks of 30G?", as far as its details are known. */
static void question_of_deletion(const struct desk *desk, const struct lodge_vm *vm, char *ret_text,
                                 size_t size)
{
    const struct lodge_vm *detail = &desk->model.detail;
    int64_t sum = 0;
    size_t ours = 0;
    char figure[UNIT_TEXT];

    for (size_t i = 0; strcmp(detail->uuid, vm->uuid) == 0 && i < detail->disks.count; i++) {
        if (detail->disks.items[i].ours == LODGE_FLAG_YES) {
            ours++;
            sum += detail->disks.items[i].size_gib > 0 ? detail->disks.items[i].size_gib : 0;
        }
    }
    snprintf(ret_text, size,
             "Delete %s (%s) for good, with %zu disk%s of %s? Type its name:", vm->name,
             lodge_vm_state_name(vm->state), ours, ours == 1 ? "" : "s",
             size_text(figure, sum * MIB_PER_GIB));
}

static unsigned ask_or_send(struct desk *desk, const struct lodge_vm *vm, enum change change)
{
    struct prompt *prompt = &desk->state.prompt;
    struct ask *ask = &desk->ask;
    char names[96];

    if (ask->vm_count > MANY) {
        ask->weight = ASK_FINAL;
    }
    if (ask->vm_count == 1) {
        snprintf(names, sizeof(names), "%s", vm->name);
    } else {
        snprintf(names, sizeof(names), "%zu VMs", ask->vm_count);
    }
    switch (ask->weight) {
    case ASK_LIGHT:
        desk_say(desk, ROLE_DIM, "%s …", ask->what);
        return ACT_DRAW | ACT_ASK;
    case ASK_PLAIN:
    case ASK_HEAVY:
        prompt_open(prompt, PROMPT_YES, "");
        snprintf(prompt->label, sizeof(prompt->label), "%s%s%s", changes[change].before, names,
                 changes[change].after);
        return ACT_DRAW;
    case ASK_FINAL:
        prompt_open(prompt, PROMPT_NAME, "");
        if (ask->vm_count == 1) {
            snprintf(ask->word, sizeof(ask->word), "%s", vm->name);
            question_of_deletion(desk, vm, prompt->label, sizeof(prompt->label));
        } else {
            snprintf(ask->word, sizeof(ask->word), "%s", ask->what);
            snprintf(prompt->label, sizeof(prompt->label),
                     "That is %zu VMs. Type \"%s\":", ask->vm_count, ask->word);
        }
        return ACT_DRAW;
    }
    return ACT_DRAW;
}

/* Those that are marked, in view or not, else the one under the cursor. */
static void choose(struct desk *desk, const struct model_row *selected)
{
    for (size_t i = 0; i < desk->model.count; i++) {
        const struct model_row *row = desk->model.rows[i];
        if (row->marked && row->gone_ms == 0) {
            ask_add(&desk->ask, row->vm.host, row->vm.uuid);
        }
    }
    if (desk->ask.vm_count == 0) {
        ask_add(&desk->ask, selected->vm.host, selected->vm.uuid);
    }
}

unsigned act_change(struct desk *desk, const struct command *command, const char *argument)
{
    const struct model_row *row = list_selected(&desk->state.list);
    enum change change = (enum change)command->amount;
    struct ask *ask = &desk->ask;

    (void)argument;
    if (row == NULL) {
        return ACT_NOTHING;
    }
    ask_done(ask);
    choose(desk, row);
    bool resumes = change == CHANGE_START && ask->vm_count == 1 && row->vm.state == LODGE_VM_PAUSED;
    ask->method = resumes ? "vm.resume" : changes[change].method;
    ask->weight = changes[change].weight;
    ask->params = json_object_new_object();
    if (ask->vm_count == 1) {
        snprintf(ask->what, sizeof(ask->what), "%s %s", resumes ? "resume" : changes[change].verb,
                 row->vm.name);
    } else {
        snprintf(ask->what, sizeof(ask->what), "%s %zu", changes[change].verb, ask->vm_count);
    }
    return ask_or_send(desk, &row->vm, change);
}

unsigned act_mark(struct desk *desk, const struct command *command, const char *argument)
{
    struct model_row *row = list_selected(&desk->state.list);

    (void)command;
    (void)argument;
    if (row == NULL) {
        return ACT_NOTHING;
    }
    row->marked = !row->marked;
    list_move(&desk->state.list, 1, desk->model.now_ms);
    return ACT_DRAW;
}

unsigned act_unmark(struct desk *desk, const struct command *command, const char *argument)
{
    (void)command;
    (void)argument;
    for (size_t i = 0; i < desk->model.count; i++) {
        desk->model.rows[i]->marked = false;
    }
    return ACT_DRAW;
}
