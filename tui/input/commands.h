/*
 * commands: everything the TUI can be told to do. One row has everything about a command: its
 * name (for `:`), its keys, where it is meant, what help says, and what runs. The keymap, the
 * hints at the bottom, the help view and completion are made of this table. No state.
 */
#ifndef TUI_INPUT_COMMANDS_H
#define TUI_INPUT_COMMANDS_H

#include "view/view.h"

struct ui;

struct command {
    const char *name;
    const char *keys;  /* names with blanks between; NULL: only typed after `:` */
    const char *hint;  /* a word at the bottom of the screen; NULL: not there */
    const char *group; /* the heading it has in help */
    const char *help;
    const char *argument; /* what `:name` takes; NULL: nothing */
    unsigned views;       /* bit (1 << VIEW_…): where its keys are meant */
    unsigned hinted;      /* bit (1 << VIEW_…): where the hint stands */
    int hint_place;       /* from 1: what comes first stays where it is narrow */
    bool while_frozen;    /* meant even where the picture stands still and shows nothing of it */
    int amount;           /* for run: how far, which */
    unsigned (*run)(struct ui *ui, const struct command *command, const char *argument);
};

/* A table of them. Whoever reads one is handed it; only app.c knows that it is this. */
struct command_set {
    const struct command *rows;
    size_t count;
};

extern const struct command_set tui_commands;

#endif
