/*
 * stream_door: a client is a stranger until its first line was a ticket, and then a session's
 * front. Strangers have STREAM_STRANGER_MS; when there are too many the oldest goes.
 *
 * Clients own their descriptors; libuv's close callback frees them. Bytes are read into the door's
 * one buffer, a stranger's into its line.
 */
#include "console/stream_door.h"

#include "list.h"
#include "log.h"
#include "memory.h"
#include "scope.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum { READ_SIZE = 16384, CHUNK_SIZE = 64 * 1024, PAUSE_MS = 1000 };

struct client {
    uv_poll_t poll; /* first: freed in its close callback */
    struct front front;
    struct stream_door *door;
    struct list_link link; /* in door.clients */
    int fd;                /* -1: it is closing */
    struct ucred who;
    uint64_t until; /* by when it must have shown its ticket; 0: it has */
    bool is_held;
    bool is_blocked; /* it took less than it was given */
    bool wants_room;
    bool is_broken;
    size_t length;
    char line[STREAM_LINE_MAX];
};

struct stream_door {
    struct loop *loop;
    struct console *console;
    uv_poll_t listening;
    int fd;
    struct list clients; /* the newest first */
    struct loop_timer *timer;
    uint8_t bytes[READ_SIZE]; /* of whoever is read */
};

static void on_client(uv_poll_t *poll, int status, int events);

static void free_client(uv_handle_t *handle)
{
    free(handle);
}

static void client_close(struct client *client)
{
    if (client->fd < 0) {
        return;
    }
    list_remove(&client->door->clients, &client->link);
    uv_close((uv_handle_t *)&client->poll, free_client);
    close(client->fd);
    client->fd = -1;
}

static void client_arm(struct client *client)
{
    bool write = client->wants_room || client->is_broken;
    int events = (client->is_held ? 0 : UV_READABLE) | (write ? UV_WRITABLE : 0);
    uv_poll_start(&client->poll, events | UV_DISCONNECT, on_client);
}

/* The front */

static struct client *client_of(struct front *front)
{
    return CONTAINER_OF(front, struct client, front);
}

static size_t stream_front_room(struct front *front, size_t want)
{
    size_t most = want < CHUNK_SIZE ? want : CHUNK_SIZE;
    return client_of(front)->is_blocked ? 0 : most;
}

static ssize_t stream_front_write(struct front *front, uint8_t *bytes, size_t length)
{
    struct client *client = client_of(front);
    ssize_t sent = send(client->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        client->is_broken = true;
        client_arm(client);
        return -1;
    }
    sent = sent < 0 ? 0 : sent;
    client->is_blocked = (size_t)sent < length;
    return sent;
}

static void stream_front_want_room(struct front *front)
{
    struct client *client = client_of(front);
    client->wants_room = true;
    client_arm(client);
}

static void stream_front_hold(struct front *front, bool held)
{
    struct client *client = client_of(front);
    client->is_held = held;
    client_arm(client);
}

/* There are no words in a byte stream; the viewer sees its end. */
static void stream_front_end(struct front *front, enum front_end how, const char *reason)
{
    (void)how;
    (void)reason;
    client_close(client_of(front));
}

static const struct front_kind stream_front = {
    .room = stream_front_room,
    .write = stream_front_write,
    .want_room = stream_front_want_room,
    .hold = stream_front_hold,
    .end = stream_front_end,
};

/* Tickets */

