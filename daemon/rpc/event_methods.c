/* event.*: subscriptions of the connection they are made on. */
#include "contract/contract.h"
#include "registry/subscriber.h"
#include "rpc/connection.h"
#include "rpc/filter.h"
#include "rpc/method.h"

struct event_subscribe {
    bool topics[LODGE_TOPICS];
    char *query;
    struct lodge_strings fields;
    enum lodge_flag snapshot;
};

#define AT(member) .offset = offsetof(struct event_subscribe, member)
static const struct field subscribe_params[] = {
    {"topics", FIELD_ENUMS, AT(topics), .required = true, .names = &lodge_topic_names, .max = 16,
     .help = "what to hear of"},
    {"query", FIELD_STRING, AT(query), .max = FILTER_TEXT_MAX,
     .help = "only VMs that match; facts only"},
    {"fields", FIELD_STRINGS, AT(fields), .max = 64, .help = "members of VMs beside the key"},
    {"snapshot", FIELD_FLAG, AT(snapshot), .help = "true: begin with what is there (default)"},
    {.type = FIELD_END},
};
#undef AT

struct subscribed {
    int64_t subscription;
    int64_t rev;
};

#define AT(member) .offset = offsetof(struct subscribed, member)
static const struct field subscribed_fields[] = {
    {"subscription", FIELD_INT, AT(subscription), .help = "the number its notifications carry"},
    {"rev", FIELD_INT, AT(rev), .help = "`ready` comes when all up to this has been told"},
    {.type = FIELD_END},
};
#undef AT

static void subscription_begin_run(struct call *call, const void *params)
{
    static int64_t last_id; /* loop only */
    const struct event_subscribe *subscribe = params;
    struct connection *connection = call_connection(call);
    struct registry *registry = call_services(call)->registry;
    struct subscriber_options options = {.snapshot = subscribe->snapshot != LODGE_FLAG_NO};
    struct lodge_error err = {0};
    bool any = false;
    for (size_t i = 1; i < LODGE_TOPICS; i++) {
        options.topics[i] = subscribe->topics[i];
        any |= subscribe->topics[i];
    }
    if (!any) {
        (void)lodge_fail_param(&err, "topics", "'topics' must name at least one");
    }
    if (!any || !connection_may_subscribe(connection, &err) ||
        !render_choice_of(&subscribe->fields, &options.choice, &err) ||
        !filter_parse(subscribe->query, true, &options.query, &err)) {
        call_fail(call, &err);
        return;
    }
    struct subscriber *subscriber =
        subscriber_new(registry, ++last_id, &options, connection_sink(connection));
    connection_add_subscription(connection, subscriber);

    struct subscribed subscribed = {last_id, (int64_t)registry_feed(registry)->rev};
    struct buffer result = {0};
    fields_write(&result, subscribed_fields, FIELD_MASK_ALL, &subscribed);
    call_reply(call, &result);
    buffer_free(&result);
    subscriber_begin(subscriber);
}

struct event_update {
    int64_t subscription;
    char *query;
    struct lodge_strings fields;
};

#define AT(member) .offset = offsetof(struct event_update, member)
static const struct field update_params[] = {
    {"subscription", FIELD_INT, AT(subscription), .required = true, .min = 1, .max = INT64_MAX,
     .help = "of this connection"},
    {"query", FIELD_STRING, AT(query), .max = FILTER_TEXT_MAX,
     .help = "the new filter; \"\" is none"},
    {"fields", FIELD_STRINGS, AT(fields), .max = 64, .help = "the new members"},
    {.type = FIELD_END},
};
#undef AT

static struct subscriber *find(struct call *call, int64_t id, struct lodge_error *err)
{
    struct subscriber *subscriber = connection_find_subscription(call_connection(call), id);
    if (subscriber == NULL) {
        (void)lodge_fail(err, LODGE_ERROR_NOT_FOUND, "this connection has no subscription %lld",
                         (long long)id);
    }
    return subscriber;
}

static void subscription_update_run(struct call *call, const void *params)
{
    const struct event_update *update = params;
    struct lodge_error err = {0};
    struct render_choice choice;
    struct query *query = NULL;
    struct subscriber *subscriber = find(call, update->subscription, &err);
    if (subscriber == NULL || !render_choice_of(&update->fields, &choice, &err) ||
        !filter_parse(update->query, true, &query, &err)) {
        call_fail(call, &err);
        return;
    }
    call_reply_empty(call);
    subscriber_update(subscriber, query, update->fields.items == NULL ? NULL : &choice);
}

struct event_unsubscribe {
    int64_t subscription;
};

#define AT(member) .offset = offsetof(struct event_unsubscribe, member)
static const struct field unsubscribe_params[] = {
    {"subscription", FIELD_INT, AT(subscription), .required = true, .min = 1, .max = INT64_MAX,
     .help = "of this connection"},
    {.type = FIELD_END},
};
#undef AT

static void subscription_end_run(struct call *call, const void *params)
{
    const struct event_unsubscribe *unsubscribe = params;
    struct lodge_error err = {0};
    struct subscriber *subscriber = find(call, unsubscribe->subscription, &err);
    if (subscriber == NULL) {
        call_fail(call, &err);
        return;
    }
    connection_end_subscription(call_connection(call), subscriber);
    call_reply_empty(call);
}

const struct method event_methods[] = {
    {
        .name = "event.subscribe",
        .access = ACCESS_SEE,
        .params = subscribe_params,
        .params_size = sizeof(struct event_subscribe),
        .result = subscribed_fields,
        .run = subscription_begin_run,
        .help = "Hears of what is there, then of every change.",
    },
    {
        .name = "event.update",
        .access = ACCESS_SEE,
        .params = update_params,
        .params_size = sizeof(struct event_update),
        .run = subscription_update_run,
        .help = "Another filter or other members for a subscription.",
    },
    {
        .name = "event.unsubscribe",
        .access = ACCESS_SEE,
        .params = unsubscribe_params,
        .params_size = sizeof(struct event_unsubscribe),
        .run = subscription_end_run,
        .help = "Ends a subscription.",
    },
    {0},
};
