/* keymap: which command a key means in a view. Made of the command table, once. One thread. */
#ifndef TUI_INPUT_KEYMAP_H
#define TUI_INPUT_KEYMAP_H

#include "input/commands.h"
#include "input/key.h"

/* NULL: the key means nothing here. */
const struct command *keymap_find(enum view_id view, struct key key);

/* The names of a command's keys, in turn: pass NULL first, then what came back. `size` of `name`
 * is 16. NULL: no more. */
const char *keymap_next_key(const struct command *command, const char *after, char name[16]);

#endif
