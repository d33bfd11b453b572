/* lists: `lodge ops`, `lodge users`, `lodge audit`, `lodge backup`: one question,
 * one table. */
#include "cli/asking.h"
#include "cli/listing.h"
#include "cli/print.h"
#include "cli/terms.h"
#include "memory.h"
#include "units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DEFINE_AUTO(struct table *, table_free, NULL);
DEFINE_AUTO(struct json_object *, json_object_put, NULL);

static void add_option(const struct command *command, struct json_object *params, const char *flag,
                       const char *name)
{
    const char *value = command_value(command, flag);
    if (value != NULL) {
        json_object_object_add(params, name, json_object_new_string(value));
    }
}

/* ops */

static const struct listing ops_listing = {
    .list = "ops",
    .empty = "no operations are kept",
    .count = 9,
    .columns = {{.title = "OP", .right = true},
                {.title = "WHAT"},
                {.title = "VM"},
                {.title = "USER", .rank = 3},
                {.title = "STATE"},
                {.title = "STEP", .rank = 1},
                {.title = "STARTED", .rank = 2},
                {.title = "TOOK", .right = true, .rank = 4},
                {.title = "WHY", .cut_to = 20}},
    .members = {"id", "kind", "vm", "user", "state", "step", "started_at", "ended_at",
                "error.message|reason"},
    .cells = {[1] = CELL_VERB, [5] = CELL_STEP, [6] = CELL_TIME, [7] = CELL_TOOK, [8] = CELL_TERMS},
};

static const struct listing step_listing = {
    .list = "steps",
    .empty = "no step of it is known",
    .count = 2,
    .columns = {{.title = "STEP"}, {.title = "BEGAN"}},
    .members = {"name", "at"},
    .cells = {[1] = CELL_TIME},
};

static bool op_number_read(const char *text, const char *what, int64_t *ret_number,
                           struct lodge_error *err)
{
    char *end = NULL;
    *ret_number = strtoll(text, &end, 10);
    return (end != text && *end == '\0') ||
           lodge_fail(err, LODGE_ERROR_INVALID, "%s: expected %s's number", text, what);
}

static void print_notes(struct json_object *op)
{
    struct json_object *notes = json_object_object_get(op, "notes");
    size_t count = notes == NULL ? 0 : json_object_array_length(notes);
    for (size_t i = 0; i < count; i++) {
        const char *note = json_object_get_string(json_object_array_get_idx(notes, i));
        AUTO(free) char *words = terms_for_people(note, 0, TERMS_ANY_FLAG);
        print_text(stdout, "%s\n", words);
    }
}

static bool one_op(const struct command *command, struct lodge_error *err)
{
    int64_t number = 0;
    bool cancels = command_has(command, "--cancel");
    if (!op_number_read(command->argv[0], "an operation", &number, err)) {
        return false;
    }
    struct json_object *params = json_object_new_object();
    json_object_object_add(params, "op", json_object_new_int64(number));
    AUTO(free) char *result = command_ask(command, cancels ? "op.cancel" : "op.get", params, err);
    if (result == NULL || cancels) {
        return result != NULL;
    }
    if (!command->json) {
        AUTO(json_object_put) struct json_object *json = json_tokener_parse(result);
        const char *why = listing_cell(json, "error.message|reason");
        const char *vm = listing_text(json, "vm");
        const char *kind = terms_verb(listing_text(json, "kind"));
        AUTO(free) char *words = terms_for_people(why == NULL ? "" : why, number, TERMS_ANY_FLAG);
        print_text(stdout, "%s of %s: %s%s%s\n", kind, vm == NULL ? "-" : vm,
                   listing_text(json, "state"), why == NULL ? "" : ": ", words);
        print_notes(json);
    }
    listing_print(command, &step_listing, result);
    return true;
}

bool run_ops(const struct command *command, struct lodge_error *err)
{
    if (command->argc > 0) {
        return one_op(command, err);
    }
    if (command_has(command, "--cancel")) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "--cancel wants the operation's number");
    }
    struct json_object *params = json_object_new_object();
    add_option(command, params, "--vm", "vm");
    add_option(command, params, "--user", "user");
    AUTO(free) char *result = command_ask(command, "op.list", params, err);
    if (result != NULL) {
        listing_print(command, &ops_listing, result);
    }
    return result != NULL;
}

/* sessions */

static bool close_session(const struct command *command, struct lodge_error *err)
{
    int64_t number = 0;
    if (!op_number_read(command->argv[0], "a session", &number, err)) {
        return false;
    }
    struct json_object *params = json_object_new_object();
    json_object_object_add(params, "session", json_object_new_int64(number));
    AUTO(free) char *result = command_ask(command, "console.close", params, err);
    return result != NULL;
}

