/*
 * call: requests that wait for their answer, each with its own deadline.
 *
 * A call leaves the list before its callback runs, and the callback runs exactly once: with the
 * answer, past the deadline, or when the connection is gone. Numbers are never used twice, so that
 * an answer that comes too late finds nobody.
 */
#include "client_private.h"
#include "fields.h"
#include "scope.h"

#include <json-c/json.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct call {
    struct list_link link; /* in client.calls */
    int64_t id;
    int64_t deadline_ms; /* on the monotonic clock; 0 is none */
    int timeout_ms;
    lodge_reply_fn *reply; /* NULL: nobody listens any more */
    void *data;
    char method[48];
};

static int64_t call_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void call_end(struct call *call, const char *result, const struct lodge_error *error)
{
    if (call->reply != NULL) {
        call->reply(call->data, result, error);
    }
    free(call);
}

int64_t lodge_client_call(struct lodge_client *client, const char *method, const char *params,
                          int timeout_ms, lodge_reply_fn *reply, void *data,
                          struct lodge_error *err)
{
    if (client->fd < 0) {
        lodge_fail(err, LODGE_ERROR_UNREACHABLE, "%.40s: not connected to lodged at '%s'", method,
                   client->path);
        return 0;
    }
    struct call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        lodge_fail(err, LODGE_ERROR_INTERNAL, "%.40s: out of memory", method);
        return 0;
    }
    if (!client_send(client, client->last_call + 1, method, params, err)) {
        lodge_fail_in(err, "%.40s", method);
        free(call);
        return 0;
    }
    call->id = ++client->last_call;
    call->timeout_ms = timeout_ms;
    call->deadline_ms = timeout_ms > 0 ? call_now_ms() + timeout_ms : 0;
    call->reply = reply;
    call->data = data;
    snprintf(call->method, sizeof call->method, "%.47s", method);
    list_append(&client->calls, &call->link);
    return call->id;
}

/* NULL: it is not open any more. */
static struct call *call_find(struct lodge_client *client, int64_t id)
{
    LIST_EACH (struct call, call, &client->calls, link) {
        if (call->id == id) {
            return call;
        }
    }
    return NULL;
}

void call_redirect(struct lodge_client *client, int64_t id, lodge_reply_fn *reply, void *data)
{
    struct call *call = call_find(client, id);
    if (call != NULL) {
        call->reply = reply;
        call->data = data;
    }
}

static void copy_text(char *out, size_t size, struct json_object *object, const char *name)
{
    struct json_object *text = NULL;
    if (json_object_object_get_ex(object, name, &text) &&
        json_object_is_type(text, json_type_string)) {
        snprintf(out, size, "%.*s", (int)size - 1, json_object_get_string(text));
    }
}

static int64_t integer_of(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, name, &value) ? json_object_get_int64(value) : 0;
}

void error_from_json(struct json_object *json, struct lodge_error *ret_error)
{
    struct lodge_error error = {.kind = LODGE_ERROR_INTERNAL};
    struct json_object *data = NULL;
    struct json_object *libvirt = NULL;
    if (json_object_is_type(json, json_type_object)) {
        error.kind = lodge_error_kind_from_code(integer_of(json, "code"));
        copy_text(error.message, sizeof error.message, json, "message");
    }
    if (json_object_object_get_ex(json, "data", &data)) {
        char since[40] = "";
        copy_text(since, sizeof since, data, "since");
        (void)(since[0] != '\0' && time_from_text(since, &error.since_ms));
        copy_text(error.param, sizeof error.param, data, "param");
        error.column = (int)integer_of(data, "column");
        error.op = integer_of(data, "op");
        error.op_ended = integer_of(data, "ended") != 0;
        copy_text(error.state, sizeof error.state, data, "state");
        copy_text(error.quota.resource, sizeof error.quota.resource, data, "resource");
        copy_text(error.quota.scope, sizeof error.quota.scope, data, "scope");
        error.quota.limit = integer_of(data, "limit");
        error.quota.used = integer_of(data, "used");
        error.quota.requested = integer_of(data, "requested");
    }
    if (json_object_object_get_ex(data, "libvirt", &libvirt)) {
        error.libvirt.code = (int)integer_of(libvirt, "code");
        error.libvirt.domain = (int)integer_of(libvirt, "domain");
        copy_text(error.libvirt.text, sizeof error.libvirt.text, libvirt, "text");
    }
    if (error.message[0] == '\0') {
        snprintf(error.message, sizeof error.message, "lodged failed and did not say why");
    }
    *ret_error = error;
}

