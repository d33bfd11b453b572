/* fields.c: what holds for reading and writing alike: unknown values, masks, words, times. */
#include "fields.h"

#include "fields_items.h"
#include "lodge/vm.h"
#include "scope.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void init_member(const struct field *field, void *member)
{
    switch (field->type) {
    case FIELD_STRING:
    case FIELD_JSON:
        *(char **)member = NULL;
        return;
    case FIELD_TEXT:
        *(char *)member = '\0';
        return;
    case FIELD_INT:
        *(int64_t *)member = LODGE_UNKNOWN;
        return;
    case FIELD_NUMBER:
        *(double *)member = NAN;
        return;
    case FIELD_BOOL:
        *(bool *)member = false;
        return;
    case FIELD_FLAG:
        *(enum lodge_flag *)member = LODGE_FLAG_UNKNOWN;
        return;
    case FIELD_TIME:
        *(int64_t *)member = 0;
        return;
    case FIELD_ENUM:
        *(unsigned *)member = 0;
        return;
    case FIELD_STRINGS:
        *(struct lodge_strings *)member = (struct lodge_strings){0};
        return;
    case FIELD_ENUMS:
        memset(member, 0, field->names->count * sizeof(bool));
        return;
    case FIELD_OBJECT:
        fields_init(field->fields, member);
        return;
    case FIELD_OBJECTS:
        *(struct field_items *)member = (struct field_items){0};
        return;
    case FIELD_END:
        return;
    }
}

void fields_init(const struct field *table, void *out)
{
    for (; table->type != FIELD_END; table++) {
        init_member(table, (char *)out + table->offset);
    }
}

static void free_items(const struct field *field, struct field_items *items)
{
    for (size_t i = 0; i < items->count; i++) {
        fields_clear(field->fields, (char *)items->items + i * field->size);
    }
    free(items->items);
}

void fields_clear(const struct field *table, void *out)
{
    for (const struct field *field = table; field->type != FIELD_END; field++) {
        void *member = (char *)out + field->offset;
        if (field->type == FIELD_STRING || field->type == FIELD_JSON) {
            free(*(char **)member);
        } else if (field->type == FIELD_STRINGS) {
            lodge_strings_clear(member);
        } else if (field->type == FIELD_OBJECT) {
            fields_clear(field->fields, member);
        } else if (field->type == FIELD_OBJECTS) {
            free_items(field, member);
        }
    }
    fields_init(table, out);
}

const struct field *fields_find(const struct field *table, const char *name)
{
    while (table->type != FIELD_END && strcmp(table->name, name) != 0) {
        table++;
    }
    return table->type == FIELD_END ? NULL : table;
}

bool fields_mask_of(const struct field *table, const struct lodge_strings *names, const char *param,
                    field_mask *ret_mask, struct lodge_error *err)
{
    field_mask mask = 0;
    for (size_t i = 0; i < names->count; i++) {
        const struct field *field = fields_find(table, names->items[i]);
        if (field == NULL) {
            return lodge_fail_param(err, param, "'%s' has no member '%s'", param, names->items[i]);
        }
        mask |= (field_mask)1 << (field - table);
    }
    *ret_mask = mask;
    return true;
}

field_mask fields_bit(const struct field *table, const char *name)
{
    const struct field *field = fields_find(table, name);
    assert(field != NULL && field - table < 64);
    return (field_mask)1 << (field - table);
}

const char *field_names_word(const struct field_names *names, size_t value)
{
    return value < names->count ? names->words[value] : NULL;
}

size_t field_names_value(const struct field_names *names, const char *word)
{
    for (size_t i = 1; i < names->count; i++) {
        if (strcmp(names->words[i], word) == 0) {
            return i;
        }
    }
    return 0;
}

/* scanf alone takes signs and spaces for digits. */
static bool has_shape(const char *text, const char *shape)
{
    for (; *shape != '\0'; shape++, text++) {
        bool fits = *shape == '0' ? *text >= '0' && *text <= '9' : *text == *shape;
        if (!fits) {
            return false;
        }
    }
    return true;
}

bool time_from_text(const char *text, int64_t *ret_time_ms)
{
    if (!has_shape(text, "0000-00-00T00:00:00")) {
        return false;
    }
    struct tm when = {0};
    int used = 0;
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &when.tm_year, &when.tm_mon, &when.tm_mday,
               &when.tm_hour, &when.tm_min, &when.tm_sec, &used) != 6) {
        return false;
    }
    if (when.tm_mon < 1 || when.tm_mon > 12 || when.tm_mday < 1 || when.tm_mday > 31 ||
        when.tm_hour > 23 || when.tm_min > 59 || when.tm_sec > 60) {
        return false;
    }
    int millis = 0;
    text += used;
    if (*text == '.') {
        int scale = 100;
        for (text++; *text >= '0' && *text <= '9'; text++) {
            millis += (*text - '0') * scale;
            scale /= 10;
        }
    }
    int zone_minutes = 0;
    if (*text == '+' || *text == '-') {
        int hours;
        int minutes;
        if (!has_shape(text + 1, "00:00") ||
            sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || text[1 + used] != '\0') {
            return false;
        }
        zone_minutes = (hours * 60 + minutes) * (*text == '-' ? -1 : 1);
    } else if (strcmp(text, "Z") != 0) {
        return false;
    }
    when.tm_year -= 1900;
    when.tm_mon -= 1;
    int64_t seconds = (int64_t)timegm(&when) - INT64_C(60) * zone_minutes;
    *ret_time_ms = seconds * 1000 + millis;
    return true;
}
