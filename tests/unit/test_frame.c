#include "frame.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT = 16 };

static void feed(struct frame *frame, const char *bytes, size_t size)
{
    char *space = frame_space(frame, size);
    assert_non_null(space);
    memcpy(space, bytes, size);
    frame_added(frame, size);
}

static void expect_line(struct frame *frame, const char *text)
{
    char *line = NULL;
    size_t length = 0;
    assert_int_equal(frame_next(frame, &line, &length), FRAME_LINE);
    assert_string_equal(line, text);
    assert_int_equal(length, strlen(text));
}

static void expect_nothing(struct frame *frame, enum frame_result result)
{
    char *line = NULL;
    size_t length = 0;
    assert_int_equal(frame_next(frame, &line, &length), result);
    assert_null(line);
}

static void several_lines_come_out_of_one_piece(void **state)
{
    (void)state;
    struct frame frame;
    frame_init(&frame, LIMIT);

    feed(&frame, "one\r\n\n\r\ntwo\nthr", 15);

    expect_line(&frame, "one");
    expect_line(&frame, "");
    expect_line(&frame, "");
    expect_line(&frame, "two");
    expect_nothing(&frame, FRAME_NEED_MORE);
    assert_true(frame_pending(&frame));
    frame_done(&frame);
}

static void a_line_may_come_byte_by_byte(void **state)
{
    (void)state;
    struct frame frame;
    frame_init(&frame, LIMIT);
    const char *text = "{\"id\":1}\r\n{\"id\":2}\n";

    for (int round = 0; round < 1000; round++) {
        for (const char *at = text; *at != '\0'; at++) {
            feed(&frame, at, 1);
            if (*at == '\n') {
                expect_line(&frame, at[-1] == '\r' ? "{\"id\":1}" : "{\"id\":2}");
            }
            expect_nothing(&frame, FRAME_NEED_MORE);
        }
    }

    assert_false(frame_pending(&frame));
    assert_in_range(frame.capacity, 1, 64);
    frame_done(&frame);
}

static void a_line_at_the_limit_passes(void **state)
{
    (void)state;
    struct frame frame;
    frame_init(&frame, LIMIT);

    feed(&frame, "0123456789abcdef", LIMIT);
    expect_nothing(&frame, FRAME_NEED_MORE);
    feed(&frame, "\n", 1);

    expect_line(&frame, "0123456789abcdef");
    frame_done(&frame);
}

static void a_line_over_the_limit_is_refused_before_its_end_comes(void **state)
{
    (void)state;
    struct frame frame;
    frame_init(&frame, LIMIT);

    feed(&frame, "short\n0123456789abcdef!", 23);

    expect_line(&frame, "short");
    expect_nothing(&frame, FRAME_TOO_LONG);
    feed(&frame, "\nnext\n", 6);
    expect_nothing(&frame, FRAME_TOO_LONG);
    frame_done(&frame);
}

static void a_zero_byte_is_part_of_its_line(void **state)
{
    (void)state;
    struct frame frame;
    char *line = NULL;
    size_t length = 0;
    frame_init(&frame, LIMIT);

    feed(&frame, "a\0b\n", 4);

    assert_int_equal(frame_next(&frame, &line, &length), FRAME_LINE);
    assert_int_equal(length, 3);
    assert_memory_equal(line, "a\0b", 4);
    frame_done(&frame);
}

static void a_block_that_one_long_line_made_is_given_back(void **state)
{
    (void)state;
    enum { LONG = 4 << 20 };
    struct frame frame;
    char *line = NULL;
    size_t length = 0;
    frame_init(&frame, LONG);

    char *space = frame_space(&frame, LONG + 1);
    assert_non_null(space);
    memset(space, 'x', LONG);
    space[LONG] = '\n';
    frame_added(&frame, LONG + 1);
    assert_int_equal(frame_next(&frame, &line, &length), FRAME_LINE);
    assert_int_equal(length, LONG);
    feed(&frame, "short\n", 6);

    expect_line(&frame, "short");
    assert_in_range(frame.capacity, 1, 64 << 10);
    frame_done(&frame);
}

static void a_frame_works_again_after_it_gave_its_memory_back(void **state)
{
    (void)state;
    struct frame frame;
    frame_init(&frame, LIMIT);
    expect_nothing(&frame, FRAME_NEED_MORE);

    feed(&frame, "one\n", 4);
    expect_line(&frame, "one");
    frame_done(&frame);
    expect_nothing(&frame, FRAME_NEED_MORE);
    feed(&frame, "two\n", 4);

    expect_line(&frame, "two");
    assert_int_equal(frame.limit, LIMIT);
    frame_done(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(several_lines_come_out_of_one_piece),
        TEST(a_line_may_come_byte_by_byte),
        TEST(a_line_at_the_limit_passes),
        TEST(a_line_over_the_limit_is_refused_before_its_end_comes),
        TEST(a_zero_byte_is_part_of_its_line),
        TEST(a_block_that_one_long_line_made_is_given_back),
        TEST(a_frame_works_again_after_it_gave_its_memory_back),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
