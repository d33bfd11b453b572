/*
 * terms: lodged speaks of methods and parameters, since scripts and other clients hear it as well;
 * whoever has typed `lodge …` is told verbs and flags.
 */
#ifndef TUI_CLI_TERMS_H
#define TUI_CLI_TERMS_H

#include <stdint.h>

/* Of what was called by whomever: any flag may be meant. */
#define TERMS_ANY_FLAG UINT64_MAX

/* `text` with the contract's words in ours; the caller frees. `op`: the operation that it is about,
 * or 0; `taken`: the flags that the verb takes. What stands in quotes is somebody's name, and
 * stays.
 */
char *terms_for_people(const char *text, int64_t op, uint64_t taken);

/* The same where one presses keys: `key_of` gives that of a verb, NULL if there is none; `data` is
 * for it. Parameters are called as flags are, without their dashes. */
typedef const char *terms_key_fn(const void *data, const char *verb);
char *terms_for_keys(const char *text, int64_t op, terms_key_fn *key_of, const void *data);

/* What an operation of this kind is called here: "create". Borrowed; `kind` itself where it has no
 * verb, "" for NULL. */
const char *terms_verb(const char *kind);

/* The same with the operation's number, where there is one: "ops 7 --cancel"; the caller frees. */
char *terms_what(const char *kind, int64_t op);

/* "--cpus" for "vcpus"; NULL: there is no flag for it. */
const char *terms_flag(const char *param);

#endif
