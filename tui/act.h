/* act: what commands do: the functions that the rows of the command table name. They return bits of
 * enum act. One thread. */
#ifndef TUI_ACT_H
#define TUI_ACT_H

#include "ui.h"

/* The amounts of act_change. */
enum change {
    CHANGE_START,
    CHANGE_SHUTDOWN,
    CHANGE_REBOOT,
    CHANGE_PAUSE,
    CHANGE_SAVE,
    CHANGE_STOP,
    CHANGE_DELETE,
    CHANGES,
};

typedef unsigned act_fn(struct ui *ui, const struct command *command, const char *argument);
act_fn act_move, act_page, act_end, act_open, act_back, act_filter, act_sort, act_sort_step,
    act_sort_invert, act_hide_stopped, act_header, act_zoom, act_freeze, act_copy, act_view,
    act_change, act_mark, act_unmark, act_create, act_command, act_redraw, act_suspend, act_quit,
    act_leave, act_screenshot, act_screen, act_screen_menu, act_again, act_disconnect;

/* How a screen is opened was chosen by a key. */
unsigned screen_chosen(struct ui *ui, struct key key);

/* What console.open or vm.screenshot answered of a guest, HOST/UUID; bits of enum act. */
unsigned screen_opened(struct ui *ui, enum screen_way way, const char *vm, const char *result);

/* Lets go of the guest whose screen was meant. */
void screen_forget_target(struct ui *ui);

/* Lets go of the picture of a screen. */
void screen_forget_shot(struct ui *ui);

/* Removes the file with the last link when it has been used, or `always`. */
void screen_forget_link(struct ui *ui, bool always);

#endif
