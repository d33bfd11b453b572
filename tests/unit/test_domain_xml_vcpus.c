/* What a definition says of its vCPUs after an edit, and what had to go is said. */
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
#define OF_4 "<vcpu placement='static' cpuset='0-7'>4</vcpu>"
#define TWO_OF_4 "<vcpu placement='static' current='2'>4</vcpu>"
#define TOPOLOGY(levels) "<cpu mode='host-model'><topology " levels "/></cpu>"
#define CELL(id, cpus) "<cell id='" id "'" cpus " memory='65536' unit='KiB'/>"
#define NUMA(cells) "<cpu><numa>" cells "</numa></cpu>"

static xmlRelaxNGPtr schema;

static char *domain_of(const char *elements)
{
    return xasprintf("<domain type='qemu'><name>a</name><uuid>" UUID "</uuid>"
                     "<memory unit='KiB'>65536</memory>%s<os><type>hvm</type></os></domain>",
                     elements);
}

static char *edited(const char *elements, int64_t vcpus, struct lodge_strings *dropped,
                    struct lodge_error *err)
{
    AUTO(free) char *xml = domain_of(elements);
    const struct domain_edit edit = {.vcpus = vcpus, .memory_mib = LODGE_UNKNOWN};
    char *result = domain_xml_edit(xml, &edit, dropped, err);
    if (result != NULL && schema != NULL) {
        expect_valid(schema, result);
    }
    return result;
}

struct expected {
    int64_t vcpus;
    const char *words[4];   /* in the XML */
    const char *gone;       /* not in it */
    const char *dropped[4]; /* in order, and no others */
};

static void expect_edit(const char *elements, const struct expected *expected)
{
    struct lodge_error err = {0};
    struct lodge_strings dropped = {0};
    AUTO(free) char *xml = edited(elements, expected->vcpus, &dropped, &err);
    if (xml == NULL) {
        fail_msg("%s", err.message);
    }
    for (size_t i = 0; i < 4 && expected->words[i] != NULL; i++) {
        if (strstr(xml, expected->words[i]) == NULL) {
            fail_msg("no %s in %s", expected->words[i], xml);
        }
    }
    if (expected->gone != NULL && strstr(xml, expected->gone) != NULL) {
        fail_msg("%s in %s", expected->gone, xml);
    }
    for (size_t i = 0; i < 4 && expected->dropped[i] != NULL; i++) {
        assert_true(i < dropped.count);
        assert_string_equal(dropped.items[i], expected->dropped[i]);
    }
    assert_true(dropped.count == 4 || expected->dropped[dropped.count] == NULL);
    lodge_strings_clear(&dropped);
}

static void expect_refusal(const char *elements, int64_t vcpus)
{
    struct lodge_error err = {0};
    struct lodge_strings dropped = {0};
    AUTO(free) char *xml = edited(elements, vcpus, &dropped, &err);
    assert_null(xml);
    assert_int_equal(err.kind, LODGE_ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "NUMA cells"));
    assert_int_equal(dropped.count, 0);
}

static void cores_follow_where_sockets_and_threads_divide(void **state)
{
    (void)state;
    static const char small[] = OF_4 TOPOLOGY("sockets='1' dies='1' cores='2' threads='2'");
    static const char wide[] =
        OF_4 TOPOLOGY("sockets='2' dies='2' clusters='1' cores='1' threads='1'");
    expect_edit(small,
                &(struct expected){
                    .vcpus = 8,
                    .words = {"<topology sockets=\"1\" dies=\"1\" cores=\"4\" threads=\"2\"/>",
                              ">8</vcpu>", "placement=\"static\" cpuset=\"0-7\""},
                });
    expect_edit(small,
                &(struct expected){
                    .vcpus = 2,
                    .words = {"<topology sockets=\"1\" dies=\"1\" cores=\"1\" threads=\"2\"/>"},
                });
    if (schema == NULL) { /* libvirt 9.0's does not know `clusters` */
        expect_edit(wide, &(struct expected){
                              .vcpus = 12,
                              .words = {"sockets=\"2\" dies=\"2\" clusters=\"1\" cores=\"3\""},
                          });
    }
}

