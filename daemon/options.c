/*
 * options: one table has the flags; reading, refusing and the usage text follow it. Texts stay
 * argv's, hosts are copies.
 */
#include "options.h"

#include "memory.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum flag_kind { FLAG_TEXT, FLAG_SWITCH, FLAG_HOST, FLAG_URI };

struct flag {
    const char *name;
    const char *argument; /* NULL: takes none */
    enum flag_kind kind;
    size_t offset; /* of a TEXT or SWITCH in struct options */
    const char *help;
};

static const struct flag flags[] = {
    {
        .name = "--config",
        .argument = "FILE",
        .kind = FLAG_TEXT,
        .offset = offsetof(struct options, config),
        .help = "read FILE instead of /etc/lodge/lodged.conf",
    },
    {
        .name = "--socket",
        .argument = "PATH",
        .kind = FLAG_TEXT,
        .offset = offsetof(struct options, socket),
        .help = "the Unix socket that clients connect to",
    },
    {
        .name = "--state-dir",
        .argument = "DIR",
        .kind = FLAG_TEXT,
        .offset = offsetof(struct options, state_dir),
        .help = "where the database and its lock are",
    },
    {
        .name = "--uri",
        .argument = "URI",
        .kind = FLAG_URI,
        .help = "the one libvirt to look after: short for --host local=URI",
    },
    {
        .name = "--host",
        .argument = "NAME=URI",
        .kind = FLAG_HOST,
        .help = "a libvirt to look after, by name; once for each host",
    },
    {
        .name = "--http",
        .argument = "ADDR:PORT",
        .kind = FLAG_TEXT,
        .offset = offsetof(struct options, http),
        .help = "where browsers are answered; off: nowhere",
    },
    {
        .name = "--log-level",
        .argument = "LEVEL",
        .kind = FLAG_TEXT,
        .offset = offsetof(struct options, log_level),
        .help = "error, warning, info or debug; by folder: info,host=debug",
    },
    {
        .name = "--check-config",
        .kind = FLAG_SWITCH,
        .offset = offsetof(struct options, check_config),
        .help = "read file and flags, say what would run, and leave",
    },
    {
        .name = "--restore",
        .argument = "FILE",
        .kind = FLAG_TEXT,
        .offset = offsetof(struct options, restore),
        .help = "put this copy of the database in the place of it, and leave",
    },
    {
        .name = "--version",
        .kind = FLAG_SWITCH,
        .offset = offsetof(struct options, version),
        .help = "say the version and leave",
    },
    {
        .name = "--help",
        .kind = FLAG_SWITCH,
        .offset = offsetof(struct options, help),
        .help = "say this and leave",
    },
};

/* The row of "--name" or "--name=…"; *ret_value is what stands behind the sign, or NULL. */
static const struct flag *flag_find(const char *argument, const char **ret_value)
{
    size_t length = strcspn(argument, "=");
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        if (strlen(flags[i].name) == length && strncmp(flags[i].name, argument, length) == 0) {
            *ret_value = argument[length] == '=' ? argument + length + 1 : NULL;
            return &flags[i];
        }
    }
    return NULL;
}

static void add_host(struct options *options, char *host)
{
    options->hosts = xrealloc(options->hosts, (options->host_count + 1) * sizeof *options->hosts);
    options->hosts[options->host_count++] = host;
}

static bool given_twice(const struct flag *flag, struct lodge_error *err)
{
    return lodge_fail(err, LODGE_ERROR_INVALID, "%s was given twice", flag->name);
}

static bool take(struct options *options, const struct flag *flag, const char *value,
                 struct lodge_error *err)
{
    void *place = (char *)options + flag->offset;
    switch (flag->kind) {
    case FLAG_TEXT:
        if (*(const char **)place != NULL) {
            return given_twice(flag, err);
        }
        *(const char **)place = value;
        return true;
    case FLAG_SWITCH:
        *(bool *)place = true;
        return true;
    case FLAG_HOST:
        add_host(options, xstrdup(value));
        return true;
    case FLAG_URI:
        for (size_t i = 0; i < options->host_count; i++) {
            if (strncmp(options->hosts[i], "local=", 6) == 0) {
                return given_twice(flag, err);
            }
        }
        add_host(options, xasprintf("local=%s", value));
        return true;
    }
    abort();
}

static bool read_all(int argc, char **argv, struct options *options, struct lodge_error *err)
{
    for (int i = 1; i < argc; i++) {
        const char *value = NULL;
        const struct flag *flag = flag_find(argv[i], &value);
        if (flag == NULL) {
            return lodge_fail(err, LODGE_ERROR_INVALID,
                              "'%s' is no flag of lodged; lodged --help lists them", argv[i]);
        }
        if (flag->argument == NULL && value != NULL) {
            return lodge_fail(err, LODGE_ERROR_INVALID, "%s takes no value", flag->name);
        }
        if (flag->argument != NULL && value == NULL) {
            if (i + 1 == argc) {
                return lodge_fail(err, LODGE_ERROR_INVALID, "%s needs its %s", flag->name,
                                  flag->argument);
            }
            value = argv[++i];
        }
        if (!take(options, flag, value, err)) {
            return false;
        }
    }
    return true;
}

bool options_read(int argc, char **argv, struct options *ret_options, struct lodge_error *err)
{
    struct options options = {0};
    if (!read_all(argc, argv, &options, err)) {
        options_clear(&options);
        return false;
    }
    *ret_options = options;
    return true;
}

void options_clear(struct options *options)
{
    for (size_t i = 0; i < options->host_count; i++) {
        free(options->hosts[i]);
    }
    free(options->hosts);
    *options = (struct options){0};
}

void options_print_help(void)
{
    printf("usage: lodged [FLAG ...]\n"
           "\n"
           "Shows libvirt's virtual machines live to the clients of its socket. Stays in the\n"
           "foreground. Flags win over the file; hosts given by flags replace the file's.\n"
           "\n");
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        AUTO(free)
        char *left = xasprintf("%s%s%s", flags[i].name, flags[i].argument == NULL ? "" : " ",
                               flags[i].argument == NULL ? "" : flags[i].argument);
        printf("  %-20s %s\n", left, flags[i].help);
    }
    printf("\nlodged.conf(5) has the keys of the file, lodge(1) the client.\n");
}
