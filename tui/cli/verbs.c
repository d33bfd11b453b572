/*
 * verbs: the verb table, the flags that verbs take, help made from both, and the exit status.
 *
 * One thread; argv is read and never changed.
 */
#include "cli/verbs.h"

#include "cli/command.h"
#include "memory.h"
#include "query.h"
#include "units.h"

#include <stdlib.h>
#include <string.h>

enum status { STATUS_DONE, STATUS_FAILED, STATUS_WRONG_CALL, STATUS_NO_DAEMON };

enum flag_bit {
    FLAG_SOCKET = 1 << 0,
    FLAG_JSON = 1 << 1,
    FLAG_HELP = 1 << 2,
    FLAG_WAIT = 1 << 3,
    FLAG_XML = 1 << 4,
    FLAG_METRICS = 1 << 5,
};
enum { EVERY_VERB = FLAG_SOCKET | FLAG_JSON | FLAG_HELP };

struct flag {
    enum flag_bit bit;
    const char *flag;
    const char *argument; /* NULL: takes none */
    const char *help;
};

static const struct flag flags[] = {
    {
        .bit = FLAG_WAIT,
        .flag = "--wait",
        .argument = "TIME",
        .help = "wait so long (10s, 2m) for the daemon, and for its hosts to be read",
    },
    {
        .bit = FLAG_XML,
        .flag = "--xml",
        .help = "libvirt's XML of the VM",
    },
    {
        .bit = FLAG_METRICS,
        .flag = "--metrics",
        .help = "samples of CPU and memory too",
    },
    {
        .bit = FLAG_SOCKET,
        .flag = "--socket",
        .argument = "PATH",
        .help = "the daemon's socket",
    },
    {
        .bit = FLAG_JSON,
        .flag = "--json",
        .help = "results, and errors too, as JSON",
    },
    {
        .bit = FLAG_HELP,
        .flag = "--help",
        .help = "this",
    },
};

struct verb {
    const char *name;
    const char *arguments;
    int least; /* arguments */
    int most;
    bool takes_query;
    bool speaks_json; /* whatever is asked */
    unsigned flags;   /* beside EVERY_VERB */
    const char *help;
    bool (*run)(const struct command *command, struct lodge_error *err);
};

static const struct verb verbs[] = {
    {
        .name = "ls",
        .arguments = "[QUERY]",
        .most = 1,
        .takes_query = true,
        .flags = FLAG_WAIT,
        .help = "list virtual machines",
        .run = run_ls,
    },
    {
        .name = "show",
        .arguments = "VM",
        .least = 1,
        .most = 1,
        .flags = FLAG_XML,
        .help = "all about one virtual machine",
        .run = run_show,
    },
    {
        .name = "watch",
        .arguments = "[QUERY]",
        .most = 1,
        .takes_query = true,
        .flags = FLAG_WAIT | FLAG_METRICS,
        .help = "a line for each thing that happens",
        .run = run_watch,
    },
    {
        .name = "hosts",
        .arguments = "",
        .flags = FLAG_WAIT,
        .help = "list the machines that guests run on",
        .run = run_hosts,
    },
    {
        .name = "info",
        .arguments = "",
        .flags = FLAG_WAIT,
        .help = "which daemon answers, and who you are to it",
        .run = run_info,
    },
    {
        .name = "call",
        .arguments = "METHOD [JSON|-]",
        .least = 1,
        .most = 2,
        .speaks_json = true,
        .flags = FLAG_WAIT,
        .help = "call a method of the daemon; - reads its parameters from standard input",
        .run = run_call,
    },
};

static void print_verb_help(const struct verb *verb)
{
    printf("Usage: lodge %s [OPTION...]%s%s\n\n%c%s.\n\n", verb->name,
           verb->arguments[0] == '\0' ? "" : " ", verb->arguments, verb->help[0] - 'a' + 'A',
           verb->help + 1);
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        const struct flag *flag = &flags[i];
        if ((verb->flags | EVERY_VERB) & flag->bit) {
            int used = printf("  %s %s", flag->flag, flag->argument ? flag->argument : "");
            printf("%*s%s\n", used < 17 ? 17 - used : 1, "", flag->help);
        }
    }
    if (verb->takes_query) {
        fputs(
            "\nQUERY is words that names contain, and terms such as state:running host:h1 tag:ci\n"
            "name:web* cpu>50 !tag:old; all of them must match. lodge(1) has the whole language.\n",
            stdout);
    }
}

void cli_print_verbs(FILE *out)
{
    for (size_t i = 0; i < ARRAY_LENGTH(verbs); i++) {
        int used = fprintf(out, "  %s %s", verbs[i].name, verbs[i].arguments);
        fprintf(out, "%*s%s\n", used < 24 ? 24 - used : 1, "", verbs[i].help);
    }
}

static const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(verbs); i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
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

static bool flag_apply(enum flag_bit bit, const char *value, struct command *command,
                       bool *ret_help, struct lodge_error *err)
{
    switch (bit) {
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
    }
    return false;
}

/* The flag that `word` begins with, or NULL; `ret_value` is what stands behind its `=`. */
static const struct flag *flag_find(const struct verb *verb, const char *word,
                                    const char **ret_value)
{
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        size_t length = strlen(flags[i].flag);
        if (((verb->flags | EVERY_VERB) & flags[i].bit) &&
            strncmp(word, flags[i].flag, length) == 0 &&
            (word[length] == '\0' || (word[length] == '=' && flags[i].argument))) {
            *ret_value = word[length] == '=' ? word + length + 1 : NULL;
            return &flags[i];
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
        if (!flag_apply(flag->bit, value, command, ret_help, err)) {
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
        fprintf(stderr, "  %s\n  %*s\n", command->argv[0], error->column, "^");
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
        fprintf(stderr, "lodge: there is no verb '%s'. Verbs are:\n", argv[0]);
        cli_print_verbs(stderr);
        return STATUS_WRONG_CALL;
    }
    AUTO(free) char **arguments = xcalloc((size_t)argc, sizeof(*arguments));
    struct command command = {
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
