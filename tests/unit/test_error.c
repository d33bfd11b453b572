/* lodge_error: filled once, wrapped, cut without harm; kinds and codes there and back. */
#include "support/test.h"

#include "lodge/error.h"

#include <string.h>

static void a_failure_says_kind_and_message(void **state)
{
    (void)state;
    struct lodge_error err = {0};

    assert_false(lodge_fail(&err, LODGE_ERROR_BUSY, "%s has %d", "web", 3));

    assert_int_equal(err.kind, LODGE_ERROR_BUSY);
    assert_string_equal(err.message, "web has 3");
    assert_string_equal(err.param, "");
}

static void a_wrong_parameter_is_named(void **state)
{
    (void)state;
    struct lodge_error err = {0};

    assert_false(lodge_fail_param(&err, "vcpus", "'vcpus' must be from 1 to 512"));

    assert_int_equal(err.kind, LODGE_ERROR_PARAMS);
    assert_string_equal(err.param, "vcpus");
}

static void context_stands_in_front_and_keeps_the_rest(void **state)
{
    (void)state;
    struct lodge_error err = {.since_ms = 7, .libvirt = {.code = 38}};
    (void)lodge_fail_param(&err, "vm", "no such file");

    assert_false(lodge_fail_in(&err, "reading %s", "web"));

    assert_string_equal(err.message, "reading web: no such file");
    assert_int_equal(err.kind, LODGE_ERROR_PARAMS);
    assert_string_equal(err.param, "vm");
    assert_int_equal(err.since_ms, 7);
    assert_int_equal(err.libvirt.code, 38);
}

static void long_texts_are_cut_and_closed(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct lodge_error err = {0};

    (void)lodge_fail_param(&err, text, "%s", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_int_equal(strlen(err.param), sizeof err.param - 1);

    (void)lodge_fail_in(&err, "%s", text); /* context alone fills it */
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
}

static void every_kind_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < LODGE_ERROR_KINDS; i++) {
        const char *name = lodge_error_kind_name((enum lodge_error_kind)i);
        assert_non_null(name);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(name, lodge_error_kind_name((enum lodge_error_kind)j));
        }
    }
}

static void codes_that_travel_come_back_as_their_kind(void **state)
{
    (void)state;
    for (int i = LODGE_ERROR_PARSE; i <= LODGE_ERROR_UNSUPPORTED; i++) {
        enum lodge_error_kind kind = (enum lodge_error_kind)i;
        assert_int_equal(lodge_error_kind_from_code(lodge_error_code(kind)), kind);
    }
    assert_int_equal(lodge_error_code(LODGE_ERROR_NOT_FOUND), -32001);
    assert_int_equal(lodge_error_code(LODGE_ERROR_UNSUPPORTED), -32015);
    assert_int_equal(lodge_error_code(LODGE_ERROR_UNREACHABLE), -32603);
    assert_int_equal(lodge_error_kind_from_code(-1), LODGE_ERROR_INTERNAL);
    assert_int_equal(lodge_error_kind_from_code(0), LODGE_ERROR_INTERNAL);
    assert_int_equal(lodge_error_kind_from_code(INT64_MIN), LODGE_ERROR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_failure_says_kind_and_message),
        TEST(a_wrong_parameter_is_named),
        TEST(context_stands_in_front_and_keeps_the_rest),
        TEST(long_texts_are_cut_and_closed),
        TEST(every_kind_has_a_name_of_its_own),
        TEST(codes_that_travel_come_back_as_their_kind),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
