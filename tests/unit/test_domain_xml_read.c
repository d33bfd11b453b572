#include "host/xml/domain_xml_read.h"
#include "host/xml/libvirt_xml.h"
#include "scope.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

#define UUID "00000000-0000-4000-8000-000000000001"
#define DOMAIN(inside) "<domain type='kvm'><uuid>" UUID "</uuid><name>a</name>" inside "</domain>"

static struct domain_facts facts_of(const char *xml)
{
    struct domain_facts facts = {0};
    struct lodge_error err = {0};
    if (!domain_xml_read(xml, &facts, &err)) {
        fail_msg("%s: %s", err.message, xml);
    }
    return facts;
}

static void expect_refusal(const char *xml)
{
    struct domain_facts facts = {0};
    struct lodge_error err = {0};
    if (domain_xml_read(xml, &facts, &err)) {
        fail_msg("was read, as '%s': %.200s", facts.name, xml);
    }
    assert_int_equal(err.kind, LODGE_ERROR_INTERNAL);
}

static void a_whole_guest_is_read(void **state)
{
    (void)state;
    struct domain_facts facts = facts_of(DOMAIN(
        "<metadata><lodge:vm xmlns:lodge='" DOMAIN_XML_NAMESPACE "'><lodge:tag>ci</lodge:tag>"
        "<lodge:tag>web</lodge:tag></lodge:vm></metadata>"
        "<memory unit='KiB'>2097152</memory><currentMemory unit='KiB'>1048576</currentMemory>"
        "<vcpu placement='static' current='2'>8</vcpu>"
        "<os><boot dev='cdrom'/><boot dev='hd'/><boot dev='network'/></os>"
        "<devices>"
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
        "<source file='/pool/a.qcow2'/><backingStore><source file='/base'/></backingStore>"
        "<target dev='vda' bus='virtio'/></disk>"
        "<disk type='volume' device='cdrom'><source pool='iso' volume='debian'/>"
        "<target dev='sda'/></disk>"
        "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='default' "
        "bridge='virbr0'/><model type='virtio'/></interface>"
        "<interface type='user'><mac address='52:54:00:00:00:02'/></interface>"
        "<graphics type='vnc' port='-1'/><graphics type='spice'/>"
        "</devices>"));

    assert_string_equal(facts.uuid, UUID);
    assert_string_equal(facts.name, "a");
    assert_int_equal(facts.vcpus, 2);
    assert_int_equal(facts.memory_mib, 2048);
    assert_string_equal(facts.graphics, "vnc");
    assert_int_equal(facts.disk_count, 2);
    assert_string_equal(facts.disks[0].target, "vda");
    assert_string_equal(facts.disks[0].path, "/pool/a.qcow2");
    assert_string_equal(facts.disks[0].format, "qcow2");
    assert_string_equal(facts.disks[0].device, "disk");
    assert_string_equal(facts.disks[1].path, "iso/debian");
    assert_string_equal(facts.disks[1].device, "cdrom");
    assert_null(facts.disks[1].format);
    assert_int_equal(facts.disks[0].size_gib, LODGE_UNKNOWN);
    assert_int_equal(facts.nic_count, 2);
    assert_string_equal(facts.nics[0].network, "default");
    assert_string_equal(facts.nics[0].model, "virtio");
    assert_string_equal(facts.nics[1].network, "user");
    assert_int_equal(facts.boot.count, 3);
    assert_string_equal(facts.boot.items[0], "cdrom");
    assert_string_equal(facts.boot.items[1], "disk");
    assert_int_equal(facts.tags.count, 2);
    assert_string_equal(facts.tags.items[1], "web");
    domain_facts_clear(&facts);
}

static void what_is_not_said_is_unknown(void **state)
{
    (void)state;
    struct domain_facts facts = facts_of(DOMAIN(""));

    assert_int_equal(facts.vcpus, LODGE_UNKNOWN);
    assert_int_equal(facts.memory_mib, LODGE_UNKNOWN);
    assert_string_equal(facts.graphics, "none");
    assert_int_equal(facts.disk_count + facts.nic_count, 0);
    assert_int_equal(facts.boot.count + facts.tags.count, 0);
    assert_null(facts.firmware);
    assert_null(facts.kernel);
    domain_facts_clear(&facts);
}

static void what_it_boots_by_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *xml, *firmware, *kernel;
    } rows[] = {
        {DOMAIN("<os><type>hvm</type></os>"), "bios", NULL},
        {DOMAIN("<os><type arch='x86_64' machine='q35'>hvm</type><kernel>/k/vmlinuz</kernel></os>"),
         "bios", "/k/vmlinuz"},
        {DOMAIN("<os firmware='efi'><type arch='x86_64'>hvm</type></os>"), "uefi", NULL},
        {DOMAIN("<os><type arch='aarch64'>hvm</type><loader type='pflash'>/c</loader></os>"),
         "uefi", NULL},
        {DOMAIN("<os><type arch='aarch64'>hvm</type></os>"), NULL, NULL},
        {DOMAIN("<os><type>exe</type></os>"), NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct domain_facts facts = facts_of(rows[i].xml);
        const char *firmware = facts.firmware == NULL ? "" : facts.firmware;
        const char *kernel = facts.kernel == NULL ? "" : facts.kernel;
        assert_string_equal(firmware, rows[i].firmware == NULL ? "" : rows[i].firmware);
        assert_string_equal(kernel, rows[i].kernel == NULL ? "" : rows[i].kernel);
        domain_facts_clear(&facts);
    }
}

