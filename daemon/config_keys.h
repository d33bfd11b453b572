/*
 * config_keys: every key that lodged.conf may have, one row each.
 *
 * The rows read the file, print the running values, tell what a reload can change, and are the
 * table of lodged.conf(5). A new key is one row here, one member of struct config, and its pair of
 * files under tests/data/config. Any thread.
 */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include "config.h"

#include <stdio.h>

enum key_type {
    KEY_PATH,    /* char *, absolute */
    KEY_PATHS,   /* struct lodge_strings, absolute, with spaces between */
    KEY_FILE,    /* char *, absolute; `none` is NULL */
    KEY_WORDS,   /* struct lodge_strings, with spaces between; `none` is none */
    KEY_LISTEN,  /* char *, ADDR:PORT or `off` */
    KEY_ADDRESS, /* char *, of a folder: http:// or https://, with / at its end; `none` is NULL */
    KEY_WORD,    /* char *, a name without '/' */
    KEY_LIMIT,   /* int64_t from 0; `none` is LODGE_UNKNOWN */
    KEY_URI,     /* char *, of a libvirt driver */
    KEY_GROUP,   /* char *, a group of this machine; `none` is NULL */
    KEY_LEVELS,  /* char *, as log_set_levels() takes it */
    KEY_MODE,    /* mode_t, octal */
    KEY_CHOICE,  /* an enum: the place in `choices` */
    KEY_NUMBER,  /* unsigned, min to max */
    KEY_SECONDS, /* unsigned in ms, min to max; written in seconds with decimals */
};

struct config_key {
    const char *section; /* "host" stands for every [host NAME] */
    const char *name;
    enum key_type type;
    size_t offset; /* in struct config, or in struct host_config */
    unsigned min, max;
    const char *const *choices; /* ends with NULL; in the enum's order */
    const char *preset;         /* the default as the manual says it; NULL: must be given */
    char *(*find_preset)(void); /* where it depends on who runs lodged; NULL result: none */
    bool host_default;          /* of a host: `preset` is what NULL means */
    bool reloadable;            /* SIGHUP is enough */
    const char *help;
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* NULL when there is none. */
const struct config_key *config_key_find(const char *section, const char *name);
bool config_section_exists(const char *section);

/* "[daemon], [host NAME], …": every section; the caller frees. */
char *config_sections(void);

/* "socket, socket_mode, …": the keys of a section; the caller frees. */
char *config_section_words(const char *section);

/* Reads `text` into its member of `target` (struct config, or struct host_config for "host"). The
 * error (INVALID) says what was expected; on failure nothing changes. */
bool config_key_set(const struct config_key *key, void *target, const char *text,
                    struct lodge_error *err) LODGE_MUST_CHECK;

/* Does this machine have it? Asks NSS. */
bool config_group_exists(const char *name);

/* The value as the file would say it; the caller frees. */
char *config_key_text(const struct config_key *key, const void *target);

#endif
