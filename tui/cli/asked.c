/*
 * asked: a call's parameters become flags, by the table of terms. What stands beside them in its
 * row (the machine, whose quota, which operation) is not said again. No state.
 */
#include "cli/asked.h"

#include "buffer.h"
#include "cli/limits.h"
#include "cli/terms.h"
#include "memory.h"
#include "scope.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

static bool stands_elsewhere(const char *method, const char *name)
{
    static const char *const names[] = {"vm", "op", "scope"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    bool is_target = strcmp(name, "name") == 0 && strcmp(method, "vm.create") == 0;
    bool is_whose = strcmp(name, "user") == 0;
    return is_target || is_whose;
}

static void add_param_value(struct buffer *out, const char *name, struct json_object *value);

/* A disk as `--disk` takes it: "10G,image=debian", "vda=20G". */
static void add_disk(struct buffer *out, struct json_object *disk)
{
    struct json_object *target = json_object_object_get(disk, "target");
    if (target != NULL) {
        buffer_add_format(out, "%s=", json_object_get_string(target));
    }
    buffer_add_format(out, "%sG", json_object_get_string(json_object_object_get(disk, "size_gib")));
    json_object_object_foreach (disk, name, value) {
        if (strcmp(name, "target") != 0 && strcmp(name, "size_gib") != 0) {
            buffer_add_format(out, ",%s=", name);
            add_param_value(out, name, value);
        }
    }
}

/* A text as it would be typed: what might be taken for more than one word, or for no text, is
 * quoted. */
static void add_word(struct buffer *out, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/,=:+@%-";
    if (text[0] != '\0' && text[0] != '-' && text[strspn(text, plain)] == '\0' &&
        strcmp(text, "none") != 0) {
        buffer_add_text(out, text);
        return;
    }
    buffer_add_text(out, "'");
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            buffer_add_text(out, "'\\''");
        } else {
            buffer_add(out, text, 1);
        }
    }
    buffer_add_text(out, "'");
}

static void add_param_value(struct buffer *out, const char *name, struct json_object *value)
{
    if (json_object_is_type(value, json_type_string)) {
        add_word(out, json_object_get_string(value));
    } else if (value == NULL) {
        buffer_add_text(out, "none");
    } else if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            buffer_add_text(out, i > 0 ? "," : "");
            add_param_value(out, name, json_object_array_get_idx(value, i));
        }
    } else if (json_object_is_type(value, json_type_object) && strcmp(name, "disks") == 0) {
        add_disk(out, value);
    } else {
        buffer_add_text(out, json_object_get_string(value));
    }
}

static const char *unit_of(const char *name, struct json_object *value)
{
    bool is_number = json_object_is_type(value, json_type_int);
    return !is_number                        ? ""
           : strcmp(name, "memory_mib") == 0 ? "M"
           : strcmp(name, "grace_s") == 0    ? "s"
                                             : "";
}

/* "--tag a --tag b"; an order (of --boot) is one value. */
static bool is_given_again(const char *name, struct json_object *value)
{
    return json_object_is_type(value, json_type_array) && json_object_array_length(value) > 0 &&
           strcmp(name, "boot") != 0;
}

static void add_param(struct buffer *out, const char *name, struct json_object *value)
{
    const char *flag = terms_flag(name);
    for (size_t i = 0; flag != NULL && is_given_again(name, value); i++) {
        if (i == json_object_array_length(value)) {
            return;
        }
        buffer_add_format(out, "%s%s ", out->length == 0 ? "" : " ", flag);
        add_param_value(out, name, json_object_array_get_idx(value, i));
    }
    const char *between = out->length == 0 ? "" : " ";
    if (flag == NULL && json_object_is_type(value, json_type_object)) { /* limits */
        json_object_object_foreach (value, member, limit) {
            AUTO(free) char *text = limit_text(member, limit);
            buffer_add_format(out, "%s%s", out->length == 0 ? "" : " ", text);
        }
    } else if (flag == NULL) {
        buffer_add_format(out, "%s%s=", between, name);
        add_param_value(out, name, value);
    } else if (!json_object_is_type(value, json_type_boolean)) {
        buffer_add_format(out, "%s%s ", between, flag);
        add_param_value(out, name, value);
        buffer_add_text(out, unit_of(name, value));
    } else if (strcmp(name, "autostart") == 0) {
        buffer_add_format(out, "%s%s %s", between, flag,
                          json_object_get_boolean(value) ? "on" : "off");
    } else if (json_object_get_boolean(value)) {
        buffer_add_format(out, "%s%s", between, flag);
    }
}

char *asked_text(const char *method, struct json_object *params)
{
    struct buffer out = {0};
    if (json_object_is_type(params, json_type_object)) {
        json_object_object_foreach (params, name, value) {
            if (!stands_elsewhere(method, name)) {
                add_param(&out, name, value);
            }
        }
    }
    char *text = buffer_take(&out);
    return text == NULL ? xstrdup("") : text;
}
