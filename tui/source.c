/* source: a connection that comes back by itself, or a fleet that is not there. */
#include "source.h"

#include "contract/contract.h"
#include "demo.h"
#include "lodge/client.h"
#include "memory.h"
#include "scope.h"
#include "words.h"

#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETRY_FIRST_MS 250
#define RETRY_MOST_MS 5000
#define CALL_MS 10000

/* Paging through a list does not ask for each guest passed. */
#define LOOK_MS 60

/* What the list and the head of the details show. */
static const char *const fields[] = {
    "state",        "reason", "since", "managed", "owner", "vcpus",   "memory_mib", "tags",
    "unresponsive", "stale",  "rev",   "stats",   "ips",   "viewers", "pending",    NULL,
};

struct source {
    struct model *model;
    char *socket_path; /* or NULL */
    struct lodge_client *client;
    struct demo *demo;
    bool connected;
    int64_t retry_at; /* monotonic ms, as all deadlines here; 0: none */
    int64_t patience_ms;
    int64_t tick_at;
    int64_t look_at; /* when to ask for details; 0: no need */
    int64_t details_call;
    struct {
        char host[128];
        char uuid[37];
        int64_t rev;
    } look;
};

int64_t source_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void on_demo_event(void *data, const struct lodge_event *event)
{
    struct source *source = data;

    model_apply(source->model, event);
}

struct quotas {
    struct lodge_quota system, user;
};

static const struct field quotas_fields[] = {
    {.name = "system",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct quotas, system),
     .fields = lodge_quota_fields},
    {.name = "user",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct quotas, user),
     .fields = lodge_quota_fields},
    {.type = FIELD_END},
};

static void on_quota(void *data, const char *result, const struct lodge_error *error)
{
    struct source *source = data;
    struct quotas quotas;
    struct lodge_error err = {0};

    if (error == NULL && fields_read_text(result, quotas_fields, &quotas, &err)) {
        model_take_quota(source->model, &quotas.system, &quotas.user);
    }
}

static void ask_quota(struct source *source)
{
    struct lodge_error err = {0}; /* without it the bars stay as they were */

    (void)lodge_client_call(source->client, "quota.get", NULL, CALL_MS, on_quota, source, &err);
}

static void on_event(void *data, const struct lodge_event *event, const struct lodge_error *error)
{
    struct source *source = data;

    if (error != NULL) {
        model_set_link(source->model, LINK_CONNECTING,
                       error->message); /* it let us in, no further */
        return;
    }
    if (event->topic == LODGE_TOPIC_OP) {
        if (model_apply_op(source->model, event)) {
            ask_quota(source);
        }
        return;
    }
    model_apply(source->model, event);
}

/* A subscription of its own: a lodged before this topic refuses it, and all that is asked for with
 * it. The numbers are asked for then when operations end. */
static void on_quota_event(void *data, const struct lodge_event *event,
                           const struct lodge_error *error)
{
    struct source *source = data;

    if (error == NULL && event->topic == LODGE_TOPIC_QUOTA &&
        (event->type == LODGE_EVENT_ADDED || event->type == LODGE_EVENT_CHANGED)) {
        model_apply(source->model, event);
    }
}

struct server {
    char *name;
    char *user;
    char *role;
};

static const struct field server_fields[] = {
    {.name = "name", .type = FIELD_STRING, .offset = offsetof(struct server, name)},
    {.name = "user", .type = FIELD_STRING, .offset = offsetof(struct server, user)},
    {.name = "role", .type = FIELD_STRING, .offset = offsetof(struct server, role)},
    {.type = FIELD_END},
};

static void on_server_info(void *data, const char *result, const struct lodge_error *error)
{
    struct source *source = data;
    struct server server;
    struct lodge_error err = {0};

    if (error != NULL) {
        return; /* the header does without */
    }
    struct json_object *json = json_tokener_parse(result);
    if (fields_read(json, server_fields, FIELDS_LENIENT, &server, &err)) {
        model_take_server(source->model, TAKE(server.name), TAKE(server.user), TAKE(server.role));
        fields_clear(server_fields, &server);
    }
    json_object_put(json);
}

static void on_details(void *data, const char *result, const struct lodge_error *error)
{
    struct source *source = data;
    struct lodge_vm vm;
    struct lodge_error err = {0};

    source->details_call = 0;
    if (error != NULL) {
        if (error->kind != LODGE_ERROR_CANCELLED && error->kind != LODGE_ERROR_UNREACHABLE) {
            AUTO(free) char *words = words_of(source->model->commands, error->message, error->op);
            model_fail_detail(source->model, words);
        }
    } else if (lodge_vm_from_json(result, &vm, &err)) {
        model_take_detail(source->model, &vm);
    } else {
        model_fail_detail(source->model, err.message);
    }
}

