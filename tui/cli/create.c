/* create: `lodge create NAME …`, `lodge set VM …`, `lodge media VM …`: flags become parameters. */
#include "cli/asking.h"
#include "memory.h"
#include "units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIB_PER_GIB = 1024 };

static void add_text(struct json_object *params, const char *name, const char *text)
{
    if (text != NULL) {
        json_object_object_add(params, name, json_object_new_string(text));
    }
}

static bool add_number(const struct command *command, struct json_object *params, const char *flag,
                       const char *name, struct lodge_error *err)
{
    const char *text = command_value(command, flag);
    char *end = NULL;
    if (text == NULL) {
        return true;
    }
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0') {
        return lodge_fail(err, LODGE_ERROR_INVALID, "%s %s: expected a number", flag, text);
    }
    json_object_object_add(params, name, json_object_new_int64(value));
    return true;
}

static bool add_memory(const struct command *command, struct json_object *params,
                       struct lodge_error *err)
{
    const char *text = command_value(command, "--memory");
    int64_t mib = 0;
    if (text == NULL) {
        return true;
    }
    if (!size_from_text(text, &mib)) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "--memory %s: expected a size: 512M, 4G", text);
    }
    json_object_object_add(params, "memory_mib", json_object_new_int64(mib));
    return true;
}

/* Disks are whole GiB; what is less is rounded up. */
static bool gib_from_text(const char *text, int64_t *ret_gib)
{
    int64_t mib = 0;
    bool good = size_from_text(text, &mib) && mib > 0;
    *ret_gib = (mib + MIB_PER_GIB - 1) / MIB_PER_GIB;
    return good;
}

/* Where the value ends that begins here: at the next word that says what it is. Names of images may
 * have commas. */
static char *value_end(char *value)
{
    static const char *const words[] = {",image=", ",format=", ",pool="};
    char *end = value + strlen(value);
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        char *word = strstr(value, words[i]);
        end = word != NULL && word < end ? word : end;
    }
    return end;
}

/* "10G,image=debian,format=raw". */
static struct json_object *disk_read(const char *text, struct lodge_error *err)
{
    static const char *const words[] = {"image", "format", "pool"};
    AUTO(free) char *copy = xstrdup(text);
    char *rest = copy;
    const char *size = strsep(&rest, ",");
    int64_t gib = 0;
    if (!gib_from_text(size, &gib)) {
        lodge_fail(err, LODGE_ERROR_INVALID, "--disk %s: expected a size first: 10G", text);
        return NULL;
    }
    struct json_object *disk = json_object_new_object();
    json_object_object_add(disk, "size_gib", json_object_new_int64(gib));
    while (rest != NULL) {
        const char *word = rest;
        char *value = strchr(rest, '=');
        bool known = false;
        for (size_t i = 0; value != NULL && i < ARRAY_LENGTH(words); i++) {
            size_t length = strlen(words[i]);
            known |= (size_t)(value - word) == length && strncmp(word, words[i], length) == 0;
        }
        if (!known) {
            json_object_put(disk);
            lodge_fail(err, LODGE_ERROR_INVALID,
                       "--disk %s: after the size may stand image=, format= and pool=", text);
            return NULL;
        }
        *value++ = '\0';
        rest = value_end(value);
        bool is_last = *rest == '\0';
        *rest++ = '\0';
        rest = is_last ? NULL : rest;
        add_text(disk, word, value);
    }
    return disk;
}

/* "vda=40G". */
static struct json_object *growth_read(const char *text, struct lodge_error *err)
{
    const char *equals = strchr(text, '=');
    int64_t gib = 0;
    if (equals == NULL || !gib_from_text(equals + 1, &gib)) {
        lodge_fail(err, LODGE_ERROR_INVALID, "--disk %s: expected DISK=SIZE: vda=40G", text);
        return NULL;
    }
    AUTO(free) char *target = xstrndup(text, (size_t)(equals - text));
    struct json_object *disk = json_object_new_object();
    add_text(disk, "target", target);
    json_object_object_add(disk, "size_gib", json_object_new_int64(gib));
    return disk;
}

static bool add_disks(const struct command *command, struct json_object *params,
                      struct json_object *(*read)(const char *, struct lodge_error *),
                      struct lodge_error *err)
{
    struct json_object *disks = NULL;
    for (size_t i = 0; i < command->option_count; i++) {
        if (strcmp(command->options[i].flag, "--disk") != 0) {
            continue;
        }
        struct json_object *disk = read(command->options[i].value, err);
        if (disk == NULL) {
            json_object_put(disks);
            return false;
        }
        disks = disks == NULL ? json_object_new_array() : disks;
        json_object_array_add(disks, disk);
    }
    if (disks != NULL) {
        json_object_object_add(params, "disks", disks);
    }
    return true;
}

