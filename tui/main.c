/* lodge: bare, the TUI; with a verb, the command line. */
#include "app.h"
#include "cli/verbs.h"
#include "demo.h"
#include "standard.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

struct options {
    struct cli_options cli;
    int demo_guests; /* negative: no demonstration */
    bool help;
    bool version;
};

static bool read_count(const char *text, int *ret_count)
{
    char *end;

    errno = 0;
    long count = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || count < 0 || count > DEMO_MOST) {
        return false;
    }
    *ret_count = (int)count;
    return true;
}

static bool read_option(int letter, struct options *options)
{
    switch (letter) {
    case 's':
        options->cli.socket_path = optarg;
        return true;
    case 'j':
        options->cli.json = true;
        return true;
    case 'd':
        if (!read_count(optarg, &options->demo_guests)) {
            fprintf(stderr, "lodge: --demo wants a number from 0 to %d, not '%s'\n", DEMO_MOST,
                    optarg);
            return false;
        }
        return true;
    case 'h':
        options->help = true;
        return true;
    case 'v':
        options->version = true;
        return true;
    default: /* getopt has said what is wrong */
        fputs("Try `lodge --help`.\n", stderr);
        return false;
    }
}

int main(int argc, char **argv)
{
    static const struct option known[] = {
        {"socket", required_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'},
        {"demo", required_argument, NULL, 'd'},   {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},      {0},
    };
    struct options options = {.demo_guests = -1};
    int letter;

    standard_files_open();
    setlocale(LC_ALL, "");
    while ((letter = getopt_long(argc, argv, "+hj", known, NULL)) != -1) { /* +: up to the verb */
        if (!read_option(letter, &options)) {
            return 2;
        }
    }
    if (options.help) {
        return cli_print_usage();
    }
    if (options.version) {
        return cli_print_version();
    }
    if (optind < argc) {
        if (options.demo_guests >= 0) {
            fputs("lodge: --demo is for the console; it takes no verb\n", stderr);
            return 2;
        }
        return cli_main(argc - optind, argv + optind, &options.cli);
    }
    return app_run(&(struct source_options){
        .socket_path = options.cli.socket_path,
        .demo_guests = options.demo_guests,
    });
}
