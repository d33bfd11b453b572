/*
 * config: defaults by the table of keys, then the file line by line, then flags; then what must fit
 * together is checked. A complaint about the file has FILE:LINE in front.
 *
 * A config owns its texts and lists. Nothing is kept between two loads, so that a reload can
 * compare old and new.
 */
#include "config.h"

#include "buffer.h"
#include "config_keys.h"
#include "memory.h"
#include "options.h"
#include "scope.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_FILE "/etc/lodge/lodged.conf"
#define DEFAULT_URI "qemu:///system"

enum {
    KEYS_MAX = 64, /* bits of `given` */
    HOSTS_MAX = 1000,
    NAME_MAX_BYTES = 64,
    /* sun_path has 108 bytes; ".stream" and a NUL must fit behind (the stream door's socket) */
    SOCKET_MAX_BYTES = 100,
};

/* Where the reader of a file stands. inih tells the handler neither the line nor that a section is
 * empty, and cuts section names at 49 bytes: so lines pass through next_line(), which looks. */
struct reader {
    FILE *file;
    struct config *config;
    struct lodge_error *err; /* the first thing that is wrong; nothing is read after it */
    int line;
    char section[16];         /* "" before the first */
    struct host_config *host; /* of the [host NAME] that we are in … */
    uint64_t host_given;      /* … and which of its keys were there */
    int key_lines[KEYS_MAX];  /* where each row of config_keys was set, 0: not at all */
    int host_lines[HOSTS_MAX];
};

static uint64_t bit(const struct config_key *key)
{
    return UINT64_C(1) << (key - config_keys);
}

/* --- hosts ------------------------------------------------------------------------------------ */

