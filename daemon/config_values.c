/* config_values: one type of value after the other: read from text, written as text. */
#include "config_keys.h"

#include "buffer.h"
#include "lodge/vm.h"
#include "memory.h"
#include "scope.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A reload runs on a worker, so not getgrnam(). A group too large for the room does exist. */
bool config_group_exists(const char *name)
{
    enum { ROOM = 16384 };
    struct group entry;
    struct group *found = NULL;
    AUTO(free) char *room = xmalloc(ROOM);
    int failed = getgrnam_r(name, &entry, room, ROOM, &found);
    return failed == ERANGE || (failed == 0 && found != NULL);
}

static void *key_member(const struct config_key *key, void *target)
{
    return (char *)target + key->offset;
}

static void set_text_value(const struct config_key *key, void *target, const char *text)
{
    char **place = key_member(key, target);
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
    set_text_value(key, target, text);
    return true;
}

static bool set_paths(const struct config_key *key, void *target, const char *text,
                      struct lodge_error *err)
{
    struct lodge_strings paths = {0};
    AUTO(free) char *copy = xstrdup(text);
    char *rest = copy;
    for (char *word; (word = strsep(&rest, " \t")) != NULL;) {
        if (word[0] != '/' && word[0] != '\0') {
            lodge_strings_clear(&paths);
            return lodge_fail(err, LODGE_ERROR_INVALID,
                              "%s = '%s', expected paths that begin with /, with spaces between",
                              key->name, text);
        }
        if (word[0] != '\0' && !lodge_strings_add(&paths, word)) {
            abort(); /* out of memory */
        }
    }
    struct lodge_strings *place = key_member(key, target);
    lodge_strings_clear(place);
    *place = paths;
    return true;
}

static bool set_file(const struct config_key *key, void *target, const char *text,
                     struct lodge_error *err)
{
    if (strcmp(text, "none") == 0) {
        set_text_value(key, target, NULL);
        return true;
    }
    return set_path(key, target, text, err);
}

static bool set_words(const struct config_key *key, void *target, const char *text)
{
    struct lodge_strings *place = key_member(key, target);
    AUTO(free) char *copy = xstrdup(strcmp(text, "none") == 0 ? "" : text);
    char *rest = copy;
    lodge_strings_clear(place);
    for (char *word; (word = strsep(&rest, " \t")) != NULL;) {
        if (word[0] != '\0' && !lodge_strings_add(place, word)) {
            abort(); /* out of memory */
        }
    }
    return true;
}

/* 127.0.0.1, or [::1]: without brackets the port could be the address's last piece. Names are none:
 * what they stand for may be another when the port is bound. */
static bool address_is_valid(const char *text, size_t length)
{
    char address[INET6_ADDRSTRLEN + IF_NAMESIZE + 1]; /* fe80::1%eth0 */
    struct addrinfo *found = NULL;
    bool bracketed = length >= 2 && text[0] == '[' && text[length - 1] == ']';
    struct addrinfo hints = {
        .ai_family = bracketed ? AF_INET6 : AF_INET,
        .ai_flags = AI_NUMERICHOST,
    };
    size_t brackets = bracketed ? 2 : 0;
    if (length == brackets || length - brackets >= sizeof address) {
        return false;
    }
    snprintf(address, sizeof address, "%.*s", (int)(length - brackets), text + brackets / 2);
    bool valid = getaddrinfo(address, NULL, &hints, &found) == 0;
    if (valid) {
        freeaddrinfo(found);
    }
    return valid;
}

/* Whether the address is one of this machine is found out when it is bound. */
static bool set_listen(const struct config_key *key, void *target, const char *text,
                       struct lodge_error *err)
{
    enum { PORT_MAX = 65535 };
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    bool off = strcmp(text, "off") == 0;
    bool digit = colon != NULL && isdigit((unsigned char)colon[1]);
    unsigned long port = digit ? strtoul(colon + 1, &end, 10) : 0;
    if (!off && (!digit || *end != '\0' || port > PORT_MAX ||
                 !address_is_valid(text, (size_t)(colon - text)))) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "%s = '%s', expected an address such as 127.0.0.1:6080 or [::1]:6080, or "
                          "off",
                          key->name, text);
    }
    set_text_value(key, target, text);
    return true;
}

static bool port_is_valid(const char *text, size_t length)
{
    enum { PORT_DIGITS = 5, PORT_MAX = 65535 };
    size_t digits = strspn(text, "0123456789");
    unsigned long port = digits > PORT_DIGITS ? 0 : strtoul(text, NULL, 10);
    return digits == length && port > 0 && port <= PORT_MAX;
}

/* NAME, NAME:PORT, or with an address in brackets; no user. */
static bool authority_is_valid(const char *text, size_t length)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    const char *end = text[0] == '[' ? memchr(text, ']', length) : NULL;
    size_t host = end != NULL ? (size_t)(end + 1 - text) : strspn(text, name);
    bool named = end == NULL ? host > 0 : address_is_valid(text, host);
    return named && (host == length || (host < length && text[host] == ':' &&
                                        port_is_valid(text + host + 1, length - host - 1)));
}

/* What a path may have that goes into addresses as it is. */
static bool path_is_plain(const char *text)
{
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "-._~%/")] == '\0';
}

