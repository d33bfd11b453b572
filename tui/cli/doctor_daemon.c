/*
 * doctor_daemon: what lodged knows: its store, its hosts, their room, its library, and whether
 * rows, domains and volumes fit together. Each question has its deadline and all have one: of a
 * lodged that hangs the first is the last.
 */
#include "cli/doctor.h"
#include "memory.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DEFINE_AUTO(struct json_object *, json_object_put, NULL);

enum { LITTLE_ROOM_GIB = 5 };

static char *question(struct examination *at, const char *method, const char *params,
                      struct lodge_error *err)
{
    int deadline = doctor_patience_ms(at);
    if (deadline == 0) {
        (void)lodge_fail(err, LODGE_ERROR_TIMEOUT, "there was no time left to ask");
        return NULL;
    }
    return lodge_client_call_wait(at->client, method, params, deadline, err);
}

static struct json_object *ask_lodged(struct examination *at, const char *what, const char *method)
{
    struct lodge_error err = {0};
    AUTO(free) char *result = question(at, method, NULL, &err);
    if (result == NULL) {
        findings_add(&at->findings, MARK_BAD, what, "lodge ops, and lodged's log, say more", "%s",
                     err.message);
        return NULL;
    }
    return json_tokener_parse(result);
}

static const char *member_text(struct json_object *object, const char *name)
{
    const char *text = json_object_get_string(json_object_object_get(object, name));
    return text == NULL ? "" : text;
}

void doctor_ask_whether_it_answers(struct examination *at)
{
    struct lodge_error err = {0};
    AUTO(free)
    char *result = at->client == NULL ? NULL : question(at, "server.info", NULL, &err);
    at->answers = result != NULL;
    if (at->client == NULL) {
        return; /* the socket says why */
    }
    if (result == NULL) {
        findings_add(&at->findings, MARK_BAD, "daemon",
                     "systemctl restart lodged, or kill it and start it again",
                     "something listens on %s and does not answer: %s", at->socket, err.message);
        return;
    }
    AUTO(json_object_put) struct json_object *info = json_tokener_parse(result);
    at->is_admin = strcmp(member_text(info, "role"), "admin") == 0;
    findings_add(&at->findings, MARK_OK, "daemon", NULL, "lodged %s answers; you are %s (%s)",
                 member_text(info, "version"), member_text(info, "user"),
                 member_text(info, "role"));
}

static void look_at_store(struct examination *at)
{
    AUTO(json_object_put) struct json_object *health = ask_lodged(at, "store", "server.health");
    if (health == NULL) {
        return;
    }
    struct json_object *store = json_object_object_get(health, "store");
    bool well = json_object_is_type(store, json_type_boolean)
                    ? json_object_get_boolean(store)
                    : strcmp(member_text(health, "store"), "ok") == 0;
    findings_add(&at->findings, well ? MARK_OK : MARK_BAD, "store",
                 well ? NULL : "nothing can be changed until that is mended: lodged's log says how",
                 "%s", well ? "the database works" : member_text(health, "store"));
    if (member_text(health, "store_note")[0] != '\0') {
        findings_add(&at->findings, MARK_WARNING, "store", "lodge ops, and the lines at `order`",
                     "%s", member_text(health, "store_note"));
    }
}

/* False: it has not told in time. */
static bool look_at_pools(struct examination *at, const char *host)
{
    struct json_object *params = json_object_new_object();
    json_object_object_add(params, "host", json_object_new_string(host));
    struct lodge_error err = {0};
    AUTO(free)
    char *result = question(at, "pool.list",
                            json_object_to_json_string_ext(params, JSON_C_TO_STRING_PLAIN), &err);
    json_object_put(params);
    if (result == NULL) {
        findings_add(&at->findings, MARK_BAD, "room",
                     "virsh pool-list and pool-info say which pool it is", "pools of %s: %s", host,
                     err.message);
        return err.kind != LODGE_ERROR_TIMEOUT;
    }
    AUTO(json_object_put) struct json_object *answer = json_tokener_parse(result);
    struct json_object *pools = json_object_object_get(answer, "pools");
    size_t count = pools == NULL ? 0 : json_object_array_length(pools);
    for (size_t i = 0; i < count; i++) {
        struct json_object *pool = json_object_array_get_idx(pools, i);
        struct json_object *room = json_object_object_get(pool, "free_gib");
        int64_t gib = json_object_get_int64(room);
        bool little = gib < LITTLE_ROOM_GIB;
        if (room != NULL) {
            findings_add(
                &at->findings, little ? MARK_BAD : MARK_OK, "room",
                little ? "lodge rm what nobody needs, or guests stop when they write" : NULL,
                "%s on %s has %lld GiB free", member_text(pool, "name"), host, (long long)gib);
        }
    }
    return true;
}

