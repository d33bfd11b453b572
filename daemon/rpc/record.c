/*
 * record: the parameters are the caller's bytes, and may be a line's full MiB; a row has a bounded
 * part of each call's. How a caller wants its answer is nobody's business later on. No method takes
 * a secret today: one that does is left out by what its parameter is called. No state.
 */
#include "rpc/record.h"

#include "memory.h"
#include "scope.h"

#include <json-c/json.h>
#include <string.h>

enum { PLAIN = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE };

DEFINE_AUTO(struct json_object *, json_object_put, NULL);

bool record_is_secret(const char *name)
{
    static const char *const words[] = {"pass", "secret", "ticket", "token", "key", "xml"};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strstr(name, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool is_manner(const char *name)
{
    return strcmp(name, "request_id") == 0 || strcmp(name, "wait") == 0 ||
           strcmp(name, "timeout_ms") == 0;
}

char *record_make(struct json_object *params)
{
    AUTO(json_object_put) struct json_object *record = json_object_new_object();
    size_t left = RECORD_VALUES;
    if (!json_object_is_type(params, json_type_object)) {
        return NULL;
    }
    json_object_object_foreach (params, name, value) {
        if (is_manner(name) || record_is_secret(name)) {
            continue;
        }
        size_t length = 0;
        (void)json_object_to_json_string_length(value, PLAIN, &length);
        bool fits = length <= left;
        left -= fits ? length : 0;
        json_object_object_add(record, name,
                               fits ? json_object_get(value) : json_object_new_string("…"));
    }
    return json_object_object_length(record) == 0
               ? NULL
               : xstrdup(json_object_to_json_string_ext(record, PLAIN));
}
