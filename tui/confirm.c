/*
 * confirm: a yes sets ACT_ASK, anything else drops the ask. A yes to what is not so any more is
 * none: what the question said of each guest is compared with what the model has now.
 */
#include "confirm.h"

#include "question.h"
#include "scope.h"
#include "ui.h"

#include <stdio.h>
#include <string.h>

bool confirm_take_disks(struct ui *ui, unsigned number, size_t index, const struct lodge_vm *vm)
{
    struct ask *ask = &ui->ask;

    if (ask->number != number || index >= ask->target_count) {
        return false; /* it was answered meanwhile */
    }
    if (vm != NULL) {
        target_take_disks(&ask->targets[index], vm);
    } else {
        ask->targets[index].known = DISKS_FAILED;
    }
    question_write(ask, &ui->state.prompt);
    return true;
}

unsigned confirm_open(struct ui *ui)
{
    struct ask *ask = &ui->ask;
    bool wants_disks = false;

    prompt_open(&ui->state.prompt, ask->weight == ASK_FINAL ? PROMPT_NAME : PROMPT_YES, "");
    question_write(ask, &ui->state.prompt);
    for (size_t i = 0; i < ask->target_count && question_is_of_disks(ask); i++) {
        wants_disks = wants_disks || ask->targets[i].known == DISKS_UNKNOWN;
    }
    return ui_turn_deaf(ui) | (wants_disks ? ACT_DISKS : ACT_NOTHING);
}

/* What is not so any more of what the question said; false: all is. */
static bool has_changed(const struct ui *ui, const struct target *target, char *text, size_t size)
{
    const struct model_row *row = model_find_vm(&ui->model, target->vm);

    if (row == NULL || row->gone_ms != 0) {
        snprintf(text, size, "%s is not there any more", target->shown);
    } else if (strcmp(row->vm.name, target->name) != 0) {
        snprintf(text, size, "%s is called %s now", target->shown, row->vm.name);
    } else if (row->vm.state != target->state) {
        snprintf(text, size, "%s is %s now, it was %s", target->shown,
                 lodge_vm_state_name(row->vm.state), lodge_vm_state_name(target->state));
    } else {
        return false;
    }
    return true;
}

static unsigned decide(struct ui *ui, bool yes)
{
    char changed[512];

    for (size_t i = 0; yes && i < ui->ask.target_count; i++) {
        if (has_changed(ui, &ui->ask.targets[i], changed, sizeof changed)) {
            ask_done(&ui->ask);
            ui_say(ui, ROLE_WARN, "nothing was done: %s", changed);
            return ACT_DRAW;
        }
    }
    if (!yes) {
        ask_done(&ui->ask);
        ui_tell(ui, ROLE_PLAIN, "nothing was done");
        ui->state.message.is_answer = false;
        return ACT_DRAW;
    }
    ui_say(ui, ROLE_DIM, "%s …", ui->ask.what);
    return ACT_DRAW | ACT_ASK;
}

/* Whether it is a no of somebody who has read the question. */
static bool is_a_no(struct key key)
{
    static const uint32_t noes[] = {'n', 'N', 'y', 'q', KEY_CODE_ESC, KEY_CODE_ENTER};

    for (size_t i = 0; i < ARRAY_LENGTH(noes); i++) {
        if (key.code == noes[i]) {
            return true;
        }
    }
    return false;
}

unsigned confirm_answered(struct ui *ui, struct key key)
{
    bool yes = key.code == (ui->ask.weight == ASK_HEAVY ? 'Y' : 'y');
    unsigned acts = decide(ui, yes);

    return yes || is_a_no(key) ? acts : acts | ui_turn_deaf(ui);
}

unsigned confirm_named(struct ui *ui, const char *name)
{
    return decide(ui, strcmp(name, ui->ask.word) == 0);
}
