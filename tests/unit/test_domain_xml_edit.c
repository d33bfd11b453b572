#include "host/xml/domain_xml_edit.h"
#include "host/xml/domain_xml_read.h"
#include "lodge/vm.h"
#include "scope.h"
#include "support/schema_xml.h"
#include "support/test.h"

#include <libvirt/libvirt.h>
#include <stdlib.h>
#include <string.h>

#define UUID "00000000-0000-4000-8000-000000000001"
#define NOTHING .vcpus = LODGE_UNKNOWN, .memory_mib = LODGE_UNKNOWN
#define HOSTILE "a'\"<b>&amp;]]>é"

/* As libvirt 9.0 writes one that is there: with `current`, a maximum, a chain, aliases. */
#define LIBVIRTS(cpu)                                                                              \
    "<domain type='kvm' id='3'>\n  <name>web</name>\n  <uuid>" UUID "</uuid>\n"                    \
    "  <metadata>\n    <x:vm xmlns:x='urn:lodge:vm:1'>\n      <x:tag>old</x:tag>\n"                \
    "      <x:made installation='0123456789abcdef0123456789abcdef' op='9'/>\n    </x:vm>\n"        \
    "    <other:thing xmlns:other='urn:other'><other:tag>theirs</other:tag></other:thing>\n"       \
    "  </metadata>\n"                                                                              \
    "  <maxMemory slots='16' unit='KiB'>4194304</maxMemory>\n"                                     \
    "  <memory unit='KiB'>2097152</memory>\n  <currentMemory unit='KiB'>1048576</currentMemory>\n" \
    "  <vcpu placement='static' current='2'>4</vcpu>\n"                                            \
    "  <vcpus><vcpu id='0' enabled='yes' hotpluggable='no'/>"                                      \
    "<vcpu id='1' enabled='yes' hotpluggable='no'/><vcpu id='2' enabled='no' hotpluggable='yes'/>" \
    "<vcpu id='3' enabled='no' hotpluggable='yes'/></vcpus>\n"                                     \
    "  <os>\n    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>\n"                            \
    "    <bootmenu enable='yes'/>\n  </os>\n"                                                      \
    "  <features><acpi/></features>\n" cpu                                                         \
    "  <clock offset='utc'/>\n  <on_poweroff>destroy</on_poweroff>\n  <devices>\n"                 \
    "    <emulator>/usr/bin/qemu-system-x86_64</emulator>\n"                                       \
    "    <disk type='file' device='disk'>\n      <driver name='qemu' type='qcow2'/>\n"             \
    "      <source file='/pool/a.qcow2' index='2'/>\n      <backingStore/>\n"                      \
    "      <target dev='vda' bus='virtio'/>\n      <boot order='1'/>\n"                            \
    "      <alias name='virtio-disk0'/>\n    </disk>\n"                                            \
    "    <disk type='file' device='cdrom'>\n      <driver name='qemu' type='raw'/>\n"              \
    "      <source file='/iso/debian.iso' index='1'/>\n      <backingStore/>\n"                    \
    "      <target dev='sda' bus='sata'/>\n      <readonly/>\n      <alias name='sata0-0-0'/>\n"   \
    "    </disk>\n"                                                                                \
    "    <disk type='block' device='cdrom'>\n      <driver name='qemu' type='raw'/>\n"             \
    "      <source dev='/dev/sr0'/>\n      <target dev='sdb' bus='sata' tray='open'/>\n"           \
    "      <readonly/>\n    </disk>\n"                                                             \
    "    <interface type='network'>\n      <mac address='52:54:00:00:00:01'/>\n"                   \
    "      <source network='default'/>\n      <boot order='2'/>\n    </interface>\n"               \
    "  </devices>\n</domain>\n"
static const char plain[] = LIBVIRTS("");

static xmlRelaxNGPtr schema;

static char *edited(const char *xml, const struct domain_edit *edit)
{
    struct lodge_error err = {0};
    struct lodge_strings dropped = {0};
    char *result = domain_xml_edit(xml, edit, &dropped, &err);
    lodge_strings_clear(&dropped);
    if (result == NULL) {
        fail_msg("%s", err.message);
    }
    if (schema != NULL) {
        expect_valid(schema, result);
    }
    return result;
}

