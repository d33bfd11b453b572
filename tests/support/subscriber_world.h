/*
 * subscriber_world: a client that believes what a subscription tells it, and complains of what
 * cannot be. Included by one program each, after support/test.h.
 */
#ifndef TESTS_SUPPORT_SUBSCRIBER_WORLD_H
#define TESTS_SUPPORT_SUBSCRIBER_WORLD_H

#include "support/registry_world.h"

#include "registry/subscriber.h"
#include "scope.h"

#include <json-c/json.h>

DEFINE_AUTO(struct json_object *, json_object_put, NULL);

enum { GUESTS = 48, ID = 77, ENDLESS = 1 << 30 };

/* Takes `room` more lines, in so many looks at the clock. */
struct client {
    struct sink sink; /* first */
    int room;
    int time;
    bool walks;
    struct viewer viewer;
    int64_t seq;
    int64_t rev;
    char *guests[2][GUESTS]; /* JSON of what it holds; alpha's, beta's */
    bool hosts[2];
    int added, changed, removed, resets, readies, samples;
    int incomplete;  /* hosts that the last ready named */
    double last_cpu; /* of the last sample of a guest */
    char removed_key[256];
};

static struct client client;
static struct subscriber *subscriber;

static bool takes_more(struct sink *sink)
{
    return ((struct client *)sink)->room > 0;
}

static bool has_time(struct sink *sink)
{
    struct client *walker = (struct client *)sink;
    assert_false(walker->walks);
    walker->walks = walker->time > 0;
    return walker->walks;
}

static bool time_is_over(struct sink *sink)
{
    struct client *walker = (struct client *)sink;
    assert_true(walker->walks);
    return walker->time-- == 0;
}

static void time_ends(struct sink *sink)
{
    struct client *walker = (struct client *)sink;
    assert_true(walker->walks);
    walker->walks = false;
    walker->time = walker->time < 0 ? 0 : walker->time;
}

static struct viewer who(struct sink *sink)
{
    return ((struct client *)sink)->viewer;
}

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex(object, name, &value)) {
        fail_msg("no '%s' in %s", name, json_object_to_json_string(object));
    }
    return value;
}

static const char *text_of(struct json_object *object, const char *name)
{
    return json_object_get_string(member(object, name));
}

static int host_index(const char *host)
{
    return strcmp(host, "alpha") == 0 ? 0 : 1;
}

static void hear_guest(const char *type, struct json_object *vm)
{
    unsigned number = (unsigned)strtoul(text_of(vm, "uuid") + 24, NULL, 16);
    assert_true(number < GUESTS);
    char **held = &client.guests[host_index(text_of(vm, "host"))][number];
    const char *json = json_object_to_json_string_ext(vm, JSON_C_TO_STRING_PLAIN);
    if (strcmp(type, "added") == 0) {
        assert_null(*held);
        client.added++;
    } else {
        assert_non_null(*held); /* nothing is changed or removed that was never added */
        client.changed += strcmp(type, "changed") == 0;
    }
    free(*held);
    *held = NULL;
    if (strcmp(type, "removed") == 0) {
        client.removed++;
        snprintf(client.removed_key, sizeof client.removed_key, "%s", json);
    } else {
        *held = xstrdup(json);
    }
}

static void forget_all(void)
{
    for (int host = 0; host < 2; host++) {
        for (int i = 0; i < GUESTS; i++) {
            free(client.guests[host][i]);
            client.guests[host][i] = NULL;
        }
        client.hosts[host] = false;
    }
}

static void hear_host(const char *type, struct json_object *host)
{
    bool *held = &client.hosts[host_index(text_of(host, "name"))];
    assert_int_equal(*held, strcmp(type, "added") != 0);
    *held = strcmp(type, "removed") != 0;
}

static void hear_object(const char *type, struct json_object *params)
{
    const char *topic = text_of(params, "topic");
    if (strcmp(topic, "vm") == 0) {
        hear_guest(type, member(params, "vm"));
    } else if (strcmp(topic, "host") == 0) {
        hear_host(type, member(params, "host"));
    } else {
        assert_string_equal(topic, "metrics");
        assert_string_equal(type, "sample");
        struct json_object *stats = member(member(params, "metrics"), "stats");
        client.last_cpu = json_object_get_double(member(stats, "cpu_percent"));
        client.samples++;
    }
}

