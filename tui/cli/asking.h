/*
 * asking: calls that make operations: sent all at once, waited for with a line of progress.
 *
 * Each has a random request_id, so that the daemon takes one that is sent twice for one. One
 * thread.
 */
#ifndef TUI_CLI_ASKING_H
#define TUI_CLI_ASKING_H

#include "cli/command.h"

#include <json-c/json.h>

struct asking {
    const char *subject;        /* what is said of it: the VM's name */
    struct json_object *params; /* given away */
    char *result;               /* its answer, or NULL … */
    struct lodge_error error;   /* … with why */
    bool answered;
    char *waits;    /* that its operation waits, and why; NULL: it goes on, or nobody is told */
    int64_t say_at; /* by CLOCK_MONOTONIC, ms: when `waits` is said, if it still does */
    bool said_wait;
};

/* Calls `command->method` once per asking and waits for all answers; with --no-wait for the
 * operations to be on record, else to their ends. False when the connection is lost. */
bool asking_all(const struct command *command, struct lodge_client *client, struct asking *askings,
                size_t count, struct lodge_error *err) LODGE_MUST_CHECK;

/* Says how each went, and frees them. The last failure is `err`'s; the others are said here. */
bool asking_end(const struct command *command, struct asking *askings, size_t count,
                struct lodge_error *err) LODGE_MUST_CHECK;

/* y/N on the terminal. False with INVALID where nobody can be asked. */
bool asking_confirm(const char *question, struct lodge_error *err) LODGE_MUST_CHECK;

/* A word that must be typed. */
bool asking_type(const char *question, const char *word, struct lodge_error *err) LODGE_MUST_CHECK;

#endif
