/*
 * rfb_messages: the messages a client may send after the handshake, and how long they are.
 *
 * The lengths are those that QEMU, and the community's document for what QEMU has not, read them
 * with: a message let through is taken by the server as it was taken here. What some server reads
 * otherwise must not pass in a read-only session: what follows it there could be anything.
 */
#include "console/rfb_parts.h"

#include "scope.h"

enum {
    QEMU_MESSAGE = 255, /* its second byte says which */
    FENCE_MAX = 64,     /* more is against the document, and servers differ in what they do then */
};

struct form {
    uint8_t type;
    uint8_t subtype; /* of QEMU_MESSAGE */
    uint8_t header;  /* bytes, the type's included, until the length is known */
    bool is_input;
    bool may_look;
    uint32_t rest;                                            /* unless `measure` says it */
    bool (*measure)(const uint8_t *head, uint32_t *ret_rest); /* false: there is no such message */
};

static bool encodings_measure(const uint8_t *head, uint32_t *ret_rest)
{
    *ret_rest = rfb_read_u16(head + 2) * 4;
    return true;
}

/* A negative length is the extended clipboard's: as many bytes as its absolute value. */
static bool cut_text_measure(const uint8_t *head, uint32_t *ret_rest)
{
    uint32_t length = rfb_read_u32(head + 4);
    *ret_rest = length > INT32_MAX ? 0 - length : length;
    return true;
}

static bool fence_measure(const uint8_t *head, uint32_t *ret_rest)
{
    *ret_rest = head[8];
    return head[8] <= FENCE_MAX;
}

static bool desktop_measure(const uint8_t *head, uint32_t *ret_rest)
{
    *ret_rest = head[6] * 16U;
    return true;
}

/* The subtype's highest bit says in which order the bytes of the length are. */
static bool gii_measure(const uint8_t *head, uint32_t *ret_rest)
{
    bool is_big_endian = (head[1] & 0x80) != 0;
    *ret_rest = is_big_endian ? rfb_read_u16(head + 2) : head[3] * 256U + head[2];
    return true;
}

static bool audio_measure(const uint8_t *head, uint32_t *ret_rest)
{
    enum { ENABLE, DISABLE, SET_FORMAT };
    uint32_t operation = rfb_read_u16(head + 2);
    *ret_rest = operation == SET_FORMAT ? 6 : 0;
    return operation <= SET_FORMAT;
}

/*
 * SetEncodings passes whole: it chooses what the server sends, and makes no input of what is none.
 * Fence and continuous updates pass: servers without them (QEMU, bhyve) hang up, as they should.
 * Audio acts on nothing and so is no input, but does not pass in a read-only session: bhyve takes
 * two bytes of it and reads the rest as the next message, which could smuggle a key in.
 */
static const struct form forms[] = {
    {
        .type = 0, /* SetPixelFormat */
        .header = 1,
        .may_look = true,
        .rest = 19,
    },
    {
        .type = 2, /* SetEncodings */
        .header = 4,
        .may_look = true,
        .measure = encodings_measure,
    },
    {
        .type = 3, /* FramebufferUpdateRequest */
        .header = 1,
        .may_look = true,
        .rest = 9,
    },
    {
        .type = 4, /* KeyEvent */
        .header = 1,
        .is_input = true,
        .rest = 7,
    },
    {
        .type = RFB_POINTER_EVENT,
        .header = 6, /* all of it, to be compared with the one before */
        .is_input = true,
    },
    {
        .type = 6, /* ClientCutText */
        .header = 8,
        .is_input = true,
        .measure = cut_text_measure,
    },
    {
        .type = 150, /* EnableContinuousUpdates */
        .header = 1,
        .may_look = true,
        .rest = 9,
    },
    {
        .type = 248, /* ClientFence */
        .header = 9,
        .may_look = true,
        .measure = fence_measure,
    },
    {
        .type = 250, /* xvp: shutdown, reboot, reset */
        .header = 1,
        .is_input = true,
        .rest = 3,
    },
    {
        .type = 251, /* SetDesktopSize */
        .header = 8,
        .is_input = true,
        .measure = desktop_measure,
    },
    {
        .type = 253, /* gii */
        .header = 4,
        .is_input = true,
        .measure = gii_measure,
    },
    {
        .type = QEMU_MESSAGE,
        .subtype = 0, /* extended KeyEvent */
        .header = 2,
        .is_input = true,
        .rest = 10,
    },
    {
        .type = QEMU_MESSAGE,
        .subtype = 1, /* audio */
        .header = 4,
        .measure = audio_measure,
    },
};

static const struct form *form_find(const uint8_t *head)
{
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        const struct form *form = &forms[i];
        if (form->type == head[0] && (head[0] != QEMU_MESSAGE || form->subtype == head[1])) {
            return form;
        }
    }
    return NULL;
}

enum rfb_look rfb_message_look(const uint8_t *head, size_t length, struct rfb_message *ret)
{
    if (head[0] == QEMU_MESSAGE && length < 2) {
        return RFB_LOOK_MORE;
    }
    const struct form *form = form_find(head);
    if (form == NULL) {
        return RFB_LOOK_UNKNOWN;
    }
    if (length < form->header) {
        return RFB_LOOK_MORE;
    }
    uint32_t rest = form->rest;
    if (form->measure != NULL && !form->measure(head, &rest)) {
        return RFB_LOOK_UNKNOWN;
    }
    *ret = (struct rfb_message){
        .rest = rest,
        .is_input = form->is_input,
        .may_look = form->may_look,
    };
    return RFB_LOOK_WHOLE;
}