static struct domain_facts facts_of(const char *xml)
{
    struct domain_facts facts = {0};
    struct lodge_error err = {0};
    if (!domain_xml_read(xml, &facts, &err)) {
        fail_msg("%s: %s", err.message, xml);
    }
    return facts;
}

static void expect(const char *xml, const char *words)
{
    if (strstr(xml, words) == NULL) {
        fail_msg("no %s in %s", words, xml);
    }
}

static void expect_not(const char *xml, const char *words)
{
    if (strstr(xml, words) != NULL) {
        fail_msg("%s in %s", words, xml);
    }
}

static void what_is_not_named_stays(void **state)
{
    (void)state;
    AUTO(free) char *xml = edited(plain, &(struct domain_edit){NOTHING});

    struct domain_facts before = facts_of(plain);
    struct domain_facts after = facts_of(xml);
    assert_int_equal(after.vcpus, before.vcpus);
    assert_int_equal(after.memory_mib, before.memory_mib);
    assert_int_equal(after.disk_count, before.disk_count);
    assert_string_equal(after.disks[1].path, "/iso/debian.iso");
    assert_int_equal(after.boot.count, 2);
    assert_string_equal(after.tags.items[0], "old");
    expect(xml, "theirs");
    expect(xml, "current=\"2\"");
    domain_facts_clear(&before);
    domain_facts_clear(&after);
}

static void vcpus_keep_the_room_that_was_left(void **state)
{
    (void)state;
    AUTO(free)
    char *within = edited(plain, &(struct domain_edit){.memory_mib = LODGE_UNKNOWN, .vcpus = 3});
    AUTO(free)
    char *beyond = edited(plain, &(struct domain_edit){.memory_mib = LODGE_UNKNOWN, .vcpus = 8});

    expect(within, "<vcpu placement=\"static\" current=\"3\">4</vcpu>");
    expect(beyond, "<vcpu placement=\"static\">8</vcpu>");
    expect_not(within, "<vcpus>");
    expect_not(beyond, "<vcpus>");
}

static void a_topology_that_does_not_fit_goes(void **state)
{
    (void)state;
#define TOPOLOGY "<topology sockets='2' dies='1' cores='2' threads='2'/>"
    static const char with[] = LIBVIRTS("<cpu mode='host-model'>" TOPOLOGY "</cpu>");
    AUTO(free)
    char *fits = edited(with, &(struct domain_edit){.memory_mib = LODGE_UNKNOWN, .vcpus = 8});
    AUTO(free)
    char *not = edited(with, &(struct domain_edit){.memory_mib = LODGE_UNKNOWN, .vcpus = 6});

    expect(fits, "<topology");
    expect_not(not, "<topology");
    expect(not, "host-model");
}

static void memory_is_all_there_is_of_it(void **state)
{
    (void)state;
    AUTO(free)
    char *less = edited(plain, &(struct domain_edit){.vcpus = LODGE_UNKNOWN, .memory_mib = 512});
    AUTO(free)
    char *more = edited(plain, &(struct domain_edit){.vcpus = LODGE_UNKNOWN, .memory_mib = 8192});

    expect(less, "<memory unit=\"MiB\">512</memory>");
    expect(less, "<currentMemory unit=\"MiB\">512</currentMemory>");
    expect(less, "<maxMemory slots=\"16\" unit=\"KiB\">4194304</maxMemory>");
    expect(more, "<memory unit=\"MiB\">8192</memory>");
    expect(more, "<maxMemory slots=\"16\" unit=\"MiB\">8192</maxMemory>");
}

static void one_cell_follows_and_several_are_left_alone(void **state)
{
    (void)state;
#define CELL(id) "<cell id='" id "' cpus='" id "' memory='2097152' unit='KiB'/>"
    static const char one[] = LIBVIRTS("<cpu><numa>" CELL("0") "</numa></cpu>");
    static const char two[] = LIBVIRTS("<cpu><numa>" CELL("0") CELL("1") "</numa></cpu>");
    struct lodge_error err = {0};

    AUTO(free)
    char *xml = edited(one, &(struct domain_edit){.vcpus = LODGE_UNKNOWN, .memory_mib = 512});
    expect(xml, "memory=\"512\" unit=\"MiB\"/>");

    assert_null(domain_xml_edit(
        two, &(struct domain_edit){.vcpus = LODGE_UNKNOWN, .memory_mib = 512}, NULL, &err));
    assert_int_equal(err.kind, LODGE_ERROR_UNSUPPORTED);
}