static void source_lost(struct source *source, const struct lodge_error *err)
{
    struct model *model = source->model;

    source->connected = false;
    source->retry_at = source_now_ms() + source->patience_ms;
    model->link.retry_ms = model->now_ms + source->patience_ms;
    source->patience_ms *= 2;
    if (source->patience_ms > RETRY_MOST_MS) {
        source->patience_ms = RETRY_MOST_MS;
    }
    model_set_link(model, model->ready ? LINK_LOST : LINK_CONNECTING, err->message);
}

/* The first time: connect and subscribe. */
static bool source_begin(struct source *source, struct lodge_error *err)
{
    const struct lodge_subscribe what = {
        .topics =
            {
                [LODGE_TOPIC_VM] = true,
                [LODGE_TOPIC_HOST] = true,
                [LODGE_TOPIC_METRICS] = true,
                [LODGE_TOPIC_OP] = true,
                [LODGE_TOPIC_SESSION] = true,
            },
        .fields = fields,
    };
    const struct lodge_subscribe quotas = {.topics = {[LODGE_TOPIC_QUOTA] = true}};

    source->client = lodge_client_open(source->socket_path, err);
    if (source->client == NULL) {
        return false;
    }
    if (lodge_client_subscribe(source->client, &what, on_event, source, err) == NULL ||
        lodge_client_subscribe(source->client, &quotas, on_quota_event, source, err) == NULL) {
        lodge_client_close(TAKE(source->client));
        return false;
    }
    return true;
}

static void connect_again(struct source *source)
{
    struct lodge_error err = {0};
    bool done = source->client == NULL ? source_begin(source, &err)
                                       : lodge_client_reconnect(source->client, &err);

    source->retry_at = 0;
    if (!done) {
        source_lost(source, &err);
        return;
    }
    source->connected = true;
    source->patience_ms = RETRY_FIRST_MS;
    source->model->link.retry_ms = 0;
    model_set_link(source->model, LINK_LIVE, NULL);
    source->look.rev = 0; /* what it was told may be from another life of the daemon */
    if (lodge_client_call(source->client, "server.info", NULL, CALL_MS, on_server_info, source,
                          &err) == 0) {
        source_lost(source, &err);
        return;
    }
    ask_quota(source);
}

const struct command_set *source_commands(const struct source *source)
{
    return source->model->commands;
}

struct lodge_client *source_client(const struct source *source, const char **ret_why)
{
    *ret_why = source->demo != NULL ? "nothing can be changed in the demonstration"
                                    : "not connected: nothing was asked";
    return source->demo == NULL && source->connected ? source->client : NULL;
}

/* {"images":[{"name":…,"kind":…}]}, {"networks":[{"name":…}]} */
static void take_offers(struct source *source, const char *result, const char *list,
                        enum offer_kind (*kind_of)(const char *kind))
{
    struct json_object *json = json_tokener_parse(result);
    struct json_object *items = NULL;

    if (json_object_object_get_ex(json, list, &items)) {
        for (size_t i = 0; i < json_object_array_length(items); i++) {
            struct json_object *item = json_object_array_get_idx(items, i);
            struct json_object *name = json_object_object_get(item, "name");
            struct json_object *kind = json_object_object_get(item, "kind");
            model_add_offer(source->model,
                            kind_of(kind == NULL ? "" : json_object_get_string(kind)),
                            json_object_get_string(name));
        }
    }
    json_object_put(json);
}

static enum offer_kind image_kind(const char *kind)
{
    return strcmp(kind, "iso") == 0      ? OFFER_ISO
           : strcmp(kind, "kernel") == 0 ? OFFER_KERNEL
                                         : OFFER_IMAGE;
}

static enum offer_kind network_kind(const char *kind)
{
    (void)kind;
    return OFFER_NETWORK;
}

static void on_images(void *data, const char *result, const struct lodge_error *error)
{
    if (error == NULL) {
        take_offers(data, result, "images", image_kind);
    }
}

static void on_networks(void *data, const char *result, const struct lodge_error *error)
{
    if (error == NULL) {
        take_offers(data, result, "networks", network_kind);
    }
}

