/*
 * relay: what the server says is read in two ways. Up to SMALL bytes go to the front as soon as
 * they are there; when more came, or the front has no room, the relay is `in_bulk`: it reads a
 * chunk whenever the front says that it has room, and goes back when one was not full.
 *
 * Chunks go through the hub's one buffer; the part that the front does not take is kept in `down`,
 * what the server does not take in `up`, and the viewer is held while there is any. Loop-only; a
 * relay owns its server's descriptor.
 */
#include "console/relay.h"

#include "memory.h"
#include "scope.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Measured (one flood, small updates beside floods): up to SMALL bytes are handed on as soon as
 * they are there; more are read when the front can take a chunk. Who is busy alone reads what the
 * kernel has, up to RELAY_CHUNK_MAX: the server is woken as rarely as can be, and that is what a
 * flood waits for. Several share a smaller one, so that a turn of the loop stays short and the RPC
 * door quick. */
enum {
    SMALL = 4096,
    CHUNK_SHARED = 512 * 1024,
    CHUNK_MIN = 32 * 1024,
    ALONE_MS = 20,
    BUSY_MS = 2,
    UP_MAX = 64 * 1024,
};

struct relay_hub {
    struct loop *loop;
    uint8_t *bytes;    /* FRONT_HEADROOM, then a chunk */
    unsigned busy;     /* relays that moved chunks in the last BUSY_MS, at least */
    unsigned busy_now; /* … since turn_at */
    unsigned turn;
    uint64_t turn_at;
    const struct relay *last; /* that moved a chunk, to be compared only */
    uint64_t shared_at;       /* when that was another than the time before */
};

struct relay_server {
    uv_poll_t poll;      /* first: freed in its close callback */
    struct relay *relay; /* NULL: closing */
    int fd;
};

struct relay_hub *relay_hub_new(struct loop *loop)
{
    struct relay_hub *hub = xcalloc(1, sizeof *hub);
    hub->loop = loop;
    hub->turn = 1;
    hub->bytes = xmalloc(FRONT_HEADROOM + RELAY_CHUNK_MAX);
    return hub;
}

void relay_init(struct relay *relay, struct relay_hub *hub, const struct relay_owner *owner)
{
    *relay = (struct relay){.hub = hub, .owner = owner};
}

/* The server's end */

static void on_server(uv_poll_t *poll, int status, int events);

static void free_server(uv_handle_t *handle)
{
    free(handle);
}

static void relay_arm(struct relay *relay)
{
    int events = (relay->in_bulk ? 0 : UV_READABLE) | (relay->up.length > 0 ? UV_WRITABLE : 0);
    if (events == 0) {
        uv_poll_stop(&relay->server->poll);
    } else {
        uv_poll_start(&relay->server->poll, events, on_server);
    }
}

static void close_server(struct relay *relay)
{
    struct relay_server *server = TAKE(relay->server);
    if (server != NULL) {
        server->relay = NULL;
        uv_close((uv_handle_t *)&server->poll, free_server); /* out of the epoll at once … */
        close(server->fd);
    }
}

void relay_begin(struct relay *relay, struct front *front, int fd, enum rfb_mode mode)
{
    assert(relay->server == NULL);
    struct relay_server *server = xcalloc(1, sizeof *server);
    server->relay = relay;
    server->fd = fd;
    if (uv_poll_init(loop_uv(relay->hub->loop), &server->poll, fd) != 0) {
        abort(); /* a connected socket: only memory can be wrong */
    }
    relay->server = server;
    relay->front = front;
    relay->in_bulk = false;
    relay->is_held = false;
    relay->input_at = loop_monotonic_ms();
    rfb_init(&relay->rfb, mode);
    relay_arm(relay);
}

static void rest_clear(struct relay_rest *rest)
{
    free(rest->bytes);
    *rest = (struct relay_rest){0};
}

void relay_end(struct relay *relay)
{
    close_server(relay);
    relay->front = NULL;
    rest_clear(&relay->up);
    rest_clear(&relay->down);
}

