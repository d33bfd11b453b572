/* config_hosts: how many hosts a configuration may have. */
#include "support/test.h"

#include "config.h"
#include "options.h"

#include <stdio.h>

enum { HOSTS = 1000 };

static void a_thousand_are_taken_and_not_one_more(void **state)
{
    (void)state;
    static char words[HOSTS + 1][32];
    static char *hosts[HOSTS + 1];
    for (size_t i = 0; i < HOSTS + 1; i++) {
        snprintf(words[i], sizeof words[i], "h%zu=test:///default", i);
        hosts[i] = words[i];
    }
    struct options options = {.config = "/dev/null", .hosts = hosts, .host_count = HOSTS};
    struct config config = {0};
    struct lodge_error err = {0};
    assert_true(config_load(&options, &config, &err));
    assert_int_equal(config.host_count, HOSTS);
    config_clear(&config);
    options.host_count++;
    assert_false(config_load(&options, &config, &err));
    assert_string_equal(err.message, "--host: too many hosts, expected at most 1000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_thousand_are_taken_and_not_one_more),
    };
    return cmocka_run_group_tests_name("config_hosts", tests, NULL, NULL);
}
