#include "support/test.h"

#include "config.h"
#include "config_keys.h"
#include "options.h"
#include "scope.h"

#include <glob.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct options from_nothing = {.config = "/dev/null"};

static void read_text(const char *path, char *text, size_t size)
{
    FILE *stream = fopen(path, "re");
    assert_non_null(stream);
    text[fread(text, 1, size - 1, stream)] = '\0';
    fclose(stream);
}

static void load_well(const struct options *options, struct config *ret_config)
{
    struct lodge_error err = {0};
    if (!config_load(options, ret_config, &err)) {
        fail_msg("%s", err.message);
    }
}

static void expect_refusal(const struct options *options, const char *expected)
{
    struct lodge_error err = {0};
    struct config config;
    assert_false(config_load(options, &config, &err));
    assert_int_equal(err.kind, LODGE_ERROR_INVALID);
    assert_string_equal(err.message, expected);
}

/* --- pairs of files: tests/data/config ----------------------------------------------------------
 */

static void each_pair(const char *kind, void (*check)(const char *path, char *expected))
{
    char pattern[512];
    glob_t found;
    const char *data = getenv("LODGE_TEST_DATA");
    assert_non_null(data);
    snprintf(pattern, sizeof pattern, "%s/config/%s-*.conf", data, kind);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char path[600];
        char expected[4096];
        const char *conf = found.gl_pathv[i];
        snprintf(path, sizeof path, "%.*s.expect", (int)(strlen(conf) - strlen(".conf")), conf);
        read_text(path, expected, sizeof expected);
        check(conf, expected);
    }
    globfree(&found);
}

/* The complaint is FILE:<expected>. */
static void check_fail(const char *path, char *expected)
{
    struct lodge_error err = {0};
    struct config config;
    char message[1024];
    expected[strcspn(expected, "\n")] = '\0';
    snprintf(message, sizeof message, "%s:%s", path, expected);
    if (config_load(&(struct options){.config = path}, &config, &err)) {
        fail_msg("%s was taken", path);
    }
    assert_string_equal(err.message, message);
}

/* Every line of `expected` is there, in that order. */
static void check_pass(const char *path, char *expected)
{
    struct config config;
    char text[4096] = "";
    load_well(&(struct options){.config = path}, &config);
    FILE *stream = fmemopen(text, sizeof text, "w");
    config_print(&config, stream);
    fclose(stream);
    config_clear(&config);

    const char *rest = text;
    char *place = NULL;
    for (char *line = strtok_r(expected, "\n", &place); line != NULL;
         line = strtok_r(NULL, "\n", &place)) {
        rest = strstr(rest, line);
        if (rest == NULL) {
            fail_msg("%s: no line '%s' in its place in\n%s", path, line, text);
        }
        rest += strlen(line);
    }
}

static void what_is_wrong_in_a_file_is_said_with_its_line(void **state)
{
    (void)state;
    each_pair("fail", check_fail);
}

static void what_a_file_says_is_taken(void **state)
{
    (void)state;
    each_pair("pass", check_pass);
}

static void what_is_printed_is_a_file_that_gives_the_same(void **state)
{
    (void)state;
    struct config config;
    struct config again;
    char path[] = "/tmp/lodge-config-XXXXXX";
    char *hosts[] = {(char[]){"h1=test:///default"}, (char[]){"h2=qemu:///system"}};
    struct options options = from_nothing;
    options.hosts = hosts;
    options.host_count = 2;
    load_well(&options, &config);
    FILE *stream = fdopen(mkstemp(path), "w");
    assert_non_null(stream);
    config_print(&config, stream);
    fclose(stream);

    load_well(&(struct options){.config = path}, &again);

    assert_null(config_needs_restart(&config, &again));
    config_clear(&again);
    config_clear(&config);
    unlink(path);
}

