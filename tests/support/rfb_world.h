/*
 * rfb_world: a followed VNC connection, and what came out of it towards the server.
 */
#ifndef TESTS_SUPPORT_RFB_WORLD_H
#define TESTS_SUPPORT_RFB_WORLD_H

#include "console/rfb.h"
#include "support/test.h"

#include <stdbool.h>
#include <string.h>

enum { PIECE_MAX = 4096 };

struct session {
    struct rfb rfb;
    enum rfb_verdict verdict;
    uint8_t out[PIECE_MAX];
    size_t out_length;
    bool is_input; /* since the start */
};

struct bytes {
    const char *data;
    size_t length;
};
#define BYTES(text)              \
    {                            \
        (text), sizeof(text) - 1 \
    }

static inline void take_out(struct session *session, const void *bytes, size_t length)
{
    assert_true(session->out_length + length <= sizeof(session->out));
    memcpy(session->out + session->out_length, bytes, length);
    session->out_length += length;
}

static inline void client_says(struct session *session, const char *data, size_t length)
{
    uint8_t piece[PIECE_MAX];
    struct rfb_pass pass;
    assert_true(length <= sizeof(piece));
    memcpy(piece, data, length);

    session->verdict = rfb_from_client(&session->rfb, piece, length, &pass);

    assert_true(pass.length <= length && pass.held_length <= RFB_HELD_MAX);
    take_out(session, pass.held, pass.held_length);
    take_out(session, piece, pass.length);
    session->is_input = session->is_input || pass.is_input;
}

static inline void server_says(struct session *session, const char *data, size_t length)
{
    session->verdict = rfb_from_server(&session->rfb, (const uint8_t *)data, length);
}

static inline void expect_out(const struct session *session, const char *data, size_t length)
{
    assert_int_equal(session->out_length, length);
    assert_memory_equal(session->out, data, length);
}

static inline void expect_open(const struct session *session)
{
    assert_int_equal(session->verdict, RFB_GO_ON);
    assert_null(rfb_reason(&session->rfb));
}

static inline void expect_closed(const struct session *session, const char *reason)
{
    assert_int_equal(session->verdict, RFB_CLOSE);
    assert_string_equal(rfb_reason(&session->rfb), reason);
    assert_false(rfb_is_up(&session->rfb));
}

#endif
