/*
 * jsonrpc: one look over the line refuses what json-c's strict parser takes though RFC 8259 does
 * not, then json-c parses it. Requests borrow from what was parsed; answers are written straight
 * into the caller's buffer.
 */
#include "jsonrpc.h"

#include "utf8.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct jsonrpc_parser {
    struct json_tokener *tokener;
    size_t most_values;
};

struct jsonrpc_parser *jsonrpc_parser_new(size_t most_values)
{
    struct jsonrpc_parser *parser = calloc(1, sizeof *parser);
    if (parser == NULL) {
        return NULL;
    }
    parser->most_values = most_values == 0 ? SIZE_MAX : most_values;
    /* json-c counts the value inside the innermost bracket as a level too. */
    parser->tokener = json_tokener_new_ex(JSONRPC_DEPTH + 1);
    if (parser->tokener == NULL) {
        free(parser);
        return NULL;
    }
    /* Not JSON_TOKENER_VALIDATE_UTF8, which takes a character that is cut between two pieces for a
     * broken one: the line is looked over as a whole. */
    json_tokener_set_flags(parser->tokener, JSON_TOKENER_STRICT);
    return parser;
}

void jsonrpc_parser_free(struct jsonrpc_parser *parser)
{
    if (parser != NULL) {
        json_tokener_free(parser->tokener);
        free(parser);
    }
}

static bool is_id_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* The length of the number at `text`, 0 if it is none, or an integer of more than 64 bits: json-c
 * would turn that into another. */
static size_t number_length(const char *text)
{
    const char *at = text + (*text == '-');
    if (!is_id_digit(*at) || (*at == '0' && is_id_digit(at[1]))) {
        return 0;
    }
    at += strspn(at, "0123456789");
    bool whole = *at != '.' && *at != 'e' && *at != 'E';
    if (*at == '.') {
        if (!is_id_digit(*++at)) {
            return 0;
        }
        at += strspn(at, "0123456789");
    }
    if (*at == 'e' || *at == 'E') {
        at += at[1] == '+' || at[1] == '-' ? 2 : 1;
        if (!is_id_digit(*at)) {
            return 0;
        }
        at += strspn(at, "0123456789");
    }
    errno = 0;
    if (whole && *text == '-') {
        (void)strtoll(text, NULL, 10);
    } else if (whole) {
        (void)strtoull(text, NULL, 10);
    }
    return errno == ERANGE ? 0 : (size_t)(at - text);
}

/* Does the string that ends before `end` name a member? */
static bool is_name(const char *end)
{
    return end[strspn(end, " \t\r")] == ':';
}

static const char too_many_values[] = "too many values";

/* What RFC 8259 forbids and json-c's strict parser takes, or too_many_values: NULL if there is
 * nothing, else what, and where. `line` ends in a zero byte. */
static const char *flaw_of(const char *line, size_t length, size_t most_values, size_t *ret_at)
{
    unsigned depth = 0;
    size_t values = 0;
    bool in_string = false;
    bool has_zero = false; /* this string: json-c would cut the name of a member there */
    size_t step;
    for (size_t i = 0; i < length; i += step) {
        char byte = line[i];
        *ret_at = i;
        step = utf8_length(line + i, length - i);
        if (step == 0) {
            return "not UTF-8";
        }
        if (in_string) {
            if ((unsigned char)byte < 0x20) {
                return "a control character in a string";
            }
            has_zero |= byte == '\\' && strncmp(line + i, "\\u0000", 6) == 0;
            step += byte == '\\';
            in_string = byte != '"';
            bool names = !in_string && is_name(line + i + 1);
            if (names && has_zero) {
                return "a zero byte in a member's name";
            }
            values += !in_string && !names;
        } else if (byte == '"') {
            in_string = true;
            has_zero = false;
        } else if (byte == '[' || byte == '{') {
            values++;
            if (++depth > JSONRPC_DEPTH) {
                return "nested too deep";
            }
        } else if (byte == ']' || byte == '}') {
            depth -= depth > 0;
        } else if (byte == '-' || is_id_digit(byte)) {
            values++;
            step = number_length(line + i);
            if (step == 0) {
                return "no number, or one of more than 64 bits";
            }
        } else if (byte == '\0' || strchr(" \t\r\n,:truefalsn", byte) == NULL) {
            return "an unexpected character"; /* among them those of NaN, Infinity and 'text' */
        } else {
            /* of true, false and null each has one of these letters, once */
            values += byte == 'r' || byte == 'f' || byte == 'n';
        }
        if (values > most_values) {
            return too_many_values;
        }
    }
    return NULL;
}

bool jsonrpc_look_over(const struct jsonrpc_parser *parser, const char *line, size_t length,
                       struct lodge_error *err)
{
    size_t at = 0;
    const char *flaw = flaw_of(line, length, parser->most_values, &at);
    if (flaw == too_many_values) {
        return lodge_fail(err, LODGE_ERROR_REQUEST, "a line has at most %zu values",
                          parser->most_values);
    }
    return flaw == NULL ||
           lodge_fail(err, LODGE_ERROR_PARSE, "not JSON: %s at byte %zu", flaw, at + 1);
}

