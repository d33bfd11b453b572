/* keymap: what a key, or a name that is typed, means in a table of commands. No state. */
#ifndef TUI_INPUT_KEYMAP_H
#define TUI_INPUT_KEYMAP_H

#include "input/commands.h"
#include "input/key.h"

/* NULL: the key means nothing in this view. */
const struct command *keymap_find(const struct command_set *set, enum view_id view, struct key key);

/* By its name, or by the start of it that no other has; NULL if there is none. */
const struct command *keymap_find_name(const struct command_set *set, const char *name,
                                       size_t length);

/* The names of a command's keys, in turn: pass NULL first, then what came back. `size` of `name`
 * is 16. NULL: no more. */
const char *keymap_next_key(const struct command *command, const char *after, char name[16]);

#endif
