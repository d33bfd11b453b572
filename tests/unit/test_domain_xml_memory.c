/* What memory a definition asks for after an edit: exactly what was said, or the edit is refused.
 */
#include "host/xml/domain_xml_edit.h"
#include "host/xml/domain_xml_read.h"
#include "lodge/vm.h"
#include "memory.h"
#include "scope.h"
#include "support/schema_xml.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#define UUID "00000000-0000-4000-8000-000000000001"
#define MEMORY(kib) "<memory unit='KiB'>" kib "</memory>"
#define CURRENT(kib) "<currentMemory unit='KiB'>" kib "</currentMemory>"
#define GIB MEMORY("1048576") CURRENT("1048576")
#define ROOM "<maxMemory slots='8' unit='KiB'>4194304</maxMemory>"
#define CELL(id, memory) "<cell id='" id "' cpus='" id "' " memory "/>"
#define NUMA(cells) "<cpu><numa>" cells "</numa></cpu>"
#define HALF_CELL NUMA(CELL("0", "memory='524288' unit='KiB'"))
#define DEVICE(model, size) \
    "<memory model='" model "'><target>" size "<node>0</node></target></memory>"
#define HALF "<size unit='KiB'>524288</size>"
#define VIRTIO \
    HALF "<node>0</node><block unit='KiB'>2048</block><requested unit='KiB'>131072</requested>"

static xmlRelaxNGPtr schema;

/* A domain with these elements and these devices. */
static char *domain_of(const char *elements, const char *devices)
{
    return xasprintf("<domain type='qemu'><name>a</name><uuid>" UUID "</uuid>%s"
                     "<vcpu placement='static'>2</vcpu><os><type>hvm</type></os>"
                     "<devices>%s</devices></domain>",
                     elements, devices);
}

static char *edited(const char *elements, const char *devices, int64_t mebibytes,
                    struct lodge_error *err)
{
    AUTO(free) char *xml = domain_of(elements, devices);
    const struct domain_edit edit = {.vcpus = LODGE_UNKNOWN, .memory_mib = mebibytes};
    char *result = domain_xml_edit(xml, &edit, NULL, err);
    if (result != NULL && schema != NULL) {
        expect_valid(schema, result);
    }
    return result;
}

static void expect_words(const char *xml, const char *words)
{
    if (strstr(xml, words) == NULL) {
        fail_msg("no %s in %s", words, xml);
    }
}

static void expect_edit(const char *elements, const char *devices, int64_t mebibytes,
                        const char *const *words)
{
    struct lodge_error err = {0};
    AUTO(free) char *xml = edited(elements, devices, mebibytes, &err);
    if (xml == NULL) {
        fail_msg("%s", err.message);
    }
    for (; *words != NULL; words++) {
        expect_words(xml, *words);
    }
}

static void expect_refusal(const char *elements, const char *devices, int64_t mebibytes,
                           const char *words)
{
    struct lodge_error err = {0};
    AUTO(free) char *xml = edited(elements, devices, mebibytes, &err);
    if (xml != NULL) {
        fail_msg("not refused: %s", xml);
    }
    assert_int_equal(err.kind, LODGE_ERROR_UNSUPPORTED);
    expect_words(err.message, words);
}

static void a_cell_gets_what_the_devices_leave(void **state)
{
    (void)state;
    static const char *const models[] = {
        DEVICE("dimm", HALF),
        "<memory model='nvdimm'><source><path>/nv</path></source><target>" HALF
        "<node>0</node><label><size unit='KiB'>128</size></label></target></memory>",
        "<memory model='virtio-mem'><target>" VIRTIO "</target></memory>",
        "<memory model='virtio-pmem'><source><path>/nv</path></source><target>" HALF
        "</target></memory>",
        "<memory model='sgx-epc'><target>" HALF "</target></memory>",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(models); i++) {
        expect_edit(ROOM GIB HALF_CELL, models[i], 2000,
                    (const char *const[]){
                        "<memory unit=\"MiB\">2000</memory>",
                        "<currentMemory unit=\"MiB\">2000</currentMemory>",
                        "cpus=\"0\" memory=\"1488\" unit=\"MiB\"",
                        "<size unit=\"KiB\">524288</size>",
                        "<maxMemory slots=\"8\" unit=\"KiB\">4194304</maxMemory>",
                        NULL,
                    });
    }
}

static void what_it_has_already_changes_nothing(void **state)
{
    (void)state;
    static const char *const numa[] = {
        HALF_CELL,
        NUMA(CELL("0", "memory='262144' unit='KiB'") CELL("1", "memory='262144' unit='KiB'")),
        NUMA(CELL("0", "memory='536870912' unit='b'")),
        NUMA(CELL("0", "memory='524288'")),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(numa); i++) {
        AUTO(free) char *elements = xasprintf("%s%s", ROOM GIB, numa[i]);
        AUTO(free) char *xml = domain_of(elements, DEVICE("dimm", HALF));
        struct lodge_error err = {0};
        const struct domain_edit none = {.vcpus = LODGE_UNKNOWN, .memory_mib = LODGE_UNKNOWN};
        const struct domain_edit same = {.vcpus = LODGE_UNKNOWN, .memory_mib = 1024};
        AUTO(free) char *before = domain_xml_edit(xml, &none, NULL, &err);
        AUTO(free) char *after = domain_xml_edit(xml, &same, NULL, &err);

        assert_string_equal(after, before);
    }
}

