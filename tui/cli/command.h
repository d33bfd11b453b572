/*
 * command: one verb as it was called, and the daemon it talks to.
 *
 * verbs.c reads the arguments into it and says what went wrong; a verb's own file has only its
 * `run`. One thread; whatever it holds points into argv or is static.
 */
#ifndef TUI_CLI_COMMAND_H
#define TUI_CLI_COMMAND_H

#include "cli/output.h"
#include "lodge/client.h"
#include "scope.h"

/* A question that is not answered by then will not be: the daemon answers from memory. */
enum { COMMAND_ANSWER_MS = 30000 };

enum { COMMAND_OPTIONS_MAX = 64 };

/* A flag that only its verb knows. */
struct command_option {
    const char *flag;  /* --cpus */
    const char *value; /* NULL where it takes none */
};

struct command {
    const char *verb;
    const char *method; /* of its row, or NULL */
    const struct output *output;
    const char *socket_path; /* NULL: where lodge_socket_path() says */
    int wait_s; /* how long a daemon or a host may take to be there; 0: it is, or not */
    bool json;
    uint64_t flags; /* that the verb takes */
    bool metrics;
    bool xml;
    int argc; /* what is no flag */
    char **argv;
    struct command_option options[COMMAND_OPTIONS_MAX]; /* in the order given */
    size_t option_count;
};

DEFINE_AUTO(struct lodge_client *, lodge_client_close, NULL);

/* Connects, within wait_s. NULL with `err`. */
struct lodge_client *command_connect(const struct command *command, struct lodge_error *err);

/* Connects, calls, gives the answer; the caller frees. `params` is given away. NULL with `err`. */
char *command_ask(const struct command *command, const char *method, struct json_object *params,
                  struct lodge_error *err);

/* Waits, for at most wait_s, until the daemon has read every host or knows that it is down. Not an
 * error if it has not: what is shown says what is missing. */
bool command_await_hosts(const struct command *command, struct lodge_client *client,
                         struct lodge_error *err) LODGE_MUST_CHECK;

/* Milliseconds by CLOCK_MONOTONIC. */
int64_t command_now_ms(void);

/* Waits until something came or `timeout_ms` have passed (-1: as long as it takes), and runs the
 * callbacks. */
bool command_listen(struct lodge_client *client, int timeout_ms, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* The same, and returns when `fd` (-1: none) can be read as well. */
bool command_listen_beside(struct lodge_client *client, int fd, int timeout_ms,
                           struct lodge_error *err) LODGE_MUST_CHECK;

/* Whether a flag was given; the value of the last, NULL without. */
bool command_has(const struct command *command, const char *flag);
const char *command_value(const struct command *command, const char *flag);

/* The verbs. On failure `err` says why: INVALID is a wrong call, UNREACHABLE no daemon. */
typedef bool verb_fn(const struct command *command, struct lodge_error *err);
bool run_act(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_audit(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_backup(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_create(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_media(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_ops(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_quota(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_set(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_users(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_call(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_doctor(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_help(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_images(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_hosts(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_info(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_ls(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_sessions(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_vnc(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_screenshot(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_show(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;
bool run_watch(const struct command *command, struct lodge_error *err) LODGE_MUST_CHECK;

#endif
