/*
 * terms: lodged speaks of methods and parameters, since scripts and other clients hear it as well;
 * whoever has typed `lodge …` is told verbs and flags.
 */
#ifndef TUI_CLI_TERMS_H
#define TUI_CLI_TERMS_H

#include <stdint.h>

/* `text` with the contract's words in ours; the caller frees. `param`: the parameter that it is
 * about, or NULL. `op`: the operation that it is about, or 0. What stands in quotes is somebody's
 * name, and stays. */
char *terms_for_people(const char *text, const char *param, int64_t op);

#endif
