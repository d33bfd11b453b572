/* doctor: `lodge doctor`: is all well, and what to do where it is not. A line per finding; it fails
 * when one of them is bad. */
#include "cli/command.h"
#include "cli/print.h"
#include "memory.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DEFINE_AUTO(struct json_object *, json_object_put, NULL);

enum { LITTLE_ROOM_GIB = 5 };

struct examination {
    const struct command *command;
    struct lodge_client *client;
    bool is_admin;
    unsigned bad;
};

/* `advice` NULL: it is well. */
static void say(struct examination *at, const char *what, const char *finding, const char *advice)
{
    print_text(stdout, "%s  %-10s %s\n", advice == NULL ? "ok " : "BAD", what, finding);
    if (advice != NULL) {
        printf("                %s\n", advice);
        at->bad++;
    }
}

static struct json_object *ask(struct examination *at, const char *method, const char *params)
{
    struct lodge_error err = {0};
    AUTO(free)
    char *result = lodge_client_call_wait(at->client, method, params, COMMAND_ANSWER_MS, &err);
    if (result == NULL) {
        say(at, method, err.message, "look into lodged's log");
        return NULL;
    }
    return json_tokener_parse(result);
}

static const char *text_of(struct json_object *object, const char *name)
{
    const char *text = json_object_get_string(json_object_object_get(object, name));
    return text == NULL ? "" : text;
}

static void look_at_server(struct examination *at)
{
    AUTO(json_object_put) struct json_object *info = ask(at, "server.info", NULL);
    AUTO(json_object_put) struct json_object *health = ask(at, "server.health", NULL);
    if (info != NULL) {
        AUTO(free)
        char *who = xasprintf("lodged %s answers; you are %s (%s)", text_of(info, "version"),
                              text_of(info, "user"), text_of(info, "role"));
        at->is_admin = strcmp(text_of(info, "role"), "admin") == 0;
        say(at, "daemon", who, NULL);
    }
    if (health != NULL) {
        struct json_object *store = json_object_object_get(health, "store");
        bool well = json_object_is_type(store, json_type_boolean)
                        ? json_object_get_boolean(store)
                        : strcmp(text_of(health, "store"), "ok") == 0;
        say(at, "store", well ? "the database works" : text_of(health, "store"),
            well ? NULL : "nothing can be changed until that is mended");
        if (text_of(health, "store_note")[0] != '\0') {
            print_text(stdout, "--   store      %s\n", text_of(health, "store_note"));
        }
    }
}

static void look_at_pools(struct examination *at, const char *host)
{
    struct json_object *params = json_object_new_object();
    json_object_object_add(params, "host", json_object_new_string(host));
    AUTO(json_object_put)
    struct json_object *answer =
        ask(at, "pool.list", json_object_to_json_string_ext(params, JSON_C_TO_STRING_PLAIN));
    json_object_put(params);
    struct json_object *pools = json_object_object_get(answer, "pools");
    size_t count = pools == NULL ? 0 : json_object_array_length(pools);
    for (size_t i = 0; i < count; i++) {
        struct json_object *pool = json_object_array_get_idx(pools, i);
        struct json_object *room = json_object_object_get(pool, "free_gib");
        int64_t gib = json_object_get_int64(room);
        AUTO(free)
        char *text =
            xasprintf("%s on %s has %lld GiB free", text_of(pool, "name"), host, (long long)gib);
        if (room != NULL) {
            say(at, "room", text,
                gib < LITTLE_ROOM_GIB ? "make room, or guests stop when they write" : NULL);
        }
    }
}

static void look_at_hosts(struct examination *at)
{
    AUTO(json_object_put) struct json_object *answer = ask(at, "host.list", NULL);
    struct json_object *hosts = json_object_object_get(answer, "hosts");
    size_t count = hosts == NULL ? 0 : json_object_array_length(hosts);
    for (size_t i = 0; i < count; i++) {
        struct json_object *host = json_object_array_get_idx(hosts, i);
        bool up = strcmp(text_of(host, "state"), "up") == 0;
        AUTO(free)
        char *text =
            xasprintf("%s is %s%s%s", text_of(host, "name"), text_of(host, "state"),
                      up ? ", " : ": ", up ? text_of(host, "hypervisor") : text_of(host, "error"));
        say(at, "host", text, up ? NULL : "start its libvirt, or mend its URI in lodged.conf");
        if (up) {
            look_at_pools(at, text_of(host, "name"));
        }
    }
}

static void look_at_kvm(struct examination *at)
{
    bool there = access("/dev/kvm", F_OK) == 0;
    bool usable = access("/dev/kvm", R_OK | W_OK) == 0;
    if (!there) {
        printf("--   kvm        this machine has no /dev/kvm: its guests are emulated, and slow\n");
    } else {
        say(at, "kvm", usable ? "/dev/kvm can be used" : "/dev/kvm may not be used by you",
            usable ? NULL : "join its group (usually kvm), or let root's lodged run the guests");
    }
}

static void look_at_library(struct examination *at)
{
    AUTO(json_object_put) struct json_object *answer = ask(at, "image.list", NULL);
    struct json_object *images = json_object_object_get(answer, "images");
    if (answer != NULL) {
        AUTO(free)
        char *text = xasprintf("%zu images, ISOs and kernels in the library",
                               images == NULL ? 0 : json_object_array_length(images));
        say(at, "library", text, NULL);
    }
}

static void look_at_list(struct examination *at, struct json_object *found, const char *list,
                         const char *member, const char *what, const char *advice)
{
    struct json_object *items = json_object_object_get(found, list);
    size_t count = items == NULL ? 0 : json_object_array_length(items);
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(items, i);
        AUTO(free)
        char *text = xasprintf("%s %s on %s", what, text_of(item, member), text_of(item, "host"));
        say(at, "order", text, advice);
    }
}

/* Rows, domains and volumes, side by side. */
static void look_at_order(struct examination *at)
{
    unsigned before = at->bad;
    if (!at->is_admin) {
        printf("--   order      only administrators may compare rows, domains and volumes\n");
        return;
    }
    AUTO(json_object_put) struct json_object *found = ask(at, "server.compare", NULL);
    look_at_list(at, found, "missing", "name", "libvirt has no domain of",
                 "lodge rm takes the row and its disks away");
    look_at_list(at, found, "unknown_domains", "name", "lodge made, and has no row of,",
                 "lodge adopt it, or lodge call orphan.delete");
    look_at_list(at, found, "stray_volumes", "path", "nobody has the volume",
                 "lodge call orphan.delete takes it away");
    look_at_list(at, found, "unread_volumes", "why", "volumes were not compared:",
                 "virsh pool-list and pool-info say which pool it is");
    look_at_list(at, found, "old_ops", "vm", "an operation of more than an hour is at",
                 "lodge ops says what it waits for");
    if (found != NULL && at->bad == before) {
        say(at, "order", "rows, domains and volumes fit together", NULL);
    }
}

bool run_doctor(const struct command *command, struct lodge_error *err)
{
    struct examination at = {.command = command};
    AUTO(lodge_client_close) struct lodge_client *client = command_connect(command, err);
    if (client == NULL) {
        return false;
    }
    at.client = client;
    look_at_server(&at);
    look_at_hosts(&at);
    look_at_kvm(&at);
    look_at_library(&at);
    look_at_order(&at);
    return at.bad == 0 || lodge_fail(err, LODGE_ERROR_BAD_STATE, "%u thing%s not well", at.bad,
                                     at.bad == 1 ? " is" : "s are");
}
