/*
 * act_vm: what is done to guests by a key: to those that are marked, else to the one under the
 * cursor; in details, to the one that is shown.
 */
#include "act.h"

#include "buffer.h"
#include "confirm.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order of enum change. */
static const struct {
    const char *method;
    const char *verb;
    const char *asks;
    const char *warns;
    enum ask_weight weight;
} changes[CHANGES] = {
    [CHANGE_START] = {"vm.start", "start", "Start", NULL, ASK_LIGHT},
    [CHANGE_SHUTDOWN] = {"vm.shutdown", "shut down", "Shut down", NULL, ASK_PLAIN},
    [CHANGE_REBOOT] = {"vm.reboot", "reboot", "Reboot", NULL, ASK_PLAIN},
    [CHANGE_PAUSE] = {"vm.pause", "pause", "Pause", NULL, ASK_PLAIN},
    [CHANGE_SAVE] = {"vm.save", "save", "Save and shut off", NULL, ASK_PLAIN},
    [CHANGE_STOP] = {"vm.stop", "force off", "Force off", "What a guest has not written is lost.",
                     ASK_HEAVY},
    [CHANGE_DELETE] = {"vm.delete", "delete", "Delete", NULL, ASK_FINAL},
};

enum { MANY = 10 }; /* of more than that, the number must be typed */

static int compare_names(const void *left, const void *right)
{
    const struct model_row *a = *(struct model_row *const *)left;
    const struct model_row *b = *(struct model_row *const *)right;
    int order = strverscmp(a->vm.name, b->vm.name);

    return order != 0 ? order : strcmp(a->vm.host, b->vm.host);
}

/* Those that are marked, in view or not, by name; false with what is said when they are gone. */
static bool choose_marked(struct ui *ui)
{
    const struct model *model = &ui->model;
    struct model_row **rows = xcalloc(model->count + 1, sizeof *rows);
    const struct model_row *gone = NULL;
    size_t count = 0;

    for (size_t i = 0; i < model->count; i++) {
        struct model_row *row = model->rows[i];
        if (row->marked && row->gone_ms == 0) {
            rows[count++] = row;
        } else if (row->marked) {
            gone = row;
        }
    }
    qsort(rows, count, sizeof *rows, compare_names);
    for (size_t i = 0; i < count; i++) {
        ask_add(ui, rows[i]);
    }
    free(rows);
    if (count == 0 && gone != NULL) {
        ui_say(ui, ROLE_WARN, "nothing was done: %s is not there any more", gone->vm.name);
    }
    return count > 0 || gone == NULL;
}

/* False, with what is said, when there is nobody that it could be done to. */
static bool choose_targets(struct ui *ui)
{
    const struct model_row *row = guest_list_selected(&ui->state.list);

    if (ui->state.view != VIEW_DETAILS && !choose_marked(ui)) {
        return false;
    }
    if (ui->ask.target_count > 0) {
        return true;
    }
    if (row == NULL) {
        ui_say(ui, ROLE_DIM, "there is no guest under the cursor");
        return false;
    }
    if (row->gone_ms != 0) {
        ui_say(ui, ROLE_WARN, "nothing was done: %s is not there any more", row->vm.name);
        return false;
    }
    if (ui->ask.weight == ASK_LIGHT && ui_has_shifted(ui)) {
        ui_say(ui, ROLE_WARN, "nothing was done: %s has just come under the cursor", row->vm.name);
        return false;
    }
    ask_add(ui, row);
    return true;
}

/* What is asked of a guest that is paused when it is to start. */
static void resume_paused(struct ask *ask)
{
    for (size_t i = 0; i < ask->target_count; i++) {
        if (ask->targets[i].state == LODGE_VM_PAUSED) {
            ask->targets[i].method = "vm.resume";
            ask->targets[i].verb = "resume";
        }
    }
}

/* "start web", "start 3 VMs (2 hidden by the filter: db, mail)" */
static void say_what(struct ask *ask)
{
    size_t hidden = 0;
    AUTO(buffer_free) struct buffer names = {0};

    for (size_t i = 0; i < ask->target_count; i++) {
        if (ask->targets[i].hidden) {
            buffer_add_format(&names, "%s%s", hidden++ == 0 ? "" : ", ", ask->targets[i].shown);
        }
    }
    if (ask->target_count == 1) {
        snprintf(ask->what, sizeof ask->what, "%s %s%s%s%s", ask->targets[0].verb,
                 ask->targets[0].shown, hidden > 0 ? " (" : "", hidden > 0 ? ask->hides : "",
                 hidden > 0 ? ")" : "");
    } else if (hidden == 0) {
        snprintf(ask->what, sizeof ask->what, "%s %zu VMs", ask->verb, ask->target_count);
    } else {
        (void)snprintf(ask->what, sizeof ask->what, "%s %zu VMs (%zu %s: %s)", ask->verb,
                       ask->target_count, hidden, ask->hides, buffer_text(&names));
    }
}

unsigned act_change(struct ui *ui, const struct command *command, const char *argument)
{
    enum change change = (enum change)command->amount;

    (void)argument;
    if ((command->views & (1U << ui->state.view)) == 0) {
        ui_say(ui, ROLE_WARN, ":%s is about guests: 1 shows them", command->name);
        return ACT_DRAW;
    }
    struct ask *ask = ask_begin(ui, changes[change].method, changes[change].verb);
    ask->weight = changes[change].weight;
    ask->asks = changes[change].asks;
    ask->warns = changes[change].warns;
    ask->hides = ui->state.list.filter[0] != '\0' ? "hidden by the filter" : "hidden";
    if (!choose_targets(ui)) {
        ask_done(ask);
        return ACT_DRAW;
    }
    if (change == CHANGE_START) {
        resume_paused(ask);
    }
    say_what(ask);
    if (ask->target_count > MANY) {
        ask->weight = ASK_FINAL;
    }
    if (ask->weight != ASK_LIGHT) {
        return confirm_open(ui);
    }
    ui_say(ui, ROLE_DIM, "%s …", ask->what);
    return ACT_DRAW | ACT_ASK;
}

unsigned act_mark(struct ui *ui, const struct command *command, const char *argument)
{
    struct model_row *row = guest_list_selected(&ui->state.list);

    (void)command;
    (void)argument;
    if (row == NULL) {
        return ACT_NOTHING;
    }
    row->marked = !row->marked;
    guest_list_move(&ui->state.list, 1, ui->model.now_ms);
    return ACT_DRAW;
}

unsigned act_unmark(struct ui *ui, const struct command *command, const char *argument)
{
    (void)command;
    (void)argument;
    for (size_t i = 0; i < ui->model.count; i++) {
        ui->model.rows[i]->marked = false;
    }
    return ACT_DRAW;
}
