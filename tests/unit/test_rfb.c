#include "scope.h"
#include "support/rfb_world.h"

enum { MIB = 1 << 20 };

/* Bytes that were a KeyEvent if they began a message. */
#define KEY "\4\1\0\0\0\0\0a"
/* A request for the picture: what passes always, to see that the next message is found. */
#define REQUEST "\3\1\0\0\0\0\3\x20\2\x58"

struct sample {
    const char *name;
    struct bytes bytes;
    bool may_look; /* passes in a read-only session */
    bool is_input;
};

/* clang-format off */
static const struct sample samples[] = {
    {"SetPixelFormat", BYTES("\0\0\0\0\x20\x18\0\1" KEY "\0\0\0\0"), true, false},
    {"SetEncodings, none", BYTES("\2\0\0\0"), true, false},
    {"SetEncodings", BYTES("\2\0\0\4" KEY KEY), true, false},
    {"FramebufferUpdateRequest", BYTES(REQUEST), true, false},
    {"KeyEvent", BYTES(KEY), false, true},
    {"PointerEvent", BYTES("\5\1\0\4\0\1"), false, true},
    {"ClientCutText, empty", BYTES("\6\0\0\0\0\0\0\0"), false, true},
    {"ClientCutText", BYTES("\6\0\0\0\0\0\0\x8" KEY), false, true},
    {"ClientCutText, extended", BYTES("\6\0\0\0\xff\xff\xff\xf4\x10\0\0\1" KEY), false, true},
    {"EnableContinuousUpdates", BYTES("\x96\1" KEY), true, false},
    {"ClientFence, empty", BYTES("\xf8\0\0\0\x80\0\0\1\0"), true, false},
    {"ClientFence", BYTES("\xf8\0\0\0\x80\0\0\1\x40" KEY KEY KEY KEY KEY KEY KEY KEY), true, false},
    {"xvp", BYTES("\xfa\0\1\4"), false, true},
    {"SetDesktopSize, no screen", BYTES("\xfb\0\3\x20\2\x58\0\0"), false, true},
    {"SetDesktopSize", BYTES("\xfb\0\3\x20\2\x58\2\0" KEY KEY KEY KEY), false, true},
    {"gii, big-endian", BYTES("\xfd\x80\0\x8" KEY), false, true},
    {"gii, little-endian", BYTES("\xfd\0\x8\0" KEY), false, true},
    {"QEMU extended KeyEvent", BYTES("\xff\0\0\1\0\0\0a\0\0\0\x1e"), false, true},
    {"QEMU audio, enable", BYTES("\xff\1\0\0"), false, false},
    {"QEMU audio, disable", BYTES("\xff\1\0\1"), false, false},
    {"QEMU audio, format", BYTES("\xff\1\0\2\3\2\0\0\xac\x44"), false, false},
};
/* What no message is, though some begin like one. */
static const struct sample strangers[] = {
    {.name = "FixColourMapEntries, which nobody has", .bytes = BYTES("\1\0\0\0\0\0")},
    {.name = "SetScale", .bytes = BYTES("\x08\2\0\0")},
    {.name = "ClientFence, too long", .bytes = BYTES("\xf8\0\0\0\x80\0\0\1\xc8" KEY)},
    {.name = "ClientFence, one too long", .bytes = BYTES("\xf8\0\0\0\x80\0\0\1\x41" KEY)},
    {.name = "QEMU message of another kind", .bytes = BYTES("\xff\2" KEY)},
    {.name = "QEMU audio, another operation", .bytes = BYTES("\xff\1\0\3" KEY)},
};
static const enum rfb_mode modes[] = {RFB_READ_ONLY, RFB_READ_WRITE};
/* clang-format on */

static void bring_up(struct session *session, enum rfb_mode mode)
{
    *session = (struct session){.out_length = 0};
    rfb_init(&session->rfb, mode);
    server_says(session, "RFB 003.003\n", 12);
    client_says(session, "RFB 003.003\n", 12);
    server_says(session, "\0\0\0\1", 4);
    client_says(session, "\1", 1);
    server_says(session, "\3\x20\2\x58________________\0\0\0\4web1", 28);
    assert_true(rfb_is_up(&session->rfb));
    session->out_length = 0;
}

