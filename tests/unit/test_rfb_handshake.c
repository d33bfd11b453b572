#include "scope.h"
#include "support/rfb_world.h"

enum { MIB = 1 << 20 };

/* ServerInit: 800x600, 32 bits, a name of four bytes; the first as far as half the length of it. */
#define INIT_WITHOUT_NAME \
    "\x03\x20\x02\x58\x20\x18\x00\x01\x00\xff\x00\xff\x00\xff\x10\x08\x00\x00\x00\x00\x00\x00"
#define SERVER_INIT INIT_WITHOUT_NAME "\x00\x04web1"
#define CHALLENGE "0123456789abcdef"
#define RESPONSE "\x04\x01\x05\xff the answer!"

enum side { DONE, CLIENT, SERVER };

struct turn {
    enum side side;
    struct bytes bytes;
};
enum { TURNS_MAX = 12 };

/* Who says what; `sent` is what the server must have got, with the shared flag set. */
struct talk {
    const char *name;
    struct turn turns[TURNS_MAX];
    struct bytes sent;
};

#define C(text)             \
    {                       \
        CLIENT, BYTES(text) \
    }
#define S(text)             \
    {                       \
        SERVER, BYTES(text) \
    }
/* clang-format off */
static const struct talk talks[] = {
    {"3.3, none", {S("RFB 003.003\n"), C("RFB 003.003\n"), S("\0\0\0\1"), C("\0"), S(SERVER_INIT)},
     BYTES("RFB 003.003\n" "\1")},
    {"3.3 of a 3.8 server, password",
     {S("RFB 003.008\n"), C("RFB 003.003\n"), S("\0\0\0\2" CHALLENGE), C(RESPONSE), S("\0\0\0\0"),
      C("\0"), S(SERVER_INIT)},
     BYTES("RFB 003.003\n" RESPONSE "\1")},
    {"3.5 means 3.3",
     {S("RFB 003.008\n"), C("RFB 003.005\n"), S("\0\0\0\1"), C("\1"), S(SERVER_INIT)},
     BYTES("RFB 003.005\n" "\1")},
    {"3.889 means 3.3",
     {S("RFB 003.889\n"), C("RFB 003.889\n"), S("\0\0\0\1"), C("\0"), S(SERVER_INIT)},
     BYTES("RFB 003.889\n" "\1")},
    {"3.7, none: no result",
     {S("RFB 003.007\n"), C("RFB 003.007\n"), S("\1\1"), C("\1"), C("\0"), S(SERVER_INIT)},
     BYTES("RFB 003.007\n" "\1" "\1")},
    {"3.7, none, choice and init in one piece",
     {S("RFB 003.008\n"), C("RFB 003.007\n"), S("\1\1"), C("\1\0"), S(SERVER_INIT)},
     BYTES("RFB 003.007\n" "\1" "\1")},
    {"3.7, password",
     {S("RFB 003.007\n"), C("RFB 003.007\n"), S("\1\2"), C("\2"), S(CHALLENGE), C(RESPONSE),
      S("\0\0\0\0"), C("\0"), S(SERVER_INIT)},
     BYTES("RFB 003.007\n" "\2" RESPONSE "\1")},
    {"3.8, none",
     {S("RFB 003.008\n"), C("RFB 003.008\n"), S("\1\1"), C("\1"), S("\0\0\0\0"), C("\0"),
      S(SERVER_INIT)},
     BYTES("RFB 003.008\n" "\1" "\1")},
    {"3.8, password, out of several types",
     {S("RFB 003.008\n"), C("RFB 003.008\n"), S("\4\23\20\2\1"), C("\2"), S(CHALLENGE),
      C(RESPONSE), S("\0\0\0\0"), C("\377"), S(SERVER_INIT)},
     BYTES("RFB 003.008\n" "\2" RESPONSE "\1")},
    {"3.8, a screen without a name",
     {S("RFB 003.008\n"), C("RFB 003.008\n"), S("\1\1"), C("\1"), S("\0\0\0\0"), C("\1"),
      S(INIT_WITHOUT_NAME "\0\0")},
     BYTES("RFB 003.008\n" "\1" "\1")},
};
/* clang-format on */

static void take_turn(struct session *session, const struct turn *turn, size_t step)
{
    for (size_t at = 0; at < turn->bytes.length; at += step) {
        size_t left = turn->bytes.length - at;
        size_t length = left < step ? left : step;
        assert_false(rfb_is_up(&session->rfb));
        if (turn->side == CLIENT) {
            client_says(session, turn->bytes.data + at, length);
        } else {
            server_says(session, turn->bytes.data + at, length);
        }
    }
}

