/*
 * verbs: `lodge VERB …`, the command-line half of the client.
 *
 * main.c reads the options that stand before the verb and hands over the rest. A verb takes
 * --socket, --json and --help after its name as well (`lodge ls --json`), prints to standard
 * output, complains on standard error, and never touches the terminal's modes.
 */
#ifndef TUI_CLI_VERBS_H
#define TUI_CLI_VERBS_H

#include <stdbool.h>

/* What stood before the verb. */
struct cli_options {
    const char *socket_path; /* NULL: where lodge_socket_path() says */
    bool json;
};

/* Runs the verb argv[0] with the arguments behind it (argv[argc] is NULL); argc is at least 1. The
 * locale is set. Returns the exit status: 0 done, 1 it failed (and said why on standard error), 2
 * it was called wrongly or there is no such verb. */
int cli_main(int argc, char **argv, const struct cli_options *options);

/* `lodge --help`, `lodge --version`; the exit status. */
int cli_print_usage(void);
int cli_print_version(void);

#endif
