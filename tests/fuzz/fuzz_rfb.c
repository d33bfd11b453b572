/*
 * fuzz_rfb: any talk between a VNC client and its server, cut in any way.
 *
 * The first byte chooses the mode (bit 0) and whether the screen is up already (bit 1), the second
 * how the pieces are cut. Then come turns: a byte whose highest bit is the side (set: the client)
 * and whose others are the length of what that side says. A second reader of the messages, written
 * apart from the first and slower, says what must come out.
 */
#include "console/rfb.h"

#include <stdlib.h>
#include <string.h>

enum { TALK_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct rfb rfb;
    enum rfb_verdict verdict;
    uint8_t in[TALK_MAX]; /* what the client said since the screen is up */
    size_t in_length;
    uint8_t out[TALK_MAX]; /* what passed since then */
    size_t out_length;
    uint8_t last; /* byte that passed before it */
    bool is_input;
    bool was_up;
    unsigned cut; /* 0: not at all */
};

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void take_out(struct run *run, const uint8_t *bytes, size_t length)
{
    if (length > 0 && !rfb_is_up(&run->rfb) && !run->was_up) {
        run->last = bytes[length - 1];
        return;
    }
    memcpy(run->out + run->out_length, bytes, length);
    run->out_length += length;
}

/* The piece is a block of its own, so that the sanitizer sees a step over its ends. */
static void client_says(struct run *run, const uint8_t *bytes, size_t length)
{
    struct rfb_pass pass;
    uint8_t *piece = malloc(length);
    memcpy(piece, bytes, length);
    if (run->was_up) {
        memcpy(run->in + run->in_length, bytes, length);
        run->in_length += length;
    }
    run->verdict = rfb_from_client(&run->rfb, piece, length, &pass);
    must(pass.length <= length && pass.held_length <= RFB_HELD_MAX);
    take_out(run, pass.held, pass.held_length);
    take_out(run, piece, pass.length);
    must(run->out_length <= run->in_length);
    run->is_input = run->is_input || pass.is_input;
    free(piece);
}

static void server_says(struct run *run, const uint8_t *bytes, size_t length)
{
    uint8_t *piece = malloc(length);
    memcpy(piece, bytes, length);
    run->verdict = rfb_from_server(&run->rfb, piece, length);
    free(piece);
}

static void take_turn(struct run *run, bool is_client, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        size_t piece = length;
        if (run->cut != 0) {
            run->cut = run->cut * 5 + 1;
            piece = run->cut % 13 + 1 < length ? run->cut % 13 + 1 : length;
        }
        if (is_client) {
            client_says(run, bytes, piece);
        } else {
            server_says(run, bytes, piece);
        }
        if (rfb_is_up(&run->rfb) && !run->was_up) {
            must(run->last == 1); /* the shared flag */
            run->was_up = true;
        }
        bytes += piece;
        length -= piece;
    }
}

static void bring_up(struct run *run)
{
    take_turn(run, false, (const uint8_t *)"RFB 003.003\n", 12);
    take_turn(run, true, (const uint8_t *)"RFB 003.003\n", 12);
    take_turn(run, false, (const uint8_t *)"\0\0\0\1", 4);
    take_turn(run, true, (const uint8_t *)"", 1);
    take_turn(run, false, (const uint8_t *)"____________________\0\0\0\1x", 25);
    must(run->was_up);
}

static void take_turns(struct run *run, const uint8_t *data, size_t size, unsigned cut)
{
    *run = (struct run){.cut = cut};
    rfb_init(&run->rfb, (data[0] & 1) != 0 ? RFB_READ_WRITE : RFB_READ_ONLY);
    if ((data[0] & 2) != 0) {
        bring_up(run);
    }
    for (size_t at = 2; at < size;) {
        bool is_client = (data[at] & 0x80) != 0;
        size_t length = data[at++] & 0x7f;
        length = length < size - at ? length : size - at;
        take_turn(run, is_client, data + at, length);
        at += length;
    }
}

/* --- the second reader --- */

struct message {
    size_t header; /* 0: it is none */
    uint64_t size; /* with its header; only right when that is there */
    bool is_input;
    bool may_look;
};

