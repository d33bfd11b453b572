/*
 * output: how results are shown: as text for people, or as JSON as the daemon said it.
 *
 * A result is the JSON text of an answer, borrowed for the call. Everything goes to standard
 * output; on a terminal text is cut to its width, in a pipe nothing is. Text from the daemon is
 * made harmless before it is shown. False with `err` if a result is not what the contract says.
 */
#ifndef TUI_CLI_OUTPUT_H
#define TUI_CLI_OUTPUT_H

#include "lodge/event.h"

struct command;

struct output {
    /* of vm.list; `query` NULL: all were asked for */
    bool (*vms)(const char *result, const char *query, struct lodge_error *err);
    bool (*vm)(const char *result, struct lodge_error *err);    /* of vm.get */
    bool (*hosts)(const char *result, struct lodge_error *err); /* of host.list */
    bool (*info)(const char *result, struct lodge_error *err);  /* of server.info */
    /* to standard error */
    void (*error)(const struct command *command, const struct lodge_error *error);
};

struct json_object;

/* The error as it travels: code, message and data. What is wrong with the call of lodge has the
 * code that lodged gives for wrong parameters. The caller puts it. */
struct json_object *error_as_json(const struct lodge_error *error);

/* One event of watch, on a line, as it came. */
void print_json_event(const struct lodge_event *event);

extern const struct output text_output;
extern const struct output json_output;

#endif
