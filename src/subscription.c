/*
 * subscription: what somebody wants to hear about, kept over lost connections.
 *
 * Its life is one state; the daemon's number and `seq` hold while it is live. Whatever makes it
 * begin anew (a new connection, a gap in `seq`) tells the handler RESET first. Nothing of a
 * subscription is touched after its handler ran, which may have ended it.
 */
#include "client_private.h"
#include "contract/contract.h"
#include "scope.h"

#include <json-c/json.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum subscription_state {
    SUBSCRIPTION_WAITING, /* for a connection */
    SUBSCRIPTION_ASKED,   /* `call` is open */
    SUBSCRIPTION_LIVE,    /* `number` is the daemon's name for it */
    SUBSCRIPTION_REFUSED, /* until there is a new connection */
};

struct lodge_subscription {
    struct list_link link; /* in client.subscriptions */
    struct lodge_client *client;
    enum subscription_state state;
    int64_t call;
    int64_t number;
    int64_t seq; /* of the last event; 0 before the first */
    bool reset_due;
    char *params; /* of event.subscribe */
    lodge_event_fn *handler;
    void *data;
};

struct subscribed {
    int64_t subscription;
};

static const struct field subscribed_fields[] = {
    {"subscription", FIELD_INT, .offset = offsetof(struct subscribed, subscription)},
    {.type = FIELD_END},
};

/* Tells the daemon that nobody listens; what it still sends has an unknown number. */
static void unsubscribe(struct lodge_client *client, int64_t number)
{
    char params[64];
    struct lodge_error ignored = {0}; /* at worst the daemon talks to nobody until we hang up */
    snprintf(params, sizeof params, "{\"subscription\":%lld}", (long long)number);
    (void)!client_send(client, 0, "event.unsubscribe", params, &ignored);
}

/* The answer to a subscription that was ended before it began. */
static void end_unwanted(void *data, const char *result, const struct lodge_error *error)
{
    struct subscribed answer;
    struct lodge_error ignored = {0};
    if (error == NULL && fields_read_text(result, subscribed_fields, &answer, &ignored)) {
        unsubscribe(data, answer.subscription);
    }
}

static void begin_or_refuse(void *data, const char *result, const struct lodge_error *error)
{
    struct lodge_subscription *subscription = data;
    struct subscribed answer;
    struct lodge_error failure = {0};
    if (error != NULL) {
        failure = *error;
    } else if (fields_read_text(result, subscribed_fields, &answer, &failure) &&
               (answer.subscription >= 0 ||
                lodge_fail(&failure, LODGE_ERROR_INTERNAL, "lodged did not number it"))) {
        subscription->state = SUBSCRIPTION_LIVE;
        subscription->number = answer.subscription;
        subscription->seq = 0;
        return;
    }
    subscription->state = SUBSCRIPTION_REFUSED;
    subscription->handler(subscription->data, NULL, &failure);
}

static bool subscription_ask(struct lodge_subscription *subscription, struct lodge_error *err)
{
    subscription->call =
        lodge_client_call(subscription->client, "event.subscribe", subscription->params, 0,
                          begin_or_refuse, subscription, err);
    subscription->state = subscription->call > 0 ? SUBSCRIPTION_ASKED : SUBSCRIPTION_WAITING;
    return subscription->call > 0;
}

static void add_json_texts(struct buffer *buffer, const char *const *texts)
{
    for (size_t i = 0; texts[i] != NULL; i++) {
        buffer_add_text(buffer, i > 0 ? "," : "");
        buffer_add_json_string(buffer, texts[i]);
    }
}

/* The params of event.subscribe; NULL when memory is out. */
static char *subscription_params(const struct lodge_subscribe *what)
{
    struct buffer params = {0};
    const char *topics[LODGE_TOPICS] = {0};
    size_t count = 0;
    for (int topic = LODGE_TOPIC_NONE + 1; topic < LODGE_TOPICS; topic++) {
        if (what->topics[topic]) {
            topics[count++] = lodge_topic_name((enum lodge_topic)topic);
        }
    }
    buffer_add_text(&params, "{\"topics\":[");
    add_json_texts(&params, topics);
    buffer_add_char(&params, ']');
    if (what->query != NULL) {
        buffer_add_text(&params, ",\"query\":");
        buffer_add_json_string(&params, what->query);
    }
    if (what->fields != NULL) {
        buffer_add_text(&params, ",\"fields\":[");
        add_json_texts(&params, what->fields);
        buffer_add_char(&params, ']');
    }
    buffer_add_char(&params, '}');
    return buffer_take(&params);
}

static void subscription_free(struct lodge_subscription *subscription)
{
    free(subscription->params);
    free(subscription);
}

