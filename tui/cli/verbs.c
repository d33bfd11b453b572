/*
 * verbs: the verb table, the flags that verbs take, help made from both, and the exit status.
 *
 * One thread; argv is read and never changed.
 */
#include "cli/verbs.h"

#include "cli/command.h"
#include "cli/print.h"
#include "cli/verb_table.h"
#include "memory.h"
#include "query.h"
#include "units.h"

#include <stdlib.h>
#include <string.h>

enum status { STATUS_DONE, STATUS_FAILED, STATUS_WRONG_CALL, STATUS_NO_DAEMON };

static void print_verb_help(const struct verb *verb)
{
    printf("Usage: lodge %s [OPTION...]%s%s\n\n%c%s.\n\n", verb->name,
           verb->arguments[0] == '\0' ? "" : " ", verb->arguments, verb->help[0] - 'a' + 'A',
           verb->help + 1);
    for (const struct flag *flag = flags; flag->flag != NULL; flag++) {
        if ((verb->flags | EVERY_VERB) & flag->bit) {
            int used = printf("  %s %s", flag->flag, flag->argument ? flag->argument : "");
            printf("%*s%s\n", used < 21 ? 21 - used : 1, "", flag->help);
        }
    }
    if (verb->takes_query) {
        fputs(
            "\nQUERY is words that names contain, and terms such as state:running host:h1 tag:ci\n"
            "name:web* pending:* cpu>50 !tag:old; all of them must match. lodge(1) has the whole\n"
            "language.\n",
            stdout);
    }
}

void cli_print_verbs(FILE *out)
{
    for (const struct verb *verb = verbs; verb->name != NULL; verb++) {
        int used = fprintf(out, "  %s %s", verb->name, verb->arguments);
        fprintf(out, "%*s%s\n", used < 32 ? 32 - used : 1, "", verb->help);
    }
}

static const struct verb *verb_find(const char *name)
{
    for (const struct verb *verb = verbs; verb->name != NULL; verb++) {
        if (strcmp(verb->name, name) == 0) {
            return verb;
        }
    }
    return NULL;
}

static bool wait_read(const char *text, int *ret_wait_s, struct lodge_error *err)
{
    int64_t seconds;
    if (!duration_from_text(text, &seconds) || seconds > 86400) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "--wait %s: expected a time such as 10s or 2m",
                          text);
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

/* The flag that `word` begins with, or NULL; `ret_value` is what stands behind its `=`. */
static const struct flag *flag_find(const struct verb *verb, const char *word,
                                    const char **ret_value)
{
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
        const struct flag *flag =
            flag_find(verb, strcmp(argv[i], "-h") == 0 ? "--help" : argv[i], &value);
        if (!flag) {
            return lodge_fail(err, LODGE_ERROR_INVALID, "%s takes no %s", verb->name, argv[i]);
        }
        if (flag->argument && !value && ++i < argc) {
            value = argv[i];
        }
        if (flag->argument && !value) {
            return lodge_fail(err, LODGE_ERROR_INVALID, "%s wants a %s", flag->flag,
                              flag->argument);
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

static enum status complain(const struct verb *verb, const struct command *command,
                            const struct lodge_error *error)
{
    command->output->error(error);
    if (!command->json && error->column > 0 && verb->takes_query && command->argc > 0) {
        print_text(stderr, "  %s\n", command->argv[0]);
        fprintf(stderr, "  %*s\n", error->column, "^");
    }
    if (error->kind == LODGE_ERROR_INVALID) {
        if (!command->json) {
            fprintf(stderr, "Try `lodge %s --help`.\n", verb->name);
        }
        return STATUS_WRONG_CALL;
    }
    return error->kind == LODGE_ERROR_UNREACHABLE ? STATUS_NO_DAEMON : STATUS_FAILED;
}

int cli_main(int argc, char **argv, const struct cli_options *options)
{
    const struct verb *verb = verb_find(argv[0]);
    if (!verb) {
        print_text(stderr, "lodge: there is no verb '%s'. Verbs are:\n", argv[0]);
        cli_print_verbs(stderr);
        return STATUS_WRONG_CALL;
    }
    AUTO(free) char **arguments = xcalloc((size_t)argc, sizeof(*arguments));
    struct command command = {
        .verb = verb->name,
        .method = verb->method,
        .socket_path = options->socket_path,
        .json = options->json,
        .argv = arguments,
    };
    struct lodge_error err = {0};
    bool help = false;
    bool good = arguments_read(verb, argc, argv, &command, &help, &err);
    command.json |= verb->speaks_json;
    command.output = command.json ? &json_output : &text_output;
    if (good && help) {
        print_verb_help(verb);
        return STATUS_DONE;
    }
    good = good && query_check(verb, &command, &err) && verb->run(&command, &err);
    /* A full disk or a closed pipe shows at the latest here. */
    if (good && (fflush(stdout) != 0 || ferror(stdout))) {
        fputs("lodge: standard output cannot be written\n", stderr);
        return STATUS_FAILED;
    }
    return good ? STATUS_DONE : (int)complain(verb, &command, &err);
}
