/* base64: RFC 4648's own examples, every byte both ways, and what is no such text. */
#include "support/test.h"

#include "base64.h"
#include "scope.h"

#include <string.h>

static const struct {
    const char *bytes;
    const char *text;
} examples[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xff\xff\xbe", "//++"},
};

static void the_examples_of_its_RFC_are_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(examples); i++) {
        struct buffer out = {0};

        buffer_add_text(&out, ">");
        base64_write(&out, examples[i].bytes, strlen(examples[i].bytes));

        assert_string_equal(buffer_text(&out) + 1, examples[i].text);
        buffer_free(&out);
    }
}

static void they_are_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(examples); i++) {
        struct buffer out = {0};

        assert_true(base64_read(&out, examples[i].text, strlen(examples[i].text)));

        assert_int_equal(out.length, strlen(examples[i].bytes));
        assert_memory_equal(buffer_text(&out), examples[i].bytes, out.length);
        buffer_free(&out);
    }
}

static void any_bytes_of_any_length_come_back(void **state)
{
    (void)state;
    unsigned char bytes[600];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 167 + i / 256);
    }
    for (size_t size = 0; size <= sizeof bytes; size++) {
        struct buffer text = {0};
        struct buffer back = {0};

        base64_write(&text, bytes, size);
        assert_true(base64_read(&back, text.data, text.length));

        assert_int_equal(back.length, size);
        if (size > 0) {
            assert_memory_equal(back.data, bytes, size);
        }
        buffer_free(&text);
        buffer_free(&back);
    }
}

static void what_is_no_base64_is_refused_and_adds_nothing(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "Z",        "Zg",       "Zg=",   "Zg===", "=",    "==",           "====", "Z===", "Zm9v=",
        "Zm9vZg=x", "Zg==Zg==", "Zm9\n", "Zm 9",  "Zm-_", "Zm9v\xc3\xa4", "Zh==", "Zm9=", "=Zm9",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct buffer out = {0};

        buffer_add_text(&out, "x");
        if (base64_read(&out, rows[i], strlen(rows[i]))) {
            fail_msg("'%s' is taken for base64", rows[i]);
        }

        assert_int_equal(out.length, 1);
        buffer_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_examples_of_its_RFC_are_written),
        TEST(they_are_read_back),
        TEST(any_bytes_of_any_length_come_back),
        TEST(what_is_no_base64_is_refused_and_adds_nothing),
    };
    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