struct lodge_subscription *lodge_client_subscribe(struct lodge_client *client,
                                                  const struct lodge_subscribe *what,
                                                  lodge_event_fn *handler, void *data,
                                                  struct lodge_error *err)
{
    if (client->closed) {
        *err = client->lost;
        return NULL;
    }
    struct lodge_subscription *subscription = calloc(1, sizeof *subscription);
    if (subscription == NULL) {
        lodge_fail(err, LODGE_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    *subscription = (struct lodge_subscription){
        .client = client,
        .params = subscription_params(what),
        .handler = handler,
        .data = data,
    };
    if (subscription->params == NULL) {
        lodge_fail(err, LODGE_ERROR_INTERNAL, "out of memory");
        subscription_free(subscription);
        return NULL;
    }
    if (client->fd >= 0 && !subscription_ask(subscription, err)) {
        subscription_free(subscription);
        return NULL;
    }
    list_prepend(&client->subscriptions, &subscription->link);
    return subscription;
}

void lodge_subscription_end(struct lodge_subscription *subscription)
{
    if (subscription == NULL) {
        return;
    }
    struct lodge_client *client = subscription->client;
    list_remove(&client->subscriptions, &subscription->link);
    if (subscription->state == SUBSCRIPTION_LIVE) {
        unsubscribe(client, subscription->number);
    } else if (subscription->state == SUBSCRIPTION_ASKED) {
        call_redirect(client, subscription->call, end_unwanted, client);
    }
    subscription_free(subscription);
}

static void subscription_reset(struct lodge_subscription *subscription)
{
    struct lodge_event event;
    fields_init(lodge_event_fields, &event);
    event.type = LODGE_EVENT_RESET;
    event.subscription = 0;
    event.seq = 0;
    event.rev = 0;
    subscription->handler(subscription->data, &event, NULL);
}

void subscriptions_wait(struct lodge_client *client)
{
    LIST_EACH (struct lodge_subscription, at, &client->subscriptions, link) {
        if (at->state == SUBSCRIPTION_ASKED) {
            call_redirect(client, at->call, NULL, NULL);
        }
        at->state = SUBSCRIPTION_WAITING;
    }
}

static struct lodge_subscription *subscription_to_reset(struct lodge_client *client)
{
    LIST_EACH (struct lodge_subscription, at, &client->subscriptions, link) {
        if (at->reset_due) {
            return at;
        }
    }
    return NULL;
}

bool subscriptions_begin(struct lodge_client *client, struct lodge_error *err)
{
    LIST_EACH (struct lodge_subscription, at, &client->subscriptions, link) {
        at->reset_due = true;
        if (!subscription_ask(at, err)) {
            return false;
        }
    }
    /* From the start each time: the handler may have ended any of them. */
    for (struct lodge_subscription *at; (at = subscription_to_reset(client)) != NULL;) {
        at->reset_due = false;
        subscription_reset(at);
    }
    return true;
}

void subscriptions_free(struct lodge_client *client)
{
    LIST_EACH (struct lodge_subscription, subscription, &client->subscriptions, link) {
        subscription_free(subscription);
    }
    client->subscriptions = (struct list){0};
}

/* `metrics` holds a VM's key and stats, or a host's: {"host":"h1","stats":{…}}. */
static bool read_sample(struct json_object *params, struct lodge_event *event,
                        struct lodge_error *err)
{
    struct json_object *metrics = NULL;
    struct json_object *name = NULL;
    if (!json_object_object_get_ex(params, "metrics", &metrics)) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "a sample without 'metrics'");
    }
    if (json_object_object_get_ex(metrics, "uuid", NULL)) {
        return fields_read(metrics, lodge_vm_fields, FIELDS_LENIENT, &event->vm, err);
    }
    if (!fields_read(metrics, lodge_host_fields, FIELDS_LENIENT, &event->host, err)) {
        return false;
    }
    if (event->host.name == NULL && json_object_object_get_ex(metrics, "host", &name)) {
        event->host.name = strdup(json_object_get_string(name));
    }
    return event->host.name != NULL ||
           lodge_fail(err, LODGE_ERROR_INTERNAL, "a sample of nobody, or out of memory");
}

static struct lodge_subscription *subscription_find(struct lodge_client *client, int64_t number)
{
    LIST_EACH (struct lodge_subscription, at, &client->subscriptions, link) {
        if (at->state == SUBSCRIPTION_LIVE && at->number == number) {
            return at;
        }
    }
    return NULL;
}

/* What a newer daemon may say and this library has no words for is passed over. */
static bool is_known_event(const struct lodge_event *event)
{
    switch (event->type) {
    case LODGE_EVENT_RESET:
    case LODGE_EVENT_READY:
        return true;
    case LODGE_EVENT_ADDED:
    case LODGE_EVENT_CHANGED:
    case LODGE_EVENT_REMOVED:
        return event->topic != LODGE_TOPIC_NONE && event->topic != LODGE_TOPIC_METRICS;
    case LODGE_EVENT_SAMPLE:
        return event->topic == LODGE_TOPIC_METRICS;
    case LODGE_EVENT_NONE:
    case LODGE_EVENT_TYPES:
        break;
    }
    return false;
}

bool subscription_hear(struct lodge_client *client, struct json_object *params,
                       struct lodge_error *err)
{
    struct lodge_event event;
    if (!fields_read(params, lodge_event_fields, FIELDS_LENIENT, &event, err)) {
        return false;
    }
    bool is_good = true;
    struct lodge_subscription *subscription = subscription_find(client, event.subscription);
    if (subscription == NULL) {
        /* the rest of one that was ended */
    } else if (subscription->seq != 0 && event.seq != subscription->seq + 1) {
        unsubscribe(client, subscription->number);
        is_good = subscription_ask(subscription, err);
        if (is_good) {
            subscription_reset(subscription);
        }
    } else if (!is_known_event(&event)) {
        subscription->seq = event.seq;
    } else if (event.type == LODGE_EVENT_SAMPLE && !read_sample(params, &event, err)) {
        is_good = false;
    } else {
        subscription->seq = event.seq;
        subscription->handler(subscription->data, &event, NULL);
    }
    fields_clear(lodge_event_fields, &event);
    return is_good;
}
