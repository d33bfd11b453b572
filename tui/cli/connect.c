/*
 * connect: the way to the daemon, and waiting for it and for its hosts.
 *
 * A socket that is not there yet makes its folder speak (inotify). Only a socket that is there and
 * refuses, bound and not yet listened on, makes no event of its own: it is tried again after a
 * tick.
 */
#include "cli/command.h"
#include "memory.h"
#include "scope.h"

#include <errno.h>
#include <json-c/json.h>
#include <libgen.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>

DEFINE_AUTO(struct json_object *, json_object_put, NULL);

enum { TICK_MS = 100 };

int64_t command_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Tells when something happens in the socket's folder; -1 when there is none to watch. */
static int folder_watch(const char *socket_path)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    AUTO(free) char *path = xstrdup(socket_path);
    if (fd >= 0) {
        (void)inotify_add_watch(fd, dirname(path), IN_CREATE | IN_MOVED_TO | IN_ATTRIB);
    }
    return fd;
}

static void folder_wait(int fd, int64_t until_ms)
{
    int64_t left = until_ms - command_now_ms();
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    if (left > 0 && poll(&poll_fd, 1, left < TICK_MS ? (int)left : TICK_MS) > 0) {
        char events[4096];
        while (read(fd, events, sizeof events) > 0) {
        }
    }
}

struct lodge_client *command_connect(const struct command *command, struct lodge_error *err)
{
    struct lodge_client *client = lodge_client_open(command->socket_path, err);
    if (client || command->wait_s == 0 || err->kind != LODGE_ERROR_UNREACHABLE) {
        return client;
    }
    AUTO(free) char *found = command->socket_path ? NULL : lodge_socket_path();
    const char *path = command->socket_path ? command->socket_path : found;
    AUTO(fd_close) int fd = path ? folder_watch(path) : -1;
    int64_t until = command_now_ms() + (int64_t)command->wait_s * 1000;
    while (!client && err->kind == LODGE_ERROR_UNREACHABLE && command_now_ms() < until) {
        folder_wait(fd, until);
        lodge_error_clear(err);
        client = lodge_client_open(command->socket_path, err);
    }
    return client;
}

bool command_listen(struct lodge_client *client, int timeout_ms, struct lodge_error *err)
{
    return command_listen_beside(client, -1, timeout_ms, err);
}

bool command_listen_beside(struct lodge_client *client, int fd, int timeout_ms,
                           struct lodge_error *err)
{
    int own = lodge_client_timeout_ms(client);
    if (timeout_ms < 0 || (own >= 0 && own < timeout_ms)) {
        timeout_ms = own;
    }
    struct pollfd waits[] = {
        {.fd = lodge_client_fd(client), .events = lodge_client_events(client)},
        {.fd = fd, .events = POLLIN},
    };
    if (poll(waits, ARRAY_LENGTH(waits), timeout_ms) < 0 && errno != EINTR) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "poll: %s", strerror(errno));
    }
    return lodge_client_dispatch(client, err);
}

/* What the subscription to hosts has told since it was looked at. */
struct host_news {
    bool heard;
    struct lodge_error error;
};

static void hear_host(void *data, const struct lodge_event *event, const struct lodge_error *error)
{
    struct host_news *news = data;
    (void)event;
    news->heard = true;
    if (error) {
        news->error = *error;
    }
}

static bool is_ready(struct lodge_client *client, bool *ret_ready, struct lodge_error *err)
{
    AUTO(free)
    char *health = lodge_client_call_wait(client, "server.health", NULL, COMMAND_ANSWER_MS, err);
    if (!health) {
        return false;
    }
    struct json_object *json = json_tokener_parse(health);
    *ret_ready = json_object_get_boolean(json_object_object_get(json, "ready"));
    json_object_put(json);
    return true;
}

bool command_await_hosts(const struct command *command, struct lodge_client *client,
                         struct lodge_error *err)
{
    int64_t until = command_now_ms() + (int64_t)command->wait_s * 1000;
    struct host_news news = {0};
    struct lodge_subscribe hosts = {.topics = {[LODGE_TOPIC_HOST] = true}};
    struct lodge_subscription *subscription =
        lodge_client_subscribe(client, &hosts, hear_host, &news, err);
    if (!subscription) {
        return false;
    }
    /* News may come with the very answer that says "not yet": who asks has heard nothing so far,
     * and who has heard something asks before it listens. */
    bool ready = false;
    bool good = is_ready(client, &ready, err);
    while (good && !ready && command_now_ms() < until) {
        int64_t left = until - command_now_ms();
        good = news.heard || command_listen(client, left > 0 ? (int)left : 0, err);
        if (good && news.error.kind != LODGE_ERROR_NONE) {
            *err = news.error;
            good = false;
        }
        if (good && news.heard) {
            news.heard = false;
            good = is_ready(client, &ready, err);
        }
    }
    lodge_subscription_end(subscription);
    return good;
}

char *command_ask(const struct command *command, const char *method, struct json_object *params,
                  struct lodge_error *err)
{
    AUTO(json_object_put) struct json_object *held = params;
    AUTO(lodge_client_close) struct lodge_client *client = command_connect(command, err);
    if (client == NULL) {
        return NULL;
    }
    const char *text = held == NULL
                           ? NULL
                           : json_object_to_json_string_ext(
                                 held, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    return lodge_client_call_wait(client, method, text, COMMAND_ANSWER_MS, err);
}
