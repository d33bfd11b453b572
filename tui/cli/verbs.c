/*
 * verbs: what stands behind a verb is read by its row, a slip is answered with what was meant, and
 * the exit status.
 *
 * One thread; argv is read and never changed.
 */
#include "cli/verbs.h"

#include "cli/command.h"
#include "cli/nearest.h"
#include "cli/print.h"
#include "cli/suggest.h"
#include "cli/usage.h"
#include "memory.h"
#include "query.h"
#include "units.h"

#include <stdlib.h>
#include <string.h>

/* lodge(1) has them; scripts go by them. */
enum status {
    STATUS_DONE,
    STATUS_FAILED,
    STATUS_WRONG_CALL,
    STATUS_NO_DAEMON,
    STATUS_NOT_FOUND,
    STATUS_DENIED,
    STATUS_BUSY,
    STATUS_TIMEOUT,
};

/* What runs a verb, where that is not run_act(). It stands here, and not in the verb's row, since
 * what verbs print is made of the rows. */
static const struct {
    const char *verb;
    verb_fn *run;
} runs[] = {
    {"ls", run_ls},
    {"show", run_show},
    {"watch", run_watch},
    {"hosts", run_hosts},
    {"info", run_info},
    {"create", run_create},
    {"screenshot", run_screenshot},
    {"vnc", run_vnc},
    {"sessions", run_sessions},
    {"set", run_set},
    {"media", run_media},
    {"quota", run_quota},
    {"users", run_users},
    {"audit", run_audit},
    {"ops", run_ops},
    {"backup", run_backup},
    {"images", run_images},
    {"doctor", run_doctor},
    {"help", run_help},
    {"call", run_call},
};

static verb_fn *run_of(const struct verb *verb)
{
    for (size_t i = 0; i < ARRAY_LENGTH(runs); i++) {
        if (strcmp(runs[i].verb, verb->name) == 0) {
            return runs[i].run;
        }
    }
    return run_act;
}

static const struct verb *verb_find(const char *name)
{
    for (const struct verb *verb = verbs; verb->name != NULL; verb++) {
        if (strcmp(verb->name, name) == 0 ||
            (verb->alias != NULL && strcmp(verb->alias, name) == 0)) {
            return verb;
        }
    }
    return NULL;
}

static bool no_verb(const char *name, struct lodge_error *err)
{
    struct nearest nearest;
    nearest_begin(&nearest, name);
    for (const struct verb *verb = verbs; verb->name != NULL; verb++) {
        nearest_offer(&nearest, verb->name);
        nearest_offer(&nearest, verb->alias == NULL ? "" : verb->alias);
    }
    return nearest.found == NULL
               ? lodge_fail(err, LODGE_ERROR_INVALID,
                            "there is no verb '%.64s': lodge help lists those there are", name)
               : lodge_fail(err, LODGE_ERROR_INVALID,
                            "there is no verb '%.64s': did you mean '%s'? lodge help lists all",
                            name, nearest.found);
}

static bool no_flag(const struct verb *verb, const char *said, struct lodge_error *err)
{
    AUTO(free) char *word = xstrndup(said, strcspn(said, "="));
    struct nearest nearest;
    nearest_begin(&nearest, word);
    for (const struct flag *flag = flags; flag->flag != NULL; flag++) {
        if ((verb->flags | EVERY_VERB) & flag->bit) {
            nearest_offer(&nearest, flag->flag);
        }
    }
    bool near = nearest.found != NULL;
    return lodge_fail(err, LODGE_ERROR_INVALID, "%s takes no %.64s%s%s%s", verb->name, word,
                      near ? ", did you mean " : "", near ? nearest.found : "", near ? "?" : "");
}

static bool wait_read(const char *text, int *ret_wait_s, struct lodge_error *err)
{
    int64_t seconds;
    if (!duration_from_text(text, &seconds) || seconds > 86400) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "--wait %s: expected whole seconds, such as 10s or 2m", text);
    }
    *ret_wait_s = (int)seconds;
    return true;
}

static bool option_add(const char *flag, const char *value, struct command *command,
                       struct lodge_error *err)
{
    if (command->option_count == COMMAND_OPTIONS_MAX) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "too many flags");
    }
    command->options[command->option_count++] = (struct command_option){flag, value};
    return true;
}

static bool flag_apply(const struct flag *flag, const char *value, struct command *command,
                       bool *ret_help, struct lodge_error *err)
{
    switch ((uint64_t)flag->bit) { /* the rest are their verbs' own */
    case FLAG_SOCKET:
        command->socket_path = value;
        return true;
    case FLAG_JSON:
        command->json = true;
        return true;
    case FLAG_HELP:
        *ret_help = true;
        return true;
    case FLAG_WAIT:
        return wait_read(value, &command->wait_s, err);
    case FLAG_XML:
        command->xml = true;
        return true;
    case FLAG_METRICS:
        command->metrics = true;
        return true;
    default:
        return option_add(flag->flag, value, command, err);
    }
}

static const char *long_flag(const char *word)
{
    return strcmp(word, "-h") == 0 ? "--help" : strcmp(word, "-j") == 0 ? "--json" : word;
}

/* The flag that `word` begins with, or NULL; `ret_value` is what stands behind its `=`. */
static const struct flag *verb_flag_find(const struct verb *verb, const char *said,
                                         const char **ret_value)
{
    const char *word = long_flag(said);
    for (const struct flag *flag = flags; flag->flag != NULL; flag++) {
        size_t length = strlen(flag->flag);
        if (((verb->flags | EVERY_VERB) & flag->bit) && strncmp(word, flag->flag, length) == 0 &&
            (word[length] == '\0' || (word[length] == '=' && flag->argument))) {
            *ret_value = word[length] == '=' ? word + length + 1 : NULL;
            return flag;
        }
    }
    return NULL;
}

