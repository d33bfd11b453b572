/* quota: `lodge quota`: limits, and what counts against them, as people say sizes. */
#include "cli/command.h"
#include "cli/limits.h"
#include "cli/listing.h"
#include "cli/print.h"
#include "memory.h"
#include "units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DEFINE_AUTO(struct table *, table_free, NULL);
DEFINE_AUTO(struct json_object *, json_object_put, NULL);

static void add_quota_rows(struct table *table, struct json_object *json, const char *scope,
                           const char *of)
{
    for (size_t i = 0; i < LIMITS; i++) {
        char over[UNIT_TEXT] = "", texts[3][UNIT_TEXT];
        AUTO(free) char *limit_path = xasprintf("%s.limits.%s", scope, limits[i].there);
        AUTO(free) char *promised_path = xasprintf("%s.promised.%s", scope, limits[i].there);
        AUTO(free) char *running = xasprintf("%s.running.%s", scope, limits[i].there);
        const char *limit = listing_text(json, limit_path);
        const char *promised = listing_text(json, promised_path);
        if (limit != NULL && promised != NULL) {
            over_text(over, strtoll(promised, NULL, 10), strtoll(limit, NULL, 10), limits[i].unit);
        }
        const char *cells[] = {i == 0 ? of : NULL,
                               limits[i].here,
                               limit_amount(texts[0], &limits[i], promised),
                               limit_amount(texts[1], &limits[i], listing_text(json, running)),
                               limit == NULL ? "none" : limit_amount(texts[2], &limits[i], limit),
                               over};
        table_add(table, cells);
    }
}

/* `user`: whose beside the system's; NULL: the caller's. */
static bool print_quota(const struct command *command, const char *user, const char *result)
{
    static const struct table_column columns[] = {
        {.title = "OF"},
        {.title = "RESOURCE"},
        {.title = "PROMISED", .right = true},
        {.title = "RUNNING", .right = true},
        {.title = "LIMIT", .right = true},
        {.title = "NOTE"},
    };
    if (command->json) {
        print_json(stdout, result);
        return true;
    }
    AUTO(json_object_put) struct json_object *json = json_tokener_parse(result);
    AUTO(table_free) struct table *table = table_new(columns, ARRAY_LENGTH(columns));
    add_quota_rows(table, json, "system", "system");
    add_quota_rows(table, json, "user", user == NULL ? "yours" : user);
    table_print(table, print_width(), stdout);
    return true;
}

/* "vms=10", "memory=4G", "disk=none"; a word of lodged.conf's counts in the unit it names. */
static bool limit_read(const char *text, struct json_object *ret_limits, struct lodge_error *err)
{
    const char *value = text + strcspn(text, "=") + (strchr(text, '=') != NULL);
    AUTO(free) char *name = xstrndup(text, strcspn(text, "="));
    for (size_t i = 0; i < LIMITS && *value != '\0'; i++) {
        bool is_there = strcmp(name, limits[i].there) == 0;
        char *end = NULL;
        int64_t amount = strtoll(value, &end, 10);
        bool good = end != value && *end == '\0';
        if (!is_there && strcmp(name, limits[i].here) != 0) {
            continue;
        }
        if (strcmp(value, "none") == 0) {
            json_object_object_add(ret_limits, limits[i].there, NULL);
            return true;
        }
        if (!is_there && limits[i].mib > 0) {
            double mib = 0;
            good = size_exact_from_text(value, &mib) && fmod(mib, (double)limits[i].mib) == 0;
            amount = good ? (int64_t)mib / limits[i].mib : 0;
        }
        if (good) {
            json_object_object_add(ret_limits, limits[i].there, json_object_new_int64(amount));
            return true;
        }
    }
    return lodge_fail(err, LODGE_ERROR_INVALID,
                      "%s: expected vms=N, cpus=N, memory=SIZE or disk=SIZE, of whole MiB and GiB; "
                      "none lifts it",
                      text);
}

static bool set_quota(const struct command *command, struct lodge_error *err)
{
    if (command->argc < 3) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "expected: lodge quota set system|USER KEY=LIMIT...");
    }
    bool is_system = strcmp(command->argv[1], "system") == 0;
    struct json_object *params = json_object_new_object();
    struct json_object *asked = json_object_new_object();
    json_object_object_add(params, "scope", json_object_new_string(is_system ? "system" : "user"));
    json_object_object_add(params, "limits", asked);
    if (!is_system) {
        json_object_object_add(params, "user", json_object_new_string(command->argv[1]));
    }
    for (int i = 2; i < command->argc; i++) {
        if (!limit_read(command->argv[i], asked, err)) {
            json_object_put(params);
            return false;
        }
    }
    AUTO(free) char *result = command_ask(command, "quota.set", params, err);
    return result != NULL && print_quota(command, is_system ? NULL : command->argv[1], result);
}

bool run_quota(const struct command *command, struct lodge_error *err)
{
    if (command->argc > 0 && strcmp(command->argv[0], "set") == 0) {
        return set_quota(command, err);
    }
    struct json_object *params = json_object_new_object();
    if (command->argc > 0) {
        json_object_object_add(params, "user", json_object_new_string(command->argv[0]));
    }
    AUTO(free) char *result = command_ask(command, "quota.get", params, err);
    return result != NULL &&
           print_quota(command, command->argc > 0 ? command->argv[0] : NULL, result);
}
