/* options: lodged's flags and its usage text, from one table. Any thread. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "lodge/error.h"

#include <stdbool.h>
#include <stddef.h>

struct options {
    const char *config; /* points into argv, as all texts but hosts */
    const char *socket;
    const char *state_dir;
    const char *log_level;
    const char *http;
    char **hosts; /* "NAME=URI" each, in order; --uri X is "local=X"; heap, as each of them */
    size_t host_count;
    const char *restore;
    bool check_config;
    bool version;
    bool help;
};

/* The texts are not looked into: config_load() judges them. INVALID for an unknown flag, a missing
 * value, a flag given twice, an argument that is no flag; nothing is to be cleared then. */
bool options_read(int argc, char **argv, struct options *ret_options, struct lodge_error *err)
    LODGE_MUST_CHECK;
void options_clear(struct options *options);

/* The usage text, on stdout. */
void options_print_help(void);

#endif