static void tags_are_replaced_and_the_mark_stays(void **state)
{
    (void)state;
    static char hostile[] = HOSTILE;
    static char *words[] = {hostile, hostile + 1};
    static const struct lodge_strings tags = {words, 2};
    static const struct lodge_strings none = {0};
    AUTO(free) char *some = edited(plain, &(struct domain_edit){NOTHING, .tags = &tags});
    AUTO(free) char *empty = edited(some, &(struct domain_edit){NOTHING, .tags = &none});

    struct domain_facts facts = facts_of(some);
    assert_int_equal(facts.tags.count, 2);
    assert_string_equal(facts.tags.items[0], HOSTILE);
    domain_facts_clear(&facts);
    facts = facts_of(empty);
    assert_int_equal(facts.tags.count, 0);
    domain_facts_clear(&facts);
    expect(empty, "made installation=\"0123456789abcdef0123456789abcdef\" op=\"9\"");
    expect(empty, "theirs");
}

static void a_guest_without_our_words_gets_them_with_its_first_tag(void **state)
{
    (void)state;
    static const char bare[] = "<domain type='test'><name>a</name><uuid>" UUID "</uuid>"
                               "<memory>65536</memory><os><type>hvm</type></os></domain>";
    static char ci[] = "ci";
    static char *words[] = {ci};
    static const struct lodge_strings tags = {words, 1};
    static const struct lodge_strings none = {0};
    AUTO(free) char *some = edited(bare, &(struct domain_edit){NOTHING, .tags = &tags});
    AUTO(free) char *still_none = edited(bare, &(struct domain_edit){NOTHING, .tags = &none});

    expect(some, "<lodge:vm xmlns:lodge=\"urn:lodge:vm:1\">");
    expect(some, "<lodge:tag>ci</lodge:tag>");
    expect_not(still_none, "metadata");
}

static void a_mark_says_once_that_its_operation_is_past_its_commit(void **state)
{
    (void)state;
    static const char words[] =
        "<lodge:vm xmlns:lodge=\"urn:lodge:vm:1\"><lodge:tag>ci</lodge:tag><lodge:made "
        "installation=\"0123456789abcdef0123456789abcdef\" op=\"9\"/></lodge:vm>";
    struct lodge_error err = {0};
    const struct domain_mark before = domain_xml_read_mark(words, UUID);
    AUTO(free) char *committed = domain_xml_commit_mark(words, &err);

    assert_false(before.committed);
    assert_int_equal(before.op, 9);
    expect(committed, "<tag>ci</tag>");
    expect_not(committed, "xmlns"); /* libvirt puts it in, and fails where it is already */
    const struct domain_mark after = domain_xml_read_mark(committed, UUID);
    assert_true(after.committed);
    assert_int_equal(after.op, 9);
    assert_string_equal(after.installation, "0123456789abcdef0123456789abcdef");
    assert_null(domain_xml_commit_mark(committed, &err));
    assert_null(domain_xml_commit_mark("<vm><tag>ci</tag></vm>", &err));
    assert_int_equal(err.kind, LODGE_ERROR_NONE);
}

/* Who makes a domain of another one's XML copies its metadata too. */
static void a_mark_of_another_domain_is_none(void **state)
{
    (void)state;
    static const char words[] =
        "<lodge:vm xmlns:lodge=\"urn:lodge:vm:1\"><lodge:made "
        "installation=\"0123456789abcdef0123456789abcdef\" op=\"9\" committed=\"1\" "
        "uuid=\"" UUID "\"/></lodge:vm>";
    const struct domain_mark own = domain_xml_read_mark(words, UUID);
    const struct domain_mark copied =
        domain_xml_read_mark(words, "00000000-0000-4000-8000-000000000002");

    assert_int_equal(own.op, 9);
    assert_true(own.committed);
    assert_int_equal(copied.op, 0);
    assert_false(copied.committed);
    assert_string_equal(copied.installation, "");
}

