#include "host/xml/domain_xml_read.h"
#include "host/xml/domain_xml_write.h"
#include "scope.h"
#include "support/schema_xml.h"
#include "support/test.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#define UUID "00000000-0000-4000-8000-000000000001"
#define MAC "52:54:00:12:34:56"
#define HOSTILE "a'\"<b>&amp;]]>é\xf0\x9f\x8f\xa0<!--x--> %s"

static const struct domain_plan small = {
    .name = "small",
    .uuid = UUID,
    .installation = "0123456789abcdef0123456789abcdef",
    .op = 7,
    .virt_type = "qemu",
    .vcpus = 1,
    .memory_mib = 64,
    .is_local = true,
};

static char *xml_of(const struct domain_plan *plan)
{
    struct lodge_error err = {0};
    char *xml = domain_xml_write(plan, &err);
    if (xml == NULL) {
        fail_msg("%s", err.message);
    }
    return xml;
}

/* What went in comes out again. */
static void expect_read_back(const struct domain_plan *plan, const char *xml)
{
    struct domain_facts facts = {0};
    struct lodge_error err = {0};
    if (!domain_xml_read(xml, &facts, &err)) {
        fail_msg("%s: %s", err.message, xml);
    }
    assert_string_equal(facts.uuid, plan->uuid);
    assert_string_equal(facts.name, plan->name);
    assert_int_equal(facts.vcpus, plan->vcpus);
    assert_int_equal(facts.memory_mib, plan->memory_mib);
    assert_string_equal(facts.graphics, plan->vnc ? "vnc" : "none");
    assert_int_equal(facts.disk_count, plan->disk_count + 1);
    for (size_t i = 0; i < plan->disk_count; i++) {
        assert_string_equal(facts.disks[i].path, plan->disks[i].path);
        assert_string_equal(facts.disks[i].format, plan->disks[i].format);
        assert_string_equal(facts.disks[i].target, plan->disks[i].target);
    }
    const struct lodge_disk *drive = &facts.disks[plan->disk_count];
    assert_string_equal(drive->device, "cdrom");
    assert_true(plan->iso == NULL ? drive->path == NULL : strcmp(drive->path, plan->iso) == 0);
    assert_int_equal(facts.nic_count, plan->network == NULL ? 0 : 1);
    if (plan->network != NULL) {
        assert_string_equal(facts.nics[0].network, plan->network);
        assert_string_equal(facts.nics[0].mac, plan->mac);
        assert_string_equal(facts.nics[0].model, "virtio");
    }
    if (plan->boot != NULL && plan->boot->count > 0) {
        assert_int_equal(facts.boot.count, plan->boot->count);
        assert_string_equal(facts.boot.items[0], plan->boot->items[0]);
    } else {
        assert_int_equal(facts.boot.count, plan->iso == NULL ? 1 : 2);
        assert_string_equal(facts.boot.items[0], "disk");
    }
    assert_int_equal(facts.tags.count, plan->tags == NULL ? 0 : plan->tags->count);
    for (size_t i = 0; i < facts.tags.count; i++) {
        assert_string_equal(facts.tags.items[i], plan->tags->items[i]);
    }
    domain_facts_clear(&facts);
}

/* Each bit of `number` is an option. */
static struct domain_plan plan_by(unsigned number)
{
    static const struct disk_row disks[] = {
        {.target = "vda", .path = "/pool/" HOSTILE ".qcow2", .format = "qcow2"},
        {.target = "vdb", .path = "/pool/b.raw", .format = "raw"},
    };
    static char words[][64] = {"network", "cdrom", "disk", HOSTILE, "ci"};
    static char *boot_words[] = {words[0], words[1], words[2]};
    static char *tag_words[] = {words[3], words[4]};
    static const struct lodge_strings boot = {boot_words, ARRAY_LENGTH(boot_words)};
    static const struct lodge_strings tags = {tag_words, ARRAY_LENGTH(tag_words)};
    static const struct lodge_strings none = {0};
    bool bits[12];
    for (size_t i = 0; i < ARRAY_LENGTH(bits); i++) {
        bits[i] = (number >> i & 1) != 0;
    }
    return (struct domain_plan){
        .name = bits[0] ? HOSTILE : "plain",
        .uuid = UUID,
        .installation = bits[0] ? NULL : "0123456789abcdef0123456789abcdef",
        .op = INT64_MAX,
        .is_test = bits[1],
        .virt_type = bits[2] ? "kvm" : "qemu",
        .vcpus = bits[2] ? 512 : 1,
        .memory_mib = bits[2] ? 16777216 : 16,
        .disks = disks,
        .disk_count = bits[3] ? 2 : 0,
        .iso = bits[4] ? "/iso/" HOSTILE ".iso" : NULL,
        .kernel = bits[5] ? "/k/" HOSTILE "/vmlinuz" : NULL,
        .initrd = bits[5] ? "/k/initrd" : NULL,
        .cmdline = bits[5] ? "console=ttyS0 x=" HOSTILE : NULL,
        .network = bits[6] ? (bits[3] ? "user" : HOSTILE) : NULL,
        .mac = MAC,
        .vnc = bits[7],
        .is_local = bits[8],
        .uefi = bits[9],
        .boot = bits[10] ? &boot : (bits[9] ? &none : NULL),
        .serial_log = bits[10] ? "/log/" HOSTILE ".log" : NULL,
        .agent = bits[11],
        .tags = bits[11] ? &tags : NULL,
    };
}