static void a_topology_that_cannot_follow_goes_and_is_said(void **state)
{
    (void)state;
    static const char threads[] = OF_4 TOPOLOGY("sockets='1' dies='1' cores='2' threads='2'");
    static const char dies[] = OF_4 TOPOLOGY("sockets='1' dies='2' cores='2' threads='1'");
    expect_edit(threads, &(struct expected){
                             .vcpus = 3,
                             .words = {"<cpu mode=\"host-model\"/>"},
                             .gone = "topology",
                             .dropped = {"the topology of 1 sockets 2 cores 2 threads"},
                         });
    expect_edit(dies, &(struct expected){
                          .vcpus = 1,
                          .gone = "topology",
                          .dropped = {"the topology of 1 sockets 2 dies 2 cores 1 threads"},
                      });
}

static void a_topology_of_nonsense_goes(void **state)
{
    (void)state;
    static const char *const levels[] = {
        "sockets='4096' dies='4096' cores='1' threads='4096'",
        "sockets='99999999999999999999' cores='1' threads='1'",
        "sockets='none' cores='1' threads='1'",
        "sockets='1' cores='1' threads='1' x='0'",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(levels); i++) {
        AUTO(free)
        char *xml = xasprintf(
            "<domain type='qemu'><vcpu>4</vcpu><cpu><topology %s/></cpu></domain>", levels[i]);
        struct lodge_error err = {0};
        struct lodge_strings dropped = {0};
        const struct domain_edit edit = {.vcpus = 8, .memory_mib = LODGE_UNKNOWN};

        AUTO(free) char *after = domain_xml_edit(xml, &edit, &dropped, &err);

        assert_non_null(after);
        assert_null(strstr(after, "topology"));
        assert_int_equal(dropped.count, 1);
        lodge_strings_clear(&dropped);
    }
}

static void what_it_has_already_changes_nothing(void **state)
{
    (void)state;
#define ORDERED                                                                                  \
    "<vcpu current='4'>8</vcpu><vcpus><vcpu id='7' enabled='yes' hotpluggable='yes' order='1'/>" \
    "</vcpus><cputune><vcpupin vcpu='7' cpuset='0'/></cputune>"
    static const char *const elements[] = {
        OF_4 TOPOLOGY("sockets='2' dies='1' cores='2' threads='1'"),
        OF_4 NUMA(CELL("0", " cpus='0-1'") CELL("1", " cpus='2-3'")),
        ORDERED,
    };
    for (size_t i = 0; i < ARRAY_LENGTH(elements); i++) {
        AUTO(free) char *xml = domain_of(elements[i]);
        struct lodge_error err = {0};
        const struct domain_edit none = {.vcpus = LODGE_UNKNOWN, .memory_mib = LODGE_UNKNOWN};
        const struct domain_edit same = {.vcpus = 4, .memory_mib = LODGE_UNKNOWN};
        AUTO(free) char *before = domain_xml_edit(xml, &none, NULL, &err);
        AUTO(free) char *after = domain_xml_edit(xml, &same, NULL, &err);

        assert_string_equal(after, before);
    }
}

static void one_cell_has_all_vcpus(void **state)
{
    (void)state;
    expect_edit(OF_4 NUMA(CELL("0", " cpus='0-3'")),
                &(struct expected){.vcpus = 2, .words = {"<cell id=\"0\" cpus=\"0-1\""}});
    expect_edit(OF_4 NUMA(CELL("0", " cpus='0-1'")),
                &(struct expected){.vcpus = 6, .words = {"<cell id=\"0\" cpus=\"0-5\""}});
    expect_edit(OF_4 NUMA(CELL("0", " cpus='0-3'")),
                &(struct expected){.vcpus = 1, .words = {"<cell id=\"0\" cpus=\"0\""}});
    expect_edit(OF_4 NUMA(CELL("0", "")), &(struct expected){.vcpus = 2, .gone = "cpus="});
}

