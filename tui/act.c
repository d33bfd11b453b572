/* act: what each command of the table does. */
#include "act.h"

#include "scope.h"

#include <stdio.h>
#include <string.h>

static unsigned move_by(struct ui *ui, long by)
{
    const struct view *view = &views[ui->state.view];

    if (view->move != NULL) {
        view->move(&ui->model, &ui->state, by);
    }
    return ACT_DRAW;
}

unsigned act_move(struct ui *ui, const struct command *command, const char *argument)
{
    (void)argument;
    return move_by(ui, command->amount);
}

unsigned act_page(struct ui *ui, const struct command *command, const char *argument)
{
    int page = ui->layout.body.height - 2;

    (void)argument;
    page = page < 1 ? 1 : page;
    if (views[ui->state.view].lines != NULL) {
        ui->state.scroll += command->amount * page;
        return ACT_DRAW;
    }
    return move_by(ui, (long)command->amount * page);
}

unsigned act_end(struct ui *ui, const struct command *command, const char *argument)
{
    (void)argument;
    return move_by(ui, command->amount * 1000000L);
}

unsigned act_view(struct ui *ui, const struct command *command, const char *argument)
{
    (void)argument;
    if (command->amount == VIEW_HELP && ui->state.view == VIEW_HELP) {
        return act_back(ui, command, NULL); /* the key that opened it closes it */
    }
    ui_go_to(ui, (enum view_id)command->amount);
    return ACT_DRAW;
}

unsigned act_open(struct ui *ui, const struct command *command, const char *argument)
{
    const struct view *view = &views[ui->state.view];

    (void)command;
    (void)argument;
    ui_go_to(ui, view->open == NULL ? vms_open(&ui->model, &ui->state)
                                    : view->open(&ui->model, &ui->state));
    return ACT_DRAW;
}

unsigned act_back(struct ui *ui, const struct command *command, const char *argument)
{
    struct view_state *state = &ui->state;

    (void)command;
    (void)argument;
    if (state->frozen) {
        state->frozen = false;
        return ACT_DRAW;
    }
    if (state->depth > 0) {
        state->view = state->back[--state->depth];
        state->scroll = 0;
        return ui_lay_out(ui);
    }
    if (state->view != VIEW_VMS) {
        ui_go_to(ui, VIEW_VMS);
    } else if (state->list.filter[0] != '\0') {
        guest_list_set_filter(&state->list, "");
    }
    return ACT_DRAW;
}

unsigned act_filter(struct ui *ui, const struct command *command, const char *argument)
{
    (void)command;
    ui_go_to(ui, VIEW_VMS);
    if (argument != NULL) {
        guest_list_set_filter(&ui->state.list, argument);
    } else {
        prompt_open(&ui->state.prompt, PROMPT_FILTER, ui->state.list.filter);
    }
    return ACT_DRAW;
}

static unsigned sort_by(struct ui *ui, const struct column *column, bool descending)
{
    guest_list_set_sort(&ui->state.list, column, descending);
    return ACT_DRAW;
}

unsigned act_sort(struct ui *ui, const struct command *command, const char *argument)
{
    const struct guest_list *list = &ui->state.list;
    const struct column *column = argument == NULL ? NULL : column_find(argument);

    (void)command;
    if (column == NULL || (column->number == NULL && column->text == NULL)) {
        char known[256] = "";
        for (size_t i = 0; i < column_count; i++) {
            size_t length = strlen(known);
            if (columns[i].number != NULL || columns[i].text != NULL) {
                snprintf(known + length, sizeof known - length, " %s", columns[i].name);
            }
        }
        ui_say(ui, ROLE_WARN, "sort by one of:%s", known);
        return ACT_DRAW;
    }
    return sort_by(ui, column, column == list->sort ? !list->descending : column->descending);
}

unsigned act_sort_step(struct ui *ui, const struct command *command, const char *argument)
{
    const struct column *column = column_neighbour(ui->state.list.sort, command->amount);

    (void)argument;
    while (column->wanted != NULL && !column->wanted(&ui->model)) {
        column = column_neighbour(column, command->amount);
    }
    return sort_by(ui, column, column->descending);
}

unsigned act_sort_invert(struct ui *ui, const struct command *command, const char *argument)
{
    const struct guest_list *list = &ui->state.list;

    (void)command;
    (void)argument;
    return sort_by(ui, list->sort, !list->descending);
}

unsigned act_hide_stopped(struct ui *ui, const struct command *command, const char *argument)
{
    struct guest_list *list = &ui->state.list;

    (void)command;
    (void)argument;
    list->hide_stopped = !list->hide_stopped;
    list->dirty = true;
    ui_say(ui, ROLE_PLAIN, "guests that are shut off: %s", list->hide_stopped ? "hidden" : "shown");
    return ACT_DRAW;
}

unsigned act_header(struct ui *ui, const struct command *command, const char *argument)
{
    (void)command;
    (void)argument;
    ui->state.header_lines = (ui->state.header_lines + 2) % 3;
    return ui_lay_out(ui);
}

unsigned act_zoom(struct ui *ui, const struct command *command, const char *argument)
{
    (void)command;
    (void)argument;
    ui->state.zoomed = !ui->state.zoomed;
    return ui_lay_out(ui);
}

unsigned act_freeze(struct ui *ui, const struct command *command, const char *argument)
{
    (void)command;
    (void)argument;
    ui->state.frozen = !ui->state.frozen;
    return ACT_DRAW;
}

unsigned act_copy(struct ui *ui, const struct command *command, const char *argument)
{
    const struct model_row *row = guest_list_selected(&ui->state.list);

    (void)command;
    (void)argument;
    if (row == NULL) {
        return ACT_NOTHING;
    }
    snprintf(ui->text, sizeof ui->text, "%s", row->vm.name);
    ui_say(ui, ROLE_PLAIN, "copied %s, if the terminal lets us", row->vm.name);
    return ACT_DRAW | ACT_COPY;
}

unsigned act_command(struct ui *ui, const struct command *command, const char *argument)
{
    (void)command;
    (void)argument;
    prompt_open(&ui->state.prompt, PROMPT_COMMAND, "");
    return ACT_DRAW;
}

unsigned act_redraw(struct ui *ui, const struct command *command, const char *argument)
{
    (void)ui;
    (void)command;
    (void)argument;
    return ACT_DRAW | ACT_REPAINT;
}

unsigned act_suspend(struct ui *ui, const struct command *command, const char *argument)
{
    (void)ui;
    (void)command;
    (void)argument;
    return ACT_SUSPEND;
}

unsigned act_quit(struct ui *ui, const struct command *command, const char *argument)
{
    (void)ui;
    (void)command;
    (void)argument;
    return ACT_QUIT;
}

unsigned act_leave(struct ui *ui, const struct command *command, const char *argument)
{
    return ui->state.view == VIEW_VMS ? ACT_QUIT : act_back(ui, command, argument);
}

unsigned act_screenshot(struct ui *ui, const struct command *command, const char *argument)
{
    if (argument == NULL) {
        ui_say(ui, ROLE_WARN, ":%s wants the name of a file", command->name);
        return ACT_DRAW;
    }
    snprintf(ui->text, sizeof ui->text, "%s", argument);
    return ACT_DRAW | ACT_SHOT;
}
