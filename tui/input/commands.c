/* commands: the table. To add a command is to add a row here and its function in act.c. */
#include "input/commands.h"

#include "act.h"
#include "scope.h"

#include <string.h>

#define IN_VMS (1U << VIEW_VMS)
#define IN_DETAILS (1U << VIEW_DETAILS)
#define IN_HOSTS (1U << VIEW_HOSTS)
#define IN_HELP (1U << VIEW_HELP)
#define IN_QUOTAS (1U << VIEW_QUOTAS)
#define IN_EVENTS (1U << VIEW_EVENTS)
#define IN_TASKS (1U << VIEW_TASKS)
#define IN_SESSIONS (1U << VIEW_SESSIONS)
#define IN_SCREEN (1U << VIEW_SCREEN)
#define IN_ALL                                                                                     \
    (IN_VMS | IN_DETAILS | IN_HOSTS | IN_QUOTAS | IN_EVENTS | IN_TASKS | IN_SESSIONS | IN_SCREEN | \
     IN_HELP)
#define IN_ONE (IN_VMS | IN_DETAILS)

/* What is done to the guest under the cursor; act_vm.c has the methods in the same order. */
#define CHANGE(command, key, place, word, which, text)                                       \
    {                                                                                        \
        .name = (command), .keys = (key), .hint = (word), .group = "Change", .help = (text), \
        .views = IN_ONE, .hinted = (place) != 0 ? IN_ONE : 0, .hint_place = (place),         \
        .amount = (which), .run = act_change,                                                \
    }

const struct command *command_find(const char *name, size_t length)
{
    const struct command *found = NULL;

    for (size_t i = 0; i < command_count; i++) {
        if (strncmp(commands[i].name, name, length) != 0) {
            continue;
        }
        if (commands[i].name[length] == '\0') {
            return &commands[i];
        }
        if (found != NULL) {
            return NULL;
        }
        found = &commands[i];
    }
    return length == 0 ? NULL : found;
}

