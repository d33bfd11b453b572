/* utf8: every character is written as it is read, and nothing else is one. */
#include "support/test.h"

#include "scope.h"
#include "utf8.h"

#include <stdbool.h>
#include <string.h>

static void every_character_is_read_as_it_was_written(void **state)
{
    (void)state;
    for (uint32_t character = 1; character <= 0x10FFFF; character++) {
        char bytes[UTF8_MAX + 1] = {0};
        uint32_t read = 0;
        size_t length = utf8_encode(character, bytes);
        bool is_surrogate = character >= 0xD800 && character < 0xE000;

        assert_int_equal(strlen(bytes), length);
        assert_int_equal(utf8_length(bytes, length), is_surrogate ? 0 : length);
        assert_int_equal(utf8_decode(bytes, &read), is_surrogate ? 0 : length);
        assert_int_equal(read, is_surrogate ? 0 : character);
    }
}

static void what_is_no_character_is_not_read(void **state)
{
    (void)state;
    static const char *const flawed[] = {
        "\x80",             /* starts in the middle */
        "\xC3",             /* ends too soon */
        "\xE2\x82",         /* so does this */
        "\xF0\x9F\x98",     /* and this */
        "\xC3(",            /* goes on with something else */
        "\xC0\xAF",         /* longer than it has to be */
        "\xE0\x9F\xBF",     /* as well */
        "\xF0\x8F\xBF\xBF", /* and this */
        "\xF4\x90\x80\x80", /* past the last */
        "\xFF",             /* never seen */
    };

    for (size_t i = 0; i < ARRAY_LENGTH(flawed); i++) {
        uint32_t character = 7;
        assert_int_equal(utf8_length(flawed[i], strlen(flawed[i])), 0);
        assert_int_equal(utf8_decode(flawed[i], &character), 0);
        assert_int_equal(character, 7);
    }
}

static void what_lies_behind_the_end_is_not_read(void **state)
{
    (void)state;
    uint32_t character = 0;

    assert_int_equal(utf8_length("\xC3\xA9", 1), 0);
    assert_int_equal(utf8_decode("\xC3\xA9t\xC3\xA9", &character), 2);
    assert_int_equal(character, 0xE9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_character_is_read_as_it_was_written),
        TEST(what_is_no_character_is_not_read),
        TEST(what_lies_behind_the_end_is_not_read),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
