/*
 * rfb: the follower's two sides, and the gate for what the client sends when the screen is up.
 *
 * The header of a message waits in `head` until it says whether the message passes; its rest is
 * then only counted. Pieces are compacted in place: what passes moves over what does not, and stays
 * where it is as long as nothing was left out.
 */
#include "console/rfb.h"

#include "console/rfb_parts.h"

#include <string.h>

enum { SHARED = 1 };

/* One piece on its way through the gate. */
struct walk {
    uint8_t *bytes;
    size_t length;
    size_t at;      /* the next byte to look at */
    size_t earlier; /* bytes of `head` that came in earlier pieces */
    struct rfb_pass *ret;
};

void rfb_init(struct rfb *rfb, enum rfb_mode mode)
{
    *rfb = (struct rfb){.mode = mode};
    rfb_handshake_begin(rfb);
}

void rfb_close(struct rfb *rfb, const char *reason)
{
    if (rfb->reason == NULL) {
        rfb->reason = reason;
    }
    rfb->state = RFB_CLOSED;
}

bool rfb_is_up(const struct rfb *rfb)
{
    return rfb->state == RFB_UP || rfb->state == RFB_UNREAD;
}

const char *rfb_reason(const struct rfb *rfb)
{
    return rfb->reason;
}

static enum rfb_verdict verdict_of(const struct rfb *rfb)
{
    return rfb->state == RFB_CLOSED ? RFB_CLOSE : RFB_GO_ON;
}

enum rfb_verdict rfb_from_server(struct rfb *rfb, const uint8_t *bytes, size_t length)
{
    size_t at = 0;
    while (at < length && rfb->state < RFB_REFUSED) {
        at += rfb_handshake_take(rfb, RFB_SERVER, bytes + at, length - at);
    }
    return verdict_of(rfb);
}

/* A client that does not share would throw out everyone else who looks at this screen. */
static void walk_handshake(struct rfb *rfb, struct walk *walk)
{
    if (rfb->state == RFB_CLIENT_INIT) {
        walk->bytes[walk->at] = SHARED;
    }
    size_t taken =
        rfb_handshake_take(rfb, RFB_CLIENT, walk->bytes + walk->at, walk->length - walk->at);
    walk->at += taken;
    walk->ret->length += taken;
}

/* Lets the next `count` bytes pass. */
static void walk_pass(struct walk *walk, size_t count)
{
    if (walk->ret->length < walk->at) {
        memmove(walk->bytes + walk->ret->length, walk->bytes + walk->at, count);
    }
    walk->ret->length += count;
    walk->at += count;
}

static void walk_rest(struct rfb *rfb, struct walk *walk)
{
    size_t count = walk->length - walk->at < rfb->left ? walk->length - walk->at : rfb->left;
    rfb->left -= (uint32_t)count;
    if (rfb->dropping) {
        walk->at += count;
    } else {
        walk_pass(walk, count);
    }
}

/* Lets the header pass that ends at `at`, or leaves it out. */
static void walk_head(struct rfb *rfb, struct walk *walk, bool passes)
{
    if (passes) {
        size_t here = rfb->head_length - walk->earlier;
        if (walk->earlier > 0) {
            memcpy(walk->ret->held, rfb->head, walk->earlier);
            walk->ret->held_length = walk->earlier;
        }
        walk->at -= here;
        walk_pass(walk, here);
    }
    rfb->head_length = 0;
    walk->earlier = 0;
}

static bool is_repeated_pointer(struct rfb *rfb)
{
    if (rfb->head[0] != RFB_POINTER_EVENT) {
        return false;
    }
    bool repeats = rfb->has_pointer && memcmp(rfb->pointer, rfb->head, sizeof rfb->pointer) == 0;
    memcpy(rfb->pointer, rfb->head, sizeof rfb->pointer);
    rfb->has_pointer = true;
    return repeats;
}

static void walk_message(struct rfb *rfb, struct walk *walk, const struct rfb_message *message)
{
    bool passes = rfb->mode == RFB_READ_WRITE || message->may_look;
    if (message->is_input && !is_repeated_pointer(rfb)) {
        walk->ret->is_input = true;
    }
    rfb->left = message->rest;
    rfb->dropping = !passes;
    walk_head(rfb, walk, passes);
}

/* Where the next message begins is not known any more, and so not what it is. */
static void walk_unknown(struct rfb *rfb, struct walk *walk)
{
    if (rfb->mode == RFB_READ_ONLY) {
        rfb_close(rfb, "the viewer sent a message that a read-only session does not know");
        return;
    }
    rfb->state = RFB_UNREAD;
    walk->ret->is_input = true;
    walk_head(rfb, walk, true);
}

static void walk_header_byte(struct rfb *rfb, struct walk *walk)
{
    struct rfb_message message;
    rfb->head[rfb->head_length++] = walk->bytes[walk->at++];
    switch (rfb_message_look(rfb->head, rfb->head_length, &message)) {
    case RFB_LOOK_MORE:
        break;
    case RFB_LOOK_WHOLE:
        walk_message(rfb, walk, &message);
        break;
    case RFB_LOOK_UNKNOWN:
        walk_unknown(rfb, walk);
        break;
    }
}

static void walk_unread(struct walk *walk)
{
    walk->ret->is_input = true;
    walk_pass(walk, walk->length - walk->at);
}

enum rfb_verdict rfb_from_client(struct rfb *rfb, uint8_t *bytes, size_t length,
                                 struct rfb_pass *ret)
{
    struct walk walk = {
        .bytes = bytes,
        .length = length,
        .earlier = rfb->head_length,
        .ret = ret,
    };
    *ret = (struct rfb_pass){.length = 0};
    while (walk.at < length && rfb->state != RFB_CLOSED) {
        if (rfb->state == RFB_UNREAD) {
            walk_unread(&walk);
        } else if (rfb->state != RFB_UP) {
            walk_handshake(rfb, &walk);
        } else if (rfb->left > 0) {
            walk_rest(rfb, &walk);
        } else {
            walk_header_byte(rfb, &walk);
        }
    }
    return verdict_of(rfb);
}