static void take_turns(struct session *session, const struct turn *turns, size_t step)
{
    *session = (struct session){.out_length = 0};
    rfb_init(&session->rfb, RFB_READ_ONLY);
    for (size_t i = 0; i < TURNS_MAX && turns[i].side != DONE; i++) {
        take_turn(session, &turns[i], step);
    }
}

static void every_handshake_ends_in_a_shared_screen(void **state)
{
    (void)state;
    struct session session;
    for (size_t i = 0; i < ARRAY_LENGTH(talks); i++) {
        for (size_t step = 1; step <= PIECE_MAX; step = step < 40 ? step + 1 : step + PIECE_MAX) {
            print_message("# %s, in steps of %zu\n", talks[i].name, step);

            take_turns(&session, talks[i].turns, step);

            expect_open(&session);
            assert_true(rfb_is_up(&session.rfb));
            expect_out(&session, talks[i].sent.data, talks[i].sent.length);
            assert_false(session.is_input);
        }
    }
}

/* Each prefix of each talk that ends when the server has something to say. */
static void a_client_that_speaks_out_of_turn_is_closed(void **state)
{
    (void)state;
    struct session session;
    for (size_t i = 0; i < ARRAY_LENGTH(talks); i++) {
        for (size_t t = 0; t < TURNS_MAX && talks[i].turns[t].side != DONE; t++) {
            const struct turn *turn = &talks[i].turns[t];
            for (size_t cut = 0; turn->side == SERVER && cut < turn->bytes.length; cut++) {
                struct turn turns[TURNS_MAX] = {{DONE, BYTES("")}};
                memcpy(turns, talks[i].turns, t * sizeof(turns[0]));
                take_turns(&session, turns, PIECE_MAX);
                size_t before = session.out_length;
                server_says(&session, turn->bytes.data, cut);

                client_says(&session, "\1\4\1\0\0\0\0\0a", 9);

                expect_closed(&session, "the viewer spoke before the server had answered");
                assert_int_equal(session.out_length, before);
            }
        }
    }
}

static void a_client_cannot_slip_a_key_in_behind_its_turn(void **state)
{
    (void)state;
    struct session session;
    static const struct turn turns[TURNS_MAX] = {
        S("RFB 003.008\n"),
        C("RFB 003.008\n"),
        S("\1\1"),
    };
    take_turns(&session, turns, PIECE_MAX);

    client_says(&session, "\1\1\4\1\0\0\0\0\0a", 10);

    expect_closed(&session, "the viewer spoke before the server had answered");
    expect_out(&session, "RFB 003.008\n\1", 13);
}

struct ending {
    struct turn turns[TURNS_MAX];
    const char *reason;
};

/* clang-format off */
static const struct ending closings[] = {
    {{S("RFB 004.001\n")}, "the server does not speak RFB 3"},
    {{S("RFB 000.000\n")}, "the server does not speak RFB 3"},
    {{S("RFB 003.002\n")}, "the server does not speak RFB 3"},
    {{S("HTTP/1.1 400")}, "the server does not speak RFB 3"},
    {{S("RFB 003.008\n"), S("\1\1")}, "the server spoke before the viewer had answered"},
    {{S("RFB 003.008\n"), C("RFB 003.00x\n")}, "the viewer does not speak RFB 3"},
    {{S("RFB 003.008\n"), C("RFB 003.  8\n")}, "the viewer does not speak RFB 3"},
    {{S("RFB 003.008\n"), C("RFB 003.+08\n")}, "the viewer does not speak RFB 3"},
    {{S("RFB 003.008\n"), C("RFB 003.008 ")}, "the viewer does not speak RFB 3"},
    {{S("RFB 003.008\n"), C("RFB 004.001\n")}, "the viewer does not speak RFB 3"},
    {{S("RFB 003.007\n"), C("RFB 003.008\n")},
     "the viewer wants a later version of RFB than the server has"},
    {{S("RFB 003.008\n"), C("RFB 003.003\n"), S("\0\0\0\23")},
     "the server wants a security type other than None and VNC Authentication"},
    {{S("RFB 003.008\n"), C("RFB 003.003\n"), S("\1\0\0\1")},
     "the server wants a security type other than None and VNC Authentication"},
    {{S("RFB 003.008\n"), C("RFB 003.008\n"), S("\3\23\24\20")},
     "the server offers neither None nor VNC Authentication as security type"},
    {{S("RFB 003.008\n"), C("RFB 003.008\n"), S("\2\23\1"), C("\23")},
     "the viewer chose a security type other than None and VNC Authentication"},
    {{S("RFB 003.008\n"), C("RFB 003.008\n"), S("\1\1"), C("\2")},
     "the viewer chose a security type that the server does not offer"},
    {{S("RFB 003.008\n"), C("RFB 003.008\n"), S("\1\2"), C("\1")},
     "the viewer chose a security type that the server does not offer"},
};
static const struct ending refusals[] = {
    {{S("RFB 003.008\n"), C("RFB 003.008\n"), S("\0\0\0\0\4busy")}, NULL},
    {{S("RFB 003.007\n"), C("RFB 003.007\n"), S("\0\377\377\377\377busy")}, NULL},
    {{S("RFB 003.008\n"), C("RFB 003.003\n"), S("\0\0\0\0\0\0\0\4busy")}, NULL},
    {{S("RFB 003.008\n"), C("RFB 003.008\n"), S("\1\1"), C("\1"), S("\0\0\0\1\0\0\0\2no")}, NULL},
    {{S("RFB 003.008\n"), C("RFB 003.008\n"), S("\1\2"), C("\2"), S(CHALLENGE), C(RESPONSE),
      S("\0\0\0\1\0\0\0\2no")}, NULL},
    {{S("RFB 003.007\n"), C("RFB 003.007\n"), S("\1\2"), C("\2"), S(CHALLENGE), C(RESPONSE),
      S("\0\0\0\2")}, NULL},
};
/* clang-format on */

