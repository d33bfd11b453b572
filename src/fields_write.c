/* fields_write.c: struct -> JSON by a table, and the table itself as JSON Schema. */
#include "fields.h"
#include "fields_items.h"
#include "lodge/vm.h"

#include <math.h>

static bool is_known(const struct field *field, const void *member)
{
    switch (field->type) {
    case FIELD_STRING:
    case FIELD_JSON:
        return *(char *const *)member != NULL;
    case FIELD_TEXT:
        return *(const char *)member != '\0';
    case FIELD_INT:
        return *(const int64_t *)member != LODGE_UNKNOWN;
    case FIELD_NUMBER:
        return !isnan(*(const double *)member);
    case FIELD_FLAG:
        return *(const enum lodge_flag *)member != LODGE_FLAG_UNKNOWN;
    case FIELD_TIME:
        return *(const int64_t *)member != 0;
    case FIELD_ENUM:
        return *(const unsigned *)member != 0;
    case FIELD_OBJECT: /* an object is known when one of its members is, or it is required */
        if (field->required) {
            return true;
        }
        for (const struct field *sub = field->fields; sub->type != FIELD_END; sub++) {
            if (is_known(sub, (const char *)member + sub->offset)) {
                return true;
            }
        }
        return false;
    case FIELD_STRINGS: /* an optional list that is empty is left out, a required one is [] */
        return field->required || ((const struct lodge_strings *)member)->count > 0;
    case FIELD_OBJECTS:
        return field->required || ((const struct field_items *)member)->count > 0;
    case FIELD_BOOL:
    case FIELD_ENUMS:
    case FIELD_END:
        return true;
    }
    __builtin_unreachable();
}

static void write_list(struct buffer *buffer, const struct field *field, const void *member)
{
    const struct lodge_strings *strings = member;
    const struct field_items *objects = member;
    buffer_add_char(buffer, '[');
    if (field->type == FIELD_STRINGS) {
        for (size_t i = 0; i < strings->count; i++) {
            if (i > 0) {
                buffer_add_char(buffer, ',');
            }
            buffer_add_json_string(buffer, strings->items[i]);
        }
    } else if (field->type == FIELD_ENUMS) {
        bool comma = false;
        for (size_t i = 1; i < field->names->count; i++) {
            if (((const bool *)member)[i]) {
                buffer_add_text(buffer, comma ? "," : "");
                buffer_add_json_string(buffer, field->names->words[i]);
                comma = true;
            }
        }
    } else {
        for (size_t i = 0; i < objects->count; i++) {
            if (i > 0) {
                buffer_add_char(buffer, ',');
            }
            fields_write(buffer, field->fields, FIELD_MASK_ALL,
                         (const char *)objects->items + i * field->size);
        }
    }
    buffer_add_char(buffer, ']');
}

static void write_member(struct buffer *buffer, const struct field *field, const void *member)
{
    switch (field->type) {
    case FIELD_STRING:
        buffer_add_json_string(buffer, *(char *const *)member);
        return;
    case FIELD_TEXT:
        buffer_add_json_string(buffer, member);
        return;
    case FIELD_INT:
        buffer_add_json_int(buffer, *(const int64_t *)member);
        return;
    case FIELD_NUMBER:
        buffer_add_json_number(buffer, *(const double *)member, field->decimals);
        return;
    case FIELD_BOOL:
        buffer_add_text(buffer, *(const bool *)member ? "true" : "false");
        return;
    case FIELD_FLAG:
        buffer_add_text(buffer,
                        *(const enum lodge_flag *)member == LODGE_FLAG_YES ? "true" : "false");
        return;
    case FIELD_TIME:
        buffer_add_json_time(buffer, *(const int64_t *)member);
        return;
    case FIELD_ENUM:
        buffer_add_json_string(buffer, field_names_word(field->names, *(const unsigned *)member));
        return;
    case FIELD_OBJECT:
        fields_write(buffer, field->fields, FIELD_MASK_ALL, member);
        return;
    case FIELD_JSON:
        buffer_add_text(buffer, *(char *const *)member);
        return;
    case FIELD_STRINGS:
    case FIELD_ENUMS:
    case FIELD_OBJECTS:
        write_list(buffer, field, member);
        return;
    case FIELD_END:
        return;
    }
}