static bool name_is_valid(const char *name, size_t length)
{
    if (length == 0 || length > NAME_MAX_BYTES || !isalnum((unsigned char)name[0])) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)name[i]) && strchr("._-", name[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* Appends a host without a URI; NULL when the name or their number is not right. */
static struct host_config *host_add(struct config *config, const char *name, size_t length,
                                    struct lodge_error *err)
{
    if (!name_is_valid(name, length)) {
        lodge_fail(err, LODGE_ERROR_INVALID,
                   "'%.*s' is no name for a host, expected a letter or digit and then up to 63 "
                   "letters, digits, '.', '_' or '-'",
                   (int)length, name);
        return NULL;
    }
    if (config->host_count == HOSTS_MAX) {
        lodge_fail(err, LODGE_ERROR_INVALID, "too many hosts, expected at most %d", HOSTS_MAX);
        return NULL;
    }
    struct host_config *host = ARRAY_GROW(config->hosts, config->host_count);
    *host = (struct host_config){.name = xstrndup(name, length)};
    return host;
}

static ssize_t host_find(const struct config *config, const char *name, size_t length)
{
    for (size_t i = 0; i < config->host_count; i++) {
        const char *other = config->hosts[i].name;
        if (strlen(other) == length && strncmp(other, name, length) == 0) {
            return (ssize_t)i;
        }
    }
    return -1;
}

static void hosts_clear(struct config *config)
{
    for (size_t i = 0; i < config->host_count; i++) {
        free(config->hosts[i].name);
        free(config->hosts[i].uri);
        free(config->hosts[i].pool);
        free(config->hosts[i].dir);
    }
    free(config->hosts);
    config->hosts = NULL;
    config->host_count = 0;
}

/* --- the file --------------------------------------------------------------------------------- */

static bool begin_host(struct reader *reader, const char *name)
{
    size_t length = strlen(name);
    ssize_t there = host_find(reader->config, name, length);
    if (there >= 0) {
        return lodge_fail(reader->err, LODGE_ERROR_INVALID,
                          "[host %s] is there already, in line %d, expected another name", name,
                          reader->host_lines[there]);
    }
    reader->host = host_add(reader->config, name, length, reader->err);
    reader->host_given = 0;
    if (reader->host == NULL) {
        return false;
    }
    reader->host_lines[reader->config->host_count - 1] = reader->line;
    return true;
}

/* "daemon", "host h1": what stands in the brackets. */
static bool begin_section(struct reader *reader, char *title)
{
    char *name = strpbrk(title, " \t");
    if (name != NULL) {
        *name++ = '\0';
        name += strspn(name, " \t");
    }
    bool wants_name = strcmp(title, "host") == 0;
    if (!config_section_exists(title) || wants_name != (name != NULL)) {
        AUTO(free) char *sections = config_sections();
        return lodge_fail(reader->err, LODGE_ERROR_INVALID,
                          "unknown section [%s%s%s], expected one of: %s", title,
                          name == NULL ? "" : " ", name == NULL ? "" : name, sections);
    }
    snprintf(reader->section, sizeof reader->section, "%s", title);
    reader->host = NULL;
    return !wants_name || begin_host(reader, name);
}

/* inih's fgets: hands over the next line without its indent (an indented line would go on with the
 * value before, which is never meant here), and sees where sections begin. */
static char *next_line(char *line, int size, void *data)
{
    struct reader *reader = data;
    if (reader->err->kind != LODGE_ERROR_NONE || fgets(line, size, reader->file) == NULL) {
        return NULL;
    }
    reader->line++;
    size_t length = strlen(line);
    if (length + 1 == (size_t)size && line[length - 1] != '\n') {
        lodge_fail(reader->err, LODGE_ERROR_INVALID,
                   "the line is too long, expected at most %d bytes", size - 3);
        return NULL;
    }
    size_t indent = strspn(line, " \t");
    memmove(line, line + indent, length - indent + 1);
    size_t end = strcspn(line, "]");
    if (line[0] == '[' && line[end] == ']') {
        AUTO(free) char *title = xstrndup(line + 1, end - 1);
        if (!begin_section(reader, title)) {
            return NULL;
        }
    }
    return line;
}

static bool set_key(struct reader *reader, const char *name, const char *value)
{
    if (reader->section[0] == '\0') {
        return lodge_fail(reader->err, LODGE_ERROR_INVALID,
                          "'%s' stands before any section, expected [daemon] or another first",
                          name);
    }
    const struct config_key *key = config_key_find(reader->section, name);
    if (key == NULL) {
        AUTO(free) char *words = config_section_words(reader->section);
        return lodge_fail(reader->err, LODGE_ERROR_INVALID,
                          "unknown key '%s' in [%s], expected one of: %s", name, reader->section,
                          words);
    }
    int *line = &reader->key_lines[key - config_keys];
    bool again = reader->host == NULL ? *line > 0 : (reader->host_given & bit(key)) != 0;
    if (again) {
        return lodge_fail(reader->err, LODGE_ERROR_INVALID,
                          "'%s' was set in line %d already, expected it once", name, *line);
    }
    if (strstr(value, " #") != NULL) {
        return lodge_fail(reader->err, LODGE_ERROR_INVALID,
                          "'#' in the value of '%s', expected ';' before a comment behind a value",
                          name);
    }
    *line = reader->line;
    reader->config->given |= bit(key);
    reader->host_given |= bit(key);
    void *target = reader->host == NULL ? (void *)reader->config : (void *)reader->host;
    return config_key_set(key, target, value, reader->err);
}

static int on_ini_entry(void *data, const char *section, const char *name, const char *value)
{
    (void)section; /* cut at 49 bytes */
    struct reader *reader = data;
    return reader->err->kind == LODGE_ERROR_NONE && set_key(reader, name, value);
}

/* What is wrong only when the whole file is known. */
static bool check_file(struct reader *reader)
{
    for (size_t i = 0; i < reader->config->host_count; i++) {
        if (reader->config->hosts[i].uri == NULL) {
            reader->line = reader->host_lines[i];
            return lodge_fail(reader->err, LODGE_ERROR_INVALID,
                              "[host %s] has no uri, expected a line such as uri = " DEFAULT_URI,
                              reader->config->hosts[i].name);
        }
    }
    const struct config_key *group = config_key_find("daemon", "socket_group");
    const struct config_key *mode = config_key_find("daemon", "socket_mode");
    bool both =
        reader->key_lines[group - config_keys] > 0 && reader->key_lines[mode - config_keys] > 0;
    if (reader->key_lines[group - config_keys] > 0) {
        reader->config->group_absent = false;
    }
    if (both && reader->config->socket_group != NULL &&
        (reader->config->socket_mode & 0060) != 0060) {
        reader->line = reader->key_lines[mode - config_keys];
        return lodge_fail(reader->err, LODGE_ERROR_INVALID,
                          "socket_mode %04o shuts the socket_group '%s' out, expected 0660 or "
                          "socket_group = none",
                          (unsigned)reader->config->socket_mode, reader->config->socket_group);
    }
    return true;
}

static bool read_config_file(struct config *config, const char *path, bool may_be_missing,
                             struct lodge_error *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL && errno == ENOENT && may_be_missing) {
        return true;
    }
    if (file == NULL) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "%s: cannot be read: %s", path,
                          strerror(errno));
    }
    assert(config_key_count <= KEYS_MAX);
    struct reader reader = {.file = file, .config = config, .err = err};
    int bad_line = ini_parse_stream(next_line, &reader, on_ini_entry, &reader);
    int read_error = ferror(file) ? errno : 0;
    fclose(file);
    if (read_error != 0) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "%s: cannot be read: %s", path,
                          strerror(read_error));
    }
    if (bad_line > 0 && (err->kind == LODGE_ERROR_NONE || bad_line < reader.line)) {
        lodge_error_clear(err);
        return lodge_fail(
            err, LODGE_ERROR_INVALID,
            "%s:%d: neither a section nor a setting, expected [SECTION] or KEY = VALUE", path,
            bad_line);
    }
    if (err->kind != LODGE_ERROR_NONE || !check_file(&reader)) {
        return lodge_fail_in(err, "%s:%d", path, reader.line);
    }
    config->file = xstrdup(path);
    return true;
}