static void other_edits_keep_the_mark(void **state)
{
    (void)state;
    static const char marked[] =
        "<domain type='test'><name>a</name><uuid>" UUID "</uuid><metadata>"
        "<lodge:vm xmlns:lodge='urn:lodge:vm:1'><lodge:made "
        "installation='0123456789abcdef0123456789abcdef' op='9' committed='1'/></lodge:vm>"
        "</metadata><memory>65536</memory><os><type>hvm</type></os></domain>";
    static char ci[] = "ci";
    static char *words[] = {ci};
    static const struct lodge_strings tags = {words, 1};
    struct lodge_error err = {0};
    AUTO(free) char *xml = edited(marked, &(struct domain_edit){NOTHING, .tags = &tags});
    AUTO(free) char *live = domain_xml_words(marked, &tags, &err);

    struct domain_facts facts = facts_of(xml);
    assert_true(facts.made_whole);
    assert_int_equal(facts.made_by, 9);
    assert_true(domain_xml_read_mark(live, UUID).committed);
    domain_facts_clear(&facts);
}

static void an_order_of_kinds_takes_the_place_of_the_devices(void **state)
{
    (void)state;
    static char cdrom[] = "cdrom";
    static char disk[] = "disk";
    static char *words[] = {cdrom, disk};
    static const struct lodge_strings boot = {words, 2};
    AUTO(free) char *once = edited(plain, &(struct domain_edit){NOTHING, .boot = &boot});
    AUTO(free) char *twice = edited(once, &(struct domain_edit){NOTHING, .boot = &boot});

    expect_not(twice, "order=");
    expect(twice, "<bootmenu");
    struct domain_facts facts = facts_of(twice);
    assert_int_equal(facts.boot.count, 2);
    assert_string_equal(facts.boot.items[0], "cdrom");
    assert_string_equal(facts.boot.items[1], "disk");
    domain_facts_clear(&facts);
}

static void the_order_of_devices_that_goes_is_said_once(void **state)
{
    (void)state;
    static char disk[] = "disk";
    static char *words[] = {disk};
    static const struct lodge_strings boot = {words, 1};
    const struct domain_edit edit = {NOTHING, .boot = &boot};
    struct lodge_strings dropped = {0};
    struct lodge_error err = {0};
    AUTO(free) char *once = domain_xml_edit(plain, &edit, &dropped, &err);
    size_t said = dropped.count;
    AUTO(free) char *twice = domain_xml_edit(once, &edit, &dropped, &err);

    assert_non_null(twice);
    assert_int_equal(said, 1);
    assert_int_equal(dropped.count, 1);
    assert_string_equal(dropped.items[0], "the boot order of single devices");
    lodge_strings_clear(&dropped);
}

static void media_are_changed_and_ejected(void **state)
{
    (void)state;
    static const struct domain_edit in = {NOTHING, .media = true, .iso = "/iso/" HOSTILE ".iso"};
    static const struct domain_edit out = {NOTHING, .media = true};
    static const struct domain_edit second = {NOTHING, .media = true, .media_target = "sdb",
                                              .iso = "/iso/b.iso"};
    AUTO(free) char *changed = edited(plain, &in);
    AUTO(free) char *ejected = edited(plain, &out);
    AUTO(free) char *of_block = edited(ejected, &second);

    struct domain_facts facts = facts_of(changed);
    assert_string_equal(facts.disks[1].path, "/iso/" HOSTILE ".iso");
    assert_string_equal(facts.disks[0].path, "/pool/a.qcow2");
    domain_facts_clear(&facts);
    facts = facts_of(of_block);
    assert_null(facts.disks[1].path);
    assert_string_equal(facts.disks[2].path, "/iso/b.iso");
    domain_facts_clear(&facts);
    expect_not(of_block, "/dev/sr0");
}

