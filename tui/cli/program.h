/*
 * program: another program beside us, by a list of words and never through a shell: whether it can
 * be started, whether it has ended, and what it said. One thread.
 */
#ifndef TUI_CLI_PROGRAM_H
#define TUI_CLI_PROGRAM_H

#include "lodge/error.h"

#include <stdbool.h>
#include <sys/types.h>

/* One that was started; program_forget() ends our knowing of it. */
struct program {
    pid_t pid;
    int end;  /* readable once it has ended */
    int said; /* what it wrote, its first PROGRAM_SAID bytes */
    bool has_ended;
    bool went_well; /* it ended, with status 0 */
};

enum { PROGRAM_SAID = 65536 };

/* Whether a program of that name is in $PATH. */
bool program_exists(const char *name);

/* Starts it in a session of its own, without input; its output is kept, and shown to nobody. The
 * error says why it cannot be run. */
bool program_start(char *const *words, struct program *ret_program, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* The same for a command that a person wrote: words with spaces between, the address in place of
 * each %s, or as the last word where there is none. */
bool program_start_on(const char *command, const char *address, struct program *ret_program,
                      struct lodge_error *err) LODGE_MUST_CHECK;

/* Whether it has ended by now, or does so within `timeout_ms`. */
bool program_has_ended(struct program *program, int timeout_ms);

/* All it has said, and its last line that is not empty, made fit for a terminal; "" for none. The
 * caller frees. */
char *program_said(const struct program *program);
char *program_last_line(const struct program *program);

/* Ends it at once, and all that it has started in its session's group. */
void program_kill(struct program *program);

/* Frees what we hold; a program that runs runs on. */
void program_forget(struct program *program);

#endif