/* --- defaults and flags ----------------------------------------------------------------------- */

static bool set_defaults(struct config *config, struct lodge_error *err)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        AUTO(free) char *found = key->find_preset == NULL ? NULL : key->find_preset();
        const char *preset = key->find_preset == NULL ? key->preset : found;
        if (preset != NULL && !key->host_default && !config_key_set(key, config, preset, err)) {
            return lodge_fail_in(err, "the default of [%s] %s", key->section, key->name);
        }
    }
    config->group_absent = geteuid() == 0 && config->socket_group == NULL;
    return true;
}

/* A flag's text is taken as it is: paths may be relative to where somebody stands. */
static void set_daemon_flag(struct config *config, const char *name, char **place, const char *text)
{
    if (text != NULL) {
        free(*place);
        *place = xstrdup(text);
        config->given |= bit(config_key_find("daemon", name));
    }
}

static bool set_host_flag(struct config *config, const char *flag, struct lodge_error *err)
{
    size_t length = strcspn(flag, "=");
    if (flag[length] == '\0') {
        return lodge_fail(err, LODGE_ERROR_INVALID, "--host '%s', expected NAME=URI", flag);
    }
    if (host_find(config, flag, length) >= 0) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "--host: '%.*s' was given twice", (int)length,
                          flag);
    }
    struct host_config *host = host_add(config, flag, length, err);
    if (host == NULL ||
        !config_key_set(config_key_find("host", "uri"), host, flag + length + 1, err)) {
        return lodge_fail_in(err, "--host");
    }
    return true;
}

static bool set_flags(struct config *config, const struct options *options, struct lodge_error *err)
{
    set_daemon_flag(config, "socket", &config->socket, options->socket);
    set_daemon_flag(config, "state_dir", &config->state_dir, options->state_dir);
    set_daemon_flag(config, "log_level", &config->log_level, options->log_level);
    if (options->log_level != NULL && !log_check_levels(options->log_level, err)) {
        return lodge_fail_in(err, "--log-level");
    }
    const struct config_key *listen = config_key_find("console", "listen");
    if (options->http != NULL) {
        config->given |= bit(listen);
        if (!config_key_set(listen, config, options->http, err)) {
            return lodge_fail_in(err, "--http");
        }
    }
    if (options->host_count > 0) {
        hosts_clear(config);
    }
    for (size_t i = 0; i < options->host_count; i++) {
        if (!set_host_flag(config, options->hosts[i], err)) {
            return false;
        }
    }
    if (config->host_count == 0) {
        return set_host_flag(config, "local=" DEFAULT_URI, err);
    }
    return true;
}