/* Not what the flag before it wants, which was forgotten. */
static bool is_flag(const struct verb *verb, const char *word)
{
    const char *value;
    return strncmp(word, "--", 2) == 0 && verb_flag_find(verb, word, &value) != NULL;
}

/* Reads what stands behind the verb: flags wherever they are, until `--`; the rest are arguments,
 * collected in `command->argv`, which has room for all. */
static bool arguments_read(const struct verb *verb, int argc, char **argv, struct command *command,
                           bool *ret_help, struct lodge_error *err)
{
    bool flags_end = false;
    for (int i = 1; i < argc; i++) {
        const char *value;
        if (flags_end || argv[i][0] != '-' || argv[i][1] == '\0') {
            command->argv[command->argc++] = argv[i];
            continue;
        }
        if (strcmp(argv[i], "--") == 0) {
            flags_end = true;
            continue;
        }
        const struct flag *flag = verb_flag_find(verb, argv[i], &value);
        if (!flag) {
            return no_flag(verb, argv[i], err);
        }
        if (flag->argument && !value && i + 1 < argc && !is_flag(verb, argv[i + 1])) {
            value = argv[++i];
        }
        if (flag->argument && !value) {
            return lodge_fail(err, LODGE_ERROR_INVALID, "%s wants %s", flag->flag,
                              usage_argument(flag));
        }
        if (!flag_apply(flag, value, command, ret_help, err)) {
            return false;
        }
    }
    if (!*ret_help && (command->argc < verb->least || command->argc > verb->most)) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "expected: lodge %s%s%s", verb->name,
                          verb->arguments[0] == '\0' ? "" : " ", verb->arguments);
    }
    return true;
}

/* Read here already, so that a slip is pointed at without a daemon. */
static bool query_check(const struct verb *verb, const struct command *command,
                        struct lodge_error *err)
{
    if (!verb->takes_query || command->argc == 0) {
        return true;
    }
    struct query *query = query_parse(command->argv[0], err);
    bool good = query != NULL;
    query_free(query);
    return good;
}

static enum status status_of(enum lodge_error_kind kind)
{
    static const enum status statuses[LODGE_ERROR_KINDS] = {
        [LODGE_ERROR_UNREACHABLE] = STATUS_NO_DAEMON, [LODGE_ERROR_NOT_FOUND] = STATUS_NOT_FOUND,
        [LODGE_ERROR_DENIED] = STATUS_DENIED,         [LODGE_ERROR_BUSY] = STATUS_BUSY,
        [LODGE_ERROR_TOO_MANY] = STATUS_BUSY,         [LODGE_ERROR_QUOTA_EXCEEDED] = STATUS_BUSY,
        [LODGE_ERROR_TIMEOUT] = STATUS_TIMEOUT,       [LODGE_ERROR_UNRESPONSIVE] = STATUS_TIMEOUT,
    };
    return statuses[kind] == STATUS_DONE ? STATUS_FAILED : statuses[kind];
}

static enum status complain_of(const struct verb *verb, const struct command *command,
                               const struct lodge_error *error)
{
    command->output->error(command, error);
    if (!command->json && error->column > 0 && verb->takes_query && command->argc > 0) {
        print_text(stderr, "  %s\n", command->argv[0]);
        fprintf(stderr, "  %*s\n", error->column, "^");
    }
    if (!command->json) {
        suggest_vm(command, error);
    }
    if (error->kind == LODGE_ERROR_INVALID) {
        if (!command->json && verb != NULL) {
            fprintf(stderr, "Try `lodge help %s`.\n", verb->name);
        }
        return STATUS_WRONG_CALL;
    }
    return status_of(error->kind);
}

/* Of what was asked for in JSON even the mistakes are told so, wherever the flag stands. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(long_flag(argv[i]), "--json") == 0) {
            return true;
        }
    }
    return false;
}

/* A full disk or a closed pipe shows at the latest here. */
static enum status end_output(void)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("lodge: standard output cannot be written\n", stderr);
        return STATUS_FAILED;
    }
    return STATUS_DONE;
}

bool run_help(const struct command *command, struct lodge_error *err)
{
    if (command->argc == 0) {
        usage_print(stdout);
        return true;
    }
    const struct verb *verb = verb_find(command->argv[0]);
    if (verb == NULL) {
        return no_verb(command->argv[0], err);
    }
    usage_print_verb(stdout, verb);
    return true;
}

int cli_print_usage(void)
{
    usage_print(stdout);
    return (int)end_output();
}

int cli_print_version(void)
{
    puts("lodge " LODGE_VERSION);
    return (int)end_output();
}

int cli_main(int argc, char **argv, const struct cli_options *options)
{
    const struct verb *verb = verb_find(argv[0]);
    AUTO(free) char **arguments = xcalloc((size_t)argc, sizeof *arguments);
    struct command command = {
        .verb = argv[0],
        .socket_path = options->socket_path,
        .json = options->json || wants_json(argc, argv),
        .argv = arguments,
    };
    struct lodge_error err = {0};
    bool help = false;
    bool good = verb == NULL ? no_verb(argv[0], &err)
                             : arguments_read(verb, argc, argv, &command, &help, &err);
    if (verb != NULL) {
        command.verb = verb->name;
        command.method = verb->method;
        command.flags = verb->flags;
        command.json |= verb->speaks_json;
    }
    command.output = command.json ? &json_output : &text_output;
    if (good && help) {
        usage_print_verb(stdout, verb);
        return (int)end_output();
    }
    good = good && query_check(verb, &command, &err) && run_of(verb)(&command, &err);
    return (int)(good ? end_output() : complain_of(verb, &command, &err));
}
