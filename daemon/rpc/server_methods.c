/* server.*: who answers, as whom, and how it is; rpc.discover. */
#include "console/web_door.h"
#include "lodge/lodge.h"
#include "log.h"
#include "memory.h"
#include "reads/reads.h"
#include "registry/told.h"
#include "rpc/method.h"
#include "rpc/openrpc.h"
#include "scope.h"

#include <stdlib.h>

struct info {
    char *name;
    char *version;
    int64_t api;
    struct lodge_strings features;
    char *user;
    int64_t uid;
    char *role;
    int64_t started_at;
    char *web;
    struct lodge_strings warnings;
};

#define AT(member) .offset = offsetof(struct info, member)
static const struct field info_fields[] = {
    {"name", FIELD_STRING, AT(name), .help = "lodged"},
    {"version", FIELD_STRING, AT(version), .help = "of the program"},
    {"api", FIELD_INT, AT(api), .help = "of the contract: 1"},
    {"features", FIELD_STRINGS, AT(features), .required = true, .help = "names, only ever added"},
    {"user", FIELD_STRING, AT(user), .help = "who you are, by name or #uid"},
    {"uid", FIELD_INT, AT(uid), .help = "who you are, by number"},
    {"role", FIELD_STRING, AT(role), .help = "admin, user or viewer"},
    {"started_at", FIELD_TIME, AT(started_at), .help = "when this lodged started"},
    {"web", FIELD_STRING, AT(web),
     .help = "where browsers are answered, ADDR:PORT; absent: nowhere"},
    {"warnings", FIELD_STRINGS, AT(warnings), .help = "what its admin should know"},
    {.type = FIELD_END},
};
#undef AT

static const char *const features[] = {"consoles", "events", "fields",      "metrics", "operations",
                                       "query",    "quotas", "screenshots", NULL};

static void info_named(void *data, const char *name)
{
    struct call *call = data;
    struct viewer viewer = call_viewer(call);
    char *words[ARRAY_LENGTH(features)];
    struct info info = {
        .name = (char[]){"lodged"},
        .version = (char[]){LODGE_VERSION},
        .api = LODGE_API,
        .features = {.items = words},
        .user = xstrdup(name),
        .uid = viewer.uid,
        .role = xstrdup(user_role_name(viewer.role)),
        .started_at = call_services(call)->started_at,
    };
    for (size_t i = 0; features[i] != NULL; i++) {
        words[info.features.count++] = xstrdup(features[i]);
    }
    const struct web_door *web = call_services(call)->web;
    char *warning =
        (char[]){"browsers are answered without TLS at an address that others reach: whoever "
                 "is on the way can read along and type"};
    if (web != NULL) {
        info.web = xstrdup(web_door_address(web));
    }
    if (web != NULL && web_door_is_open_wide(web)) {
        info.warnings = (struct lodge_strings){.items = &warning, .count = 1};
    }
    struct buffer result = {0};
    fields_write(&result, info_fields, FIELD_MASK_ALL, &info);
    free(info.web);
    for (size_t i = 0; i < info.features.count; i++) {
        free(words[i]);
    }
    free(info.user);
    free(info.role);
    call_reply(call, &result);
    buffer_free(&result);
}

static void info_run(struct call *call, const void *params)
{
    (void)params;
    struct people *people = registry_people(call_services(call)->registry);
    people_name_then(people, call_viewer(call).uid, info_named, call);
}

static void ping_run(struct call *call, const void *params)
{
    (void)params;
    call_reply_empty(call);
}

struct host_health {
    char *name;
    char *state;
    char *error;
};

struct health {
    bool live;
    bool ready;
    char *store;
    char *store_note;
    struct {
        struct host_health *items;
        size_t count;
    } hosts;
};

#define AT(member) .offset = offsetof(struct host_health, member)
static const struct field host_health_fields[] = {
    {"name", FIELD_STRING, AT(name), .help = "as configured"},
    {"state", FIELD_STRING, AT(state), .help = "up, down or connecting"},
    {"error", FIELD_STRING, AT(error), .help = "why it is not up"},
    {.type = FIELD_END},
};
#undef AT