/* A request, the sample, a request; returns their length. */
static size_t put_between(const struct sample *sample, char *text)
{
    struct bytes request = BYTES(REQUEST);
    memcpy(text, request.data, request.length);
    memcpy(text + request.length, sample->bytes.data, sample->bytes.length);
    memcpy(text + request.length + sample->bytes.length, request.data, request.length);
    return sample->bytes.length + 2 * request.length;
}

static void all_passes_when_the_client_may_write(void **state)
{
    (void)state;
    struct session session;
    char text[256];
    for (size_t i = 0; i < ARRAY_LENGTH(samples); i++) {
        print_message("# %s\n", samples[i].name);
        size_t length = put_between(&samples[i], text);
        bring_up(&session, RFB_READ_WRITE);

        client_says(&session, text, length);

        expect_open(&session);
        expect_out(&session, text, length);
        assert_int_equal(session.is_input, samples[i].is_input);
    }
}

static void input_does_not_pass_when_the_client_may_only_look(void **state)
{
    (void)state;
    struct session session;
    char text[256];
    for (size_t i = 0; i < ARRAY_LENGTH(samples); i++) {
        print_message("# %s\n", samples[i].name);
        size_t length = put_between(&samples[i], text);
        bring_up(&session, RFB_READ_ONLY);

        client_says(&session, text, length);

        expect_open(&session);
        if (samples[i].may_look) {
            expect_out(&session, text, length);
        } else {
            expect_out(&session, REQUEST REQUEST, 20);
        }
        assert_int_equal(session.is_input, samples[i].is_input);
    }
}

/* Fed in three pieces, the session must be as after one. */
static void expect_same(const char *text, size_t length, size_t first, size_t second,
                        const struct session *whole)
{
    struct session cut;
    bring_up(&cut, whole->rfb.mode);

    client_says(&cut, text, first);
    client_says(&cut, text + first, second - first);
    client_says(&cut, text + second, length - second);

    assert_int_equal(cut.verdict, whole->verdict);
    assert_ptr_equal(rfb_reason(&cut.rfb), rfb_reason(&whole->rfb));
    assert_int_equal(cut.is_input, whole->is_input);
    expect_out(&cut, (const char *)whole->out, whole->out_length);
}

static void try_every_cut(const struct sample *sample, enum rfb_mode mode)
{
    struct session whole;
    char text[256];
    size_t length = put_between(sample, text);
    print_message("# %s\n", sample->name);
    bring_up(&whole, mode);
    client_says(&whole, text, length);
    for (size_t first = 0; first <= length; first++) {
        for (size_t second = first; second <= length; second++) {
            expect_same(text, length, first, second, &whole);
        }
    }
}

static void how_a_message_is_cut_changes_nothing(void **state)
{
    (void)state;
    for (size_t mode = 0; mode < ARRAY_LENGTH(modes); mode++) {
        for (size_t i = 0; i < ARRAY_LENGTH(samples); i++) {
            try_every_cut(&samples[i], modes[mode]);
        }
        for (size_t i = 0; i < ARRAY_LENGTH(strangers); i++) {
            try_every_cut(&strangers[i], modes[mode]);
        }
    }
}

static void many_messages_may_come_byte_by_byte(void **state)
{
    (void)state;
    struct session session;
    struct session whole;
    char text[PIECE_MAX];
    size_t length = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(samples); i++) {
        length += put_between(&samples[i], text + length);
    }
    for (size_t mode = 0; mode < ARRAY_LENGTH(modes); mode++) {
        bring_up(&whole, modes[mode]);
        client_says(&whole, text, length);
        bring_up(&session, modes[mode]);

        for (size_t at = 0; at < length; at++) {
            client_says(&session, text + at, 1);
        }

        expect_open(&session);
        expect_out(&session, (const char *)whole.out, whole.out_length);
    }
}

