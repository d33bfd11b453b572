/* web_front.c: a screen's bytes as binary messages of a WebSocket (RFC 6455). */
#include "console/web_private.h"
#include "scope.h"

#include <linux/sock_diag.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

_Static_assert(FRONT_HEADROOM >= LWS_PRE, "libwebsockets writes its header there");

enum {
    REASON_MAX = 123, /* of a control frame's 125 bytes (RFC 6455 5.5) */
    CLOSING_MS = 5000,
    WRITE_CLOSE = 4, /* LWS_WRITE_CLOSE, which the header leaves out (lws.md 4.9) */
};

/* Close codes (RFC 6455 7.4): man/lodged.8.scd tells them. */
static const unsigned close_codes[] = {
    [FRONT_FOR_NOW] = 1011, [FRONT_OVER] = 4000,      [FRONT_OFF] = 4001,
    [FRONT_AGAIN] = 4002,   [FRONT_ELSEWHERE] = 4003,
};

static struct visitor *visitor_of(struct front *front)
{
    return CONTAINER_OF(front, struct visitor, front);
}

/* What the socket takes for sure is asked for rarely: each write is subtracted from it, with what
 * the kernel's bookkeeping costs. So no write is partial, and libwebsockets keeps nothing. */
static size_t web_front_room(struct front *front, size_t want)
{
    struct visitor *visitor = visitor_of(front);
    if (visitor->is_broken || lws_partial_buffered(visitor->wsi)) {
        return 0;
    }
    if (visitor->credit < (int64_t)want) {
        uint32_t memory[SK_MEMINFO_VARS];
        socklen_t size = sizeof memory;
        if (getsockopt(visitor->fd, SOL_SOCKET, SO_MEMINFO, memory, &size) != 0) {
            return want;
        }
        int64_t room = (int64_t)memory[SK_MEMINFO_SNDBUF] - memory[SK_MEMINFO_WMEM_QUEUED];
        visitor->credit = room - room / 8;
    }
    return visitor->credit > 0 ? (size_t)visitor->credit : 0;
}

static ssize_t web_front_write(struct front *front, uint8_t *bytes, size_t length)
{
    struct visitor *visitor = visitor_of(front);
    if (visitor->is_broken || lws_write(visitor->wsi, bytes, length, LWS_WRITE_BINARY) < 0) {
        visitor->is_broken = true;
        lws_callback_on_writable(visitor->wsi);
        return -1;
    }
    visitor->credit -= (int64_t)(length + length / 16 + 1024);
    return (ssize_t)length;
}

static void web_front_want_room(struct front *front)
{
    lws_callback_on_writable(visitor_of(front)->wsi);
}

static void web_front_hold(struct front *front, bool held)
{
    struct visitor *visitor = visitor_of(front);
    lws_rx_flow_control(visitor->wsi, !held);
    if (!held) {
        lws_callback_on_writable(visitor->wsi); /* else what it has read already stays with it */
    }
}

/* At most `room` bytes, and no half of a character. */
static size_t cut_words(const char *text, size_t room)
{
    size_t length = strlen(text);
    if (length <= room) {
        return length;
    }
    length = room;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) {
        length--;
    }
    return length;
}

/* `return -1` from a callback would lose the frame in libwebsockets 4.1.6 (lws.md 4.9): the frame
 * is written, and the peer's own ends it. */
static void web_front_end(struct front *front, enum front_end how, const char *reason)
{
    struct visitor *visitor = visitor_of(front);
    unsigned code = close_codes[how];
    static const char more[] = "\xe2\x80\xa6"; /* an ellipsis */
    unsigned char frame[LWS_PRE + 2 + REASON_MAX];
    bool is_whole = strlen(reason) <= REASON_MAX;
    size_t length = is_whole ? strlen(reason) : cut_words(reason, REASON_MAX - (sizeof more - 1));
    frame[LWS_PRE] = (unsigned char)(code >> 8);
    frame[LWS_PRE + 1] = (unsigned char)code;
    memcpy(frame + LWS_PRE + 2, reason, length);
    if (!is_whole) {
        memcpy(frame + LWS_PRE + 2 + length, more, sizeof more - 1);
        length += sizeof more - 1;
    }
    bool sent = !visitor->is_broken && lws_write(visitor->wsi, frame + LWS_PRE, length + 2,
                                                 (enum lws_write_protocol)WRITE_CLOSE) >= 0;
    lws_rx_flow_control(visitor->wsi, 1);
    web_visitor_leaves(visitor, sent ? CLOSING_MS : 1);
}

/* In a text message, beside the binary ones of the screen, to a page that understands it; when
 * there is room, and of several only the last. */
static void front_tell(struct front *front, const char *words)
{
    struct visitor *visitor = visitor_of(front);
    if (visitor->offer.has_told) {
        (void)snprintf(visitor->words, sizeof visitor->words, "%s", words);
        visitor->has_words = true;
        lws_callback_on_writable(visitor->wsi);
    }
}

static bool send_words(struct visitor *visitor)
{
    unsigned char frame[LWS_PRE + WEB_WORDS_MAX];
    if (!visitor->has_words || lws_partial_buffered(visitor->wsi)) {
        return true;
    }
    size_t length = strlen(visitor->words);
    visitor->has_words = false;
    memcpy(frame + LWS_PRE, visitor->words, length);
    return lws_write(visitor->wsi, frame + LWS_PRE, length, LWS_WRITE_TEXT) >= 0;
}

static const struct front_kind web_front = {
    .room = web_front_room,
    .write = web_front_write,
    .want_room = web_front_want_room,
    .hold = web_front_hold,
    .tell = front_tell,
    .end = web_front_end,
};

static int established(struct visitor *visitor, struct lws *wsi)
{
    struct session *session = TAKE(visitor->joining);
    const struct ticket *secret = visitor->offer.has_secret ? &visitor->offer.secret : NULL;
    if (session == NULL && (visitor->page == 0 || secret == NULL)) {
        return -1;
    }
    visitor->fd = lws_get_socket_fd(wsi);
    visitor->until = 0;
    visitor->front.kind = &web_front;
    if (session != NULL) {
        session_join(session, &visitor->front, visitor->peer, secret);
    } else {
        console_again(visitor->door->console, visitor->page, secret, visitor->wish, &visitor->front,
                      visitor->peer);
    }
    visitor->offer.has_secret = false;
    explicit_bzero(&visitor->offer.secret, sizeof visitor->offer.secret);
    return 0;
}

static int writable(struct visitor *visitor)
{
    if (visitor->is_broken || (!visitor->is_leaving && !send_words(visitor))) {
        return -1;
    }
    if (visitor->front.session != NULL) {
        session_has_room(visitor->front.session);
    }
    return 0;
}

int web_front_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t length)
{
    struct visitor *visitor = lws_get_opaque_user_data(wsi);
    (void)user;
    if (visitor == NULL) {
        return 0;
    }
    switch ((int)reason) {
    case LWS_CALLBACK_ESTABLISHED:
        return established(visitor, wsi);
    case LWS_CALLBACK_RECEIVE:
        if (visitor->front.session != NULL) {
            session_from_viewer(visitor->front.session, in, length);
        }
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return writable(visitor);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        visitor->said_goodbye = true;
        /* Our close frame is out: no second one. */
        return visitor->front.session == NULL ? -1 : 0;
    case LWS_CALLBACK_CLOSED: {
        struct session *session = TAKE(visitor->front.session);
        if (session != NULL) {
            session_front_gone(session, visitor->said_goodbye);
        }
        return 0;
    }
    default:
        return 0;
    }
}