static void what_cannot_be_followed_is_closed_with_a_reason(void **state)
{
    (void)state;
    struct session session;
    for (size_t i = 0; i < ARRAY_LENGTH(closings); i++) {
        for (size_t step = 1; step <= PIECE_MAX; step += PIECE_MAX - 1) {
            take_turns(&session, closings[i].turns, step);
            expect_closed(&session, closings[i].reason);
        }
    }
}

static void a_closed_session_stays_closed(void **state)
{
    (void)state;
    struct session session;
    take_turns(&session, closings[0].turns, PIECE_MAX);

    client_says(&session, "RFB 003.008\n", 12);
    expect_closed(&session, closings[0].reason);
    server_says(&session, "RFB 003.008\n", 12);

    expect_closed(&session, closings[0].reason);
    assert_int_equal(session.out_length, 0);
}

static void a_server_that_refuses_may_say_why_and_the_client_nothing(void **state)
{
    (void)state;
    const char *reason = "the VNC server refused the connection";
    struct session session;
    for (size_t i = 0; i < ARRAY_LENGTH(refusals); i++) {
        for (size_t step = 1; step <= PIECE_MAX; step += PIECE_MAX - 1) {
            take_turns(&session, refusals[i].turns, step);
            size_t before = session.out_length;

            assert_int_equal(session.verdict, RFB_GO_ON);
            assert_string_equal(rfb_reason(&session.rfb), reason);
            assert_false(rfb_is_up(&session.rfb));
            client_says(&session, "\1", 1);
            expect_closed(&session, reason);
            assert_int_equal(session.out_length, before);
        }
    }
}

static void a_name_of_four_gigabytes_is_only_counted(void **state)
{
    (void)state;
    static char piece[MIB];
    struct session session;
    struct turn turns[TURNS_MAX];
    memcpy(turns, talks[7].turns, sizeof(turns));
    turns[6] = (struct turn)S("\x03\x20\x02\x58____________"
                              "____\xff\xff\xff\xff");
    take_turns(&session, turns, PIECE_MAX);

    for (int i = 0; i < 4096; i++) {
        assert_false(rfb_is_up(&session.rfb));
        server_says(&session, piece, i < 4095 ? MIB : MIB - 1);
    }

    expect_open(&session);
    assert_true(rfb_is_up(&session.rfb));
}

static void a_session_costs_less_than_a_kibibyte(void **state)
{
    (void)state;
    assert_in_range(sizeof(struct rfb), 1, 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_handshake_ends_in_a_shared_screen),
        TEST(a_client_that_speaks_out_of_turn_is_closed),
        TEST(a_client_cannot_slip_a_key_in_behind_its_turn),
        TEST(what_cannot_be_followed_is_closed_with_a_reason),
        TEST(a_closed_session_stays_closed),
        TEST(a_server_that_refuses_may_say_why_and_the_client_nothing),
        TEST(a_name_of_four_gigabytes_is_only_counted),
        TEST(a_session_costs_less_than_a_kibibyte),
    };
    return cmocka_run_group_tests_name("rfb_handshake", tests, NULL, NULL);
}