static void refuse(struct client *client, const char *why)
{
    char line[160];
    int length = snprintf(line, sizeof line, "error: %.140s\n", why);
    /* Nothing was sent before: there is room, or nobody who would read it. */
    ssize_t sent = send(client->fd, line, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent;
    client_close(client);
}

static void client_join(struct client *client, struct session *session)
{
    char peer[48];
    (void)snprintf(peer, sizeof peer, "pid %ld", (long)client->who.pid);
    if (send(client->fd, "ok\n", 3, MSG_NOSIGNAL | MSG_DONTWAIT) != 3) {
        client_close(client);
        return;
    }
    client->until = 0;
    client->front.kind = &stream_front;
    session_join(session, &client->front, peer, NULL);
}

/* Looks whether the first line is whole. What came behind it is the viewer's. */
static void client_take_line(struct client *client)
{
    char *end = memchr(client->line, '\n', client->length);
    if (end == NULL) {
        if (client->length == sizeof client->line) {
            refuse(client, "the first line must be a ticket, of at most 128 bytes");
        }
        return;
    }
    struct lodge_error err = {0};
    size_t length = (size_t)(end - client->line);
    size_t rest = client->length - length - 1;
    struct session *session = console_find_ticket(client->door->console, client->line, length,
                                                  LODGE_SESSION_STREAM, client->who.uid, &err);
    if (session == NULL) {
        explicit_bzero(client->line, sizeof client->line);
        refuse(client, err.message);
        return;
    }
    memcpy(client->door->bytes, end + 1, rest);
    explicit_bzero(client->line, sizeof client->line);
    client_join(client, session);
    if (rest > 0 && client->front.session != NULL) {
        session_from_viewer(client->front.session, client->door->bytes, rest);
    }
}

static void gone(struct client *client)
{
    struct session *session = TAKE(client->front.session);
    client_close(client);
    if (session != NULL) {
        session_front_gone(session, true);
    }
}

static void take_bytes(struct client *client)
{
    bool stranger = client->until != 0;
    uint8_t *place = stranger ? (uint8_t *)client->line + client->length : client->door->bytes;
    size_t room = stranger ? sizeof client->line - client->length : READ_SIZE;
    ssize_t got = recv(client->fd, place, room, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        gone(client);
    } else if (stranger) {
        client->length += (size_t)got;
        client_take_line(client);
    } else if (client->front.session != NULL) {
        session_from_viewer(client->front.session, place, (size_t)got);
    }
}

static void on_client(uv_poll_t *poll, int status, int events)
{
    struct client *client = (struct client *)poll;
    if (status < 0 || client->is_broken || ((events & UV_DISCONNECT) != 0 && client->is_held)) {
        gone(client);
        return;
    }
    if ((events & UV_WRITABLE) != 0 && client->wants_room) {
        client->wants_room = false;
        client->is_blocked = false;
        client_arm(client);
        session_has_room(client->front.session);
    }
    if (client->fd >= 0 && (events & (UV_READABLE | UV_DISCONNECT)) != 0) {
        take_bytes(client);
    }
}

/* Strangers */

static void on_stream_knock(uv_poll_t *poll, int status, int events);

static void on_stream_time(void *owner)
{
    struct stream_door *door = owner;
    uv_poll_start(&door->listening, UV_READABLE, on_stream_knock);
    uint64_t now = loop_monotonic_ms();
    uint64_t due = UINT64_MAX;
    LIST_EACH (struct client, client, &door->clients, link) {
        if (client->until != 0 && client->until <= now) {
            refuse(client, "no ticket came within 5 s");
        } else if (client->until != 0) {
            due = client->until < due ? client->until : due;
        }
    }
    if (due != UINT64_MAX) {
        loop_timer_start(door->timer, due - now, 0);
    }
}

static unsigned strangers(const struct stream_door *door)
{
    unsigned count = 0;
    LIST_EACH (const struct client, client, &door->clients, link) {
        count += client->until != 0;
    }
    return count;
}

/* The newest is first. */
static struct client *oldest_stranger(const struct stream_door *door)
{
    struct client *oldest = NULL;
    LIST_EACH (struct client, client, &door->clients, link) {
        oldest = client->until != 0 ? client : oldest;
    }
    return oldest;
}

static void client_let_in(struct stream_door *door, int fd)
{
    struct client *client = xcalloc(1, sizeof *client);
    socklen_t size = sizeof client->who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client->who, &size) != 0 ||
        uv_poll_init(loop_uv(door->loop), &client->poll, fd) != 0) {
        log_warning(LOG_CONSOLE, "a connection to the stream door could not be taken: %s",
                    strerror(errno));
        close(fd);
        free(client);
        return;
    }
    client->door = door;
    client->fd = fd;
    client->until = loop_monotonic_ms() + STREAM_STRANGER_MS;
    list_prepend(&door->clients, &client->link);
    if (strangers(door) > STREAM_STRANGERS) {
        refuse(oldest_stranger(door), "too many others have shown no ticket");
    }
    client_arm(client);
    if (!loop_timer_is_active(door->timer)) {
        loop_timer_start(door->timer, STREAM_STRANGER_MS, 0);
    }
}

static void on_stream_knock(uv_poll_t *poll, int status, int events)
{
    struct stream_door *door = poll->data;
    (void)status;
    (void)events;
    int fd = accept4(door->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        client_let_in(door, fd);
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        log_warning(LOG_CONSOLE, "a connection to the stream door could not be taken: %s",
                    strerror(errno));
        uv_poll_stop(&door->listening); /* no descriptors: it would come again at once */
        loop_timer_start(door->timer, PAUSE_MS, 0);
    }
}

struct stream_door *stream_door_new(struct loop *loop, struct console *console, int fd)
{
    struct stream_door *door = xcalloc(1, sizeof *door);
    door->loop = loop;
    door->console = console;
    door->fd = fd;
    door->timer = loop_timer_new(loop, on_stream_time, door);
    if (uv_poll_init(loop_uv(loop), &door->listening, fd) != 0) {
        abort(); /* a descriptor that just was bound and listens: only memory can be wrong */
    }
    door->listening.data = door;
    uv_poll_start(&door->listening, UV_READABLE, on_stream_knock);
    return door;
}

void stream_door_close(struct stream_door *door)
{
    loop_timer_free(TAKE(door->timer));
    loop_close_handle((uv_handle_t *)&door->listening, NULL);
    LIST_EACH (struct client, client, &door->clients, link) {
        client_close(client);
    }
}
