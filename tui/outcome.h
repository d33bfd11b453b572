/* outcome: how something that a key asked for went, in one line. */
#ifndef TUI_OUTCOME_H
#define TUI_OUTCOME_H

#include "lodge/error.h"

#include <stddef.h>

enum { OUTCOME_TEXT = 1024 };

struct command_set;

/* "delete web: done in 0.3 s; kept /pool/web.qcow2: VM 'b' uses it (and 2 more)"; with an error,
 * that. `result` is what was answered, as JSON; `commands` are those whose keys it names. */
void outcome_say(const struct command_set *commands, const char *what, double seconds,
                 const char *result, const struct lodge_error *error, char *ret_text, size_t size);

#endif
