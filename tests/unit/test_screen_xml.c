#include "host/xml/domain_xml_read.h"
#include "host/xml/screen_xml.h"
#include "lodge/vm.h"
#include "scope.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

static void same(const char *what, const char *seen, const char *wanted)
{
    if ((seen == NULL) != (wanted == NULL) || (seen != NULL && strcmp(seen, wanted) != 0)) {
        fail_msg("%s: '%s', not '%s'", what, seen == NULL ? "none" : seen,
                 wanted == NULL ? "none" : wanted);
    }
}

static void a_VNC_server_is_found_where_the_live_XML_says(void **state)
{
    (void)state;
    static const struct {
        const char *devices;
        int index;
        int64_t port;
        const char *listen, *socket;
    } rows[] = {
        {"", -1, LODGE_UNKNOWN, NULL, NULL},
        {"<graphics type='spice' port='5900'/>", -1, LODGE_UNKNOWN, NULL, NULL},
        {"<graphics/>", -1, LODGE_UNKNOWN, NULL, NULL},
        {"<graphics type='vnc' port='5901' listen='10.0.0.7'>"
         "<listen type='address' address='10.0.0.7'/></graphics>",
         0, 5901, "10.0.0.7", NULL},
        {"<graphics type='vnc' port='5901'><listen type='network' address='10.0.0.8' "
         "network='n'/></graphics>",
         0, 5901, "10.0.0.8", NULL},
        {"<graphics type='vnc' port='65535' listen='::'/>", 0, 65535, "::", NULL},
        {"<graphics type='vnc'><listen type='none'/></graphics>", 0, LODGE_UNKNOWN, NULL, NULL},
        {"<graphics type='vnc' socket='/s'><listen type='socket' socket='/s'/></graphics>", 0,
         LODGE_UNKNOWN, NULL, "/s"},
        {"<graphics type='vnc'><listen type='socket' socket='/t'/></graphics>", 0, LODGE_UNKNOWN,
         NULL, "/t"},
        {"<graphics type='vnc' port='-1' autoport='yes'/>", 0, LODGE_UNKNOWN, NULL, NULL},
        {"<graphics type='vnc' port='65536'/>", 0, LODGE_UNKNOWN, NULL, NULL},
        {"<graphics type='vnc' port='0'/>", 0, LODGE_UNKNOWN, NULL, NULL},
        {"<graphics type='vnc' port='5900x'/>", 0, LODGE_UNKNOWN, NULL, NULL},
        /* libvirt counts graphics alone, of every type. */
        {"<disk/><graphics type='spice' port='5900'/><video/><graphics type='egl-headless'/>"
         "<graphics type='vnc' port='5902'/><graphics type='vnc' port='5903'/>",
         2, 5902, NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char xml[1024];
        struct screen_place place;
        struct lodge_error err = {0};
        (void)snprintf(xml, sizeof xml, "<domain type='kvm'><devices>%s</devices></domain>",
                       rows[i].devices);
        assert_true(screen_xml_read(xml, &place, &err));
        if (place.index != rows[i].index || place.port != rows[i].port) {
            fail_msg("row %zu: index %d, port %lld", i, place.index, (long long)place.port);
        }
        same(rows[i].devices, place.listen, rows[i].listen);
        same(rows[i].devices, place.socket, rows[i].socket);
        screen_place_clear(&place);
    }
}

static void what_is_no_domain_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "<domain>", "<network/>"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct screen_place place;
        struct lodge_error err = {0};
        assert_false(screen_xml_read(texts[i], &place, &err));
        assert_int_equal(err.kind, LODGE_ERROR_INTERNAL);
        screen_place_clear(&place);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_VNC_server_is_found_where_the_live_XML_says),
        TEST(what_is_no_domain_is_refused),
    };
    domain_xml_start();
    return cmocka_run_group_tests_name("screen_xml", tests, NULL, NULL);
}
