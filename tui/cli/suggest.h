/* suggest: whom was meant by a name that nobody has. */
#ifndef TUI_CLI_SUGGEST_H
#define TUI_CLI_SUGGEST_H

#include "cli/command.h"

/* Says on standard error which VM's name is nearest to the one that `error` has not found, if it is
 * about that, and one is near. Asks lodged; what goes wrong there is nothing to tell. */
void suggest_vm(const struct command *command, const struct lodge_error *error);

#endif