bool fields_write_members(struct buffer *buffer, const struct field *table, field_mask mask,
                          const void *in, bool comma)
{
    for (size_t row = 0; table[row].type != FIELD_END; row++) {
        const struct field *field = &table[row];
        const void *member = (const char *)in + field->offset;
        if ((mask >> row & 1) == 0) {
            continue;
        }
        bool known = is_known(field, member);
        if (!known && !field->nullable) {
            continue;
        }
        if (comma) {
            buffer_add_char(buffer, ',');
        }
        comma = true;
        buffer_add_char(buffer, '"');
        buffer_add_text(buffer, field->name);
        buffer_add_text(buffer, "\":");
        if (known) {
            write_member(buffer, field, member);
        } else {
            buffer_add_text(buffer, "null");
        }
    }
    return comma;
}

void fields_write(struct buffer *buffer, const struct field *table, field_mask mask, const void *in)
{
    buffer_add_char(buffer, '{');
    fields_write_members(buffer, table, mask, in, false);
    buffer_add_char(buffer, '}');
}

static void write_words(struct buffer *buffer, const struct field_names *names)
{
    buffer_add_text(buffer, ",\"enum\":[");
    for (size_t i = 1; i < names->count; i++) {
        buffer_add_text(buffer, i > 1 ? "," : "");
        buffer_add_json_string(buffer, names->words[i]);
    }
    buffer_add_char(buffer, ']');
}

static void write_bounds(struct buffer *buffer, const struct field *field, const char *low,
                         const char *high)
{
    if (field->min != 0 || field->max != 0) {
        buffer_add_format(buffer, ",\"%s\":%lld,\"%s\":%lld", low, (long long)field->min, high,
                          (long long)field->max);
    }
}

/* What is a string, a number or a time may be null where the row says so. */
static void write_type_word(struct buffer *buffer, const struct field *field, const char *word)
{
    bool takes_null = field->nullable || field->null_is_empty;
    buffer_add_format(buffer, takes_null ? "\"type\":[\"%s\",\"null\"]" : "\"type\":\"%s\"", word);
}

static void write_type(struct buffer *buffer, const struct field *field)
{
    switch (field->type) {
    case FIELD_STRING:
    case FIELD_TEXT:
        write_type_word(buffer, field, "string");
        write_bounds(buffer, field, "minLength", "maxLength");
        return;
    case FIELD_INT:
        write_type_word(buffer, field, "integer");
        write_bounds(buffer, field, "minimum", "maximum");
        return;
    case FIELD_NUMBER:
        write_type_word(buffer, field, "number");
        return;
    case FIELD_BOOL:
    case FIELD_FLAG:
        write_type_word(buffer, field, "boolean");
        return;
    case FIELD_TIME:
        write_type_word(buffer, field, "string");
        buffer_add_text(buffer, ",\"format\":\"date-time\"");
        return;
    case FIELD_ENUM:
        write_type_word(buffer, field, "string");
        write_words(buffer, field->names);
        return;
    case FIELD_STRINGS:
        buffer_add_text(buffer, "\"type\":\"array\",\"items\":{\"type\":\"string\"}");
        return;
    case FIELD_ENUMS:
        buffer_add_text(buffer, "\"type\":\"array\",\"items\":{\"type\":\"string\"");
        write_words(buffer, field->names);
        buffer_add_char(buffer, '}');
        return;
    case FIELD_OBJECT:
        buffer_add_text(buffer, "\"allOf\":[");
        fields_write_schema(buffer, field->fields);
        buffer_add_char(buffer, ']');
        return;
    case FIELD_OBJECTS:
        buffer_add_text(buffer, "\"type\":\"array\",\"items\":");
        fields_write_schema(buffer, field->fields);
        return;
    case FIELD_JSON:
        buffer_add_text(buffer, "\"type\":\"object\"");
        return;
    case FIELD_END:
        return;
    }
}

void fields_write_field_schema(struct buffer *buffer, const struct field *field)
{
    buffer_add_char(buffer, '{');
    write_type(buffer, field);
    if (field->help != NULL) {
        buffer_add_text(buffer, ",\"description\":");
        buffer_add_json_string(buffer, field->help);
    }
    buffer_add_char(buffer, '}');
}

void fields_write_schema(struct buffer *buffer, const struct field *table)
{
    buffer_add_text(buffer, "{\"type\":\"object\",\"properties\":{");
    for (const struct field *field = table; field->type != FIELD_END; field++) {
        buffer_add_text(buffer, field == table ? "" : ",");
        buffer_add_json_string(buffer, field->name);
        buffer_add_char(buffer, ':');
        fields_write_field_schema(buffer, field);
    }
    buffer_add_text(buffer, "}");
    bool comma = false;
    for (const struct field *field = table; field->type != FIELD_END; field++) {
        if (field->required) {
            buffer_add_text(buffer, comma ? "," : ",\"required\":[");
            buffer_add_json_string(buffer, field->name);
            comma = true;
        }
    }
    buffer_add_text(buffer, comma ? "]}" : "}");
}