static void several_cells_are_refused_in_our_words(void **state)
{
    (void)state;
#define TWO NUMA(CELL("0", "memory='262144' unit='KiB'") CELL("1", "memory='262144' unit='KiB'"))
    expect_refusal(ROOM GIB TWO, DEVICE("dimm", HALF), 2048, "NUMA cells");
    expect_refusal(MEMORY("524288") TWO, "", 1024, "NUMA cells");
}

static void less_than_the_devices_is_refused_with_the_numbers(void **state)
{
    (void)state;
    expect_refusal(ROOM GIB HALF_CELL, DEVICE("dimm", HALF), 512, "are 512 MiB");
    expect_refusal(ROOM GIB HALF_CELL, DEVICE("dimm", HALF) DEVICE("dimm", HALF), 1000,
                   "are 1024 MiB");
    expect_refusal(ROOM GIB HALF_CELL, DEVICE("dimm", HALF), 16, "16 MiB in all");
    /* without cells libvirt takes it from <memory> */
    expect_refusal(ROOM GIB, DEVICE("dimm", HALF), 300, "300 MiB in all");
}

static void without_cells_memory_is_the_sum(void **state)
{
    (void)state;
    expect_edit(ROOM GIB, DEVICE("dimm", HALF), 4097,
                (const char *const[]){
                    "<memory unit=\"MiB\">4097</memory>",
                    "<maxMemory slots=\"8\" unit=\"MiB\">4097</maxMemory>",
                    NULL,
                });
}

static void devices_that_libvirt_would_round_up_are_refused(void **state)
{
    (void)state;
    expect_refusal(ROOM GIB HALF_CELL, DEVICE("dimm", "<size unit='KiB'>524800</size>"), 2048,
                   "524800 KiB");
    expect_refusal(ROOM GIB HALF_CELL, DEVICE("dimm", "<size unit='MiB'>511</size>"), 2048,
                   "523264 KiB");
    expect_refusal(ROOM GIB HALF_CELL, DEVICE("dimm", "<size unit='MB'>512</size>"), 2048,
                   "500000 KiB");
}

static void sizes_that_cannot_be_added_are_refused(void **state)
{
    (void)state;
    static const char *const sizes[] = {
        "<size unit='furlong'>3</size>",
        "<size unit='EiB'>9</size>",
        "<size unit='PiB'>8191</size>",
        "<size/>",
        "",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        AUTO(free)
        char *device = xasprintf("<memory model='dimm'><target>%s</target></memory>"
                                 "<memory model='dimm'><target>%s</target></memory>",
                                 sizes[i], sizes[i]);
        AUTO(free) char *xml = domain_of(ROOM GIB, device);
        struct lodge_error err = {0};
        const struct domain_edit edit = {.vcpus = LODGE_UNKNOWN, .memory_mib = 2048};

        assert_null(domain_xml_edit(xml, &edit, NULL, &err));

        assert_int_equal(err.kind, LODGE_ERROR_UNSUPPORTED);
    }
}

static void what_was_ballooned_away_comes_back(void **state)
{
    (void)state;
    expect_edit(ROOM MEMORY("1048576") CURRENT("262144") HALF_CELL, DEVICE("dimm", HALF), 1024,
                (const char *const[]){
                    "<memory unit=\"KiB\">1048576</memory>",
                    "<currentMemory unit=\"MiB\">1024</currentMemory>",
                    "memory=\"524288\" unit=\"KiB\"",
                    NULL,
                });
}

static void room_that_falls_short_by_less_than_a_mebibyte_grows(void **state)
{
    (void)state;
    expect_edit(
        "<maxMemory slots='8' unit='KiB'>2097151</maxMemory>" GIB, "", 2048,
        (const char *const[]){"<maxMemory slots=\"8\" unit=\"MiB\">2048</maxMemory>", NULL});
}

static void a_hard_limit_is_not_grown_past(void **state)
{
    (void)state;
#define LIMIT "<memtune><hard_limit unit='KiB'>1572864</hard_limit></memtune>"
    static const char *const stays[] = {"<hard_limit unit=\"KiB\">1572864</hard_limit>", NULL};
    expect_edit(GIB LIMIT, "", 1536, stays);
    expect_refusal(GIB LIMIT, "", 1537, "hard_limit of 1536 MiB");
    /* who has more already may have less */
    expect_edit(MEMORY("4194304") LIMIT, "", 2048, stays);
}