/* What follows the value that ends at `end`. */
static bool is_blank(const char *line, size_t length, size_t end)
{
    return end >= length || end + strspn(line + end, " \t\r\n") == length;
}

bool jsonrpc_feed(struct jsonrpc_parser *parser, const char *line, size_t length, size_t at,
                  size_t piece, struct json_object **ret_json, struct lodge_error *err)
{
    struct json_tokener *tokener = parser->tokener;
    bool is_last = at + piece >= length;
    if (at == 0) {
        json_tokener_reset(tokener);
    }
    /* With the closing zero: so that a number at the end is known to be whole. */
    struct json_object *json =
        json_tokener_parse_ex(tokener, line + at, (int)(piece + (is_last ? 1 : 0)));
    enum json_tokener_error error = json_tokener_get_error(tokener);
    size_t end = at + json_tokener_get_parse_end(tokener);
    *ret_json = NULL;
    if (error == json_tokener_continue && !is_last) {
        return false;
    }
    if (error == json_tokener_success && !is_blank(line, length, end)) {
        error =
            json_tokener_error_parse_unexpected; /* a zero byte inside the line, or another value */
    }
    if (error != json_tokener_success) {
        json_object_put(json);
        (void)lodge_fail(err, LODGE_ERROR_PARSE, "not JSON: %s at byte %zu",
                         error == json_tokener_continue ? "it ends too early"
                                                        : json_tokener_error_desc(error),
                         end + 1);
        return true;
    }
    if (json == NULL) {
        (void)lodge_fail(err, LODGE_ERROR_REQUEST, "a request is an object, not null");
    }
    *ret_json = json;
    return true;
}

struct json_object *jsonrpc_parse(struct jsonrpc_parser *parser, const char *line, size_t length,
                                  struct lodge_error *err)
{
    struct json_object *json = NULL;
    return jsonrpc_look_over(parser, line, length, err) &&
                   jsonrpc_feed(parser, line, length, 0, length, &json, err)
               ? json
               : NULL;
}

static bool is_id(struct json_object *id)
{
    if (json_object_is_type(id, json_type_double)) {
        return isfinite(json_object_get_double(id)) != 0; /* 1e400 is not */
    }
    return id == NULL || json_object_is_type(id, json_type_string) ||
           json_object_is_type(id, json_type_int);
}

/* As it was written: json-c keeps the text of a number with a point, which may be long. */
static size_t id_length(struct json_object *id)
{
    size_t length = 0;
    if (json_object_is_type(id, json_type_double)) {
        (void)json_object_to_json_string_length(id, JSON_C_TO_STRING_PLAIN, &length);
    } else if (json_object_is_type(id, json_type_string)) {
        length = (size_t)json_object_get_string_len(id);
    }
    return length;
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
        return lodge_fail(err, LODGE_ERROR_REQUEST, "'id' must be a string, a number or null");
    }
    if (id_length(id) > JSONRPC_ID) {
        return lodge_fail(err, LODGE_ERROR_REQUEST, "'id' has at most %d bytes", JSONRPC_ID);
    }
    ret_request->id = id;

    struct json_object *member = NULL;
    if (!json_object_object_get_ex(json, "jsonrpc", &member) ||
        !json_object_is_type(member, json_type_string) || json_object_get_string_len(member) != 3 ||
        memcmp(json_object_get_string(member), "2.0", 3) != 0) {
        return lodge_fail(err, LODGE_ERROR_REQUEST, "'jsonrpc' must be \"2.0\"");
    }
    if (!json_object_object_get_ex(json, "method", &member) ||
        !json_object_is_type(member, json_type_string)) {
        return lodge_fail(err, LODGE_ERROR_REQUEST, "'method' must be a string");
    }
    ret_request->method = json_object_get_string(member);
    if (strlen(ret_request->method) != (size_t)json_object_get_string_len(member)) {
        ret_request->method = ""; /* nobody's name has a zero byte */
    }

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

static void begin_envelope(struct buffer *buffer, const char *id)
{
    buffer_add_text(buffer, "{\"jsonrpc\":\"2.0\",\"id\":");
    buffer_add_text(buffer, id == NULL ? "null" : id);
}

void jsonrpc_write_result(struct buffer *buffer, const char *id, const struct buffer *result)
{
    begin_envelope(buffer, id);
    buffer_add_text(buffer, ",\"result\":");
    buffer_add(buffer, result->data, result->length);
    buffer_add_char(buffer, '}');
}

void jsonrpc_write_error(struct buffer *buffer, const char *id, const struct lodge_error *err)
{
    begin_envelope(buffer, id);
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
    if (err->op != 0) {
        buffer_add_format(buffer, ",\"op\":%lld", (long long)err->op);
        buffer_add_text(buffer, err->op_ended ? ",\"ended\":true" : "");
    }
    if (err->state[0] != '\0') {
        buffer_add_text(buffer, ",\"state\":");
        buffer_add_json_string(buffer, err->state);
    }
    if (err->quota.resource[0] != '\0') {
        buffer_add_format(
            buffer,
            ",\"resource\":\"%s\",\"scope\":\"%s\",\"limit\":%lld,\"used\":%lld,\"requested\":%lld",
            err->quota.resource, err->quota.scope, (long long)err->quota.limit,
            (long long)err->quota.used, (long long)err->quota.requested);
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
