/*
 * config: what the file and the flags say, checked before anything starts.
 *
 * One table of keys (config_keys.c: section, name, type, range, default, reloadable, help) reads
 * the file; flags override it. A complaint names file, line, and what was expected. Any thread.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "lodge/error.h"
#include "lodge/quota.h"
#include "lodge/strings.h"
#include "log.h"
#include "settings.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum default_role { DEFAULT_ROLE_USER, DEFAULT_ROLE_VIEWER, DEFAULT_ROLE_NONE };

struct host_config {
    char *name;
    char *uri;
    char *pool; /* NULL: what follows from the host */
    char *dir;
};

struct config {
    char *file;     /* what was read, or NULL */
    uint64_t given; /* bit N: file or flags set row N of config_keys, it is no default */
    char *socket;
    mode_t socket_mode;
    char *socket_group; /* NULL: leave the group alone */
    bool group_absent;  /* only because this machine has no group `lodge`: worth a note */
    enum default_role default_role;
    char *admin_group; /* NULL: none */
    char *state_dir;
    char *log_level;
    enum log_format log_format;
    struct host_config *hosts;
    size_t host_count;
    struct host_settings host;
    struct lodge_strings image_dirs;
    struct lodge_amounts quota;      /* the system's, where none is stored */
    struct lodge_amounts quota_user; /* of users without a row */
    struct console_config {
        char *listen; /* ADDR:PORT, or "off" */
        char *novnc_dir;
        struct console_limits limits;
        struct lodge_strings origins, hosts;
        char *public_url;         /* ends with /; NULL: none */
        char *tls_cert, *tls_key; /* both or none */
    } console;
    unsigned op_keep_days;
    unsigned ops_per_hour;
    unsigned audit_keep_days;
};

struct options; /* options.h */

/* Defaults, then the file, then the flags. `options->config` NULL: /etc/lodge/lodged.conf if it is
 * there. INVALID says file, line, what and what was expected. The caller clears it with
 * config_clear(). Asks NSS for groups, so it may block. */
bool config_load(const struct options *options, struct config *ret_config, struct lodge_error *err)
    LODGE_MUST_CHECK;
void config_clear(struct config *config);

/* Whether file or flags say it; else it is a default. The key must be there. */
bool config_is_given(const struct config *config, const char *section, const char *name);

/* The keys that differ in `next` and cannot be changed while running, as "[section] key, …" for the
 * log; the caller frees; NULL when there are none. What is a default in both does not differ, even
 * if the environment it came from has changed since. */
char *config_needs_restart(const struct config *now, const struct config *next);

/* What --check-config says: all keys with their values, as a file that would give the same. */
void config_print(const struct config *config, FILE *stream);

#endif