/* Relative addresses are below it: so it ends with a slash, whether that was written or not. */
static bool set_address(const struct config_key *key, void *target, const char *text,
                        struct lodge_error *err)
{
    bool none = strcmp(text, "none") == 0;
    size_t scheme = strncmp(text, "https://", 8) == 0  ? 8
                    : strncmp(text, "http://", 7) == 0 ? 7
                                                       : 0;
    const char *authority = text + scheme;
    size_t length = strcspn(authority, "/?#");
    if (!none && (scheme == 0 || !authority_is_valid(authority, length) ||
                  !path_is_plain(authority + length))) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "%s = '%s', expected an address such as https://lodge.example.org/ or "
                          "https://example.org/lodge/, or none",
                          key->name, text);
    }
    bool has_slash = text[strlen(text) - 1] == '/';
    AUTO(free) char *address = xasprintf("%s%s", text, has_slash ? "" : "/");
    set_text_value(key, target, none ? NULL : address);
    return true;
}

static bool set_word(const struct config_key *key, void *target, const char *text,
                     struct lodge_error *err)
{
    if (strchr(text, '/') != NULL) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "%s = '%s', expected a name without /",
                          key->name, text);
    }
    set_text_value(key, target, text);
    return true;
}

static bool set_limit_value(const struct config_key *key, void *target, const char *text,
                            struct lodge_error *err)
{
    enum { LIMIT_MAX = 1000000000 };
    char *end = NULL;
    bool none = strcmp(text, "none") == 0;
    long long value = none ? LODGE_UNKNOWN : strtoll(text, &end, 10);
    if (!none && (!isdigit((unsigned char)text[0]) || *end != '\0' || value > LIMIT_MAX)) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "%s = '%s', expected a number from 0 to %d, or none", key->name, text,
                          LIMIT_MAX);
    }
    *(int64_t *)key_member(key, target) = value;
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
    set_text_value(key, target, text);
    return true;
}

static bool set_group(const struct config_key *key, void *target, const char *text,
                      struct lodge_error *err)
{
    bool none = strcmp(text, "none") == 0;
    if (!none && !config_group_exists(text)) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "%s = '%s', expected a group of this machine, or none", key->name, text);
    }
    set_text_value(key, target, none ? NULL : text);
    return true;
}

static bool set_levels(const struct config_key *key, void *target, const char *text,
                       struct lodge_error *err)
{
    if (!log_check_levels(text, err)) {
        return lodge_fail_in(err, "%s", key->name);
    }
    set_text_value(key, target, text);
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
    *(mode_t *)key_member(key, target) = (mode_t)mode;
    return true;
}

static bool set_choice(const struct config_key *key, void *target, const char *text,
                       struct lodge_error *err)
{
    AUTO(buffer_free) struct buffer words = {0};
    for (unsigned i = 0; key->choices[i] != NULL; i++) {
        if (strcmp(key->choices[i], text) == 0) {
            *(unsigned *)key_member(key, target) = i;
            return true;
        }
        buffer_add_format(&words, "%s%s", i == 0 ? "" : ", ", key->choices[i]);
    }
    lodge_fail(err, LODGE_ERROR_INVALID, "%s = '%s', expected one of %s", key->name, text,
               buffer_text(&words));
    return false;
}
_Static_assert(sizeof(enum default_role) == sizeof(unsigned), "set_choice writes it");
_Static_assert(sizeof(enum log_format) == sizeof(unsigned), "set_choice writes it");

/* Digits, with up to three decimals when a unit is 1000 steps. */
static bool read_config_number(const char *text, unsigned steps, unsigned long *ret_value)
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
    if (!read_config_number(text, steps, &value) || value < key->min || value > key->max) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "%s = '%s', expected a number from %g to %g",
                          key->name, text, (double)key->min / steps, (double)key->max / steps);
    }
    *(unsigned *)key_member(key, target) = (unsigned)value;
    return true;
}

bool config_key_set(const struct config_key *key, void *target, const char *text,
                    struct lodge_error *err)
{
    switch (key->type) {
    case KEY_PATH:
        return set_path(key, target, text, err);
    case KEY_PATHS:
        return set_paths(key, target, text, err);
    case KEY_FILE:
        return set_file(key, target, text, err);
    case KEY_WORDS:
        return set_words(key, target, text);
    case KEY_LISTEN:
        return set_listen(key, target, text, err);
    case KEY_ADDRESS:
        return set_address(key, target, text, err);
    case KEY_WORD:
        return set_word(key, target, text, err);
    case KEY_LIMIT:
        return set_limit_value(key, target, text, err);
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
    case KEY_WORDS:
    case KEY_PATHS: {
        const struct lodge_strings *paths = place;
        struct buffer text = {0};
        for (size_t i = 0; i < paths->count; i++) {
            buffer_add_format(&text, "%s%s", i > 0 ? " " : "", paths->items[i]);
        }
        const char *nothing = key->type == KEY_WORDS ? "none" : "";
        return paths->count == 0 ? xstrdup(nothing) : buffer_take(&text);
    }
    case KEY_LIMIT: {
        int64_t limit = *(const int64_t *)place;
        return limit == LODGE_UNKNOWN ? xstrdup("none") : xasprintf("%lld", (long long)limit);
    }
    case KEY_PATH:
    case KEY_FILE:
    case KEY_LISTEN:
    case KEY_ADDRESS:
    case KEY_WORD:
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