static void several_cells_are_refused_unless_the_room_is_there(void **state)
{
    (void)state;
#define TWO_CELLS NUMA(CELL("0", " cpus='0-1'") CELL("1", " cpus='2-3'"))
    expect_refusal(OF_4 TWO_CELLS, 2);
    expect_refusal(OF_4 TWO_CELLS, 8);
    expect_refusal(TWO_OF_4 TWO_CELLS, 5);
    expect_edit(
        TWO_OF_4 TWO_CELLS,
        &(struct expected){.vcpus = 3, .words = {"current=\"3\">4</vcpu>", "cpus=\"2-3\""}});
}

static void what_was_said_of_vcpus_that_are_gone_goes(void **state)
{
    (void)state;
    static const char tuned[] = OF_4
        "<cputune><shares>2048</shares><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='2' cpuset='1'/>"
        "<vcpupin vcpu='3' cpuset='1'/><emulatorpin cpuset='2'/>"
        "<vcpusched vcpus='0-3' scheduler='fifo' priority='1'/>"
        "<cachetune vcpus='0-3'><cache id='0' level='3' type='both' size='3' unit='MiB'/>"
        "<monitor level='3' vcpus='0-3'/><monitor level='3' vcpus='2'/></cachetune>"
        "<memorytune vcpus='2-3'><node id='0' bandwidth='60'/></memorytune></cputune>";
    expect_edit(
        tuned,
        &(struct expected){
            .vcpus = 2,
            .words = {"<vcpupin vcpu=\"0\" cpuset=\"1\"/>\n    <emulatorpin cpuset=\"2\"/>",
                      "<vcpusched vcpus=\"0-1\" scheduler=\"fifo\" priority=\"1\"/>",
                      "<cachetune vcpus=\"0-1\">",
                      "<monitor level=\"3\" vcpus=\"0-1\"/>\n    </cachetune>"},
            .gone = "memorytune",
            .dropped = {"vcpupin of the vCPUs from 2 on", "vcpusched of the vCPUs from 2 on",
                        "cachetune of the vCPUs from 2 on", "memorytune of the vCPUs from 2 on"},
        });
    expect_edit(tuned, &(struct expected){.vcpus = 8, .words = {"vcpus=\"0-3\" scheduler"}});
}

static void vcpus_that_are_off_keep_what_is_said_of_them(void **state)
{
    (void)state;
    static const char tuned[] =
        "<vcpu current='4'>4</vcpu><cputune><vcpupin vcpu='3' cpuset='1'/></cputune>" TOPOLOGY(
            "sockets='1' dies='1' cores='2' threads='2'");
    expect_edit(tuned,
                &(struct expected){
                    .vcpus = 3,
                    .words = {"current=\"3\">4</vcpu>", "<vcpupin vcpu=\"3\"", "cores=\"2\""},
                });
}

