/*
 * wish: flags become members, sizes MiB and GiB; what that makes of a size is noted. The params are
 * the wish's until they are given away.
 */
#include "cli/wish.h"

#include "buffer.h"
#include "memory.h"
#include "units.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void wish_init(struct wish *wish)
{
    *wish = (struct wish){.params = json_object_new_object()};
}

void wish_done(struct wish *wish)
{
    json_object_put(wish->params);
    lodge_strings_clear(&wish->notes);
}

void wish_note(struct wish *wish, const char *format, ...)
{
    char *note = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&note, format, args);
    va_end(args);
    if (length < 0 || !lodge_strings_add(&wish->notes, note)) {
        abort(); /* out of memory */
    }
    free(note);
}

static void add_member(struct json_object *to, const char *name, const char *text)
{
    json_object_object_add(to, name, json_object_new_string(text));
}

void wish_text(const struct command *command, struct wish *wish, const char *flag, const char *name)
{
    const char *text = command_value(command, flag);
    if (text != NULL) {
        add_member(wish->params, name, text);
    }
}

void wish_words(const struct command *command, struct wish *wish, const char *flag,
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
        json_object_object_add(wish->params, name, words);
    }
}

static bool add_cpus(const struct command *command, struct wish *wish, struct lodge_error *err)
{
    const char *text = command_value(command, "--cpus");
    char *end = NULL;
    if (text == NULL) {
        return true;
    }
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0') {
        return lodge_fail(err, LODGE_ERROR_INVALID, "--cpus %s: expected a number", text);
    }
    json_object_object_add(wish->params, "vcpus", json_object_new_int64(value));
    return true;
}

static bool add_memory(const struct command *command, struct wish *wish, struct lodge_error *err)
{
    const char *text = command_value(command, "--memory");
    double exact = 0;
    if (text == NULL) {
        return true;
    }
    if (!size_exact_from_text(text, &exact)) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "--memory %s: expected a size: 512M, 4G", text);
    }
    int64_t mib = (int64_t)exact;
    if ((double)mib != exact) {
        wish_note(wish, "--memory %s is %" PRId64 " MiB: memory is whole MiB", text, mib);
    }
    json_object_object_add(wish->params, "memory_mib", json_object_new_int64(mib));
    return true;
}

bool wish_amounts(const struct command *command, struct wish *wish, struct lodge_error *err)
{
    return add_cpus(command, wish, err) && add_memory(command, wish, err);
}

/* Whole GiB, and more than none. */
static bool read_gib(struct wish *wish, const char *text, int64_t *ret_gib)
{
    double mib = 0;
    int64_t gib = 0;
    if (!disk_size_from_text(text, &gib) || !size_exact_from_text(text, &mib) || gib == 0) {
        return false;
    }
    if ((double)gib * 1024 != mib) {
        wish_note(wish, "a disk of %s is %" PRId64 " GiB: disks are whole GiB", text, gib);
    }
    *ret_gib = gib;
    return true;
}

/* The length of "image=" at the start of `text`; 0: no word that may follow a size. */
static size_t disk_word(const char *text)
{
    static const char *const words[] = {"image=", "format=", "pool="};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strncmp(text, words[i], strlen(words[i])) == 0) {
            return strlen(words[i]);
        }
    }
    return 0;
}

/* The value at `text`, up to a comma that is none of it; `ret_rest` is what follows that, NULL: it
 * was the last. The caller frees. */
static char *disk_value(const char *text, const char **ret_rest)
{
    struct buffer value = {0};
    while (*text != '\0' && (*text != ',' || text[1] == ',' || disk_word(text + 1) == 0)) {
        text += text[0] == ',' && text[1] == ',';
        buffer_add_char(&value, *text++);
    }
    *ret_rest = *text == '\0' ? NULL : text + 1;
    char *whole = buffer_take(&value);
    if (whole == NULL) {
        abort(); /* out of memory */
    }
    return whole;
}

static bool read_new_disk(struct wish *wish, const char *text, struct json_object *disk,
                          struct lodge_error *err)
{
    const char *rest = text;
    if (strncmp(text, "image=", strlen("image=")) != 0) {
        int64_t gib = 0;
        AUTO(free) char *size = xstrndup(text, strcspn(text, ","));
        if (!read_gib(wish, size, &gib)) {
            return lodge_fail(err, LODGE_ERROR_INVALID,
                              "--disk %s: expected a size, or image=NAME, first: 10G", text);
        }
        json_object_object_add(disk, "size_gib", json_object_new_int64(gib));
        rest = text[strlen(size)] == ',' ? text + strlen(size) + 1 : NULL;
    }
    while (rest != NULL) {
        size_t length = disk_word(rest);
        if (length == 0) {
            return lodge_fail(
                err, LODGE_ERROR_INVALID,
                "--disk %s: after the size may stand image=, format= and pool=", text);
        }
        AUTO(free) char *word = xstrndup(rest, length - 1);
        AUTO(free) char *value = disk_value(rest + length, &rest);
        add_member(disk, word, value);
    }
    return true;
}

/* "vda=40G". */
static bool read_growth(struct wish *wish, const char *text, struct json_object *disk,
                        struct lodge_error *err)
{
    const char *equals = strchr(text, '=');
    int64_t gib = 0;
    if (equals == NULL || !read_gib(wish, equals + 1, &gib)) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "--disk %s: expected DISK=SIZE: vda=40G", text);
    }
    AUTO(free) char *target = xstrndup(text, (size_t)(equals - text));
    add_member(disk, "target", target);
    json_object_object_add(disk, "size_gib", json_object_new_int64(gib));
    return true;
}

static bool wish_add_disks(const struct command *command, struct wish *wish,
                           bool (*read)(struct wish *, const char *, struct json_object *,
                                        struct lodge_error *),
                           struct lodge_error *err)
{
    struct json_object *disks = json_object_new_array();
    bool good = true;
    for (size_t i = 0; good && i < command->option_count; i++) {
        if (strcmp(command->options[i].flag, "--disk") == 0) {
            struct json_object *disk = json_object_new_object();
            json_object_array_add(disks, disk);
            good = read(wish, command->options[i].value, disk, err);
        }
    }
    if (json_object_array_length(disks) > 0) {
        json_object_object_add(wish->params, "disks", disks);
    } else {
        json_object_put(disks);
    }
    return good;
}

bool wish_disks(const struct command *command, struct wish *wish, struct lodge_error *err)
{
    return wish_add_disks(command, wish, read_new_disk, err);
}

bool wish_growth(const struct command *command, struct wish *wish, struct lodge_error *err)
{
    return wish_add_disks(command, wish, read_growth, err);
}