void call_answer(struct lodge_client *client, int64_t id, struct json_object *message)
{
    struct call *call = call_find(client, id);
    if (call == NULL) {
        return;
    }
    list_remove(&client->calls, &call->link);
    struct json_object *member = NULL;
    struct lodge_error error = {0};
    if (json_object_object_get_ex(message, "error", &member)) {
        error_from_json(member, &error);
        call_end(call, NULL, &error);
    } else if (json_object_object_get_ex(message, "result", &member)) {
        int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
        const char *result = json_object_to_json_string_ext(member, flags);
        if (result == NULL) {
            lodge_fail(&error, LODGE_ERROR_INTERNAL, "%s: out of memory", call->method);
        }
        call_end(call, result, result == NULL ? &error : NULL);
    } else {
        lodge_fail(&error, LODGE_ERROR_INTERNAL, "%s: lodged gave neither result nor error",
                   call->method);
        call_end(call, NULL, &error);
    }
}

void calls_fail(struct lodge_client *client, const struct lodge_error *error)
{
    struct list failing = client->calls;
    client->calls = (struct list){0};
    for (struct call *call; (call = LIST_TAKE_FIRST(&failing, struct call, link)) != NULL;) {
        call_end(call, NULL, error);
    }
}

static struct call *call_find_late(struct lodge_client *client, int64_t now)
{
    LIST_EACH (struct call, call, &client->calls, link) {
        if (call->deadline_ms != 0 && call->deadline_ms <= now) {
            return call;
        }
    }
    return NULL;
}

void calls_expire(struct lodge_client *client)
{
    int64_t now = call_now_ms();
    /* From the start each time: a callback may have changed any of it. */
    for (struct call *call; (call = call_find_late(client, now)) != NULL;) {
        struct lodge_error error = {0};
        list_remove(&client->calls, &call->link);
        lodge_fail(&error, LODGE_ERROR_TIMEOUT, "%s: no answer from lodged within %d ms",
                   call->method, call->timeout_ms);
        call_end(call, NULL, &error);
    }
}

int lodge_client_timeout_ms(const struct lodge_client *client)
{
    int64_t first = INT64_MAX;
    LIST_EACH (const struct call, call, &client->calls, link) {
        if (call->deadline_ms != 0 && call->deadline_ms < first) {
            first = call->deadline_ms;
        }
    }
    if (first == INT64_MAX) {
        return -1;
    }
    int64_t left = first - call_now_ms();
    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

struct waiting {
    bool is_over;
    char *result;
    struct lodge_error *err;
};

static void end_waiting(void *data, const char *result, const struct lodge_error *error)
{
    struct waiting *waiting = data;
    waiting->is_over = true;
    if (error != NULL) {
        *waiting->err = *error;
        return;
    }
    waiting->result = strdup(result);
    if (waiting->result == NULL) {
        lodge_fail(waiting->err, LODGE_ERROR_INTERNAL, "out of memory");
    }
}

char *lodge_client_call_wait(struct lodge_client *client, const char *method, const char *params,
                             int timeout_ms, struct lodge_error *err)
{
    struct waiting waiting = {.err = err};
    struct lodge_error lost = {0}; /* end_waiting is told the same */
    if (lodge_client_call(client, method, params, timeout_ms, end_waiting, &waiting, err) == 0) {
        return NULL;
    }
    /* Dispatch first: inside a callback, what is waited for may have been read already. */
    while (lodge_client_dispatch(client, &lost) && !waiting.is_over) {
        struct pollfd ready = {lodge_client_fd(client), lodge_client_events(client), 0};
        poll(&ready, 1, lodge_client_timeout_ms(client));
    }
    return waiting.result;
}
