#include "jsonrpc.h"

#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct jsonrpc_parser {
    struct json_tokener *tokener;
};

struct jsonrpc_parser *jsonrpc_parser_new(void)
{
    struct jsonrpc_parser *parser = calloc(1, sizeof *parser);
    if (parser == NULL) {
        return NULL;
    }
    /* json-c counts the value inside the innermost bracket as a level too. */
    parser->tokener = json_tokener_new_ex(JSONRPC_DEPTH + 1);
    if (parser->tokener == NULL) {
        free(parser);
        return NULL;
    }
    json_tokener_set_flags(parser->tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    return parser;
}

void jsonrpc_parser_free(struct jsonrpc_parser *parser)
{
    if (parser != NULL) {
        json_tokener_free(parser->tokener);
        free(parser);
    }
}

struct json_object *jsonrpc_parse(struct jsonrpc_parser *parser, const char *line, size_t length,
                                  struct lodge_error *err)
{
    struct json_tokener *tokener = parser->tokener;
    json_tokener_reset(tokener);
    /* With the closing zero: so that a number at the end is known to be whole. */
    struct json_object *json = json_tokener_parse_ex(tokener, line, (int)length + 1);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    size_t end = json_tokener_get_parse_end(tokener);
    if (error == json_tokener_success && end < length) {
        error = json_tokener_error_parse_unexpected; /* a zero byte inside the line */
    }
    if (error != json_tokener_success) {
        json_object_put(json);
        if (error == json_tokener_error_depth) {
            (void)lodge_fail(err, LODGE_ERROR_PARSE, "nested deeper than %d", JSONRPC_DEPTH);
        } else {
            (void)lodge_fail(err, LODGE_ERROR_PARSE, "not JSON: %s at byte %zu",
                             error == json_tokener_continue ? "it ends too early"
                                                            : json_tokener_error_desc(error),
                             end + 1);
        }
        return NULL;
    }
    if (json == NULL) {
        (void)lodge_fail(err, LODGE_ERROR_REQUEST, "a request is an object, not null");
    }
    return json;
}

/* json-c clamps integers of more than 64 bits and knows NaN, Infinity and `1.`, none of which could
 * be sent back as they came. */
static bool is_id(struct json_object *id)
{
    if (json_object_is_type(id, json_type_int)) {
        return json_object_get_uint64(id) != UINT64_MAX && json_object_get_int64(id) != INT64_MIN;
    }
    if (json_object_is_type(id, json_type_double)) {
        const char *point = strchr(json_object_to_json_string(id), '.');
        return isfinite(json_object_get_double(id)) &&
               (point == NULL || (point[1] >= '0' && point[1] <= '9'));
    }
    return id == NULL || json_object_is_type(id, json_type_string);
}

/* A text in which no zero byte hides the rest from strcmp(). */
static bool is_plain_text(struct json_object *json)
{
    return json_object_is_type(json, json_type_string) &&
           strlen(json_object_get_string(json)) == (size_t)json_object_get_string_len(json);
}

bool jsonrpc_read_request(struct json_object *json, struct jsonrpc_request *ret_request,
                          struct lodge_error *err)
{
    *ret_request = (struct jsonrpc_request){.wants_answer = true};
    if (!json_object_is_type(json, json_type_object)) {
        return lodge_fail(err, LODGE_ERROR_REQUEST, "a request is an object");
    }
    struct json_object *id = NULL;
    bool has_id = json_object_object_get_ex(json, "id", &id);
    if (!is_id(id)) {
        return lodge_fail(err, LODGE_ERROR_REQUEST,
                          "'id' must be a string, a number of at most 64 bits, or null");
    }
    ret_request->id = id;

    struct json_object *member = NULL;
    if (!json_object_object_get_ex(json, "jsonrpc", &member) || !is_plain_text(member) ||
        strcmp(json_object_get_string(member), "2.0") != 0) {
        return lodge_fail(err, LODGE_ERROR_REQUEST, "'jsonrpc' must be \"2.0\"");
    }
    if (!json_object_object_get_ex(json, "method", &member) || !is_plain_text(member)) {
        return lodge_fail(err, LODGE_ERROR_REQUEST, "'method' must be a string");
    }
    ret_request->method = json_object_get_string(member);

    struct json_object *params = NULL;
    if (json_object_object_get_ex(json, "params", &params) &&
        !json_object_is_type(params, json_type_object) &&
        !json_object_is_type(params, json_type_array)) {
        return lodge_fail(err, LODGE_ERROR_REQUEST, "'params' must be an object");
    }
    ret_request->params = params;
    ret_request->wants_answer = has_id;
    return true;
}

static void begin(struct buffer *buffer, const char *id)
{
    buffer_add_text(buffer, "{\"jsonrpc\":\"2.0\",\"id\":");
    buffer_add_text(buffer, id == NULL ? "null" : id);
}

void jsonrpc_write_result(struct buffer *buffer, const char *id, const struct buffer *result)
{
    begin(buffer, id);
    buffer_add_text(buffer, ",\"result\":");
    buffer_add(buffer, result->data, result->length);
    buffer_add_char(buffer, '}');
}

void jsonrpc_write_error(struct buffer *buffer, const char *id, const struct lodge_error *err)
{
    begin(buffer, id);
    buffer_add_format(buffer, ",\"error\":{\"code\":%d,\"message\":", lodge_error_code(err->kind));
    buffer_add_json_string(buffer, err->message);
    buffer_add_text(buffer, ",\"data\":{\"kind\":\"");
    buffer_add_text(buffer, lodge_error_kind_name(err->kind));
    buffer_add_char(buffer, '"');
    if (err->param[0] != '\0') {
        buffer_add_text(buffer, ",\"param\":");
        buffer_add_json_string(buffer, err->param);
    }
    if (err->column > 0) {
        buffer_add_format(buffer, ",\"column\":%d", err->column);
    }
    if (err->since_ms != 0) {
        buffer_add_text(buffer, ",\"since\":");
        buffer_add_json_time(buffer, err->since_ms);
    }
    if (err->libvirt.code != 0) {
        buffer_add_format(buffer,
                          ",\"libvirt\":{\"code\":%d,\"domain\":%d,\"text\":", err->libvirt.code,
                          err->libvirt.domain);
        buffer_add_json_string(buffer, err->libvirt.text);
        buffer_add_char(buffer, '}');
    }
    buffer_add_text(buffer, "}}}");
}
