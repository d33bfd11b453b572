/* test_disk_source_xml: which disk a domain's XML means, whatever its author wrote. */
#include "host/xml/disk_source_xml.h"
#include "host/xml/domain_xml_read.h"
#include "memory.h"
#include "scope.h"
#include "support/test.h"

#include <stdlib.h>

static char *domain_with(const char *devices)
{
    return xasprintf("<domain type='qemu'><name>a</name><devices>%s</devices></domain>", devices);
}

static void expect_same(const char *found, const char *expected)
{
    if (expected == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, expected);
    }
}

static void each_kind_of_source_is_what_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *devices;
        const char *file, *pool, *volume, *format, *words;
    } rows[] = {
        {"<disk type='file' device='disk'><driver type='qcow2'/><source file='/p/a'/>"
         "<target dev='vda'/></disk>",
         "/p/a", NULL, NULL, "qcow2", "/p/a"},
        {"<disk><source file='/p/a'/><target dev='vda'/></disk>", "/p/a", NULL, NULL, NULL, "/p/a"},
        {"<disk type='volume'><source pool='p' volume='v' file='/no'/><target dev='vda'/></disk>",
         NULL, "p", "v", NULL, "volume 'v' of pool 'p'"},
        {"<disk type='volume'><source pool='p'/><target dev='vda'/></disk>", NULL, NULL, NULL, NULL,
         "nothing"},
        {"<disk type='block'><source dev='/dev/sdb'/><target dev='vda'/></disk>", NULL, NULL, NULL,
         NULL, "block /dev/sdb"},
        {"<disk type='network'><source protocol='nbd' name='x'/><target dev='vda'/></disk>", NULL,
         NULL, NULL, NULL, "network x"},
        {"<disk type='file'><target dev='vda'/></disk>", NULL, NULL, NULL, NULL, "nothing"},
        {"<disk type='file'><source file='/p/a'><slices><slice type='storage' offset='0' "
         "size='512'/></slices></source><target dev='vda'/></disk>",
         NULL, NULL, NULL, NULL, "a part of /p/a"},
        {"<disk type='file' device='cdrom'><source file='/p/iso'/><target dev='vda'/></disk>"
         "<disk type='file'><source file='/p/b'/><target dev='vdb'/></disk>"
         "<disk type='file'><source file='/p/a'/><target dev='vda'/></disk>",
         "/p/a", NULL, NULL, NULL, "/p/a"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct disk_source source = {0};
        struct lodge_error err = {0};
        AUTO(free) char *xml = domain_with(rows[i].devices);

        if (!disk_source_read(xml, "vda", &source, &err)) {
            fail_msg("%s: %s", err.message, xml);
        }

        expect_same(source.file, rows[i].file);
        expect_same(source.pool, rows[i].pool);
        expect_same(source.volume, rows[i].volume);
        expect_same(source.format, rows[i].format);
        expect_same(source.words, rows[i].words);
        disk_source_clear(&source);
    }
}

static void a_disk_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    static const char *const devices[] = {
        "",
        "<disk type='file'><source file='/p/b'/><target dev='vdb'/></disk>",
        "<disk type='file' device='cdrom'><source file='/p/b'/><target dev='vda'/></disk>",
        "<disk type='file' device='lun'><source file='/p/b'/><target dev='vda'/></disk>",
        "<disk type='file'><source file='/p/b'/></disk>",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(devices); i++) {
        struct disk_source source = {0};
        struct lodge_error err = {0};
        AUTO(free) char *xml = domain_with(devices[i]);

        assert_false(disk_source_read(xml, "vda", &source, &err));

        assert_int_equal(err.kind, LODGE_ERROR_NOT_FOUND);
    }
    struct disk_source source = {0};
    struct lodge_error err = {0};
    assert_false(disk_source_read("<pool/>", "vda", &source, &err));
    assert_int_equal(err.kind, LODGE_ERROR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_kind_of_source_is_what_it_is),
        TEST(a_disk_that_is_not_there_is_not_found),
    };
    domain_xml_start();
    return cmocka_run_group_tests_name("disk_source_xml", tests, NULL, NULL);
}
