#include "config_keys.h"

#include "buffer.h"
#include "memory.h"
#include "paths.h"
#include "scope.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A reload runs on a worker, so not getgrnam(). A group too large for the room does exist. */
static bool group_exists(const char *name)
{
    enum { ROOM = 16384 };
    struct group entry;
    struct group *found = NULL;
    AUTO(free) char *room = xmalloc(ROOM);
    int failed = getgrnam_r(name, &entry, room, ROOM, &found);
    return failed == ERANGE || (failed == 0 && found != NULL);
}

/* --- defaults that depend on who runs lodged ------------------------------------------------- */

static char *find_socket(void)
{
    return path_daemon_socket(geteuid());
}

static char *find_state_dir(void)
{
    return path_state_dir(geteuid());
}

static char *find_socket_mode(void)
{
    return xstrdup(geteuid() == 0 ? "0660" : "0600");
}

/* Packages make the group; a plain `make install` may not have. */
static char *find_socket_group(void)
{
    return xstrdup(geteuid() == 0 && group_exists("lodge") ? "lodge" : "none");
}

/* --- one type after the other ----------------------------------------------------------------- */

static void *member(const struct config_key *key, void *target)
{
    return (char *)target + key->offset;
}

static void set_text(const struct config_key *key, void *target, const char *text)
{
    char **place = member(key, target);
    free(*place);
    *place = xstrdup_or_null(text);
}

static bool set_path(const struct config_key *key, void *target, const char *text,
                     struct lodge_error *err)
{
    if (text[0] != '/') {
        return lodge_fail(err, LODGE_ERROR_INVALID, "%s = '%s', expected a path that begins with /",
                          key->name, text);
    }
    set_text(key, target, text);
    return true;
}

static bool set_uri(const struct config_key *key, void *target, const char *text,
                    struct lodge_error *err)
{
    size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+");
    if (scheme == 0 || text[scheme] != ':') {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "%s = '%s', expected a libvirt URI such as qemu:///system", key->name,
                          text);
    }
    set_text(key, target, text);
    return true;
}

static bool set_group(const struct config_key *key, void *target, const char *text,
                      struct lodge_error *err)
{
    bool none = strcmp(text, "none") == 0;
    if (!none && !group_exists(text)) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "%s = '%s', expected a group of this machine, or none", key->name, text);
    }
    set_text(key, target, none ? NULL : text);
    return true;
}

static bool set_levels(const struct config_key *key, void *target, const char *text,
                       struct lodge_error *err)
{
    if (!log_check_levels(text, err)) {
        return lodge_fail_in(err, "%s", key->name);
    }
    set_text(key, target, text);
    return true;
}

static bool set_mode(const struct config_key *key, void *target, const char *text,
                     struct lodge_error *err)
{
    char *end = NULL;
    unsigned long mode = strtoul(text, &end, 8);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || mode > 0777 || (mode & 0600) != 0600) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "%s = '%s', expected octal permissions with 0600 in them, such as 0660",
                          key->name, text);
    }
    *(mode_t *)member(key, target) = (mode_t)mode;
    return true;
}

static bool set_choice(const struct config_key *key, void *target, const char *text,
                       struct lodge_error *err)
{
    struct buffer words = {0};
    for (unsigned i = 0; key->choices[i] != NULL; i++) {
        if (strcmp(key->choices[i], text) == 0) {
            *(unsigned *)member(key, target) = i;
            buffer_free(&words);
            return true;
        }
        buffer_add_format(&words, "%s%s", i == 0 ? "" : ", ", key->choices[i]);
    }
    lodge_fail(err, LODGE_ERROR_INVALID, "%s = '%s', expected one of %s", key->name, text,
               buffer_text(&words));
    buffer_free(&words);
    return false;
}
_Static_assert(sizeof(enum default_role) == sizeof(unsigned), "set_choice writes it");
_Static_assert(sizeof(enum log_format) == sizeof(unsigned), "set_choice writes it");

