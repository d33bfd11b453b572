/* views: the table: what each view is called, what draws it, what moves in it, what Enter opens. */
#include "view/view.h"

static void lines_move(const struct model *model, struct view_state *state, long by)
{
    (void)model;
    state->scroll += (int)by; /* both ends are ui_refresh's */
}

const struct view views[VIEWS] = {
    [VIEW_VMS] =
        {
            .name = "vms",
            .title = "VMs",
            .draw = vms_draw,
            .move = vms_move,
        },
    [VIEW_DETAILS] =
        {
            .name = "details",
            .title = "VM",
            .draw = details_draw,
            .lines = details_lines,
            .move = vms_move,
        },
    [VIEW_HOSTS] =
        {
            .name = "hosts",
            .title = "Hosts",
            .draw = hosts_draw,
            .move = hosts_move,
            .open = hosts_open,
        },
    [VIEW_QUOTAS] = {.name = "quotas", .title = "Quotas", .draw = quotas_draw},
    [VIEW_EVENTS] =
        {
            .name = "events",
            .title = "Events",
            .draw = events_draw,
            .lines = events_lines,
            .move = lines_move,
        },
    [VIEW_TASKS] =
        {
            .name = "tasks",
            .title = "Tasks",
            .draw = tasks_draw,
            .lines = tasks_lines,
            .move = lines_move,
        },
    [VIEW_SESSIONS] =
        {
            .name = "sessions",
            .title = "Sessions",
            .draw = sessions_draw,
            .move = sessions_move,
        },
    [VIEW_SCREEN] = {.name = "screen", .title = "Screen", .draw = guest_screen_draw},
    [VIEW_HELP] =
        {
            .name = "help",
            .title = "Help",
            .draw = help_draw,
            .lines = help_lines,
            .move = lines_move,
        },
};
