/*
 * openrpc: the document is written from the same rows that requests are read by, so that neither
 * can say what the other does not.
 */
#include "rpc/openrpc.h"

#include "rpc/method.h"

static void write_method_params(struct buffer *buffer, const struct field *table)
{
    buffer_add_text(buffer, ",\"paramStructure\":\"by-name\",\"params\":[");
    for (const struct field *field = table; field != NULL && field->type != FIELD_END; field++) {
        buffer_add_text(buffer, field == table ? "{\"name\":" : ",{\"name\":");
        buffer_add_json_string(buffer, field->name);
        buffer_add_text(buffer, field->required ? ",\"required\":true" : ",\"required\":false");
        buffer_add_text(buffer, ",\"schema\":");
        fields_write_field_schema(buffer, field);
        buffer_add_char(buffer, '}');
    }
    buffer_add_char(buffer, ']');
}

static void write_method(struct buffer *buffer, const struct method *method)
{
    buffer_add_text(buffer, "{\"name\":");
    buffer_add_json_string(buffer, method->name);
    buffer_add_text(buffer, ",\"summary\":");
    buffer_add_json_string(buffer, method->help);
    buffer_add_text(buffer, ",\"x-access\":");
    buffer_add_json_string(buffer, access_name(method->access));
    write_method_params(buffer, method->params);
    buffer_add_text(buffer, ",\"result\":{\"name\":\"result\",\"schema\":");
    if (method->result == NULL) {
        buffer_add_text(buffer, "{\"type\":\"object\"}");
    } else {
        fields_write_schema(buffer, method->result);
    }
    buffer_add_text(buffer, "},\"errors\":[");
    for (int kind = LODGE_ERROR_NOT_FOUND; kind <= LODGE_ERROR_UNSUPPORTED; kind++) {
        buffer_add_format(buffer, "%s{\"code\":%d,\"message\":\"%s\"}",
                          kind == LODGE_ERROR_NOT_FOUND ? "" : ",",
                          lodge_error_code((enum lodge_error_kind)kind),
                          lodge_error_kind_name((enum lodge_error_kind)kind));
    }
    buffer_add_text(buffer, "]}");
}

void openrpc_write(struct buffer *buffer, const struct method *const *tables)
{
    buffer_add_text(
        buffer, "{\"openrpc\":\"1.2.6\",\"info\":{\"title\":\"lodged\",\"version\":\"" LODGE_VERSION
                "\"},\"methods\":[");
    bool comma = false;
    for (size_t i = 0; tables[i] != NULL; i++) {
        for (const struct method *method = tables[i]; method->name != NULL; method++) {
            buffer_add_text(buffer, comma ? "," : "");
            write_method(buffer, method);
            comma = true;
        }
    }
    buffer_add_text(buffer, "]}");
}
