#include "host/xml/domain_xml_files.h"
#include "memory.h"
#include "scope.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#define LONG_NAME "00000000-0000-4000-8000-000000000001-0.qcow2"

static const char *const kinds[] = {
    [NAMED_ANYHOW] = "anyhow", [NAMED_DISK] = "disk",   [NAMED_MEDIA] = "media",
    [NAMED_BACKING] = "base",  [NAMED_NVRAM] = "nvram", [NAMED_MEMORY] = "memory",
};

/* "disk+ /a; base /b;": + is what may name others. */
static char *files_of(const char *xml)
{
    struct named_files files = {0};
    struct lodge_error err = {0};
    char *text = xstrdup("");
    if (!domain_xml_files(xml, &files, &err)) {
        fail_msg("%s: %s", err.message, xml);
    }
    for (size_t i = 0; i < files.count; i++) {
        const struct named_file *file = &files.items[i];
        AUTO(free) char *before = text;
        AUTO(free)
        char *volume = file->pool == NULL ? NULL : xasprintf("%s:%s", file->pool, file->volume);
        const char *name = file->path != NULL ? file->path : volume != NULL ? volume : file->text;
        text = xasprintf("%s%s%s %s;", before, kinds[file->as], file->may_name_others ? "+" : "",
                         name);
    }
    named_files_clear(&files);
    return text;
}

#define expect_files(xml, wanted)                \
    do {                                         \
        AUTO(free) char *files_ = files_of(xml); \
        assert_string_equal(files_, wanted);     \
    } while (0)

#define DOMAIN(inside) "<domain type='kvm'>" inside "</domain>"
#define DEVICES(inside) DOMAIN("<devices>" inside "</devices>")

static void disks_say_their_format_and_without_one_are_raw(void **state)
{
    (void)state;
    expect_files(DEVICES("<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
                         "<source file='/a'/></disk>"
                         "<disk type='file' device='disk'><driver type='raw'/><source file='/b'/>"
                         "</disk><disk type='block'><source dev='/dev/c'/></disk>"),
                 "disk+ /a;disk /b;disk /dev/c;");
}

static void media_are_told_from_disks(void **state)
{
    (void)state;
    expect_files(DEVICES("<disk device='cdrom'><source file='/a'/></disk>"
                         "<disk device='disk'><source file='/b'/><readonly/></disk>"
                         "<disk device='lun'><source dev='/c'/></disk>"),
                 "media /a;media /b;disk /c;");
}

static void chains_are_named_with_their_formats(void **state)
{
    (void)state;
    expect_files(
        DEVICES("<disk type='file'><driver type='qcow2'/><source file='/top'/>"
                "<backingStore type='file'><format type='qcow2'/><source file='/mid'/>"
                "<backingStore type='file'><format type='raw'/><source file='/base'/>"
                "<backingStore/></backingStore></backingStore>"
                "<mirror type='file' job='copy'><format type='qcow2'/><source file='/copy'/>"
                "</mirror></disk>"
                "<disk type='file'><source file='/x'/><backingStore><source file='/y'/>"
                "</backingStore><mirror file='/z' format='raw'/></disk>"),
        "disk+ /top;base+ /mid;base /base;base+ /copy;disk /x;base+ /y;base+ /z;");
}

static void volumes_are_named_by_their_pool(void **state)
{
    (void)state;
    expect_files(DEVICES("<disk type='volume'><driver type='qcow2'/>"
                         "<source pool='p' volume='v'/></disk>"),
                 "disk+ p:v;");
}

static void whatever_names_a_file_is_told(void **state)
{
    (void)state;
    expect_files(
        DOMAIN("<os><loader type='pflash'>/loader</loader><nvram template='/t'>/vars</nvram>"
               "<kernel>/k</kernel></os><devices><emulator>/qemu</emulator>"
               "<serial type='file'><source path='/out'/><log file='/log' append='on'/></serial>"
               "<memory model='nvdimm'><source><path>/nvdimm</path></source></memory></devices>"),
        "anyhow /loader;nvram /t;nvram /vars;anyhow /k;anyhow /qemu;anyhow /out;anyhow /log;"
        "anyhow /nvdimm;");
    expect_files(DOMAIN("<os><nvram type='file'><source file='/vars'/></nvram></os>"),
                 "nvram /vars;");
}

static void what_is_long_enough_to_hold_a_name_of_ours_is_told(void **state)
{
    (void)state;
    expect_files(DOMAIN("<x:commandline xmlns:x='urn:x'><x:arg value='file=a/" LONG_NAME "'/>"
                        "<x:arg value='short'/></x:commandline>"),
                 "anyhow file=a/" LONG_NAME ";");
    expect_files(DEVICES("<disk type='network'><source protocol='nbd' name='" LONG_NAME "'/>"
                         "</disk>"),
                 "disk " LONG_NAME ";");
}

/* "file=/srv/a.qcow2,if=virtio": what no format is said of QEMU probes. */
static void words_of_QEMUs_command_line_are_paths_whose_headers_count(void **state)
{
    (void)state;
    expect_files(DOMAIN("<x:commandline xmlns:x='urn:x'><x:arg value='file=/a,if=virtio'/>"
                        "<x:arg value='json:{\"filename\": \"/b\"}'/>"
                        "<x:arg value='file=/c,format=raw'/></x:commandline>"),
                 "anyhow+ /a;anyhow+ /b;anyhow /c;");
}

static void words_for_people_name_nothing(void **state)
{
    (void)state;
    expect_files(DOMAIN("<name>/n</name><title>/t</title><description>/d " LONG_NAME
                        "</description><metadata><a:b xmlns:a='urn:a'>/m</a:b></metadata>"),
                 "");
    expect_files("<domainsnapshot><name>/n</name><description>/d</description></domainsnapshot>",
                 "");
}

static void snapshots_name_what_the_guest_had_and_has(void **state)
{
    (void)state;
    expect_files("<domainsnapshot><memory snapshot='external' file='/mem'/><disks>"
                 "<disk name='vda' snapshot='external' type='file'><driver type='qcow2'/>"
                 "<source file='/over'/></disk></disks>"
                 "<domain><name>/n</name><devices><disk><driver type='qcow2'/>"
                 "<source file='/base'/></disk></devices></domain>"
                 "<inactiveDomain><title>/t</title><os><kernel>/k</kernel></os></inactiveDomain>"
                 "</domainsnapshot>",
                 "memory /mem;disk+ /over;disk+ /base;anyhow /k;");
    expect_files("<domaincheckpoint><domain><devices><disk><source file='/a'/></disk></devices>"
                 "</domain></domaincheckpoint>",
                 "disk /a;");
}

static void what_is_no_definition_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "<pool/>", "<domain>", "<!DOCTYPE x><domain/>"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct named_files files = {0};
        struct lodge_error err = {0};
        assert_false(domain_xml_files(texts[i], &files, &err));
        assert_int_equal(err.kind, LODGE_ERROR_INTERNAL);
        named_files_clear(&files);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(disks_say_their_format_and_without_one_are_raw),
        TEST(media_are_told_from_disks),
        TEST(chains_are_named_with_their_formats),
        TEST(volumes_are_named_by_their_pool),
        TEST(whatever_names_a_file_is_told),
        TEST(what_is_long_enough_to_hold_a_name_of_ours_is_told),
        TEST(words_of_QEMUs_command_line_are_paths_whose_headers_count),
        TEST(words_for_people_name_nothing),
        TEST(snapshots_name_what_the_guest_had_and_has),
        TEST(what_is_no_definition_is_refused),
    };
    return cmocka_run_group_tests_name("domain_xml_files", tests, NULL, NULL);
}
