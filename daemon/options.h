/* options: lodged's flags and its usage text, from one table. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "lodge/error.h"

#include <stdbool.h>
#include <stddef.h>

struct options {
    const char *config; /* all point into argv */
    const char *socket;
    const char *state_dir;
    const char *log_level;
    const char **hosts; /* "NAME=URI" each, in order; --uri X is "local=X"; heap array */
    size_t host_count;
    bool check_config;
    bool version;
    bool help;
};

bool options_read(int argc, char **argv, struct options *ret_options, struct lodge_error *err)
    LODGE_MUST_CHECK;
void options_clear(struct options *options);
void options_print_help(void);

#endif