static void relay_server_gone(struct relay *relay)
{
    close_server(relay);
    relay->owner->server_gone(relay);
}

static void rest_keep(struct relay_rest *rest, const uint8_t *bytes, size_t length)
{
    if (rest->at > 0) {
        memmove(rest->bytes, rest->bytes + rest->at, rest->length);
        rest->at = 0;
    }
    if (rest->room < rest->length + length) {
        rest->room = rest->length + length < UP_MAX ? UP_MAX : rest->length + length;
        rest->bytes = xrealloc(rest->bytes, rest->room);
    }
    memcpy(rest->bytes + rest->length, bytes, length);
    rest->length += length;
}

/* From the server to the viewer */

static bool is_idle_error(ssize_t got)
{
    return got < 0 && (errno == EAGAIN || errno == EINTR);
}

/* The next bytes of the server in the hub's buffer; 0 when there are none now or ever: then
 * `*ret_gone` says which. */
static size_t read_server(struct relay *relay, size_t most, bool *ret_gone)
{
    ssize_t got = read(relay->server->fd, relay->hub->bytes + FRONT_HEADROOM, most);
    *ret_gone = got == 0 || (got < 0 && !is_idle_error(got));
    return got > 0 ? (size_t)got : 0;
}

/* Returns whether the relay goes on. */
static bool pass_down(struct relay *relay, size_t length)
{
    uint8_t *bytes = relay->hub->bytes + FRONT_HEADROOM;
    if (!rfb_is_up(&relay->rfb) && rfb_from_server(&relay->rfb, bytes, length) == RFB_CLOSE) {
        relay->owner->must_end(relay, rfb_reason(&relay->rfb));
        return false;
    }
    relay->bytes_down += length;
    ssize_t took = relay->front->kind->write(relay->front, bytes, length);
    if (took < 0) {
        uv_poll_stop(&relay->server->poll); /* its door tells soon */
        return false;
    }
    if ((size_t)took < length) {
        rest_keep(&relay->down, bytes + took, length - (size_t)took);
    }
    return true;
}

static void begin_bulk(struct relay *relay)
{
    relay->in_bulk = true;
    relay_arm(relay);
    relay->front->kind->want_room(relay->front);
}

/* A small update goes on at once, without waiting for the front to say that it can. */
static void take_small(struct relay *relay)
{
    if (relay->front->kind->room(relay->front, (size_t)2 * SMALL) >= (size_t)2 * SMALL) {
        bool gone;
        size_t got = read_server(relay, SMALL, &gone);
        if (gone) {
            relay_server_gone(relay);
            return;
        }
        if (got == 0 || !pass_down(relay, got) || (got < SMALL && relay->down.length == 0)) {
            return;
        }
    }
    begin_bulk(relay);
}

static void count_busy(struct relay *relay)
{
    struct relay_hub *hub = relay->hub;
    uint64_t now = loop_monotonic_ms();
    if (hub->last != relay) {
        hub->last = relay;
        hub->shared_at = now;
    }
    if (now - hub->turn_at > BUSY_MS) {
        hub->busy = hub->busy_now;
        hub->busy_now = 0;
        hub->turn_at = now;
        hub->turn++;
    }
    if (relay->turn != hub->turn) {
        relay->turn = hub->turn;
        hub->busy_now++;
        hub->busy = hub->busy < hub->busy_now ? hub->busy_now : hub->busy;
    }
}

static size_t chunk_of(const struct relay *relay)
{
    const struct relay_hub *hub = relay->hub;
    bool is_alone = loop_monotonic_ms() - hub->shared_at > ALONE_MS;
    size_t share = is_alone ? RELAY_CHUNK_MAX : CHUNK_SHARED / (hub->busy > 1 ? hub->busy : 1);
    share = share < CHUNK_MIN ? CHUNK_MIN : share;
    size_t room = relay->front->kind->room(relay->front, share);
    room = room < SMALL / 2 ? SMALL / 2 : room;
    return room < share ? room : share;
}