static void whatever_is_planned_follows_libvirts_schema_and_reads_back(void **state)
{
    (void)state;
    xmlRelaxNGPtr schema = schema_open("domain.rng");
    if (schema == NULL) {
        skip();
    }
    /* A third of all combinations, for the schema's sake, which is slow: 3 does not divide 4,096,
     * so every pair and triple of options is among them. */
    for (unsigned number = 0; number < 1U << 12; number += 3) {
        struct domain_plan plan = plan_by(number);

        AUTO(free) char *xml = xml_of(&plan);

        expect_valid(schema, xml);
        expect_read_back(&plan, xml);
    }
    xmlRelaxNGFree(schema);
}

static void what_is_not_in_the_plan_is_not_in_the_guest(void **state)
{
    (void)state;
    static const char *const absent[] = {"<interface", "<graphics", "<channel", "<kernel",
                                         "firmware",   "<emulator", "<log",     "kvm"};

    AUTO(free) char *xml = xml_of(&small);

    for (size_t i = 0; i < ARRAY_LENGTH(absent); i++) {
        if (strstr(xml, absent[i]) != NULL) {
            fail_msg("%s in %s", absent[i], xml);
        }
    }
    assert_non_null(strstr(xml, "<lodge:made installation=\"0123456789abcdef0123456789abcdef\" "
                                "op=\"7\" uuid=\"" UUID "\"/>"));
}

static void its_vcpus_are_cores_of_one_socket(void **state)
{
    (void)state;
    struct domain_plan plan = small;
    plan.vcpus = 512;
    AUTO(free) char *emulated = xml_of(&plan);
    plan.virt_type = "kvm";
    AUTO(free) char *accelerated = xml_of(&plan);

#define ONE_SOCKET "<topology sockets=\"1\" cores=\"512\" threads=\"1\"/></cpu>"
    assert_non_null(strstr(emulated, "<cpu>" ONE_SOCKET));
    assert_non_null(strstr(accelerated, "<cpu mode=\"host-model\">" ONE_SOCKET));
}

static void the_screen_of_a_local_guest_listens_nowhere(void **state)
{
    (void)state;
    struct domain_plan plan = small;
    plan.vnc = true;
    AUTO(free) char *here = xml_of(&plan);
    plan.is_local = false;
    AUTO(free) char *far = xml_of(&plan);

    assert_non_null(strstr(here, "<listen type=\"none\"/>"));
    assert_null(strstr(here, "127.0.0.1"));
    assert_non_null(strstr(far, "<listen type=\"address\" address=\"127.0.0.1\"/>"));
}

static void text_that_xml_cannot_say_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"a\x01", "\xff", "a\xc3", "\xed\xa0\x80", "\xef\xbf\xbf"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct lodge_error err = {0};
        struct domain_plan plan = small;
        plan.name = names[i];

        assert_null(domain_xml_write(&plan, &err));

        assert_int_equal(err.kind, LODGE_ERROR_INTERNAL);
        assert_non_null(strstr(err.message, "not UTF-8"));
    }
}

static void the_test_driver_takes_its_plans(void **state)
{
    (void)state;
    virConnectPtr conn = virConnectOpen("test:///default");
    assert_non_null(conn);
    for (unsigned number = 0; number < 1U << 12; number += 7) {
        struct domain_plan plan = plan_by(number);
        if (!plan.is_test) {
            continue;
        }
        AUTO(free) char *xml = xml_of(&plan);

        virDomainPtr domain = virDomainDefineXMLFlags(conn, xml, VIR_DOMAIN_DEFINE_VALIDATE);

        if (domain == NULL) {
            fail_msg("%s\n%s", virGetLastErrorMessage(), xml);
        }
        char *theirs = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
        expect_read_back(&plan, theirs);
        assert_non_null(strstr(theirs, plan.installation == NULL ? "<lodge:vm" : "<lodge:made"));
        free(theirs);
        assert_int_equal(virDomainUndefine(domain), 0);
        virDomainFree(domain);
    }
    virConnectClose(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whatever_is_planned_follows_libvirts_schema_and_reads_back),
        TEST(what_is_not_in_the_plan_is_not_in_the_guest),
        TEST(its_vcpus_are_cores_of_one_socket),
        TEST(the_screen_of_a_local_guest_listens_nowhere),
        TEST(text_that_xml_cannot_say_is_refused),
        TEST(the_test_driver_takes_its_plans),
    };
    domain_xml_start();
    return cmocka_run_group_tests_name("domain_xml_write", tests, NULL, NULL);
}
