/* json_output: results as the daemon said them, one a line; spread out for a person's terminal. */
#include "buffer.h"
#include "cli/output.h"
#include "cli/print.h"
#include "contract/contract.h"
#include "jsonrpc.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool print_result(const char *result, struct lodge_error *err)
{
    if (!isatty(STDOUT_FILENO)) {
        print_json(stdout, result);
        return true;
    }
    struct json_object *json = json_tokener_parse(result);
    if (!json) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "the daemon's answer is no JSON");
    }
    print_json(stdout, json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
                                                                JSON_C_TO_STRING_SPACED |
                                                                JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(json);
    return true;
}

static bool json_print_vms(const char *result, const char *query, struct lodge_error *err)
{
    (void)query;
    return print_result(result, err);
}

static void write_object(struct buffer *line, const struct lodge_event *event)
{
    bool removed = event->type == LODGE_EVENT_REMOVED;
    bool host = event->topic == LODGE_TOPIC_HOST ||
                (event->topic == LODGE_TOPIC_METRICS && event->vm.uuid[0] == '\0');
    const struct field *fields = host ? lodge_host_fields : lodge_vm_fields;
    field_mask mask = host ? FIELD_MASK_ALL : lodge_vm_list_mask();
    if (removed || event->topic == LODGE_TOPIC_METRICS) {
        mask = fields_bit(fields, "name") | (host ? 0 : fields_bit(fields, "uuid")) |
               (host ? 0 : fields_bit(fields, "host")) |
               (removed ? 0 : fields_bit(fields, "stats"));
    }
    buffer_add_format(line, ",\"%s\":", lodge_topic_name(event->topic));
    fields_write(line, fields, mask, host ? (const void *)&event->host : (const void *)&event->vm);
}

/* The notification's own members, without what belongs to the connection. */
void print_json_event(const struct lodge_event *event)
{
    AUTO(buffer_free) struct buffer line = {0};
    buffer_add_format(&line, "{\"type\":\"%s\",\"rev\":", lodge_event_type_name(event->type));
    buffer_add_json_int(&line, event->rev);
    if (event->topic != LODGE_TOPIC_NONE) {
        buffer_add_format(&line, ",\"topic\":\"%s\"", lodge_topic_name(event->topic));
        write_object(&line, event);
    }
    if (event->type == LODGE_EVENT_READY) {
        buffer_add_text(&line, ",\"incomplete\":[");
        for (size_t i = 0; i < event->incomplete.count; i++) {
            buffer_add_text(&line, i == 0 ? "" : ",");
            buffer_add_json_string(&line, event->incomplete.items[i]);
        }
        buffer_add_char(&line, ']');
    }
    buffer_add_char(&line, '}');
    const char *text = buffer_text(&line);
    if (text) {
        print_json(stdout, text);
        fflush(stdout);
    }
}

struct json_object *error_as_json(const struct lodge_error *error)
{
    AUTO(buffer_free) struct buffer envelope = {0};
    struct lodge_error told = *error;
    if (told.kind == LODGE_ERROR_INVALID) {
        told.kind = LODGE_ERROR_PARAMS; /* as lodged would have called it */
    }
    jsonrpc_write_error(&envelope, NULL, &told);
    const char *text = buffer_text(&envelope);
    struct json_object *json = text ? json_tokener_parse(text) : NULL;
    struct json_object *body = json_object_get(json_object_object_get(json, "error"));
    json_object_put(json);
    return body;
}

static void json_print_error(const struct command *command, const struct lodge_error *error)
{
    (void)command;
    struct json_object *body = error_as_json(error);
    print_json(stderr, json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN |
                                                                JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(body);
}

const struct output json_output = {
    .vms = json_print_vms,
    .vm = print_result,
    .hosts = print_result,
    .info = print_result,
    .error = json_print_error,
};
