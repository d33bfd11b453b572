/*
 * fields: one table says how a struct and a JSON object are the same thing.
 *
 * From a table a struct is read (strictly, for parameters; leniently, for what a newer daemon may
 * send), written, cleared and described (JSON Schema, for rpc.discover). Unknown members are: NULL
 * strings, LODGE_UNKNOWN ints, NAN numbers, LODGE_FLAG_UNKNOWN, time 0, enum 0; they are left out
 * when written, or null if the row says nullable. Any thread; touches nothing but its arguments.
 */
#ifndef FIELDS_H
#define FIELDS_H

#include "buffer.h"
#include "lodge/error.h"
#include "lodge/strings.h"

#include <json-c/json_types.h>

enum field_type {
    FIELD_END,
    FIELD_STRING,  /* char *, on the heap */
    FIELD_TEXT,    /* char[size], in place */
    FIELD_INT,     /* int64_t, from min to max */
    FIELD_NUMBER,  /* double */
    FIELD_BOOL,    /* bool; false when it was not there */
    FIELD_FLAG,    /* enum lodge_flag */
    FIELD_TIME,    /* int64_t, ms since 1970; RFC 3339 in JSON */
    FIELD_ENUM,    /* an enum; `names` has a word per value from 1 */
    FIELD_STRINGS, /* struct lodge_strings, of at most `max` if that is not 0; `items` is NULL only
                      when it was not there */
    FIELD_ENUMS,   /* bool[names->count]: which of the words are there */
    FIELD_OBJECT,  /* a struct in place, by `fields`; known when one of its members is */
    FIELD_OBJECTS, /* struct { T *items; size_t count; }, each by `fields`, `size` is sizeof(T) */
    FIELD_JSON,    /* char *, on the heap: an object as JSON text, of members that no table names */
};

/* The words of an enum. words[0] is NULL: unknown. */
struct field_names {
    const char *const *words;
    size_t count; /* with the unknown one */
};

struct field {
    const char *name;
    enum field_type type;
    size_t offset;
    size_t size;
    bool required;      /* when read strictly; a list that is required is written even when empty */
    bool null_is_empty; /* STRING, TEXT: null is read as "", INT: as FIELD_NULL, which are not the
                           same as absent */
    bool nullable; /* STRING, INT, NUMBER, TIME: written as null when unknown, and null is taken for
                      unknown when read strictly */
    int64_t min; /* INT: value; STRING, TEXT: bytes (max 0: no bound; an unbounded INT says both) */
    int64_t max;
    int decimals; /* NUMBER, when written */
    const struct field_names *names;
    const struct field *fields;
    const char *help;
};

/* What an INT is that was null, where its row says null_is_empty. */
#define FIELD_NULL INT64_MIN

enum fields_mode { FIELDS_STRICT, FIELDS_LENIENT };

/* Bit i stands for row i of a table; tables have at most 64 rows. */
typedef uint64_t field_mask;
#define FIELD_MASK_ALL UINT64_MAX

/* Makes every member unknown without freeing. */
void fields_init(const struct field *table, void *out);

/* Frees what the members own and makes every one unknown. */
void fields_clear(const struct field *table, void *out);

/* Reads `json` (NULL: as an empty object) into `out`, which is initialised first. On failure `out`
 * is clear, and the error has kind PARAMS and names the parameter. Strict: unknown names, wrong
 * types and values out of range are refused. Lenient: unknown names and words are skipped. */
bool fields_read(struct json_object *json, const struct field *table, enum fields_mode mode,
                 void *out, struct lodge_error *err) LODGE_MUST_CHECK;

/* The same from JSON text, leniently: INTERNAL when it is not JSON. */
bool fields_read_text(const char *json, const struct field *table, void *out,
                      struct lodge_error *err) LODGE_MUST_CHECK;

/* Makes `to`, which holds nothing yet, a copy of `from` that owns what it has. False, all of it
 * unknown, when memory is out. */
bool fields_copy(const struct field *table, void *to, const void *from) LODGE_MUST_CHECK;

/* Writes {…}: the members that are known and whose bit is set in `mask`. */
void fields_write(struct buffer *buffer, const struct field *table, field_mask mask,
                  const void *in);

/* The same without braces; puts a comma in front if `comma`. Returns whether it wrote anything, or
 * `comma`. */
bool fields_write_members(struct buffer *buffer, const struct field *table, field_mask mask,
                          const void *in, bool comma);

/* The mask of the rows called so, or PARAMS naming parameter `param` and the word nobody knows. */
bool fields_mask_of(const struct field *table, const struct lodge_strings *names, const char *param,
                    field_mask *ret_mask, struct lodge_error *err) LODGE_MUST_CHECK;

/* The row called so; NULL if there is none. */
const struct field *fields_find(const struct field *table, const char *name);

/* The bit of one row; the name must be in the table. */
field_mask fields_bit(const struct field *table, const char *name);

/* JSON Schema of one member's value, and of the whole object. */
void fields_write_field_schema(struct buffer *buffer, const struct field *field);
void fields_write_schema(struct buffer *buffer, const struct field *table);

/* RFC 3339 -> ms since 1970; false if it is not one. */
bool time_from_text(const char *text, int64_t *ret_time_ms);

const char *field_names_word(const struct field_names *names, size_t value); /* NULL if none */
size_t field_names_value(const struct field_names *names, const char *word); /* 0 if none */

#endif