static void the_example_is_a_configuration(void **state)
{
    (void)state;
    struct config config;
    char path[512];
    const char *data = getenv("LODGE_TEST_DATA");
    assert_non_null(data);
    snprintf(path, sizeof path, "%s/../../data/lodged.conf", data);

    load_well(&(struct options){.config = path}, &config);

    assert_string_equal(config.hosts[0].pool, "lodge");
    assert_string_equal(config.hosts[0].dir, "/var/lib/libvirt/images/lodge");
    assert_int_equal(config.image_dirs.count, 2);
    assert_string_equal(config.image_dirs.items[1], "/srv/images");
    assert_int_equal(config.quota.memory_mib, 131072);
    assert_int_equal(config.quota_user.vms, 10);
    assert_string_equal(config.console.listen, "127.0.0.1:6080");
    config_clear(&config);
}

/* --- files --------------------------------------------------------------------------------------
 */

static void a_named_file_must_be_readable(void **state)
{
    (void)state;
    expect_refusal(&(struct options){.config = "/nowhere/lodged.conf"},
                   "/nowhere/lodged.conf: cannot be read: No such file or directory");
    expect_refusal(&(struct options){.config = "/tmp"}, "/tmp: cannot be read: Is a directory");
}

/* --- defaults -----------------------------------------------------------------------------------
 */

static void a_users_own_daemon_keeps_to_the_user(void **state)
{
    (void)state;
    struct config config;
    bool root = geteuid() == 0;
    setenv("XDG_RUNTIME_DIR", "/run/user/77", 1);
    setenv("XDG_STATE_HOME", "/home/u/.state", 1);
    setenv("XDG_DATA_HOME", "/home/u/.data", 1);
    if (root) {
        assert_int_equal(seteuid(65534), 0);
    }

    load_well(&from_nothing, &config);

    if (root) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_string_equal(config.socket, "/run/user/77/lodge/lodged.sock");
    assert_string_equal(config.state_dir, "/home/u/.state/lodge");
    assert_int_equal(config.image_dirs.count, 1);
    assert_string_equal(config.image_dirs.items[0], "/home/u/.data/lodge/images");
    assert_int_equal(config.socket_mode, 0600);
    assert_null(config.socket_group);
    assert_false(config.group_absent);
    config_clear(&config);
}

static void roots_daemon_is_the_machines(void **state)
{
    (void)state;
    struct config config;
    if (geteuid() != 0) {
        skip();
    }

    load_well(&from_nothing, &config);

    bool group = getgrnam("lodge") != NULL;
    assert_string_equal(config.socket, "/run/lodge/lodged.sock");
    assert_string_equal(config.state_dir, "/var/lib/lodge");
    assert_string_equal(config.image_dirs.items[0], "/srv/lodge/images");
    assert_int_equal(config.socket_mode, 0660);
    assert_int_equal(config.group_absent, !group);
    assert_int_equal(config.socket_group != NULL, group);
    config_clear(&config);
}

/* --- flags --------------------------------------------------------------------------------------
 */

static void flags_win_over_the_file(void **state)
{
    (void)state;
    char path[] = "/tmp/lodge-config-XXXXXX";
    static const char text[] = "[daemon]\nsocket = /a\nlog_level = error\nstate_dir = /b\n"
                               "[host h1]\nuri = qemu:///system\n";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    char *hosts[] = {(char[]){"local=test:///default"}};
    const struct options options = {
        .config = path,
        .socket = "relative.sock",
        .log_level = "debug",
        .hosts = hosts,
        .host_count = 1,
    };
    struct config config;

    load_well(&options, &config);

    assert_string_equal(config.socket, "relative.sock");
    assert_string_equal(config.state_dir, "/b");
    assert_string_equal(config.log_level, "debug");
    assert_int_equal(config.host_count, 1);
    assert_string_equal(config.hosts[0].name, "local");
    assert_string_equal(config.hosts[0].uri, "test:///default");
    config_clear(&config);
    unlink(path);
}