static void a_drive_that_is_not_there_is_said(void **state)
{
    (void)state;
    static const char *const targets[] = {"sdz", "vda"};
    for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
        struct lodge_error err = {0};

        assert_null(domain_xml_media(plain, targets[i], "/iso/a.iso", &err));

        assert_int_equal(err.kind, LODGE_ERROR_NOT_FOUND);
        assert_non_null(strstr(err.message, targets[i]));
    }
}

static void a_drives_own_xml_is_the_drive_alone(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    AUTO(free) char *full = domain_xml_media(plain, NULL, "/iso/new.iso", &err);
    AUTO(free) char *empty = domain_xml_media(plain, "sdb", NULL, &err);

    assert_non_null(full);
    assert_int_equal(strncmp(full, "<disk type=\"file\" device=\"cdrom\">", 33), 0);
    expect(full, "<source file=\"/iso/new.iso\"/>");
    expect_not(full, "debian.iso");
    expect_not(full, "backingStore");
    assert_non_null(empty);
    expect_not(empty, "<source");
}

static void text_that_xml_cannot_say_is_refused(void **state)
{
    (void)state;
    static char bell[] = "a\a";
    static char *words[] = {bell};
    static const struct lodge_strings tags = {words, 1};
    struct lodge_error of_tags = {0};
    struct lodge_error of_media = {0};

    assert_null(
        domain_xml_edit(plain, &(struct domain_edit){NOTHING, .tags = &tags}, NULL, &of_tags));
    assert_null(domain_xml_media(plain, NULL, "/iso/\xff.iso", &of_media));

    assert_int_equal(of_tags.kind, LODGE_ERROR_INTERNAL);
    assert_int_equal(of_media.kind, LODGE_ERROR_INTERNAL);
}

static void the_test_driver_takes_an_edit_of_its_own_xml(void **state)
{
    (void)state;
    static char cdrom[] = "cdrom";
    static char *words[] = {cdrom};
    static const struct lodge_strings list = {words, 1};
    virConnectPtr conn = virConnectOpen("test:///default");
    assert_non_null(conn);
    virDomainPtr domain = virDomainLookupByName(conn, "test");
    assert_non_null(domain);
    AUTO(free) char *theirs = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
    const struct domain_edit edit = {.vcpus = 3, .memory_mib = 96, .tags = &list, .boot = &list};

    AUTO(free) char *xml = edited(theirs, &edit);
    virDomainPtr again = virDomainDefineXMLFlags(conn, xml, VIR_DOMAIN_DEFINE_VALIDATE);

    assert_non_null(again);
    AUTO(free) char *after = virDomainGetXMLDesc(again, VIR_DOMAIN_XML_INACTIVE);
    struct domain_facts facts = facts_of(after);
    assert_int_equal(facts.vcpus, 3);
    assert_int_equal(facts.memory_mib, 96);
    assert_string_equal(facts.boot.items[0], "cdrom");
    assert_string_equal(facts.tags.items[0], "cdrom");
    domain_facts_clear(&facts);
    virDomainFree(again);
    virDomainFree(domain);
    virConnectClose(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_named_stays),
        TEST(vcpus_keep_the_room_that_was_left),
        TEST(a_topology_that_does_not_fit_goes),
        TEST(memory_is_all_there_is_of_it),
        TEST(one_cell_follows_and_several_are_left_alone),
        TEST(tags_are_replaced_and_the_mark_stays),
        TEST(a_guest_without_our_words_gets_them_with_its_first_tag),
        TEST(a_mark_says_once_that_its_operation_is_past_its_commit),
        TEST(a_mark_of_another_domain_is_none),
        TEST(other_edits_keep_the_mark),
        TEST(an_order_of_kinds_takes_the_place_of_the_devices),
        TEST(the_order_of_devices_that_goes_is_said_once),
        TEST(media_are_changed_and_ejected),
        TEST(a_drive_that_is_not_there_is_said),
        TEST(a_drives_own_xml_is_the_drive_alone),
        TEST(text_that_xml_cannot_say_is_refused),
        TEST(the_test_driver_takes_an_edit_of_its_own_xml),
    };
    domain_xml_start();
    schema = schema_open("domain.rng");
    int failed = cmocka_run_group_tests_name("domain_xml_edit", tests, NULL, NULL);
    xmlRelaxNGFree(schema);
    return failed;
}
