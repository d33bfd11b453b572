#include "host/host.h"
#include "host/uri.h"
#include "scope.h"
#include "support/test.h"

#include <string.h>

static void impossible_sets_of_uris_are_refused_with_the_way_out(void **state)
{
    (void)state;
    static const struct {
        const char *uris[3];
        const char *complaint; /* NULL: it works */
    } rows[] = {
        {{"qemu:///system"}, NULL},
        {{"qemu:///embed?root=/var/lib/lodge/embed", "test:///default"}, NULL},
        {{"qemu:///embed?root=/a", "qemu+unix:///system?socket=/run/s"}, NULL},
        {{"qemu:///embed?root=/a", "qemu+ssh://far/system"}, NULL},
        {{"qemu:///system", "qemu:///session", "test:///default"}, NULL},
        {{"system"}, "is not a libvirt URI"},
        {{"qemu:///embed"}, "wants a folder"},
        {{"qemu:///embed?root=here"}, "absolute"},
        {{"qemu:///embed?root=/a", "qemu:///embed?root=/b"}, "one root only"},
        {{"qemu:///embed?root=/a", "qemu:///system"}, "qemu+unix:///system?socket="},
        {{"qemu:///session", "qemu:///embed?root=/a"}, "qemu+unix:///system?socket="},
        {{"qemu:///embed?root=/0123456789012345678901234567890123456789012345678901234567890123456"
          "78901234567890"},
         "symbolic link"},
    };
    static const char *const names[] = {"h1", "h2", "h3"};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        size_t count = 0;
        while (count < ARRAY_LENGTH(rows[i].uris) && rows[i].uris[count] != NULL) {
            count++;
        }
        struct lodge_error err = {0};
        bool good = host_uris_check(names, rows[i].uris, count, &err);
        if (good != (rows[i].complaint == NULL) ||
            (!good && strstr(err.message, rows[i].complaint) == NULL)) {
            fail_msg("row %zu (%s): '%s'", i, rows[i].uris[0], err.message);
        }
    }
}

static void uris_tell_what_their_connections_share(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool embedded, test, local, in_process, one_world;
        const char *opened; /* NULL: as it is */
    } rows[] = {
        {"qemu:///system", false, false, true, false, false, NULL},
        {"qemu+unix:///system?socket=/s", false, false, true, false, false, NULL},
        {"qemu:///embed?root=/r%20r", true, false, true, true, true, NULL},
        {"test:///default", false, true, true, true, false, NULL},
        {"test:///f.xml", false, true, true, true, true, NULL},
        {"test+unix:///default", false, true, true, false, false, NULL},
        {"test+unix:///f.xml", false, true, true, false, true, NULL},
        {"qemu+ssh://u@far/system", false, false, false, false, false,
         "qemu+ssh://u@far/system?no_tty=1"},
        {"qemu+ssh://far/system?port=1", false, false, false, false, false,
         "qemu+ssh://far/system?port=1&no_tty=1"},
        {"qemu+ssh://far/system?no_tty=0", false, false, false, false, false, NULL},
        {"qemu+tls://far/system", false, false, false, false, false, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct uri uri;
        uri_read(&uri, rows[i].text);
        if (uri.is_embedded != rows[i].embedded || uri.is_test != rows[i].test ||
            uri.is_local != rows[i].local || uri.in_process != rows[i].in_process ||
            uri.one_world != rows[i].one_world) {
            fail_msg("%s: embedded %d, test %d, local %d, in process %d, one world %d",
                     rows[i].text, uri.is_embedded, uri.is_test, uri.is_local, uri.in_process,
                     uri.one_world);
        }
        assert_string_equal(uri.text, rows[i].opened == NULL ? rows[i].text : rows[i].opened);
        if (uri.is_embedded) {
            assert_string_equal(uri.root, "/r r");
        }
        uri_clear(&uri);
    }
}

static void the_machine_that_a_uri_names_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *server; /* NULL: none */
    } rows[] = {
        {"qemu:///system", NULL},
        {"qemu+unix:///system?socket=/a@b:c", NULL},
        {"test:///default", NULL},
        {"system", NULL},
        {"qemu+ssh://far/system", "far"},
        {"qemu+ssh://far", "far"},
        {"qemu+ssh://u@far:22/system", "far"},
        {"qemu+tls://far.example?no_verify=1", "far.example"},
        {"qemu+tcp://[fd00::7]:16509/system", "fd00::7"},
        {"qemu+ssh://u@[fd00::7]/system", "fd00::7"},
        {"qemu+ssh://u@/system", NULL},
        {"qemu+ssh://[fd00::7/system", "[fd00"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct uri uri;
        uri_read(&uri, rows[i].text);
        if ((uri.server == NULL) != (rows[i].server == NULL) ||
            (uri.server != NULL && strcmp(uri.server, rows[i].server) != 0)) {
            fail_msg("%s: '%s'", rows[i].text, uri.server == NULL ? "none" : uri.server);
        }
        uri_clear(&uri);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(impossible_sets_of_uris_are_refused_with_the_way_out),
        TEST(uris_tell_what_their_connections_share),
        TEST(the_machine_that_a_uri_names_is_known),
    };
    return cmocka_run_group_tests_name("uri", tests, NULL, NULL);
}