void source_ask_offers(struct source *source)
{
    struct lodge_error err = {0}; /* without them a name can still be typed */

    model_forget_offers(source->model);
    if (source->demo != NULL || !source->connected) {
        return;
    }
    (void)lodge_client_call(source->client, "image.list", NULL, CALL_MS, on_images, source, &err);
    (void)lodge_client_call(source->client, "network.list", NULL, CALL_MS, on_networks, source,
                            &err);
}

struct source *source_new(const struct source_options *options, struct model *model)
{
    struct source *source = xcalloc(1, sizeof *source);

    source->model = model;
    source->socket_path = xstrdup_or_null(options->socket_path);
    source->patience_ms = RETRY_FIRST_MS;
    if (options->demo_guests >= 0) {
        source->demo = demo_new(options->demo_guests, model->now_ms);
        model_set_link(model, LINK_LIVE, NULL);
        model_take_server(model, xstrdup("demo"), xstrdup("you"), xstrdup("admin"));
        demo_tell(source->demo, model->now_ms, on_demo_event, source);
        source->tick_at = source_now_ms() + 1000;
    } else {
        connect_again(source);
    }
    return source;
}

void source_free(struct source *source)
{
    if (source == NULL) {
        return;
    }
    lodge_client_close(source->client);
    demo_free(source->demo);
    free(source->socket_path);
    free(source);
}

int source_fd(const struct source *source)
{
    return source->connected ? lodge_client_fd(source->client) : -1;
}

short source_events(const struct source *source)
{
    return (short)(source->connected ? lodge_client_events(source->client) : 0);
}

static int sooner_timeout(int a, int b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

static int until(int64_t deadline)
{
    int64_t left = deadline - source_now_ms();

    return deadline == 0 ? -1 : left < 0 ? 0 : (int)left;
}

int source_timeout_ms(const struct source *source)
{
    int look = source->details_call != 0 ? -1 : until(source->look_at);
    int timeout =
        sooner_timeout(until(source->retry_at), sooner_timeout(until(source->tick_at), look));

    return source->connected ? sooner_timeout(timeout, lodge_client_timeout_ms(source->client))
                             : timeout;
}

static void ask_demo(struct source *source)
{
    struct lodge_vm vm;

    if (demo_get(source->demo, source->look.host, source->look.uuid, &vm)) {
        model_take_detail(source->model, &vm);
    }
}

static void ask_details(struct source *source)
{
    struct lodge_error err = {0};
    AUTO(buffer_free) struct buffer params = {0};

    if (source->demo != NULL) {
        ask_demo(source);
        return;
    }
    if (!source->connected || source->details_call != 0) {
        return; /* one at a time; the answer brings us back here if the eye has moved on */
    }
    AUTO(free) char *vm = xasprintf("%s/%s", source->look.host, source->look.uuid);
    buffer_add_text(&params, "{\"vm\":");
    buffer_add_json_string(&params, vm);
    buffer_add_char(&params, '}');
    source->details_call = lodge_client_call(source->client, "vm.get", buffer_text(&params),
                                             CALL_MS, on_details, source, &err);
    if (source->details_call == 0) {
        model_fail_detail(source->model, err.message);
    }
}

void source_run(struct source *source)
{
    struct lodge_error err = {0};

    if (source->connected && !lodge_client_dispatch(source->client, &err)) {
        source_lost(source, &err);
    }
    if (until(source->retry_at) == 0) {
        connect_again(source);
    }
    if (until(source->tick_at) == 0) {
        demo_tick(source->demo, source->model->now_ms, on_demo_event, source);
        source->tick_at += 1000;
        if (until(source->tick_at) == 0) {
            source->tick_at = source_now_ms() + 1000; /* we were stopped; nobody missed these */
        }
    }
    if (until(source->look_at) == 0 && source->details_call == 0) {
        source->look_at = 0;
        ask_details(source);
    }
}

void source_look_at(struct source *source, const struct model_row *row)
{
    if (row == NULL ||
        (strcmp(source->look.uuid, row->vm.uuid) == 0 &&
         strcmp(source->look.host, row->vm.host) == 0 && source->look.rev == row->vm.rev)) {
        return;
    }
    snprintf(source->look.host, sizeof source->look.host, "%s", row->vm.host);
    memcpy(source->look.uuid, row->vm.uuid, sizeof source->look.uuid);
    source->look.rev = row->vm.rev;
    source->look_at = source_now_ms() + LOOK_MS;
}

const char *source_socket(const struct source *source)
{
    return source->socket_path;
}
