#include "support/test.h"

#include "options.h"
#include "scope.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARGV(...) ((char *[]){(char[]){"lodged"}, __VA_ARGS__, NULL})
#define WORD(text) ((char[]){text})

static int count(char **argv)
{
    int argc = 0;
    while (argv[argc] != NULL) {
        argc++;
    }
    return argc;
}

static void read_well(char **argv, struct options *ret_options)
{
    struct lodge_error err = {0};
    if (!options_read(count(argv), argv, ret_options, &err)) {
        fail_msg("%s", err.message);
    }
}

static void expect_refusal(char **argv, const char *expected)
{
    struct lodge_error err = {0};
    struct options options;
    assert_false(options_read(count(argv), argv, &options, &err));
    assert_int_equal(err.kind, LODGE_ERROR_INVALID);
    assert_string_equal(err.message, expected);
}

static void no_flag_is_fine(void **state)
{
    (void)state;
    struct options options;

    read_well((char *[]){WORD("lodged"), NULL}, &options);

    assert_null(options.config);
    assert_int_equal(options.host_count, 0);
    assert_false(options.check_config || options.version || options.help);
    options_clear(&options);
}

static void each_flag_is_read(void **state)
{
    (void)state;
    struct options options;

    read_well(ARGV(WORD("--config"), WORD("/c"), WORD("--socket=/s"), WORD("--state-dir"),
                   WORD("/d"), WORD("--log-level"), WORD("host=debug"), WORD("--check-config"),
                   WORD("--http=[::1]:7080"), WORD("--version"), WORD("--help")),
              &options);

    assert_string_equal(options.config, "/c");
    assert_string_equal(options.socket, "/s");
    assert_string_equal(options.state_dir, "/d");
    assert_string_equal(options.log_level, "host=debug");
    assert_string_equal(options.http, "[::1]:7080");
    assert_true(options.check_config && options.version && options.help);
    options_clear(&options);
}

static void hosts_keep_their_order_and_uri_is_the_local_one(void **state)
{
    (void)state;
    struct options options;

    read_well(ARGV(WORD("--host"), WORD("b=test:///b"), WORD("--uri"),
                   WORD("qemu:///embed?root=/r"), WORD("--host=a=test:///a")),
              &options);

    assert_int_equal(options.host_count, 3);
    assert_string_equal(options.hosts[0], "b=test:///b");
    assert_string_equal(options.hosts[1], "local=qemu:///embed?root=/r");
    assert_string_equal(options.hosts[2], "a=test:///a");
    options_clear(&options);
}

static void what_is_no_flag_is_refused(void **state)
{
    (void)state;
    expect_refusal(ARGV(WORD("--sokcet"), WORD("/s")),
                   "'--sokcet' is no flag of lodged; lodged --help lists them");
    expect_refusal(ARGV(WORD("--sock"), WORD("/s")), /* no guessing */
                   "'--sock' is no flag of lodged; lodged --help lists them");
    expect_refusal(ARGV(WORD("start")), "'start' is no flag of lodged; lodged --help lists them");
    expect_refusal(ARGV(WORD("")), "'' is no flag of lodged; lodged --help lists them");
}

static void a_value_is_there_or_not_as_the_flag_wants(void **state)
{
    (void)state;
    expect_refusal(ARGV(WORD("--socket")), "--socket needs its PATH");
    expect_refusal(ARGV(WORD("--host=a=b:"), WORD("--uri")), "--uri needs its URI");
    expect_refusal(ARGV(WORD("--help=yes")), "--help takes no value");
}

static void a_flag_that_can_mean_one_thing_is_given_once(void **state)
{
    (void)state;
    expect_refusal(ARGV(WORD("--socket=/a"), WORD("--socket=/b")), "--socket was given twice");
    expect_refusal(ARGV(WORD("--http=off"), WORD("--http=off")), "--http was given twice");
    expect_refusal(ARGV(WORD("--uri=a:"), WORD("--uri=b:")), "--uri was given twice");
}

static void the_help_names_each_flag(void **state)
{
    (void)state;
    char text[4096] = "";
    char path[] = "/tmp/lodge-help-XXXXXX";
    fflush(stdout);
    int before = dup(1);
    int file = mkstemp(path);
    assert_int_equal(dup2(file, 1), 1);
    options_print_help();
    fflush(stdout);
    assert_int_equal(dup2(before, 1), 1);
    assert_true(pread(file, text, sizeof text - 1, 0) > 0);
    close(file);
    close(before);
    unlink(path);

    static const char *const flags[] = {
        "--config FILE",    "--socket PATH",     "--state-dir DIR", "--uri URI", "--host NAME=URI",
        "--http ADDR:PORT", "--log-level LEVEL", "--check-config",  "--version", "--help",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        assert_non_null(strstr(text, flags[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_flag_is_fine),
        TEST(each_flag_is_read),
        TEST(hosts_keep_their_order_and_uri_is_the_local_one),
        TEST(what_is_no_flag_is_refused),
        TEST(a_value_is_there_or_not_as_the_flag_wants),
        TEST(a_flag_that_can_mean_one_thing_is_given_once),
        TEST(the_help_names_each_flag),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
