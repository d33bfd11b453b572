/* rfb_parts: what rfb.c is made of: the handshake of both sides, and the table of the messages that
 * a client sends after it. Nobody else includes this. */
#ifndef CONSOLE_RFB_PARTS_H
#define CONSOLE_RFB_PARTS_H

#include "console/rfb.h"

enum rfb_side { RFB_NOBODY, RFB_CLIENT, RFB_SERVER };

void rfb_handshake_begin(struct rfb *rfb);

/* Takes what the present step still wants of the bytes and returns how many that were, at least
 * one; or closes the session and returns 0. Only in a state before RFB_UP. */
size_t rfb_handshake_take(struct rfb *rfb, enum rfb_side side, const uint8_t *bytes, size_t length);

/* The first reason stays. */
void rfb_close(struct rfb *rfb, const char *reason);

static inline uint32_t rfb_read_u16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

static inline uint32_t rfb_read_u32(const uint8_t *bytes)
{
    return rfb_read_u16(bytes) << 16 | rfb_read_u16(bytes + 2);
}

enum { RFB_POINTER_EVENT = 5 };

struct rfb_message {
    uint32_t rest; /* bytes after the header */
    bool is_input;
    bool may_look; /* passes also in a read-only session */
};

/* The header is longer than what there is; it is whole; its type or its length is not understood.
 */
enum rfb_look { RFB_LOOK_MORE, RFB_LOOK_WHOLE, RFB_LOOK_UNKNOWN };

/* `head` has the first `length` bytes of a message, at least one. Whoever adds byte by byte gets
 * another answer than MORE at the header's last byte, which is at most the RFB_HEADER_MAX-th. */
enum rfb_look rfb_message_look(const uint8_t *head, size_t length, struct rfb_message *ret);

#endif