static void add_words(const struct command *command, struct json_object *params, const char *flag,
                      const char *name)
{
    struct json_object *words = NULL;
    for (size_t i = 0; i < command->option_count; i++) {
        if (strcmp(command->options[i].flag, flag) != 0) {
            continue;
        }
        AUTO(free) char *copy = xstrdup(command->options[i].value);
        char *rest = copy;
        for (char *word; (word = strsep(&rest, ",")) != NULL;) {
            words = words == NULL ? json_object_new_array() : words;
            if (word[0] != '\0') {
                json_object_array_add(words, json_object_new_string(word));
            }
        }
    }
    if (words != NULL) {
        json_object_object_add(params, name, words);
    }
}

static bool send_one(const struct command *command, struct json_object *params,
                     struct lodge_error *err)
{
    struct asking asking = {.subject = command->argv[0], .params = params};
    AUTO(lodge_client_close) struct lodge_client *client = command_connect(command, err);
    bool good = client != NULL && asking_all(command, client, &asking, 1, err);
    struct lodge_error failed = {0};
    bool done = asking_end(command, &asking, 1, &failed);
    if (good && !done) {
        *err = failed;
    }
    return good && done;
}

bool run_create(const struct command *command, struct lodge_error *err)
{
    if (!command_has(command, "--cpus") || !command_has(command, "--memory")) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "create wants --cpus N and --memory SIZE");
    }
    struct json_object *params = json_object_new_object();
    const char *network = command_value(command, "--network");
    add_text(params, "name", command->argv[0]);
    add_text(params, "iso", command_value(command, "--iso"));
    add_text(params, "kernel", command_value(command, "--kernel"));
    add_text(params, "graphics", command_value(command, "--graphics"));
    add_text(params, "firmware", command_value(command, "--firmware"));
    add_text(params, "host", command_value(command, "--host"));
    add_text(params, "owner", command_value(command, "--owner"));
    if (network != NULL && strcmp(network, "none") == 0) {
        json_object_object_add(params, "network", NULL);
    } else {
        add_text(params, "network", network);
    }
    add_words(command, params, "--boot", "boot");
    add_words(command, params, "--tag", "tags");
    if (command_has(command, "--start")) {
        json_object_object_add(params, "start", json_object_new_boolean(true));
    }
    if (!add_number(command, params, "--cpus", "vcpus", err) || !add_memory(command, params, err) ||
        !add_disks(command, params, disk_read, err)) {
        json_object_put(params);
        return false;
    }
    return send_one(command, params, err);
}

static bool add_autostart(const struct command *command, struct json_object *params,
                          struct lodge_error *err)
{
    const char *text = command_value(command, "--autostart");
    if (text == NULL) {
        return true;
    }
    bool on = strcmp(text, "on") == 0;
    if (!on && strcmp(text, "off") != 0) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "--autostart %s: expected on or off", text);
    }
    json_object_object_add(params, "autostart", json_object_new_boolean(on));
    return true;
}

bool run_set(const struct command *command, struct lodge_error *err)
{
    if (command->option_count == 0) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "set wants to know what is to change");
    }
    struct json_object *params = json_object_new_object();
    add_text(params, "vm", command->argv[0]);
    add_text(params, "name", command_value(command, "--name"));
    add_words(command, params, "--boot", "boot");
    add_words(command, params, "--tag", "tags");
    if (!add_number(command, params, "--cpus", "vcpus", err) || !add_memory(command, params, err) ||
        !add_autostart(command, params, err) || !add_disks(command, params, growth_read, err)) {
        json_object_put(params);
        return false;
    }
    return send_one(command, params, err);
}

bool run_media(const struct command *command, struct lodge_error *err)
{
    bool ejects = command_has(command, "--eject");
    if (ejects == (command->argc > 1)) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "media wants the name of an ISO, or --eject");
    }
    struct json_object *params = json_object_new_object();
    add_text(params, "vm", command->argv[0]);
    add_text(params, "target", command_value(command, "--target"));
    json_object_object_add(params, "iso", ejects ? NULL : json_object_new_string(command->argv[1]));
    return send_one(command, params, err);
}