static void what_is_held_back_comes_with_the_next_piece(void **state)
{
    (void)state;
    struct session session;
    bring_up(&session, RFB_READ_ONLY);

    client_says(&session, "\xf8\0\0\0\x80\0\0\1", 8);
    expect_out(&session, "", 0);
    client_says(&session, "\2ab", 3);

    expect_out(&session, "\xf8\0\0\0\x80\0\0\1\2ab", 11);
}

static void a_stranger_ends_a_read_only_session(void **state)
{
    (void)state;
    struct session session;
    char text[256];
    for (size_t i = 0; i < ARRAY_LENGTH(strangers); i++) {
        size_t length = put_between(&strangers[i], text);
        bring_up(&session, RFB_READ_ONLY);

        client_says(&session, text, length);
        expect_closed(&session, "the viewer sent a message that a read-only session does not know");
        client_says(&session, REQUEST, 10);

        assert_int_equal(session.verdict, RFB_CLOSE);
        expect_out(&session, REQUEST, 10);
    }
}

static void after_a_stranger_all_passes_and_all_is_input(void **state)
{
    (void)state;
    struct session session;
    char text[256];
    for (size_t i = 0; i < ARRAY_LENGTH(strangers); i++) {
        size_t length = put_between(&strangers[i], text);
        bring_up(&session, RFB_READ_WRITE);

        client_says(&session, text, length);
        expect_open(&session);
        expect_out(&session, text, length);
        assert_true(session.is_input);
        session.is_input = false;
        client_says(&session, "\3", 1);

        assert_true(session.is_input);
        assert_int_equal(session.out_length, length + 1);
        assert_true(rfb_is_up(&session.rfb));
    }
}

static void the_byte_that_makes_a_stranger_is_input(void **state)
{
    (void)state;
    struct session session;
    bring_up(&session, RFB_READ_WRITE);

    client_says(&session, "\xff", 1);
    assert_false(session.is_input);
    client_says(&session, "\2", 1);

    assert_true(session.is_input);
    expect_out(&session, "\xff\2", 2);
}

static void a_message_is_not_read_by_what_the_one_before_it_left(void **state)
{
    (void)state;
    struct session session;
    bring_up(&session, RFB_READ_ONLY);

    client_says(&session, "\5\2\0\0\0\0\xff", 7);
    client_says(&session, "\0\0\1\0\0\0a\0\0\0\x1e" REQUEST, 21);

    expect_open(&session);
    expect_out(&session, REQUEST, 10);
}

static void a_pointer_that_did_not_move_is_no_input(void **state)
{
    (void)state;
    static const struct {
        const char *event;
        bool is_input;
    } steps[] = {
        {"\5\0\0\0\0\0", true}, {"\5\0\0\0\0\0", false}, {"\5\0\0\0\0\1", true},
        {"\5\1\0\0\0\1", true}, {"\5\1\0\0\0\1", false}, {"\5\0\0\0\0\1", true},
    };
    struct session session;
    bring_up(&session, RFB_READ_WRITE);
    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        session.is_input = false;

        client_says(&session, steps[i].event, 6);
        client_says(&session, REQUEST, 10);

        assert_int_equal(session.is_input, steps[i].is_input);
    }
    assert_int_equal(session.out_length, ARRAY_LENGTH(steps) * 16);
}

/* After `header` come `rest` bytes that are not looked at, then a request. */
static void expect_long(const char *header, size_t header_length, uint64_t rest)
{
    static uint8_t piece[MIB];
    struct session session;
    struct rfb_pass pass;
    bring_up(&session, RFB_READ_ONLY);
    client_says(&session, header, header_length);
    for (uint64_t left = rest; left > 0; left -= left < MIB ? left : MIB) {
        memset(piece, 4, 16); /* would be keys */
        size_t length = left < MIB ? left : MIB;
        assert_int_equal(rfb_from_client(&session.rfb, piece, length, &pass), RFB_GO_ON);
        assert_int_equal(pass.length + pass.held_length, 0);
    }

    client_says(&session, REQUEST, 10);

    expect_open(&session);
    expect_out(&session, REQUEST, 10);
}

