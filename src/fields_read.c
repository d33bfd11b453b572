/* fields_read.c: JSON -> struct by a table, with errors that name the parameter. */
#include "fields.h"
#include "fields_items.h"
#include "lodge/vm.h"
#include "scope.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct reader {
    enum fields_mode mode;
    struct lodge_error *err;
};

static bool read_table(const struct reader *reader, struct json_object *json,
                       const struct field *table, void *out);

static bool no_memory(const struct reader *reader)
{
    return lodge_fail(reader->err, LODGE_ERROR_INTERNAL, "out of memory");
}

static bool wants(const struct reader *reader, const struct field *field, const char *what)
{
    return lodge_fail_param(reader->err, field->name, "'%s' must be %s", field->name, what);
}

/* What our texts end with has no place within them: the rest would be cut off. NULL with the error.
 */
static const char *text_in(const struct reader *reader, struct json_object *json,
                           const struct field *field, const char *wanted)
{
    if (!json_object_is_type(json, json_type_string)) {
        (void)wants(reader, field, wanted);
        return NULL;
    }
    const char *text = json_object_get_string(json);
    if (strlen(text) != (size_t)json_object_get_string_len(json)) {
        (void)wants(reader, field, "without a zero byte");
        return NULL;
    }
    return text;
}

static bool read_text(const struct reader *reader, struct json_object *json,
                      const struct field *field, void *member)
{
    const char *text = text_in(reader, json, field, "a string");
    if (text == NULL) {
        return false;
    }
    int64_t length = (int64_t)strlen(text);
    bool bounded = field->max > 0 && reader->mode == FIELDS_STRICT;
    if (bounded && (length < field->min || length > field->max)) {
        return lodge_fail_param(reader->err, field->name, "'%s' must have %lld to %lld bytes",
                                field->name, (long long)field->min, (long long)field->max);
    }
    if (field->type == FIELD_TEXT) {
        if ((size_t)length >= field->size) {
            return wants(reader, field, "shorter");
        }
        memcpy(member, text, (size_t)length + 1);
        return true;
    }
    *(char **)member = strdup(text);
    return *(char **)member != NULL || no_memory(reader);
}

static bool read_int(const struct reader *reader, struct json_object *json,
                     const struct field *field, int64_t *member)
{
    /* json-c clamps what does not fit into 63 bits: such a number is out of any range. */
    if (!json_object_is_type(json, json_type_int)) {
        return wants(reader, field, "an integer");
    }
    int64_t value = json_object_get_int64(json);
    bool bounded = reader->mode == FIELDS_STRICT && (field->min != 0 || field->max != 0);
    bool wide = value == INT64_MAX && json_object_get_uint64(json) > INT64_MAX;
    if (wide || (bounded && (value < field->min || value > field->max))) {
        return lodge_fail_param(reader->err, field->name, "'%s' must be from %lld to %lld",
                                field->name, (long long)field->min, (long long)field->max);
    }
    *member = value;
    return true;
}

static bool read_number(const struct reader *reader, struct json_object *json,
                        const struct field *field, double *member)
{
    if (!json_object_is_type(json, json_type_double) && !json_object_is_type(json, json_type_int)) {
        return wants(reader, field, "a number");
    }
    *member = json_object_get_double(json);
    return isfinite(*member) || reader->mode == FIELDS_LENIENT || wants(reader, field, "a number");
}

static bool read_time(const struct reader *reader, struct json_object *json,
                      const struct field *field, int64_t *member)
{
    static const char wanted[] = "a time as 2026-01-31T12:00:00.000Z";
    const char *text = text_in(reader, json, field, wanted);
    return text != NULL && (time_from_text(text, member) || wants(reader, field, wanted));
}

static bool unknown_word(const struct reader *reader, const struct field *field)
{
    char words[256] = "";
    size_t used = 0;
    for (size_t i = 1; i < field->names->count; i++) {
        int more = snprintf(words + used, sizeof words - used, "%s%s", i > 1 ? ", " : "",
                            field->names->words[i]);
        if (more < 0 || (size_t)more >= sizeof words - used) {
            break;
        }
        used += (size_t)more;
    }
    return lodge_fail_param(reader->err, field->name, "'%s' must be one of: %s", field->name,
                            words);
}

static bool read_word(const struct reader *reader, struct json_object *json,
                      const struct field *field, size_t *ret_value)
{
    if (!json_object_is_type(json, json_type_string)) {
        return reader->mode == FIELDS_LENIENT || wants(reader, field, "a string");
    }
    const char *text = text_in(reader, json, field, "a string");
    if (text == NULL) {
        return false;
    }
    *ret_value = field_names_value(field->names, text);
    return *ret_value != 0 || reader->mode == FIELDS_LENIENT || unknown_word(reader, field);
}

