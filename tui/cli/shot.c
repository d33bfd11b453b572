/*
 * shot: the base64 text in the answer's `data`, read into the caller's buffer. The answer is
 * borrowed.
 */
#include "cli/shot.h"

#include "base64.h"
#include "scope.h"

#include <json-c/json.h>

DEFINE_AUTO(struct json_object *, json_object_put, NULL);

bool shot_read(const char *answer, struct buffer *png, struct lodge_error *err)
{
    AUTO(json_object_put) struct json_object *json = json_tokener_parse(answer);
    struct json_object *data = json_object_object_get(json, "data");
    const char *text = json_object_get_string(data);

    return (text != NULL && base64_read(png, text, (size_t)json_object_get_string_len(data)) &&
            png->length > 0) ||
           lodge_fail(err, LODGE_ERROR_INTERNAL, "the daemon's answer has no picture");
}
