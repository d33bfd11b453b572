/* call: `lodge call METHOD [JSON]`, any method of the contract by its name, for scripts. */
#include "buffer.h"
#include "cli/command.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the daemon takes as one line. */
enum { PARAMS_MAX = 1 << 20 };

static char *read_standard_input(struct lodge_error *err)
{
    AUTO(buffer_free) struct buffer text = {0};
    size_t got;
    do {
        char *space = buffer_reserve(&text, 65536);
        got = space ? fread(space, 1, 65536, stdin) : 0;
        text.length += got;
    } while (got > 0 && text.length <= PARAMS_MAX);
    if (ferror(stdin) || text.length > PARAMS_MAX) {
        lodge_fail(err, LODGE_ERROR_INVALID, "standard input: %s",
                   ferror(stdin) ? strerror(errno) : "over 1 MiB, more than the daemon takes");
        return NULL;
    }
    return buffer_take(&text);
}

/* The parameters on one line, as the socket wants them: JSON text may hold line breaks. */
static char *params_from_text(const char *text, struct lodge_error *err)
{
    enum json_tokener_error error = json_tokener_success;
    struct json_object *json = json_tokener_parse_verbose(text, &error);
    char *params = NULL;
    if (json_object_is_type(json, json_type_object)) {
        params = strdup(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
    } else {
        lodge_fail(err, LODGE_ERROR_INVALID,
                   "parameters are a JSON object, such as '{\"vm\": \"web1\"}'%s%s",
                   error == json_tokener_success ? "" : ": ",
                   error == json_tokener_success ? "" : json_tokener_error_desc(error));
    }
    json_object_put(json);
    return params;
}

bool run_call(const struct command *command, struct lodge_error *err)
{
    AUTO(free) char *input = NULL;
    AUTO(free) char *params = NULL;
    if (command->argc > 1) {
        const char *text = command->argv[1];
        if (strcmp(text, "-") == 0) {
            text = input = read_standard_input(err);
        }
        params = text ? params_from_text(text, err) : NULL;
        if (!params) {
            return false;
        }
    }
    AUTO(lodge_client_close) struct lodge_client *client = command_connect(command, err);
    /* No deadline of ours: a method may wait for as long as its own parameters say. */
    AUTO(free)
    char *result = client ? lodge_client_call_wait(client, command->argv[0], params, 0, err) : NULL;
    return result && json_output.vm(result, err);
}