static void sets_are_read_as_libvirt_writes_them(void **state)
{
    (void)state;
    static const struct {
        const char *set, *left; /* of 4; NULL: goes */
    } sets[] = {
        {"0-3", "0-3"},       {"0-4", "0-3"},   {"0,2,4,6", "0,2"},
        {"0-7,^1", "0,2-3"},  {"4-7", NULL},    {"3-99999999999999999999", "3"},
        {"0-3,^5", "0-3,^5"}, {"1,1,1,5", "1"}, {"0-7,x", "0-7,x"}, /* libvirt's to judge */
        {"-7", "-7"},         {"^", "^"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(sets); i++) {
        AUTO(free)
        char *xml = xasprintf("<domain type='qemu'><vcpu>8</vcpu><cputune><vcpusched vcpus='%s' "
                              "scheduler='rr'/></cputune></domain>",
                              sets[i].set);
        struct lodge_error err = {0};
        struct lodge_strings dropped = {0};
        const struct domain_edit edit = {.vcpus = 4, .memory_mib = LODGE_UNKNOWN};

        AUTO(free) char *after = domain_xml_edit(xml, &edit, &dropped, &err);

        bool stays = sets[i].left != NULL && strcmp(sets[i].left, sets[i].set) == 0;
        assert_int_equal(dropped.count, stays ? 0 : 1);
        AUTO(free)
        char *words = xasprintf("vcpus=\"%s\"", sets[i].left != NULL ? sets[i].left : "");
        assert_int_equal(strstr(after, words) != NULL, sets[i].left != NULL);
        lodge_strings_clear(&dropped);
    }
}

static void a_list_that_says_no_more_than_the_number_goes_unsaid(void **state)
{
    (void)state;
#define LIST(of_3)                                                                      \
    "<vcpus><vcpu id='0' enabled='yes' hotpluggable='no'/><vcpu id='1' enabled='yes'/>" \
    "<vcpu id='2' enabled='no' hotpluggable='yes'/>" of_3 "</vcpus>"
    static const char said[] = "the list of which vCPUs are on and can be unplugged";
    static const char *const of_3[] = {
        LIST("<vcpu id='3' enabled='yes' hotpluggable='yes'/>"),
        LIST("<vcpu id='3' enabled='no' hotpluggable='no'/>"),
        LIST("<vcpu id='3' enabled='no' order='3'/>"),
    };
    expect_edit(TWO_OF_4 LIST("<vcpu id='3' enabled='no'/>"),
                &(struct expected){.vcpus = 3, .gone = "<vcpus>"});
    for (size_t i = 0; i < ARRAY_LENGTH(of_3); i++) {
        AUTO(free) char *elements = xasprintf(TWO_OF_4 "%s", of_3[i]);
        expect_edit(elements, &(struct expected){.vcpus = 3, .gone = "<vcpus>", .dropped = {said}});
        expect_edit(elements, &(struct expected){.vcpus = 8, .gone = "<vcpus>", .dropped = {said}});
    }
}

/* As many as fit into the XML that lodge reads: once over them, and one text. */
static void sixty_thousand_pins_are_one_text(void **state)
{
    (void)state;
    enum { PINS = 60000, PIN = 48 };
    AUTO(free) char *pins = xmalloc((size_t)PINS * PIN + 64);
    size_t used = 0;
    for (int i = 0; i < PINS; i++) {
        used += (size_t)snprintf(pins + used, PIN, "<vcpupin vcpu='%d' cpuset='0'/>", i);
    }
    AUTO(free) char *elements = xasprintf("<vcpu>60000</vcpu><cputune>%s</cputune>", pins);
    struct lodge_error err = {0};
    struct lodge_strings dropped = {0};
    AUTO(free) char *xml = domain_of(elements);
    const struct domain_edit edit = {.vcpus = 1, .memory_mib = LODGE_UNKNOWN};

    AUTO(free) char *after = domain_xml_edit(xml, &edit, &dropped, &err);

    assert_non_null(after);
    assert_non_null(strstr(after, "<vcpupin vcpu=\"0\" cpuset=\"0\"/>\n  </cputune>"));
    assert_int_equal(dropped.count, 1);
    lodge_strings_clear(&dropped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cores_follow_where_sockets_and_threads_divide),
        TEST(a_topology_that_cannot_follow_goes_and_is_said),
        TEST(a_topology_of_nonsense_goes),
        TEST(what_it_has_already_changes_nothing),
        TEST(one_cell_has_all_vcpus),
        TEST(several_cells_are_refused_unless_the_room_is_there),
        TEST(what_was_said_of_vcpus_that_are_gone_goes),
        TEST(vcpus_that_are_off_keep_what_is_said_of_them),
        TEST(sets_are_read_as_libvirt_writes_them),
        TEST(a_list_that_says_no_more_than_the_number_goes_unsaid),
        TEST(sixty_thousand_pins_are_one_text),
    };
    domain_xml_start();
    schema = schema_open("domain.rng");
    int failed = cmocka_run_group_tests_name("domain_xml_vcpus", tests, NULL, NULL);
    xmlRelaxNGFree(schema);
    return failed;
}