/* Digits, with up to three decimals when a unit is 1000 steps. */
static bool read_number(const char *text, unsigned steps, unsigned long *ret_value)
{
    unsigned long value = 0;
    const char *c = text;
    for (; isdigit((unsigned char)*c) && c - text < 7; c++) {
        value = value * 10 + (unsigned long)(*c - '0');
    }
    bool some = c > text;
    value *= steps;
    if (some && *c == '.' && steps > 1) {
        for (c++; isdigit((unsigned char)*c) && steps > 1; c++) {
            steps /= 10;
            value += (unsigned long)(*c - '0') * steps;
        }
    }
    *ret_value = value;
    return some && *c == '\0';
}

static bool set_number(const struct config_key *key, void *target, const char *text,
                       struct lodge_error *err)
{
    unsigned steps = key->type == KEY_SECONDS ? 1000 : 1;
    unsigned long value = 0;
    if (!read_number(text, steps, &value) || value < key->min || value > key->max) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "%s = '%s', expected a number from %g to %g",
                          key->name, text, (double)key->min / steps, (double)key->max / steps);
    }
    *(unsigned *)member(key, target) = (unsigned)value;
    return true;
}

bool config_key_set(const struct config_key *key, void *target, const char *text,
                    struct lodge_error *err)
{
    switch (key->type) {
    case KEY_PATH:
        return set_path(key, target, text, err);
    case KEY_URI:
        return set_uri(key, target, text, err);
    case KEY_GROUP:
        return set_group(key, target, text, err);
    case KEY_LEVELS:
        return set_levels(key, target, text, err);
    case KEY_MODE:
        return set_mode(key, target, text, err);
    case KEY_CHOICE:
        return set_choice(key, target, text, err);
    case KEY_NUMBER:
    case KEY_SECONDS:
        return set_number(key, target, text, err);
    }
    abort();
}

char *config_key_text(const struct config_key *key, const void *target)
{
    const void *place = (const char *)target + key->offset;
    switch (key->type) {
    case KEY_PATH:
    case KEY_URI:
    case KEY_GROUP:
    case KEY_LEVELS: {
        const char *text = *(char *const *)place;
        return xstrdup(text == NULL ? "none" : text);
    }
    case KEY_MODE:
        return xasprintf("%04o", (unsigned)*(const mode_t *)place);
    case KEY_CHOICE:
        return xstrdup(key->choices[*(const unsigned *)place]);
    case KEY_NUMBER:
        return xasprintf("%u", *(const unsigned *)place);
    case KEY_SECONDS:
        return xasprintf("%g", *(const unsigned *)place / 1000.0);
    }
    abort();
}

/* --- the table -------------------------------------------------------------------------------- */

static const char *const roles[] = {
    [DEFAULT_ROLE_USER] = "user",
    [DEFAULT_ROLE_VIEWER] = "viewer",
    [DEFAULT_ROLE_NONE] = "none",
    NULL,
};

static const char *const formats[] = {
    [LOG_FORMAT_AUTO] = "auto",
    [LOG_FORMAT_TEXT] = "text",
    [LOG_FORMAT_JOURNAL] = "journal",
    NULL,
};