static void flags_are_judged_like_the_file(void **state)
{
    (void)state;
    char *hosts[] = {(char[]){"h1"}, NULL};
    struct options options = from_nothing;
    options.hosts = hosts;
    options.host_count = 1;
    expect_refusal(&options, "--host 'h1', expected NAME=URI");
    hosts[0] = (char[]){"h1=system"};
    expect_refusal(&options,
                   "--host: uri = 'system', expected a libvirt URI such as qemu:///system");
    hosts[0] = (char[]){"-=test:///default"};
    expect_refusal(&options, "--host: '-' is no name for a host, expected a letter or digit and "
                             "then up to 63 letters, digits, '.', '_' or '-'");
    hosts[0] = hosts[1] = (char[]){"h1=test:///default"};
    options.host_count = 2;
    expect_refusal(&options, "--host: 'h1' was given twice");
    expect_refusal(&(struct options){.config = "/dev/null", .log_level = ""},
                   "--log-level: '' is no log level, expected error, warning, info or debug");
}

static void where_browsers_are_answered_is_a_flag_too(void **state)
{
    (void)state;
    struct config config;
    struct options options = from_nothing;
    load_well(&options, &config);
    assert_string_equal(config.console.listen, "127.0.0.1:6080");
    assert_string_equal(config.console.novnc_dir, "/usr/share/novnc");
    assert_null(config.console.tls_cert);
    assert_int_equal(config.console.hosts.count, 0);
    config_clear(&config);
    static const char *const places[] = {"off", "[::1]:0", "0.0.0.0:443"};
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        options.http = places[i];
        load_well(&options, &config);
        assert_string_equal(config.console.listen, places[i]);
        assert_true(config_is_given(&config, "console", "listen"));
        config_clear(&config);
    }
    options.http = "localhost:6080";
    expect_refusal(&options, "--http: listen = 'localhost:6080', expected an address such as "
                             "127.0.0.1:6080 or [::1]:6080, or off");
}

/* Neither alone is of any use, whichever it is. */
static void a_certificate_and_its_key_come_together(void **state)
{
    (void)state;
    static const char *const lines[] = {"tls_cert = /c.pem", "tls_key = /k.pem"};
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        char path[] = "/tmp/lodge-config-XXXXXX";
        FILE *stream = fdopen(mkstemp(path), "w");
        assert_non_null(stream);
        fprintf(stream, "[console]\n%s\n", lines[i]);
        fclose(stream);
        expect_refusal(&(struct options){.config = path},
                       "[console] has only one of tls_cert and tls_key, expected both or none");
        unlink(path);
    }
}

static void a_socket_that_the_kernel_could_not_name_is_refused(void **state)
{
    (void)state;
    char path[102];
    char message[256];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    snprintf(message, sizeof message, "the socket's path has 101 bytes, expected at most 100: %s",
             path);

    expect_refusal(&(struct options){.config = "/dev/null", .socket = path}, message);
    expect_refusal(&(struct options){.config = "/dev/null", .socket = ""},
                   "no place for the socket; give --socket PATH");
}

/* --- reload -------------------------------------------------------------------------------------
 */

static void a_host_whose_disks_go_elsewhere_is_another(void **state)
{
    (void)state;
    static const char *const lines[] = {"", "pool = other\n", "dir = /other\n"};
    struct config configs[ARRAY_LENGTH(lines)];
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        char path[] = "/tmp/lodge-config-XXXXXX";
        FILE *stream = fdopen(mkstemp(path), "w");
        assert_non_null(stream);
        fprintf(stream, "[host h1]\nuri = qemu:///system\n%s", lines[i]);
        fclose(stream);
        load_well(&(struct options){.config = path}, &configs[i]);
        unlink(path);
    }

    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        AUTO(free) char *words = config_needs_restart(&configs[0], &configs[i]);
        if (i == 0) {
            assert_null(words);
        } else {
            assert_string_equal(words, "[host]");
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        config_clear(&configs[i]);
    }
}

static void what_a_reload_cannot_change_is_named(void **state)
{
    (void)state;
    struct config now;
    struct config next;
    char *hosts[] = {(char[]){"h1=test:///default"}};
    struct options options = from_nothing;
    load_well(&options, &now);
    options.log_level = "debug";
    load_well(&options, &next);
    assert_null(config_needs_restart(&now, &next));
    config_clear(&next);

    options.socket = "/elsewhere";
    options.hosts = hosts;
    options.host_count = 1;
    load_well(&options, &next);
    AUTO(free) char *words = config_needs_restart(&now, &next);

    assert_string_equal(words, "[daemon] socket, [host]");
    config_clear(&next);
    config_clear(&now);
}