/* What the front did not take last time. Returns whether it is all out. */
static bool flush_down(struct relay *relay)
{
    struct relay_rest *down = &relay->down;
    while (down->length > 0) {
        size_t part = down->length < RELAY_CHUNK_MAX ? down->length : RELAY_CHUNK_MAX;
        uint8_t *bytes = relay->hub->bytes + FRONT_HEADROOM; /* with room for a header */
        memcpy(bytes, down->bytes + down->at, part);
        ssize_t took = relay->front->kind->write(relay->front, bytes, part);
        if (took < 0) {
            return false;
        }
        down->at += (size_t)took;
        down->length -= (size_t)took;
        if ((size_t)took < part) {
            relay->front->kind->want_room(relay->front);
            return false;
        }
    }
    down->at = 0;
    return true;
}

void relay_has_room(struct relay *relay)
{
    if (relay->server == NULL || !relay->in_bulk || !flush_down(relay)) {
        return;
    }
    bool gone;
    size_t want = chunk_of(relay);
    size_t got = read_server(relay, want, &gone);
    if (gone) {
        relay_server_gone(relay);
        return;
    }
    if (got > SMALL) {
        count_busy(relay);
    }
    if (got > 0 && !pass_down(relay, got)) {
        return;
    }
    if (got == want || relay->down.length > 0) {
        relay->front->kind->want_room(relay->front);
        return;
    }
    relay->in_bulk = false;
    relay_arm(relay);
}

/* From the viewer to the server */

static void relay_hold(struct relay *relay, bool held)
{
    if (relay->is_held != held) {
        relay->is_held = held;
        relay->front->kind->hold(relay->front, held);
    }
}

/* Returns whether the server is still there. */
static bool flush_up(struct relay *relay)
{
    struct relay_rest *up = &relay->up;
    while (up->length > 0) {
        ssize_t sent =
            send(relay->server->fd, up->bytes + up->at, up->length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) {
            return is_idle_error(sent);
        }
        up->at += (size_t)sent;
        up->length -= (size_t)sent;
    }
    up->at = 0;
    relay_hold(relay, false);
    return true;
}

/* A server that cannot be written to may have said why: what it said is read until its end. */
static void send_up(struct relay *relay, const uint8_t *bytes, size_t length)
{
    ssize_t sent = 0;
    if (relay->up.length == 0 && length > 0) {
        sent = send(relay->server->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && !is_idle_error(sent)) {
            return;
        }
        sent = sent < 0 ? 0 : sent;
    }
    if ((size_t)sent < length) {
        rest_keep(&relay->up, bytes + sent, length - (size_t)sent);
        relay_hold(relay, true);
        relay_arm(relay);
    }
}

void relay_from_viewer(struct relay *relay, uint8_t *bytes, size_t length)
{
    if (relay->server == NULL) {
        return;
    }
    struct rfb_pass pass;
    enum rfb_verdict verdict = rfb_from_client(&relay->rfb, bytes, length, &pass);
    relay->bytes_up += length;
    if (pass.is_input) {
        relay->input_at = loop_monotonic_ms();
    }
    send_up(relay, pass.held, pass.held_length);
    send_up(relay, bytes, pass.length);
    if (verdict == RFB_CLOSE) {
        relay->owner->must_end(relay, rfb_reason(&relay->rfb));
    } else if (relay->up.length > UP_MAX) {
        relay->owner->must_end(relay, "the viewer sends more than the guest's VNC server takes");
    }
}

static void on_server(uv_poll_t *poll, int status, int events)
{
    struct relay_server *server = (struct relay_server *)poll;
    struct relay *relay = server->relay;
    if (relay == NULL) {
        return;
    }
    if ((events & UV_WRITABLE) != 0) {
        if (flush_up(relay)) {
            relay_arm(relay);
        } else {
            relay->up.length = 0;
            status = UV_EPIPE;
        }
    }
    if (status < 0) {
        begin_bulk(relay); /* libuv has stopped the handle; reading tells what is left */
    } else if ((events & UV_READABLE) != 0) {
        take_small(relay);
    }
}