static void huge_pages_hold_whole_ones(void **state)
{
    (void)state;
#define PAGES(pages) "<memoryBacking><hugepages>" pages "</hugepages></memoryBacking>"
#define GIANT "<page size='1' unit='GiB'/>"
#define SMALL_OF_0 "<page size='2048' unit='KiB' nodeset='0'/>"
    static const char *const nothing[] = {NULL};
    expect_refusal(GIB PAGES(GIANT), "", 1536, "1048576 KiB");
    expect_edit(GIB PAGES(GIANT), "", 2048, nothing);
    expect_edit(GIB PAGES(""), "", 1537, nothing);
    /* a device has pages of its own */
    expect_refusal(ROOM GIB HALF_CELL PAGES(GIANT), DEVICE("dimm", HALF), 2048, "huge pages");
    expect_edit(ROOM GIB HALF_CELL PAGES(GIANT), DEVICE("dimm", HALF), 1536, nothing);
    /* a page for the cell goes before one for all */
    expect_edit(ROOM GIB HALF_CELL PAGES(GIANT SMALL_OF_0), "", 1536, nothing);
    expect_refusal(ROOM GIB HALF_CELL PAGES(SMALL_OF_0 GIANT), "", 1537, "2048 KiB");
}

/* Of a guest that runs with 1 GiB in all: QEMU's balloon counts the DIMM, not the others. */
static void a_balloon_leaves_what_other_devices_have(void **state)
{
    (void)state;
    static const struct {
        const char *devices;
        int64_t asked, left; /* LODGE_UNKNOWN: no balloon can */
    } guests[] = {
        {"", 1024, 1024},
        {"", 512, 512},
        {"", 1025, LODGE_UNKNOWN},
        {DEVICE("dimm", HALF), 800, 800},
        {DEVICE("virtio-mem", HALF), 1024, 512},
        {DEVICE("nvdimm", HALF), 800, 288},
        {DEVICE("nvdimm", HALF), 512, LODGE_UNKNOWN},
        {DEVICE("virtio-pmem", HALF), 1536, LODGE_UNKNOWN},
        {DEVICE("virtio-mem", "<size>none</size>"), 512, LODGE_UNKNOWN},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(guests); i++) {
        AUTO(free) char *xml = domain_of(GIB, guests[i].devices);
        struct lodge_error err = {0};
        int64_t left = LODGE_UNKNOWN;

        bool good = domain_xml_balloon(xml, guests[i].asked, &left, &err);

        assert_int_equal(left, guests[i].left);
        assert_int_equal(good, left != LODGE_UNKNOWN);
        assert_int_equal(err.kind, good ? LODGE_ERROR_NONE : LODGE_ERROR_UNSUPPORTED);
    }
}

static void what_lodge_does_not_understand_stays(void **state)
{
    (void)state;
    AUTO(free)
    char *xml = xasprintf(
        "<domain type='qemu' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><name>a</name>"
        "<uuid>" UUID "</uuid><metadata><x:memory xmlns:x='urn:x'>theirs</x:memory></metadata>"
        "<!-- why so small -->" ROOM GIB "<later new='1'>soon</later>"
        "<cpu mode='host-model'><numa><cell id='0' cpus='0-1' memory='524288' unit='KiB' "
        "memAccess='shared' discard='yes'><distances><sibling id='0' "
        "value='10'/></distances></cell>"
        "</numa></cpu><devices>%s</devices><q:commandline><q:arg value='-x'/></q:commandline>"
        "</domain>",
        DEVICE("dimm", HALF));
    struct lodge_error err = {0};
    const struct domain_edit edit = {.vcpus = LODGE_UNKNOWN, .memory_mib = 1536};

    AUTO(free) char *after = domain_xml_edit(xml, &edit, NULL, &err);

    assert_non_null(after);
    static const char *const words[] = {
        "<!-- why so small -->",
        "<x:memory xmlns:x=\"urn:x\">theirs</x:memory>",
        "<later new=\"1\">soon</later>",
        "memory=\"1024\" unit=\"MiB\" memAccess=\"shared\" discard=\"yes\"",
        "<sibling id=\"0\" value=\"10\"/>",
        "<q:arg value=\"-x\"/>",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        expect_words(after, words[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cell_gets_what_the_devices_leave),
        TEST(what_it_has_already_changes_nothing),
        TEST(several_cells_are_refused_in_our_words),
        TEST(less_than_the_devices_is_refused_with_the_numbers),
        TEST(without_cells_memory_is_the_sum),
        TEST(devices_that_libvirt_would_round_up_are_refused),
        TEST(sizes_that_cannot_be_added_are_refused),
        TEST(what_was_ballooned_away_comes_back),
        TEST(room_that_falls_short_by_less_than_a_mebibyte_grows),
        TEST(a_hard_limit_is_not_grown_past),
        TEST(huge_pages_hold_whole_ones),
        TEST(a_balloon_leaves_what_other_devices_have),
        TEST(what_lodge_does_not_understand_stays),
    };
    domain_xml_start();
    schema = schema_open("domain.rng");
    int failed = cmocka_run_group_tests_name("domain_xml_memory", tests, NULL, NULL);
    xmlRelaxNGFree(schema);
    return failed;
}