#define AT(member) .offset = offsetof(struct health, member)
static const struct field health_fields[] = {
    {"live", FIELD_BOOL, AT(live), .help = "the loop answers: always true"},
    {"ready", FIELD_BOOL, AT(ready), .help = "every host has been read, or is known to be down"},
    {"store", FIELD_STRING, AT(store), .help = "ok, or what is wrong with the database"},
    {"store_note", FIELD_STRING, AT(store_note),
     .help = "that the database was put back from a copy; absent: it was not"},
    {"hosts", FIELD_OBJECTS, AT(hosts), .size = sizeof(struct host_health), .required = true,
     .fields = host_health_fields, .help = "each with its state"},
    {.type = FIELD_END},
};
#undef AT

static void health_run(struct call *call, const void *params)
{
    (void)params;
    const struct rpc_services *services = call_services(call);
    const char *trouble = reads_store_trouble(services->reads);
    const char *note = reads_store_note(services->reads);
    const struct told_about about = {.is_answer = true};
    struct viewer viewer = call_viewer(call);
    struct health health = {
        .live = true,
        .ready = registry_is_ready(services->registry),
        .store = told_text(services->registry, &viewer, &about, trouble == NULL ? "ok" : trouble),
        .store_note = told_text(services->registry, &viewer, &about, note),
    };
    struct registry_host *host = registry_first_host(services->registry);
    for (; host != NULL; host = host->next) {
        health.hosts.items =
            xrealloc(health.hosts.items, (health.hosts.count + 1) * sizeof *health.hosts.items);
        health.hosts.items[health.hosts.count++] = (struct host_health){
            .name = host->facts.name,
            .state = xstrdup(lodge_host_state_name(host->facts.state)),
            .error = told_host_error(host, &viewer),
        };
    }
    struct buffer result = {0};
    fields_write(&result, health_fields, FIELD_MASK_ALL, &health);
    for (size_t i = 0; i < health.hosts.count; i++) {
        free(health.hosts.items[i].state);
        free(health.hosts.items[i].error);
    }
    free(health.hosts.items);
    free(health.store);
    free(health.store_note);
    call_reply(call, &result);
    buffer_free(&result);
}

struct set_log_level {
    char *level;
    char *folder;
};

#define AT(member) .offset = offsetof(struct set_log_level, member)
static const struct field set_log_level_fields[] = {
    {"level", FIELD_STRING, AT(level), .required = true, .min = 1, .max = 16,
     .help = "error, warning, info or debug"},
    {"folder", FIELD_STRING, AT(folder), .min = 1, .max = 32,
     .help = "only of this one: host, rpc, …"},
    {.type = FIELD_END},
};
#undef AT

static void set_log_level_run(struct call *call, const void *params)
{
    const struct set_log_level *set = params;
    struct lodge_error err = {0};
    if (log_set_level(set->folder, set->level, &err)) {
        log_info(LOG_RPC, "uid %u set the log level of %s to %s", (unsigned)call_viewer(call).uid,
                 set->folder == NULL ? "all" : set->folder, set->level);
        call_reply_empty(call);
        return;
    }
    struct lodge_error refused = {0};
    (void)lodge_fail_param(&refused, set->folder == NULL ? "level" : "folder", "%s", err.message);
    call_fail(call, &refused);
}

static void discover_run(struct call *call, const void *params)
{
    static struct buffer document; /* made once: the rows stay as they are; loop only */
    (void)params;
    if (document.length == 0) {
        openrpc_write(&document, call_services(call)->methods);
    }
    call_reply(call, &document);
}

const struct method server_methods[] = {
    {
        .name = "server.info",
        .access = ACCESS_ANY,
        .result = info_fields,
        .run = info_run,
        .help = "Who answers, and who you are to it.",
    },
    {
        .name = "server.ping",
        .access = ACCESS_ANY,
        .run = ping_run,
        .help = "Answers {}.",
    },
    {
        .name = "server.health",
        .access = ACCESS_ANY,
        .result = health_fields,
        .run = health_run,
        .help = "Whether hosts and store are well.",
    },
    {
        .name = "server.set_log_level",
        .access = ACCESS_ADMIN,
        .mutates = true,
        .params = set_log_level_fields,
        .params_size = sizeof(struct set_log_level),
        .run = set_log_level_run,
        .help = "Changes what lodged logs, until it is restarted.",
    },
    {
        .name = "rpc.discover",
        .access = ACCESS_ANY,
        .run = discover_run,
        .help = "This contract as an OpenRPC document.",
    },
    {0},
};