bool run_sessions(const struct command *command, struct lodge_error *err)
{
    static const struct listing listing = {
        .list = "sessions",
        .empty = "nobody looks at a screen",
        .count = 9,
        .columns = {{.title = "SESSION", .right = true},
                    {.title = "VM"},
                    {.title = "USER"},
                    {.title = "MODE"},
                    {.title = "STATE"},
                    {.title = "FROM", .rank = 1},
                    {.title = "SINCE", .rank = 2},
                    {.title = "IDLE S", .right = true, .rank = 3},
                    {.title = "BYTES", .right = true, .rank = 4}},
        .members = {"session", "vm", "user", "mode", "state", "peer", "started_at", "idle_s",
                    "bytes"},
        .cells = {[6] = CELL_TIME},
    };
    if (command_has(command, "--close")) {
        return command->argc == 1
                   ? close_session(command, err)
                   : lodge_fail(err, LODGE_ERROR_INVALID, "--close wants the session's number");
    }
    if (command->argc > 0) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "what of session %s? --close ends it",
                          command->argv[0]);
    }
    AUTO(free) char *result = command_ask(command, "console.list", NULL, err);
    if (result != NULL) {
        listing_print(command, &listing, result);
    }
    return result != NULL;
}

/* audit, backup */

bool run_audit(const struct command *command, struct lodge_error *err)
{
    static const struct listing listing = {
        .list = "rows",
        .empty = "nothing was called that changes something",
        .count = 8,
        .columns = {{.title = "AT"},
                    {.title = "USER"},
                    {.title = "WHAT", .cut_to = 11, .cut_end = true},
                    {.title = "TARGET", .cut_to = 12},
                    {.title = "ASKED", .cut_to = 16, .cut_end = true},
                    {.title = "OP", .right = true},
                    {.title = "TIMES", .right = true, .rank = 1},
                    {.title = "RESULT", .cut_to = 12, .cut_end = true}},
        .members = {"at", "user", "method", "target", "params", "op", "times", "error|result"},
        .cells = {[0] = CELL_TIME, [2] = CELL_VERB, [4] = CELL_ASKED, [7] = CELL_TERMS},
    };
    struct json_object *params = json_object_new_object();
    add_option(command, params, "--vm", "vm");
    add_option(command, params, "--user", "user");
    AUTO(free) char *result = command_ask(command, "audit.list", params, err);
    if (result != NULL) {
        listing_print(command, &listing, result);
    }
    return result != NULL;
}

bool run_backup(const struct command *command, struct lodge_error *err)
{
    AUTO(free) char *result = command_ask(command, "server.backup", NULL, err);
    if (result == NULL) {
        return false;
    }
    AUTO(json_object_put) struct json_object *json = json_tokener_parse(result);
    if (command->json) {
        print_json(stdout, result);
    } else {
        print_text(stdout, "%s\n", listing_text(json, "path"));
    }
    return true;
}

/* images */

bool run_images(const struct command *command, struct lodge_error *err)
{
    static const struct listing listing = {
        .list = "images",
        .empty = "the library is empty: lodged.conf(5), [images] dirs says where it is",
        .count = 4,
        .columns = {{.title = "NAME"},
                    {.title = "KIND"},
                    {.title = "FORMAT"},
                    {.title = "SIZE", .right = true}},
        .members = {"name", "kind", "format", "size_gib"},
        .cells = {[3] = CELL_GIB},
    };
    AUTO(free) char *result = command_ask(command, "image.list", NULL, err);
    if (result != NULL) {
        listing_print(command, &listing, result);
    }
    return result != NULL;
}

/* users */

static bool users_set(const struct command *command, struct lodge_error *err)
{
    struct json_object *params = json_object_new_object();
    json_object_object_add(params, "user", json_object_new_string(command->argv[1]));
    json_object_object_add(params, "role", json_object_new_string(command->argv[2]));
    AUTO(free) char *result = command_ask(command, "user.set", params, err);
    if (result != NULL && command->json) {
        print_json(stdout, result);
    }
    return result != NULL;
}

bool run_users(const struct command *command, struct lodge_error *err)
{
    static const struct listing listing = {
        .list = "users",
        .empty = "nobody has a role of their own, or virtual machines",
        .count = 7,
        .columns = {{.title = "USER"},
                    {.title = "UID", .right = true},
                    {.title = "ROLE"},
                    {.title = "VMS", .right = true},
                    {.title = "CPUS", .right = true},
                    {.title = "MEMORY", .right = true},
                    {.title = "DISK", .right = true}},
        .members = {"user", "uid", "role", "vms", "promised.vcpus", "promised.memory_mib",
                    "promised.disk_gib"},
        .cells = {[5] = CELL_MIB, [6] = CELL_GIB},
    };
    if (command->argc > 0) {
        if (command->argc != 3 || strcmp(command->argv[0], "set") != 0) {
            return lodge_fail(err, LODGE_ERROR_INVALID, "expected: lodge users set USER ROLE");
        }
        return users_set(command, err);
    }
    AUTO(free) char *result = command_ask(command, "user.list", NULL, err);
    if (result != NULL) {
        listing_print(command, &listing, result);
    }
    return result != NULL;
}
