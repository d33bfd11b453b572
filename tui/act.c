/* act: what each command of the table does. */
#include "act.h"

#include "scope.h"

#include <stdio.h>
#include <string.h>

/* What changes the layout is laid out anew for the size of before. */
static unsigned lay_out(struct desk *desk)
{
    return desk_resize(desk, desk->layout.screen.width, desk->layout.screen.height);
}

static unsigned move_by(struct desk *desk, long by)
{
    struct view_state *state = &desk->state;

    switch (state->view) {
    case VIEW_VMS:
    case VIEW_DETAILS:
        list_move(&state->list, by, desk->model.now_ms);
        break;
    case VIEW_HOSTS: {
        long to = (long)state->host_cursor + by;
        state->host_cursor = to < 0 ? 0 : (size_t)to; /* the other end is desk_refresh's */
        break;
    }
    case VIEW_SESSIONS: {
        long to = (long)state->session_cursor + by;
        state->session_cursor = to < 0 ? 0 : (size_t)to;
        break;
    }
    case VIEW_QUOTAS:
    case VIEW_SCREEN:
        break;
    case VIEW_EVENTS:
    case VIEW_TASKS:
    case VIEW_HELP:
        state->scroll += (int)by;
        break;
    case VIEWS:
        break;
    }
    return ACT_DRAW;
}

unsigned act_move(struct desk *desk, const struct command *command, const char *argument)
{
    (void)argument;
    return move_by(desk, command->amount);
}

unsigned act_page(struct desk *desk, const struct command *command, const char *argument)
{
    int page = desk->layout.body.height - 2;

    (void)argument;
    page = page < 1 ? 1 : page;
    if (views[desk->state.view].lines != NULL) {
        desk->state.scroll += command->amount * page;
        return ACT_DRAW;
    }
    return move_by(desk, (long)command->amount * page);
}

unsigned act_end(struct desk *desk, const struct command *command, const char *argument)
{
    (void)argument;
    return move_by(desk, command->amount * 1000000L);
}

void act_go_to(struct desk *desk, enum view_id view)
{
    struct view_state *state = &desk->state;

    if (state->view == view) {
        return;
    }
    if (view == VIEW_VMS) {
        state->depth = 0; /* the bottom of every way back */
    } else if (state->depth < VIEW_DEPTH) {
        state->back[state->depth++] = state->view;
    }
    state->view = view;
    state->scroll = 0;
    lay_out(desk);
}

unsigned act_view(struct desk *desk, const struct command *command, const char *argument)
{
    (void)argument;
    if (command->amount == VIEW_HELP && desk->state.view == VIEW_HELP) {
        return act_back(desk, command, NULL); /* the key that opened it closes it */
    }
    act_go_to(desk, (enum view_id)command->amount);
    return ACT_DRAW;
}

unsigned act_open(struct desk *desk, const struct command *command, const char *argument)
{
    struct view_state *state = &desk->state;

    (void)command;
    (void)argument;
    if (state->view == VIEW_HOSTS && state->host_cursor < desk->model.host_count) {
        char filter[256];
        snprintf(filter, sizeof(filter), "host:%s",
                 desk->model.hosts[state->host_cursor].host.name);
        list_set_filter(&state->list, filter);
        act_go_to(desk, VIEW_VMS);
    } else if (list_selected(&state->list) != NULL) {
        act_go_to(desk, VIEW_DETAILS);
    }
    return ACT_DRAW;
}

unsigned act_back(struct desk *desk, const struct command *command, const char *argument)
{
    struct view_state *state = &desk->state;

    (void)command;
    (void)argument;
    if (state->frozen) {
        state->frozen = false;
        return ACT_DRAW;
    }
    if (state->depth > 0) {
        state->view = state->back[--state->depth];
        state->scroll = 0;
        return lay_out(desk);
    }
    if (state->view != VIEW_VMS) {
        act_go_to(desk, VIEW_VMS);
    } else if (state->list.filter[0] != '\0') {
        list_set_filter(&state->list, "");
    }
    return ACT_DRAW;
}

unsigned act_filter(struct desk *desk, const struct command *command, const char *argument)
{
    (void)command;
    act_go_to(desk, VIEW_VMS);
    if (argument != NULL) {
        list_set_filter(&desk->state.list, argument);
    } else {
        prompt_open(&desk->state.prompt, PROMPT_FILTER, desk->state.list.filter);
    }
    return ACT_DRAW;
}