static void hear(struct sink *sink, struct buffer *line)
{
    assert_ptr_equal(sink, &client.sink);
    assert_true(client.room > 0 && client.walks);
    client.room--;
    assert_int_equal(line->data[line->length - 1], '\n');
    AUTO(json_object_put) struct json_object *json = json_tokener_parse(buffer_text(line));
    assert_non_null(json);
    assert_string_equal(text_of(json, "method"), "event");
    struct json_object *params = member(json, "params");
    assert_int_equal(json_object_get_int64(member(params, "subscription")), ID);
    assert_int_equal(json_object_get_int64(member(params, "seq")), ++client.seq); /* no gaps */
    client.rev = json_object_get_int64(member(params, "rev"));

    const char *type = text_of(params, "type");
    if (strcmp(type, "reset") == 0) {
        client.resets++;
        forget_all();
    } else if (strcmp(type, "ready") == 0) {
        client.readies++;
        client.incomplete = (int)json_object_array_length(member(params, "incomplete"));
    } else {
        hear_object(type, params);
    }
}

static struct query *parse_query(const char *text)
{
    struct lodge_error err = {0};
    struct query *query = query_parse(text, &err);
    if (query == NULL) {
        fail_msg("%s", err.message);
    }
    return query;
}

/* `name`, `state` and `vcpus` beside the key: what can be compared with the registry's word. */
static struct render_choice some_members(void)
{
    struct lodge_strings names = {0};
    struct render_choice choice;
    struct lodge_error err = {0};
    assert_true(lodge_strings_add(&names, "state") && lodge_strings_add(&names, "vcpus") &&
                lodge_strings_add(&names, "rev"));
    assert_true(render_choice_of(&names, &choice, &err));
    lodge_strings_clear(&names);
    return choice;
}

WORLD void subscribe(bool metrics, bool snapshot, const char *query, int room)
{
    struct subscriber_options options = {
        .topics = {[LODGE_TOPIC_VM] = !metrics,
                   [LODGE_TOPIC_HOST] = !metrics,
                   [LODGE_TOPIC_METRICS] = metrics},
        .query = query == NULL ? NULL : parse_query(query),
        .choice = some_members(),
        .snapshot = snapshot,
    };
    client = (struct client){.sink = {takes_more, hear, who, has_time, time_is_over, time_ends},
                             .room = room,
                             .time = ENDLESS,
                             .viewer = admin};
    subscriber = subscriber_new(registry, ID, &options, &client.sink);
    assert_int_equal(subscriber_id(subscriber), ID);
    subscriber_begin(subscriber);
    assert_int_equal(client.seq, 0); /* not before this turn ends */
}

WORLD int leave(void **state)
{
    subscriber_free(subscriber);
    subscriber = NULL;
    forget_all();
    return end_registry(state);
}

WORLD void give_room(int room)
{
    client.room = room;
    subscriber_walk(subscriber);
}

WORLD void give_time(int looks)
{
    client.time = looks;
    subscriber_walk(subscriber);
}

/* Turns until nothing more is told. */
WORLD void settle(void)
{
    int64_t seq;
    do {
        seq = client.seq;
        for (int i = 0; i < 3; i++) {
            loop_turn();
        }
    } while (client.seq != seq);
}

WORLD void expect_mirror(const char *query_text)
{
    struct query *query = query_text == NULL ? NULL : parse_query(query_text);
    struct render_choice choice = some_members();
    int expected = 0;
    struct order_walk walk = registry_walk(registry, NULL);
    struct vm *vm;
    while ((vm = order_next(&walk)) != NULL) {
        unsigned number = (unsigned)strtoul(vm->facts.uuid + 24, NULL, 16);
        const char *held = client.guests[host_index(vm->facts.host)][number];
        bool wanted = vm_is_visible(vm, &client.viewer) &&
                      (query == NULL || query_matches(query, &vm->facts));
        if (!wanted) {
            assert_null(held);
            continue;
        }
        struct buffer out = {0};
        render_vm(&out, vm, &choice);
        assert_non_null(held);
        assert_string_equal(held, buffer_text(&out));
        buffer_free(&out);
        expected++;
    }
    int held = 0;
    for (int i = 0; i < 2 * GUESTS; i++) {
        held += client.guests[i / GUESTS][i % GUESTS] != NULL;
    }
    assert_int_equal(held, expected);
    query_free(query);
}

#define SUBSCRIBED(function) cmocka_unit_test_setup_teardown(function, make_registry, leave)

#endif