static struct message other_message(const uint8_t *at, size_t there)
{
    uint8_t m[10] = {0};
    memcpy(m, at, there < sizeof(m) ? there : sizeof(m));
    int32_t text = (int32_t)((uint32_t)m[4] << 24 | m[5] << 16 | m[6] << 8 | m[7]);
    switch (m[0]) {
    case 0:
        return (struct message){1, 20, false, true};
    case 2:
        return (struct message){4, 4 + 4 * (uint64_t)(m[2] * 256 + m[3]), false, true};
    case 3:
    case 150:
        return (struct message){1, 10, false, true};
    case 4:
        return (struct message){1, 8, true, false};
    case 5:
        return (struct message){6, 6, true, false};
    case 6:
        return (struct message){8, 8 + (uint64_t)llabs(text), true, false};
    case 248:
        return (struct message){there >= 9 && m[8] > 64 ? 0 : 9, 9 + (uint64_t)m[8], false, true};
    case 250:
        return (struct message){1, 4, true, false};
    case 251:
        return (struct message){8, 8 + 16 * (uint64_t)m[6], true, false};
    case 253:
        return (struct message){
            4, 4 + (uint64_t)(m[1] > 127 ? m[2] * 256 + m[3] : m[3] * 256 + m[2]), true, false};
    case 255:
        if (there < 2 || m[1] == 0) {
            return (struct message){2, 12, true, false};
        }
        if (m[1] == 1 && (there < 4 || (m[2] == 0 && m[3] <= 2))) {
            return (struct message){4, m[3] == 2 ? 10 : 4, false, false};
        }
        return (struct message){0};
    default:
        return (struct message){0};
    }
}

static void expect_what_the_other_reader_says(const struct run *run, bool writes)
{
    static uint8_t out[TALK_MAX];
    const uint8_t *pointer = NULL;
    bool is_input = false;
    bool is_known = true;
    size_t length = 0;
    for (size_t at = 0; at < run->in_length && is_known;) {
        const uint8_t *here = run->in + at;
        size_t there = run->in_length - at;
        struct message message = other_message(here, there);
        is_known = message.header != 0;
        if (there < message.header) {
            break;
        }
        size_t size = is_known && message.size < there ? (size_t)message.size : there;
        if (writes || (is_known && message.may_look)) {
            memcpy(out + length, here, size);
            length += size;
        }
        bool repeats = is_known && here[0] == 5 && pointer != NULL && memcmp(pointer, here, 6) == 0;
        pointer = is_known && here[0] == 5 ? here : pointer;
        is_input = is_input || (is_known ? message.is_input && !repeats : writes);
        at += size;
    }
    must(run->verdict == (is_known || writes ? RFB_GO_ON : RFB_CLOSE));
    must(run->is_input == is_input);
    must(run->out_length == length && memcmp(run->out, out, length) == 0);
}

/* As the server reads it, what came through a read-only session has nothing to act by. */
static void expect_nothing_but_looks(const struct run *run)
{
    uint64_t at = 0;
    while (at < run->out_length) {
        struct message message = other_message(run->out + at, run->out_length - (size_t)at);
        must(message.header != 0 && message.may_look && !message.is_input);
        at += message.size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run whole;
    static struct run cut;
    if (size < 2 || size > TALK_MAX - 64) {
        return 0;
    }
    bool writes = (data[0] & 1) != 0;
    take_turns(&whole, data, size, 0);
    take_turns(&cut, data, size, data[1] + 1U);
    must(whole.verdict == cut.verdict && whole.is_input == cut.is_input);
    must(rfb_reason(&whole.rfb) == rfb_reason(&cut.rfb));
    must(whole.was_up == cut.was_up && whole.out_length == cut.out_length);
    must(memcmp(whole.out, cut.out, whole.out_length) == 0);
    must(whole.verdict == RFB_GO_ON || rfb_reason(&whole.rfb) != NULL);
    if (whole.was_up) {
        expect_what_the_other_reader_says(&whole, writes);
    } else {
        must(whole.out_length == 0 && !whole.is_input);
    }
    if (!writes) {
        expect_nothing_but_looks(&whole);
    }
    return 0;
}