static unsigned sort_by(struct desk *desk, const struct column *column, bool descending)
{
    list_set_sort(&desk->state.list, column, descending);
    return ACT_DRAW;
}

unsigned act_sort(struct desk *desk, const struct command *command, const char *argument)
{
    const struct list *list = &desk->state.list;
    const struct column *column = argument == NULL ? NULL : column_find(argument);

    (void)command;
    if (column == NULL || (column->number == NULL && column->text == NULL)) {
        char known[256] = "";
        for (size_t i = 0; i < column_count; i++) {
            size_t length = strlen(known);
            if (columns[i].number != NULL || columns[i].text != NULL) {
                snprintf(known + length, sizeof(known) - length, " %s", columns[i].name);
            }
        }
        desk_say(desk, ROLE_WARN, "sort by one of:%s", known);
        return ACT_DRAW;
    }
    return sort_by(desk, column, column == list->sort ? !list->descending : column->descending);
}

unsigned act_sort_step(struct desk *desk, const struct command *command, const char *argument)
{
    const struct column *column = column_neighbour(desk->state.list.sort, command->amount);

    (void)argument;
    while (column->wanted != NULL && !column->wanted(&desk->model)) {
        column = column_neighbour(column, command->amount);
    }
    return sort_by(desk, column, column->descending);
}

unsigned act_sort_invert(struct desk *desk, const struct command *command, const char *argument)
{
    const struct list *list = &desk->state.list;

    (void)command;
    (void)argument;
    return sort_by(desk, list->sort, !list->descending);
}

unsigned act_hide_stopped(struct desk *desk, const struct command *command, const char *argument)
{
    struct list *list = &desk->state.list;

    (void)command;
    (void)argument;
    list->hide_stopped = !list->hide_stopped;
    list->dirty = true;
    desk_say(desk, ROLE_PLAIN, "guests that are shut off: %s",
             list->hide_stopped ? "hidden" : "shown");
    return ACT_DRAW;
}

unsigned act_header(struct desk *desk, const struct command *command, const char *argument)
{
    (void)command;
    (void)argument;
    desk->state.header_lines = (desk->state.header_lines + 2) % 3;
    return lay_out(desk);
}

unsigned act_zoom(struct desk *desk, const struct command *command, const char *argument)
{
    (void)command;
    (void)argument;
    desk->state.zoomed = !desk->state.zoomed;
    return lay_out(desk);
}

unsigned act_freeze(struct desk *desk, const struct command *command, const char *argument)
{
    (void)command;
    (void)argument;
    desk->state.frozen = !desk->state.frozen;
    return ACT_DRAW;
}

unsigned act_copy(struct desk *desk, const struct command *command, const char *argument)
{
    const struct model_row *row = list_selected(&desk->state.list);

    (void)command;
    (void)argument;
    if (row == NULL) {
        return ACT_NOTHING;
    }
    snprintf(desk->text, sizeof(desk->text), "%s", row->vm.name);
    desk_say(desk, ROLE_PLAIN, "copied %s, if the terminal lets us", row->vm.name);
    return ACT_DRAW | ACT_COPY;
}

unsigned act_command(struct desk *desk, const struct command *command, const char *argument)
{
    (void)command;
    (void)argument;
    prompt_open(&desk->state.prompt, PROMPT_COMMAND, "");
    return ACT_DRAW;
}

unsigned act_redraw(struct desk *desk, const struct command *command, const char *argument)
{
    (void)desk;
    (void)command;
    (void)argument;
    return ACT_DRAW | ACT_REPAINT;
}

unsigned act_suspend(struct desk *desk, const struct command *command, const char *argument)
{
    (void)desk;
    (void)command;
    (void)argument;
    return ACT_SUSPEND;
}

unsigned act_quit(struct desk *desk, const struct command *command, const char *argument)
{
    (void)desk;
    (void)command;
    (void)argument;
    return ACT_QUIT;
}

unsigned act_leave(struct desk *desk, const struct command *command, const char *argument)
{
    return desk->state.view == VIEW_VMS ? ACT_QUIT : act_back(desk, command, argument);
}

unsigned act_screenshot(struct desk *desk, const struct command *command, const char *argument)
{
    if (argument == NULL) {
        desk_say(desk, ROLE_WARN, ":%s wants the name of a file", command->name);
        return ACT_DRAW;
    }
    snprintf(desk->text, sizeof(desk->text), "%s", argument);
    return ACT_DRAW | ACT_SHOT;
}
