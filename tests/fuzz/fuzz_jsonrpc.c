/*
 * fuzz_jsonrpc: any bytes on a line are refused, or are a request whose id comes back as it was.
 *
 * What is answered must itself be read as JSON, whatever the request held; parameters that a table
 * like vm.list's takes are written and read again without a change.
 */
#include "fields.h"
#include "jsonrpc.h"
#include "lodge/vm.h"

#include <json-c/json.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct params {
    char *query;
    char uuid[37];
    enum lodge_vm_state state;
    struct lodge_strings fields;
    bool topics[LODGE_VM_STATES];
    int64_t limit;
    double cpu;
    enum lodge_flag snapshot;
    int64_t since;
    struct {
        struct lodge_disk *items;
        size_t count;
    } disks;
};

static const char *const words[] = {NULL, "running", "paused", "shutoff"};
static const struct field_names names = {words, 4};

static const struct field disk_fields[] = {
    {"target", FIELD_STRING, offsetof(struct lodge_disk, target), .required = true},
    {"size_gib", FIELD_INT, offsetof(struct lodge_disk, size_gib), .min = 1, .max = 65536},
    {.type = FIELD_END},
};

#define AT(member) .offset = offsetof(struct params, member)
static const struct field table[] = {
    {"query", FIELD_STRING, AT(query), .max = 1024},
    {"uuid", FIELD_TEXT, AT(uuid), .size = 37},
    {"state", FIELD_ENUM, AT(state), .names = &names},
    {"fields", FIELD_STRINGS, AT(fields), .max = 64},
    {"topics", FIELD_ENUMS, AT(topics), .names = &names, .max = 16},
    {"limit", FIELD_INT, AT(limit), .min = 1, .max = 1000000},
    {"cpu", FIELD_NUMBER, AT(cpu), .nullable = true, .decimals = 3},
    {"snapshot", FIELD_FLAG, AT(snapshot)},
    {"since", FIELD_TIME, AT(since)},
    {"disks", FIELD_OBJECTS, AT(disks), .size = sizeof(struct lodge_disk), .fields = disk_fields,
     .max = 8},
    {.type = FIELD_END},
};
#undef AT

static struct jsonrpc_parser *parser;

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Every line that goes out is one that our own reader takes. */
static struct json_object *read_back(struct buffer *line)
{
    struct lodge_error err = {0};
    must(buffer_text(line) != NULL && memchr(line->data, '\n', line->length) == NULL);
    struct json_object *json = jsonrpc_parse(parser, line->data, line->length, &err);
    must(json != NULL);
    return json;
}

static void expect_refusal(const struct lodge_error *err)
{
    struct buffer line = {0};
    must(err->kind != LODGE_ERROR_NONE && err->message[0] != '\0');
    jsonrpc_write_error(&line, NULL, err);
    json_object_put(read_back(&line));
    buffer_free(&line);
}

static void expect_echo(struct json_object *id)
{
    struct buffer line = {0};
    static char empty[] = "{}";
    char *text = strdup(
        id == NULL ? "null" : json_object_to_json_string_ext(id, JSON_C_TO_STRING_NOSLASHESCAPE));
    jsonrpc_write_result(&line, text, &(struct buffer){.data = empty, .length = 2});
    struct json_object *answer = read_back(&line);
    must(json_object_equal(json_object_object_get(answer, "id"), id));
    json_object_put(answer);
    buffer_free(&line);
    free(text);
}

static void try_params(struct json_object *json, enum fields_mode mode)
{
    struct params params;
    struct lodge_error err = {0};
    if (!fields_read(json, table, mode, &params, &err)) {
        must(params.query == NULL && params.fields.items == NULL && params.disks.items == NULL);
        expect_refusal(&err);
        return;
    }
    struct buffer first = {0};
    struct buffer second = {0};
    struct params again;
    fields_write(&first, table, FIELD_MASK_ALL, &params);
    must(fields_read_text(buffer_text(&first), table, &again, &err));
    fields_write(&second, table, FIELD_MASK_ALL, &again);
    must(strcmp(buffer_text(&first), buffer_text(&second)) == 0);
    fields_clear(table, &params);
    fields_clear(table, &again);
    buffer_free(&first);
    buffer_free(&second);
}

/* A batch that is cut has the entries that the whole line has. */
static void try_batch(const char *line, size_t size, struct json_object *json)
{
    struct jsonrpc_batch batch;
    struct lodge_error err = {0};
    char *copy = strdup(line); /* of what was parsed, which has no zero byte */
    must(strlen(copy) == size);
    size_t count = json_object_array_length(json);
    must(jsonrpc_is_batch(copy));
    must(jsonrpc_cut(copy, &batch, &err) == (count > 0 && count <= JSONRPC_BATCH));
    must(err.kind == LODGE_ERROR_NONE || err.kind == LODGE_ERROR_REQUEST);
    for (size_t i = 0; err.kind == LODGE_ERROR_NONE && i < count; i++) {
        struct lodge_error null_err = {0};
        struct json_object *entry =
            jsonrpc_parse(parser, batch.entries[i], batch.lengths[i], &null_err);
        must(json_object_equal(entry, json_object_array_get_idx(json, i)));
        json_object_put(entry);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (parser == NULL) {
        parser = jsonrpc_parser_new(0);
    }
    char *line = malloc(size + 1); /* the parser wants the zero that a frame puts there */
    memcpy(line, data, size);
    line[size] = '\0';
    struct lodge_error err = {0};
    struct json_object *json = jsonrpc_parse(parser, line, size, &err);
    if (json == NULL) {
        expect_refusal(&err);
    } else {
        struct jsonrpc_request request;
        if (json_object_is_type(json, json_type_array)) {
            try_batch(line, size, json);
        } else {
            must(!jsonrpc_is_batch(line));
        }
        if (!jsonrpc_read_request(json, &request, &err)) {
            expect_refusal(&err);
        }
        expect_echo(request.id);
        try_params(request.params == NULL ? json : request.params, FIELDS_STRICT);
        try_params(request.params == NULL ? json : request.params, FIELDS_LENIENT);
    }
    json_object_put(json);
    free(line);
    return 0;
}
