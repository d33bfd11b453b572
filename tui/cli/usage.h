/* usage: how lodge is called, from the tables of its verbs and flags. */
#ifndef TUI_CLI_USAGE_H
#define TUI_CLI_USAGE_H

#include "cli/verb_table.h"

#include <stdio.h>

/* Of lodge itself, of one verb, and a line per verb. */
void usage_print(FILE *out);
void usage_print_verb(FILE *out, const struct verb *verb);

/* What a flag wants behind it, in words: "a number". */
const char *usage_argument(const struct flag *flag);

#endif