/* The first host whose pools were not told of; the caller frees. */
static char *look_at_hosts(struct examination *at)
{
    AUTO(json_object_put) struct json_object *answer = ask_lodged(at, "host", "host.list");
    struct json_object *hosts = json_object_object_get(answer, "hosts");
    size_t count = hosts == NULL ? 0 : json_object_array_length(hosts);
    char *silent = NULL;
    for (size_t i = 0; i < count; i++) {
        struct json_object *host = json_object_array_get_idx(hosts, i);
        bool up = strcmp(member_text(host, "state"), "up") == 0;
        findings_add(&at->findings, up ? MARK_OK : MARK_BAD, "libvirt",
                     up ? NULL : "virsh -c URI list tries it; its URI is in lodged.conf",
                     "host %s is %s%s%s", member_text(host, "name"), member_text(host, "state"),
                     up ? ", " : ": ",
                     up ? member_text(host, "hypervisor") : member_text(host, "error"));
        if (up && !look_at_pools(at, member_text(host, "name")) && silent == NULL) {
            silent = xstrdup(member_text(host, "name"));
        }
    }
    return silent;
}

static void look_at_library(struct examination *at)
{
    AUTO(json_object_put) struct json_object *answer = ask_lodged(at, "library", "image.list");
    struct json_object *images = json_object_object_get(answer, "images");
    if (answer != NULL) {
        findings_add(&at->findings, MARK_OK, "library", NULL,
                     "%zu images, ISOs and kernels in the library",
                     images == NULL ? 0 : json_object_array_length(images));
    }
}

static void look_at_list(struct examination *at, struct json_object *found, const char *list,
                         const char *member, const char *what, const char *advice)
{
    struct json_object *items = json_object_object_get(found, list);
    size_t count = items == NULL ? 0 : json_object_array_length(items);
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(items, i);
        findings_add(&at->findings, MARK_BAD, "order", advice, "%s %s on %s", what,
                     member_text(item, member), member_text(item, "host"));
    }
}

/* Rows, domains and volumes, side by side. A host whose pools hang would be waited for again. */
static void look_at_order(struct examination *at, const char *silent)
{
    static const char pools[] = "virsh pool-list and pool-info say which pool it is";
    unsigned before = at->findings.counts[MARK_BAD];
    if (!at->is_admin) {
        findings_add(&at->findings, MARK_OK, "order", NULL,
                     "not looked at: only administrators may compare rows, domains and volumes");
        return;
    }
    if (silent != NULL) {
        findings_add(&at->findings, MARK_BAD, "order", pools,
                     "volumes were not compared: libvirt on host '%s' has not told of its pools",
                     silent);
        return;
    }
    AUTO(json_object_put) struct json_object *found = ask_lodged(at, "order", "server.compare");
    look_at_list(at, found, "missing", "name", "libvirt has no domain of",
                 "lodge rm takes the row and its disks away");
    look_at_list(at, found, "unknown_domains", "name", "lodge made, and has no row of,",
                 "lodge adopt it, or lodge call orphan.delete");
    look_at_list(at, found, "stray_volumes", "path", "nobody has the volume",
                 "lodge call orphan.delete takes it away");
    look_at_list(at, found, "unread_volumes", "why", "volumes were not compared:", pools);
    look_at_list(at, found, "old_ops", "vm", "an operation of more than an hour is at",
                 "lodge ops says what it waits for");
    if (found != NULL && at->findings.counts[MARK_BAD] == before) {
        findings_add(&at->findings, MARK_OK, "order", NULL,
                     "rows, domains and volumes fit together");
    }
}

void doctor_ask_lodged(struct examination *at)
{
    look_at_store(at);
    AUTO(free) char *silent = look_at_hosts(at);
    look_at_library(at);
    look_at_order(at, silent);
}