static void limits_of_sessions_change_with_a_reload_and_doors_do_not(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        ("ticket_ttl_s = 5\nidle_s = 5\nmax_s = 5\nper_user = 5\nper_vm = 5\n"
         "origins = https://a.example\nhosts = a.example\npublic_url = https://a.example/\n"),
        "listen = off\nnovnc_dir = /elsewhere\n",
    };
    struct config configs[ARRAY_LENGTH(texts)];
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        char path[] = "/tmp/lodge-config-XXXXXX";
        FILE *stream = fdopen(mkstemp(path), "w");
        assert_non_null(stream);
        fprintf(stream, "[console]\n%s", texts[i]);
        fclose(stream);
        load_well(&(struct options){.config = path}, &configs[i]);
        unlink(path);
    }

    assert_null(config_needs_restart(&configs[0], &configs[1]));
    AUTO(free) char *words = config_needs_restart(&configs[0], &configs[2]);

    assert_string_equal(words, "[console] listen, [console] novnc_dir");
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        config_clear(&configs[i]);
    }
}

/* The embedded driver wants XDG variables of its own: lodged changes them after the first load. */
static void a_default_is_no_change_when_the_environment_is_another(void **state)
{
    (void)state;
    struct config now;
    struct config next;
    bool root = geteuid() == 0;
    if (root) {
        assert_int_equal(seteuid(65534), 0);
    }
    setenv("XDG_RUNTIME_DIR", "/run/user/77", 1);
    load_well(&from_nothing, &now);
    setenv("XDG_RUNTIME_DIR", "/elsewhere", 1);
    load_well(&from_nothing, &next);
    if (root) {
        assert_int_equal(seteuid(0), 0);
    }

    assert_string_not_equal(now.socket, next.socket);
    assert_null(config_needs_restart(&now, &next));
    config_clear(&next);
    config_clear(&now);
}

static void each_key_has_a_help_and_a_default_that_it_takes(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        assert_non_null(key->help);
        assert_ptr_equal(config_key_find(key->section, key->name), key);
        assert_true(key->preset != NULL || strcmp(key->section, "host") == 0);
    }
}

static bool takes_number(const struct config_key *key, unsigned value)
{
    struct config config = {0};
    struct lodge_error err = {0};
    char text[32];
    snprintf(text, sizeof text, "%u", value);
    bool is_taken = config_key_set(key, &config, text, &err);
    AUTO(free) char *back = config_key_text(key, &config);
    assert_true(!is_taken || strcmp(back, text) == 0);
    return is_taken;
}

/* Of any key: one that is new too. */
static void each_number_is_taken_from_least_to_most_and_not_beyond(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->type != KEY_NUMBER) {
            continue;
        }
        assert_true(takes_number(key, key->min));
        assert_true(takes_number(key, key->max));
        assert_false(takes_number(key, key->max + 1));
        assert_false(key->min > 0 && takes_number(key, key->min - 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_wrong_in_a_file_is_said_with_its_line),
        TEST(what_a_file_says_is_taken),
        TEST(what_is_printed_is_a_file_that_gives_the_same),
        TEST(the_example_is_a_configuration),
        TEST(a_named_file_must_be_readable),
        TEST(a_users_own_daemon_keeps_to_the_user),
        TEST(roots_daemon_is_the_machines),
        TEST(flags_win_over_the_file),
        TEST(flags_are_judged_like_the_file),
        TEST(where_browsers_are_answered_is_a_flag_too),
        TEST(a_certificate_and_its_key_come_together),
        TEST(a_socket_that_the_kernel_could_not_name_is_refused),
        TEST(a_host_whose_disks_go_elsewhere_is_another),
        TEST(what_a_reload_cannot_change_is_named),
        TEST(limits_of_sessions_change_with_a_reload_and_doors_do_not),
        TEST(a_default_is_no_change_when_the_environment_is_another),
        TEST(each_key_has_a_help_and_a_default_that_it_takes),
        TEST(each_number_is_taken_from_least_to_most_and_not_beyond),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
