/* Bytes of a terminal become keys and pastes, however they come in pieces. */
#include "support/test.h"

#include "input/decoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN "\033[200~"
#define END "\033[201~"

static struct decoder decoder;
static int64_t now_ms;
static char said[8192]; /* what came out, by names: "j Up <text> " */

static int fresh_decoder(void **state)
{
    (void)state;
    decoder = (struct decoder){0};
    decoder_learn(&decoder, "\033[A", KEY_CODE_UP);
    decoder_learn(&decoder, "\033OB", KEY_CODE_DOWN);
    decoder_learn(&decoder, "\033[2;2R", KEY_CODE_F12);
    now_ms = 1000;
    said[0] = '\0';
    return 0;
}

static void note_key(struct key key)
{
    size_t length = strlen(said);
    char text[PASTE_BYTES];
    bool cut;

    if (key.code == KEY_CODE_PASTE) {
        decoder_paste(&decoder, text, &cut);
        snprintf(said + length, sizeof(said) - length, "<%s%s> ", text, cut ? "…" : "");
    } else {
        key_print(key, text, 16);
        snprintf(said + length, sizeof(said) - length, "%s ", text);
    }
}

/* Takes out all keys; `waits`: no more bytes come in DECODER_KEY_MS. */
static void hear(bool waits)
{
    struct key key;
    enum decoded decoded;
    bool waited = false;

    while ((decoded = decoder_next(&decoder, waited, &key)) != DECODED_NOTHING) {
        if (decoded == DECODED_KEY) {
            note_key(key);
        } else if (waited || !waits) {
            return;
        } else {
            waited = true;
        }
    }
}

static void send_bytes(const char *bytes, size_t length, bool waits)
{
    while (length > 0) {
        size_t size;
        char *room = decoder_room(&decoder, &size);
        size = size < length ? size : length;
        memcpy(room, bytes, size);
        decoder_take(&decoder, size, now_ms);
        hear(waits);
        bytes += size;
        length -= size;
    }
}

static void expect_heard(const char *bytes, const char *wanted)
{
    said[0] = '\0';
    send_bytes(bytes, strlen(bytes), true);
    assert_string_equal(said, wanted);
}

static void keys_are_told_by_the_longest_sequence(void **state)
{
    (void)state;
    expect_heard("jD", "j D ");
    expect_heard("\033[A\033OB", "Up Down ");
    expect_heard("\033", "Esc ");
    expect_heard("\033j", "Esc j ");
    expect_heard("\r\n\b\177\t", "Enter Enter Backspace Backspace Tab ");
    expect_heard("\x03\x1a", "C-c C-z ");
    expect_heard("\346\235\261", "U+6771 ");
}

static void letters_of_an_unknown_sequence_are_no_keys(void **state)
{
    (void)state;
    expect_heard("\033[1;5Dj", "j ");
    expect_heard("\033[I\033[Oj", "j "); /* focus */
    expect_heard("\033OXj", "j ");
    expect_heard("\033[?62;1;4cj", "j "); /* what a terminal says it is */
}

static void what_is_no_utf8_is_dropped_and_nothing_behind_it(void **state)
{
    (void)state;
    expect_heard("\377j\300\200k\346\235l", "j k l ");
}

static void a_key_in_pieces_is_one_key(void **state)
{
    (void)state;
    send_bytes("\033", 1, false);
    send_bytes("[", 1, false);
    send_bytes("A\346", 2, false);
    send_bytes("\235\261", 2, false);
    assert_string_equal(said, "Up U+6771 ");
}

static void what_is_pasted_is_one_text_and_no_key(void **state)
{
    (void)state;
    expect_heard("j" BEGIN "service restart" END "k", "j <service restart> k ");
    expect_heard(BEGIN END, "<> ");
    expect_heard(BEGIN "web\n" END, "<web> ");
    expect_heard(BEGIN "\r\n\nweb\r\n\r\n" END, "<web> ");
    expect_heard(BEGIN "one\r\ntwo\tthree" END, "<one two three> ");
    expect_heard(BEGIN "a" BEGIN "b" END "j", "<a[200~b> j ");
}

static void an_escape_within_ends_nothing_and_control_characters_are_dropped(void **state)
{
    (void)state;
    expect_heard(BEGIN "a\033b\033[Ac\033[201" END, "<ab[Ac[201> ");
    expect_heard(BEGIN "\x03\x1a\x11\x13\x1c\x07"
                       "D\177Y" END,
                 "<DY> ");
    expect_heard(BEGIN "a\302\233b\342\200\256c\377\346\235" END, "<abc> ");
}

static void markers_in_single_bytes_are_markers_however_slow(void **state)
{
    static const char bytes[] = BEGIN "Ds\n" END;

    (void)state;
    for (size_t i = 0; i < strlen(bytes); i++) {
        now_ms += 300; /* longer than any key waits */
        send_bytes(bytes + i, 1, true);
    }
    assert_non_null(strstr(said, "<Ds> "));
    assert_null(strstr(said, " D "));
    assert_null(strstr(said, "Enter"));
}

static void a_paste_longer_than_any_field_is_cut(void **state)
{
    static const size_t size = 1 << 20;
    char *text = malloc(size);

    (void)state;
    memset(text, 'D', size);
    send_bytes(BEGIN, strlen(BEGIN), true);
    send_bytes(text, size, true);
    send_bytes(END "j", strlen(END "j"), true);
    free(text);
    assert_string_equal(said + strlen(said) - strlen("D…> j "), "D…> j ");
    assert_true(strlen(said) < PASTE_BYTES + 16);
}

static void a_paste_without_an_end_is_given_up(void **state)
{
    (void)state;
    send_bytes(BEGIN "rm", strlen(BEGIN "rm"), true);
    assert_int_equal(decoder_patience_ms(&decoder, now_ms), DECODER_PASTE_MS);
    assert_false(decoder_expire(&decoder, now_ms + DECODER_PASTE_MS - 1));
    assert_true(decoder_expire(&decoder, now_ms + DECODER_PASTE_MS));
    assert_int_equal(decoder_patience_ms(&decoder, now_ms + DECODER_PASTE_MS), -1);
    expect_heard("q", "q ");
}

static void what_comes_late_of_a_paste_that_was_given_up_is_no_key(void **state)
{
    (void)state;
    send_bytes(BEGIN "rm", strlen(BEGIN "rm"), true);
    now_ms += DECODER_PASTE_MS;
    assert_true(decoder_expire(&decoder, now_ms));
    expect_heard(" -rf D Y and so on", "");
    expect_heard("DY" END "j", "j ");
}

int main(void)
{
#define DECODER_TEST(function) cmocka_unit_test_setup(function, fresh_decoder)
    const struct CMUnitTest tests[] = {
        DECODER_TEST(keys_are_told_by_the_longest_sequence),
        DECODER_TEST(letters_of_an_unknown_sequence_are_no_keys),
        DECODER_TEST(what_is_no_utf8_is_dropped_and_nothing_behind_it),
        DECODER_TEST(a_key_in_pieces_is_one_key),
        DECODER_TEST(what_is_pasted_is_one_text_and_no_key),
        DECODER_TEST(an_escape_within_ends_nothing_and_control_characters_are_dropped),
        DECODER_TEST(markers_in_single_bytes_are_markers_however_slow),
        DECODER_TEST(a_paste_longer_than_any_field_is_cut),
        DECODER_TEST(a_paste_without_an_end_is_given_up),
        DECODER_TEST(what_comes_late_of_a_paste_that_was_given_up_is_no_key),
    };
    return cmocka_run_group_tests_name("decoder", tests, NULL, NULL);
}
