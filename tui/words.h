/* words: what lodged says, in the TUI's words: keys in place of methods. */
#ifndef TUI_WORDS_H
#define TUI_WORDS_H

#include <stdint.h>

struct command_set;

/* `commands`: whose keys are meant, NULL: nobody's; `op`: the operation that it is about, or 0. The
 * caller frees; NULL for NULL. */
char *words_of(const struct command_set *commands, const char *text, int64_t op);

/* What an operation of this kind is called here: "start". Borrowed from it. */
const char *words_for_kind(const char *kind);

#endif