const struct config_key config_keys[] = {
    {
        .section = "daemon",
        .name = "socket",
        .type = KEY_PATH,
        .offset = offsetof(struct config, socket),
        .preset = "/run/lodge/lodged.sock; a user's own daemon: $XDG_RUNTIME_DIR/lodge/lodged.sock",
        .find_preset = find_socket,
        .help = "The Unix socket that clients connect to.",
    },
    {
        .section = "daemon",
        .name = "socket_mode",
        .type = KEY_MODE,
        .offset = offsetof(struct config, socket_mode),
        .preset = "0660; a user's own daemon: 0600",
        .find_preset = find_socket_mode,
        .help = "Its permissions, in octal: who may connect at all.",
    },
    {
        .section = "daemon",
        .name = "socket_group",
        .type = KEY_GROUP,
        .offset = offsetof(struct config, socket_group),
        .preset = "lodge, if there is such a group; a user's own daemon: none",
        .find_preset = find_socket_group,
        .help = "The group that owns the socket; none leaves it alone.",
    },
    {
        .section = "daemon",
        .name = "default_role",
        .type = KEY_CHOICE,
        .offset = offsetof(struct config, default_role),
        .choices = roles,
        .preset = "user",
        .reloadable = true,
        .help =
            "What somebody without a role of their own is: user sees their own VMs, viewer sees "
            "all and changes nothing, none is turned away.",
    },
    {
        .section = "daemon",
        .name = "admin_group",
        .type = KEY_GROUP,
        .offset = offsetof(struct config, admin_group),
        .preset = "none",
        .reloadable = true,
        .help = "Members of this group are admins, as root and lodged's own user are.",
    },
    {
        .section = "daemon",
        .name = "state_dir",
        .type = KEY_PATH,
        .offset = offsetof(struct config, state_dir),
        .preset = "/var/lib/lodge; a user's own daemon: ~/.local/state/lodge",
        .find_preset = find_state_dir,
        .help = "Where the database and its lock are.",
    },
    {
        .section = "daemon",
        .name = "log_level",
        .type = KEY_LEVELS,
        .offset = offsetof(struct config, log_level),
        .preset = "info",
        .reloadable = true,
        .help = "error, warning, info or debug, for all or by folder: info,host=debug.",
    },
    {
        .section = "daemon",
        .name = "log_format",
        .type = KEY_CHOICE,
        .offset = offsetof(struct config, log_format),
        .choices = formats,
        .preset = "auto",
        .help = "text goes to stderr, journal to journald with a field per fact; auto takes the "
                "journal when systemd started lodged.",
    },
    {
        .section = "host",
        .name = "uri",
        .type = KEY_URI,
        .offset = offsetof(struct host_config, uri),
        .help = "How libvirt reaches the host called NAME. Without any host section it is one, "
                "local, at qemu:///system.",
    },
    {
        .section = "sync",
        .name = "parallel",
        .type = KEY_NUMBER,
        .offset = offsetof(struct config, sync_parallel),
        .min = 1,
        .max = 4,
        .preset = "4",
        .help = "How many domains of a host are read at once; libvirtd serves five calls a client.",
    },
    {
        .section = "sync",
        .name = "interval_s",
        .type = KEY_NUMBER,
        .offset = offsetof(struct config, sync_interval_s),
        .min = 1,
        .max = 3600,
        .preset = "30",
        .help = "Seconds between two safety syncs, which find what events did not tell.",
    },
    {
        .section = "stats",
        .name = "interval_s",
        .type = KEY_SECONDS,
        .offset = offsetof(struct config, stats_interval_ms),
        .min = 200,
        .max = 60000,
        .preset = "1",
        .help = "Seconds between two samples of a running VM.",
    },
    {
        .section = "stats",
        .name = "deadline_ms",
        .type = KEY_NUMBER,
        .offset = offsetof(struct config, stats_deadline_ms),
        .min = 300,
        .max = 60000,
        .preset = "300",
        .help = "Milliseconds after which a sampling call counts as lost, at the least.",
    },
};
const size_t config_key_count = ARRAY_LENGTH(config_keys);

const struct config_key *config_key_find(const char *section, const char *name)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].section, section) == 0 &&
            strcmp(config_keys[i].name, name) == 0) {
            return &config_keys[i];
        }
    }
    return NULL;
}

bool config_section_exists(const char *section)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].section, section) == 0) {
            return true;
        }
    }
    return false;
}

char *config_section_words(const char *section)
{
    struct buffer words = {0};
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].section, section) == 0) {
            buffer_add_format(&words, "%s%s", words.length == 0 ? "" : ", ", config_keys[i].name);
        }
    }
    return buffer_take(&words);
}