const struct command commands[] = {
    {
        .name = "down",
        .keys = "j Down",
        .group = "Move",
        .help = "down; in details, the next guest",
        .views = IN_ALL,
        .amount = 1,
        .run = act_move,
    },
    {
        .name = "up",
        .keys = "k Up",
        .group = "Move",
        .help = "up; in details, the guest before",
        .views = IN_ALL,
        .amount = -1,
        .run = act_move,
    },
    {
        .name = "page-down",
        .keys = "PgDn C-f",
        .group = "Move",
        .help = "a page down",
        .views = IN_ALL,
        .amount = 1,
        .run = act_page,
    },
    {
        .name = "page-up",
        .keys = "PgUp",
        .group = "Move",
        .help = "a page up",
        .views = IN_ALL,
        .amount = -1,
        .run = act_page,
    },
    {
        .name = "top",
        .keys = "g Home",
        .group = "Move",
        .help = "to the first",
        .views = IN_ALL,
        .amount = -1,
        .run = act_end,
    },
    {
        .name = "bottom",
        .keys = "G End",
        .group = "Move",
        .help = "to the last",
        .views = IN_ALL,
        .amount = 1,
        .run = act_end,
    },
    {
        .name = "open",
        .keys = "Enter",
        .hint = "open",
        .group = "Look",
        .help = "the guest's details; of a host, its guests",
        .views = IN_VMS | IN_HOSTS,
        .hinted = IN_VMS | IN_HOSTS,
        .hint_place = 1,
        .run = act_open,
    },
    {
        .name = "back",
        .keys = "Esc Backspace",
        .hint = "back",
        .group = "Look",
        .help = "back: one view, or the filter",
        .views = IN_ALL,
        .hinted = IN_ALL & ~IN_VMS,
        .hint_place = 2,
        .while_frozen = true,
        .run = act_back,
    },
    {
        .name = "filter",
        .keys = "/ F4 F3",
        .hint = "filter",
        .group = "Look",
        .help = "show only what matches: web state:running host:h1 cpu>50 !tag:old",
        .argument = "QUERY",
        .views = IN_VMS,
        .hinted = IN_VMS,
        .hint_place = 3,
        .run = act_filter,
    },
    {
        .name = "sort",
        .group = "Look",
        .help = "sort by a column; again: the other way round",
        .argument = "COLUMN",
        .views = IN_VMS,
        .run = act_sort,
    },
    {
        .name = "sort-next",
        .keys = "> F6",
        .hint = "sort",
        .group = "Look",
        .help = "sort by the next column",
        .views = IN_VMS,
        .amount = 1,
        .hinted = IN_VMS,
        .hint_place = 6,
        .run = act_sort_step,
    },
    {
        .name = "sort-before",
        .keys = "<",
        .group = "Look",
        .help = "sort by the column before",
        .views = IN_VMS,
        .amount = -1,
        .run = act_sort_step,
    },
    {
        .name = "invert",
        .keys = "I",
        .group = "Look",
        .help = "sort the other way round",
        .views = IN_VMS,
        .run = act_sort_invert,
    },
    {
        .name = "hide-stopped",
        .keys = ".",
        .group = "Look",
        .help = "hide or show guests that are shut off",
        .views = IN_VMS,
        .run = act_hide_stopped,
    },
    {
        .name = "zoom",
        .keys = "z",
        .group = "Look",
        .help = "the list alone, or with details",
        .views = IN_VMS,
        .run = act_zoom,
    },
    {
        .name = "header",
        .keys = "H",
        .group = "Look",
        .help = "2, 1 or no lines at the top",
        .views = IN_ALL,
        .run = act_header,
    },
    {
        .name = "freeze",
        .keys = "Z",
        .group = "Look",
        .help = "the picture stands still, data goes on",
        .views = IN_ALL,
        .while_frozen = true,
        .run = act_freeze,
    },
    {
        .name = "copy",
        .keys = "y",
        .group = "Look",
        .help = "the guest's name to the clipboard",
        .views = IN_VMS | IN_DETAILS,
        .run = act_copy,
    },
    {
        .name = "vms",
        .keys = "1",
        .group = "Views",
        .help = "the guests",
        .views = IN_ALL,
        .amount = VIEW_VMS,
        .run = act_view,
    },
    {
        .name = "hosts",
        .keys = "2",
        .hint = "hosts",
        .group = "Views",
        .help = "the hosts",
        .views = IN_ALL,
        .amount = VIEW_HOSTS,
        .hinted = IN_VMS,
        .hint_place = 7,
        .run = act_view,
    },
    {
        .name = "quotas",
        .keys = "3",
        .group = "Look",
        .help = "limits, and what counts against them",
        .views = IN_ALL,
        .amount = VIEW_QUOTAS,
        .run = act_view,
    },
    {
        .name = "events",
        .keys = "4",
        .group = "Look",
        .help = "what happened to guests and operations",
        .views = IN_ALL,
        .amount = VIEW_EVENTS,
        .run = act_view,
    },
    {
        .name = "tasks",
        .keys = "5",
        .group = "Look",
        .help = "operations, as they go",
        .views = IN_ALL,
        .amount = VIEW_TASKS,
        .run = act_view,
    },
    {
        .name = "sessions",
        .keys = "6",
        .group = "Look",
        .help = "who looks at which screen",
        .views = IN_ALL,
        .amount = VIEW_SESSIONS,
        .run = act_view,
    },
    {
        .name = "vnc",
        .keys = "v",
        .hint = "screen",
        .group = "Look",
        .help = "the guest's screen in the browser, or its address in the clipboard",
        .views = IN_ONE,
        .hinted = IN_ONE,
        .hint_place = 14,
        .run = act_screen,
    },
    {
        .name = "vnc-menu",
        .keys = "V",
        .group = "Look",
        .help = "the guest's screen: browser, look only, copy the address, local viewer, or a "
                "picture of it here",
        .views = IN_ONE,
        .run = act_screen_menu,
    },
    {
        .name = "screen",
        .group = "Look",
        .help = "the last picture of a guest's screen",
        .views = IN_ALL,
        .amount = VIEW_SCREEN,
        .run = act_view,
    },
    {
        .name = "again",
        .keys = "r",
        .hint = "again",
        .group = "Look",
        .help = "of a guest's screen, another picture",
        .views = IN_SCREEN,
        .hinted = IN_SCREEN,
        .hint_place = 1,
        .run = act_again,
    },
    {
        .name = "disconnect",
        .keys = "K",
        .hint = "disconnect",
        .group = "Change",
        .help = "end somebody's look at a screen",
        .views = IN_SESSIONS,
        .hinted = IN_SESSIONS,
        .hint_place = 9,
        .run = act_disconnect,
    },
    {
        .name = "mark",
        .keys = "Space",
        .group = "Change",
        .help = "mark the guest, or not: what a key does in the list, it does to all marked ones",
        .views = IN_VMS,
        .run = act_mark,
    },
    {
        .name = "unmark",
        .keys = "\\",
        .group = "Change",
        .help = "no guest is marked",
        .views = IN_VMS,
        .run = act_unmark,
    },
    CHANGE("start", "s", 9, "start", CHANGE_START, "start it, or let it run on"),
    CHANGE("shutdown", "S", 10, "shutdown", CHANGE_SHUTDOWN, "ask its guest to shut down"),
    CHANGE("reboot", "R", 0, NULL, CHANGE_REBOOT, "ask its guest to reboot"),
    CHANGE("pause", "P", 0, NULL, CHANGE_PAUSE, "stop its vCPUs"),
    CHANGE("save", "M", 0, NULL, CHANGE_SAVE, "save its memory and shut it off"),
    CHANGE("force-off", "D", 11, "off", CHANGE_STOP, "force it off at once"),
    CHANGE("delete", "X", 12, "delete", CHANGE_DELETE, "delete it with the disks lodge made"),
    {
        .name = "create",
        .keys = "i",
        .hint = "create",
        .group = "Change",
        .help = "make a guest in a form, or at once: NAME CPUS MEMORY [DISK] and iso=, kernel=, "
                "image=, network=, start",
        .argument = "NAME CPUS MEMORY [DISK] …",
        .views = IN_VMS,
        .hinted = IN_VMS,
        .hint_place = 13,
        .run = act_create,
    },
    {
        .name = "help",
        .keys = "? h F1",
        .hint = "help",
        .group = "Views",
        .help = "this page",
        .views = IN_ALL,
        .amount = VIEW_HELP,
        .hinted = IN_VMS | IN_DETAILS | IN_HOSTS,
        .hint_place = 4,
        .run = act_view,
    },
    {
        .name = "command",
        .keys = ":",
        .hint = "command",
        .group = "Console",
        .help = "type a command by its name; Tab completes",
        .views = IN_ALL,
        .hinted = IN_ALL,
        .hint_place = 8,
        .run = act_command,
    },
    {
        .name = "screenshot",
        .group = "Console",
        .help = "write the picture into a file, as text",
        .argument = "FILE",
        .views = IN_ALL,
        .run = act_screenshot,
    },
    {
        .name = "save-display",
        .group = "Console",
        .help = "the same, as tig calls it",
        .argument = "FILE",
        .views = IN_ALL,
        .run = act_screenshot,
    },
    {
        .name = "redraw",
        .keys = "C-l",
        .group = "Console",
        .help = "draw everything anew",
        .views = IN_ALL,
        .while_frozen = true,
        .run = act_redraw,
    },
    {
        .name = "suspend",
        .keys = "C-z",
        .group = "Console",
        .help = "to the shell; `fg` returns",
        .views = IN_ALL,
        .while_frozen = true,
        .run = act_suspend,
    },
    {
        .name = "leave",
        .keys = "q",
        .hint = "quit",
        .group = "Console",
        .help = "leave the view; from the guests, quit",
        .views = IN_ALL,
        .hinted = IN_ALL,
        .hint_place = 5,
        .while_frozen = true,
        .run = act_leave,
    },
    {
        .name = "quit",
        .keys = "Q F10 C-c",
        .group = "Console",
        .help = "quit at once",
        .views = IN_ALL,
        .while_frozen = true,
        .run = act_quit,
    },
};
const size_t command_count = ARRAY_LENGTH(commands);