/* What file and flags together must give. */
static bool check_all(const struct config *config, struct lodge_error *err)
{
    if (config->socket == NULL || config->socket[0] == '\0') {
        return lodge_fail(err, LODGE_ERROR_INVALID, "no place for the socket; give --socket PATH");
    }
    if (strlen(config->socket) > SOCKET_MAX_BYTES) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "the socket's path has %zu bytes, expected at most %d: %s",
                          strlen(config->socket), SOCKET_MAX_BYTES, config->socket);
    }
    if ((config->console.tls_cert == NULL) != (config->console.tls_key == NULL)) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "[console] has only one of tls_cert and tls_key, expected both or none");
    }
    if (config->state_dir == NULL || config->state_dir[0] == '\0') {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "no place for the state: $HOME is not set; give --state-dir DIR");
    }
    return true;
}

bool config_load(const struct options *options, struct config *ret_config, struct lodge_error *err)
{
    struct config config = {0};
    bool named = options->config != NULL;
    if (!set_defaults(&config, err) ||
        !read_config_file(&config, named ? options->config : DEFAULT_FILE, !named, err) ||
        !set_flags(&config, options, err) || !check_all(&config, err)) {
        config_clear(&config);
        return false;
    }
    *ret_config = config;
    return true;
}

bool config_is_given(const struct config *config, const char *section, const char *name)
{
    return (config->given & bit(config_key_find(section, name))) != 0;
}

void config_clear(struct config *config)
{
    free(config->file);
    free(config->socket);
    free(config->socket_group);
    free(config->admin_group);
    free(config->state_dir);
    free(config->log_level);
    lodge_strings_clear(&config->image_dirs);
    free(config->console.listen);
    free(config->console.novnc_dir);
    free(config->console.public_url);
    free(config->console.tls_cert);
    free(config->console.tls_key);
    lodge_strings_clear(&config->console.origins);
    lodge_strings_clear(&config->console.hosts);
    hosts_clear(config);
    *config = (struct config){0};
}

/* --- looking at it ---------------------------------------------------------------------------- */

static bool same_config_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_hosts(const struct config *now, const struct config *next)
{
    bool same = now->host_count == next->host_count;
    for (size_t i = 0; same && i < now->host_count; i++) {
        same = strcmp(now->hosts[i].name, next->hosts[i].name) == 0 &&
               strcmp(now->hosts[i].uri, next->hosts[i].uri) == 0 &&
               same_config_text(now->hosts[i].pool, next->hosts[i].pool) &&
               same_config_text(now->hosts[i].dir, next->hosts[i].dir);
    }
    return same;
}

char *config_needs_restart(const struct config *now, const struct config *next)
{
    struct buffer words = {0};
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        bool given = ((now->given | next->given) & bit(key)) != 0;
        if (key->reloadable || !given || strcmp(key->section, "host") == 0) {
            continue;
        }
        AUTO(free) char *before = config_key_text(key, now);
        AUTO(free) char *after = config_key_text(key, next);
        if (strcmp(before, after) != 0) {
            buffer_add_format(&words, "%s[%s] %s", words.length == 0 ? "" : ", ", key->section,
                              key->name);
        }
    }
    if (!same_hosts(now, next)) {
        buffer_add_text(&words, words.length == 0 ? "[host]" : ", [host]");
    }
    return words.length == 0 ? NULL : buffer_take(&words);
}

void config_print(const struct config *config, FILE *stream)
{
    const char *section = "";
    fprintf(stream, "# %s%s\n", config->file == NULL ? "defaults and flags" : "from ",
            config->file == NULL ? "" : config->file);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (strcmp(key->section, "host") == 0) {
            continue;
        }
        if (strcmp(section, key->section) != 0) {
            section = key->section;
            fprintf(stream, "\n[%s]\n", section);
        }
        AUTO(free) char *text = config_key_text(key, config);
        if (text[0] != '\0') {
            fprintf(stream, "%s = %s\n", key->name, text);
        }
    }
    for (size_t i = 0; i < config->host_count; i++) {
        const struct host_config *host = &config->hosts[i];
        fprintf(stream, "\n[host %s]\nuri = %s\n", host->name, host->uri);
        if (host->pool != NULL) {
            fprintf(stream, "pool = %s\n", host->pool);
        }
        if (host->dir != NULL) {
            fprintf(stream, "dir = %s\n", host->dir);
        }
    }
}