static void memory_is_read_in_every_unit(void **state)
{
    (void)state;
    static const struct {
        const char *xml;
        int64_t mib;
    } rows[] = {
        {"<memory>65536</memory>", 64},
        {"<memory unit='b'>67108864</memory>", 64},
        {"<memory unit='bytes'>67108864</memory>", 64},
        {"<memory unit='k'>65536</memory>", 64},
        {"<memory unit='KiB'> 65536\n</memory>", 64},
        {"<memory unit='KB'>67109</memory>", 64},
        {"<memory unit='MiB'>64</memory>", 64},
        {"<memory unit='M'>64</memory>", 64},
        {"<memory unit='G'>2</memory>", 2048},
        {"<memory unit='TiB'>1</memory>", 1048576},
        {"<memory unit='furlong'>1</memory>", LODGE_UNKNOWN},
        {"<memory unit=''>65536</memory>", 64},
        {"<memory>-1</memory>", LODGE_UNKNOWN},
        {"<memory>many</memory>", LODGE_UNKNOWN},
        {"<memory>99999999999999999999999</memory>", LODGE_UNKNOWN},
        {"<memory unit='EiB'>9000000000000000000</memory>", LODGE_UNKNOWN},
        {"<memory></memory>", LODGE_UNKNOWN},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char xml[256];
        (void)snprintf(xml, sizeof xml, DOMAIN("%s"), rows[i].xml);
        struct domain_facts facts = facts_of(xml);
        if (facts.memory_mib != rows[i].mib) {
            fail_msg("%s: %jd", rows[i].xml, (intmax_t)facts.memory_mib);
        }
        domain_facts_clear(&facts);
    }
}

static void devices_with_an_order_say_what_is_booted(void **state)
{
    (void)state;
    struct domain_facts facts = facts_of(
        DOMAIN("<os><type>hvm</type></os><devices>"
               "<disk device='disk'><boot order='3'/><target dev='vda'/></disk>"
               "<interface type='user'><boot order='1'/></interface>"
               "<disk device='cdrom'><target dev='sda'/><boot order='2'/></disk>"
               "<hostdev><boot order='9'/></hostdev><disk><boot order='x'/></disk></devices>"));

    assert_int_equal(facts.boot.count, 3);
    assert_string_equal(facts.boot.items[0], "network");
    assert_string_equal(facts.boot.items[1], "cdrom");
    assert_string_equal(facts.boot.items[2], "disk");
    domain_facts_clear(&facts);
}

static void only_our_own_words_are_tags(void **state)
{
    (void)state;
    struct domain_facts facts =
        facts_of(DOMAIN("<metadata><vm xmlns='urn:somebody'><tag>not ours</tag></vm></metadata>"));

    assert_int_equal(facts.tags.count, 0);
    domain_facts_clear(&facts);
}

static void text_that_is_no_domain_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "plainly not",
        "<domain>",
        "<domain/>",
        "<network><uuid>" UUID "</uuid></network>",
        "<domain><uuid>short</uuid></domain>",
        "<domain><uuid>" UUID "0</uuid></domain>",
        "<domain><uuid>" UUID "</uuid><name>a</nam></domain>",
        "<domain><uuid>" UUID "</uuid><name>\xff\xfe</name></domain>",
        "<domain><uuid>" UUID "</uuid><name>&nobody;</name></domain>",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        expect_refusal(rows[i]);
    }
}

static void a_document_type_is_refused_before_its_entities_are_read(void **state)
{
    (void)state;
    expect_refusal("<!DOCTYPE domain>" DOMAIN(""));
    expect_refusal("<!DOCTYPE domain SYSTEM 'file:///etc/passwd'>" DOMAIN(""));
    expect_refusal(
        "<!DOCTYPE domain [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" DOMAIN("<vcpu>&e;</vcpu>"));
    expect_refusal(
        "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>"
        "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;'>]>" DOMAIN(
            "<title>&d;&d;&d;&d;&d;</title>"));
}

static void depth_and_size_are_bounded(void **state)
{
    (void)state;
    enum { DEEP = 100000, LONG = LIBVIRT_XML_MAX + 10 };
    AUTO(free) char *deep = malloc(DEEP * 3 + 200);
    AUTO(free) char *huge = malloc(LONG + 200);
    assert_non_null(deep);
    assert_non_null(huge);
    char *end = stpcpy(deep, "<domain><uuid>" UUID "</uuid>");
    for (int i = 0; i < DEEP; i++) {
        end = stpcpy(end, "<a>");
    }
    memset(huge, ' ', LONG);
    memcpy(huge + LONG, DOMAIN(""), sizeof DOMAIN(""));

    expect_refusal(deep);
    expect_refusal(huge);
}

static void more_devices_than_a_machine_has_are_left_out(void **state)
{
    (void)state;
    enum { MANY = 3000 };
    AUTO(free) char *xml = malloc(MANY * 64 + 200);
    assert_non_null(xml);
    char *end = stpcpy(xml, "<domain><uuid>" UUID "</uuid><devices>");
    for (int i = 0; i < MANY; i++) {
        end = stpcpy(end, "<disk/><interface/>");
    }
    stpcpy(end, "</devices></domain>");

    struct domain_facts facts = facts_of(xml);

    assert_int_equal(facts.disk_count, 1024);
    assert_int_equal(facts.nic_count, 1024);
    domain_facts_clear(&facts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_guest_is_read),
        TEST(what_is_not_said_is_unknown),
        TEST(memory_is_read_in_every_unit),
        TEST(what_it_boots_by_is_read),
        TEST(devices_with_an_order_say_what_is_booted),
        TEST(only_our_own_words_are_tags),
        TEST(text_that_is_no_domain_is_refused),
        TEST(a_document_type_is_refused_before_its_entities_are_read),
        TEST(depth_and_size_are_bounded),
        TEST(more_devices_than_a_machine_has_are_left_out),
    };
    domain_xml_start();
    return cmocka_run_group_tests_name("domain_xml_read", tests, NULL, NULL);
}