static void the_longest_clipboards_are_left_out_to_their_last_byte(void **state)
{
    (void)state;
    expect_long("\6\0\0\0\xff\xff\xff\xff", 8, 1);
    expect_long("\6\0\0\0\x7f\xff\xff\xff", 8, INT32_MAX);
    expect_long("\6\0\0\0\x80\0\0\0", 8, (uint64_t)INT32_MAX + 1);
    expect_long("\6\0\0\0\x80\0\0\1", 8, INT32_MAX);
    expect_long("\xfb\0\3\x20\2\x58\xff\0", 8, 255 * 16);
    expect_long("\xfd\x80\xff\xff", 4, 65535);
}

static void the_longest_list_of_encodings_passes_to_its_last_byte(void **state)
{
    (void)state;
    static uint8_t piece[65535 * 4 + 8];
    struct session session;
    struct rfb_pass pass;
    bring_up(&session, RFB_READ_ONLY);
    client_says(&session, "\2\0\xff\xff", 4);
    memset(piece, 4, sizeof(piece)); /* the last eight bytes are a key */

    assert_int_equal(rfb_from_client(&session.rfb, piece, sizeof(piece), &pass), RFB_GO_ON);

    assert_int_equal(pass.length, 65535 * 4);
    assert_true(pass.is_input);
}

static void what_passes_closes_up_at_the_front_of_its_piece(void **state)
{
    (void)state;
    struct session session;
    struct rfb_pass pass;
    bring_up(&session, RFB_READ_ONLY);
    uint8_t piece[] = REQUEST KEY REQUEST;

    rfb_from_client(&session.rfb, piece, sizeof(piece) - 1, &pass);

    assert_int_equal(pass.length, 20);
    assert_int_equal(pass.held_length, 0);
    assert_memory_equal(piece, REQUEST REQUEST, 20);
}

static void the_server_is_not_listened_to_once_the_screen_is_up(void **state)
{
    (void)state;
    struct session session;
    bring_up(&session, RFB_READ_ONLY);

    server_says(&session, "\xff\xff\xff\xff\0\0\0\0RFB 003.003\n", 20);
    client_says(&session, REQUEST, 10);

    expect_open(&session);
    expect_out(&session, REQUEST, 10);
}

static void an_empty_piece_is_no_news(void **state)
{
    (void)state;
    struct session session;
    bring_up(&session, RFB_READ_ONLY);

    client_says(&session, "\6\0", 2);
    client_says(&session, "", 0);
    server_says(&session, "", 0);
    client_says(&session, "\0\0\0\0\0\0" REQUEST, 16);

    expect_open(&session);
    expect_out(&session, REQUEST, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_passes_when_the_client_may_write),
        TEST(input_does_not_pass_when_the_client_may_only_look),
        TEST(how_a_message_is_cut_changes_nothing),
        TEST(many_messages_may_come_byte_by_byte),
        TEST(what_is_held_back_comes_with_the_next_piece),
        TEST(a_stranger_ends_a_read_only_session),
        TEST(after_a_stranger_all_passes_and_all_is_input),
        TEST(the_byte_that_makes_a_stranger_is_input),
        TEST(a_message_is_not_read_by_what_the_one_before_it_left),
        TEST(a_pointer_that_did_not_move_is_no_input),
        TEST(the_longest_clipboards_are_left_out_to_their_last_byte),
        TEST(the_longest_list_of_encodings_passes_to_its_last_byte),
        TEST(what_passes_closes_up_at_the_front_of_its_piece),
        TEST(the_server_is_not_listened_to_once_the_screen_is_up),
        TEST(an_empty_piece_is_no_news),
    };
    return cmocka_run_group_tests_name("rfb", tests, NULL, NULL);
}