static bool read_list(const struct reader *reader, struct json_object *json,
                      const struct field *field, void *member)
{
    if (!json_object_is_type(json, json_type_array)) {
        return wants(reader, field, "a list");
    }
    size_t count = json_object_array_length(json);
    if (reader->mode == FIELDS_STRICT && field->max > 0 && (int64_t)count > field->max) {
        return lodge_fail_param(reader->err, field->name, "'%s' must have at most %lld entries",
                                field->name, (long long)field->max);
    }
    struct field_items *objects = member;
    struct lodge_strings *strings = member;
    if (field->type == FIELD_STRINGS) {
        strings->items = calloc(1, sizeof(char *)); /* given, if empty */
        if (strings->items == NULL) {
            return no_memory(reader);
        }
    }
    if (field->type == FIELD_OBJECTS && count > 0) {
        objects->items = calloc(count, field->size);
        if (objects->items == NULL) {
            return no_memory(reader);
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(json, i);
        size_t word = 0;
        if (field->type == FIELD_OBJECTS) {
            void *place = (char *)objects->items + i * field->size;
            objects->count = i + 1;
            fields_init(field->fields, place);
            if (!json_object_is_type(item, json_type_object)) {
                return wants(reader, field, "a list of objects");
            }
            if (!read_table(reader, item, field->fields, place)) {
                return false;
            }
        } else if (field->type == FIELD_ENUMS) {
            if (!read_word(reader, item, field, &word)) {
                return false;
            }
            ((bool *)member)[word] = true;
        } else {
            const char *text = text_in(reader, item, field, "a list of strings");
            if (text == NULL) {
                return false;
            }
            if (!lodge_strings_add(member, text)) {
                return no_memory(reader);
            }
        }
    }
    return true;
}

static bool read_json(const struct reader *reader, struct json_object *json,
                      const struct field *field, char **member)
{
    if (!json_object_is_type(json, json_type_object)) {
        return wants(reader, field, "an object");
    }
    *member = strdup(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
                                                              JSON_C_TO_STRING_NOSLASHESCAPE));
    return *member != NULL || no_memory(reader);
}

static bool read_member(const struct reader *reader, struct json_object *json,
                        const struct field *field, void *member)
{
    size_t word = 0;
    switch (field->type) {
    case FIELD_STRING:
    case FIELD_TEXT:
        return read_text(reader, json, field, member);
    case FIELD_INT:
        return read_int(reader, json, field, member);
    case FIELD_NUMBER:
        return read_number(reader, json, field, member);
    case FIELD_BOOL:
    case FIELD_FLAG:
        if (!json_object_is_type(json, json_type_boolean)) {
            return wants(reader, field, "true or false");
        }
        if (field->type == FIELD_BOOL) {
            *(bool *)member = json_object_get_boolean(json);
        } else {
            *(enum lodge_flag *)member =
                json_object_get_boolean(json) ? LODGE_FLAG_YES : LODGE_FLAG_NO;
        }
        return true;
    case FIELD_TIME:
        return read_time(reader, json, field, member);
    case FIELD_ENUM:
        if (!read_word(reader, json, field, &word)) {
            return false;
        }
        *(unsigned *)member = (unsigned)word;
        return true;
    case FIELD_STRINGS:
    case FIELD_ENUMS:
    case FIELD_OBJECTS:
        return read_list(reader, json, field, member);
    case FIELD_OBJECT:
        if (!json_object_is_type(json, json_type_object)) {
            return wants(reader, field, "an object");
        }
        return read_table(reader, json, field->fields, member);
    case FIELD_JSON:
        return read_json(reader, json, field, member);
    case FIELD_END:
        break;
    }
    __builtin_unreachable();
}

static bool read_empty(const struct reader *reader, const struct field *field, void *member)
{
    if (field->type == FIELD_TEXT) {
        *(char *)member = '\0';
        return true;
    }
    if (field->type == FIELD_INT) {
        *(int64_t *)member = FIELD_NULL;
        return true;
    }
    *(char **)member = strdup("");
    return *(char **)member != NULL || no_memory(reader);
}

static bool has_required(const struct reader *reader, const struct field *table, field_mask seen)
{
    for (const struct field *field = table; field->type != FIELD_END; field++) {
        bool there = (seen >> (field - table) & 1) != 0;
        if (field->required && !there && reader->mode == FIELDS_STRICT) {
            return lodge_fail_param(reader->err, field->name, "missing parameter '%s'",
                                    field->name);
        }
    }
    return true;
}

static bool read_table(const struct reader *reader, struct json_object *json,
                       const struct field *table, void *out)
{
    field_mask seen = 0;
    json_object_object_foreach (json, name, value) {
        const struct field *field = fields_find(table, name);
        if (field == NULL) {
            if (reader->mode == FIELDS_LENIENT) {
                continue;
            }
            return lodge_fail_param(reader->err, name, "unknown parameter '%.48s'", name);
        }
        seen |= (field_mask)1 << (field - table);
        if (value == NULL && field->null_is_empty) {
            if (!read_empty(reader, field, (char *)out + field->offset)) {
                return false;
            }
            continue;
        }
        if (value == NULL && (field->nullable || reader->mode == FIELDS_LENIENT)) {
            continue;
        }
        if (!read_member(reader, value, field, (char *)out + field->offset)) {
            return false;
        }
    }
    return has_required(reader, table, seen);
}

bool fields_read(struct json_object *json, const struct field *table, enum fields_mode mode,
                 void *out, struct lodge_error *err)
{
    struct reader reader = {mode, err};
    fields_init(table, out);
    if (json == NULL) {
        return has_required(&reader, table, 0);
    }
    if (!json_object_is_type(json, json_type_object)) {
        return lodge_fail(err, LODGE_ERROR_PARAMS,
                          "parameters must be given by name, as an object");
    }
    if (!read_table(&reader, json, table, out)) {
        fields_clear(table, out);
        return false;
    }
    return true;
}

bool fields_read_text(const char *json, const struct field *table, void *out,
                      struct lodge_error *err)
{
    struct json_object *object = json_tokener_parse(json);
    if (object == NULL) {
        fields_init(table, out);
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "not JSON: '%.60s'", json);
    }
    bool ok = fields_read(object, table, FIELDS_LENIENT, out, err);
    json_object_put(object);
    return ok;
}

/* By way of its text, which has all that a table says. */
bool fields_copy(const struct field *table, void *to, const void *from)
{
    struct lodge_error err = {0};
    struct buffer text = {0};
    fields_write(&text, table, FIELD_MASK_ALL, from);
    const char *written = buffer_text(&text);
    bool good = written != NULL && fields_read_text(written, table, to, &err);
    if (!good) {
        fields_init(table, to);
    }
    buffer_free(&text);
    return good;
}
