/* test_next_boot: what waits for the next boot is told by comparing two definitions. */
#include "host/xml/domain_xml_read.h"
#include "host/xml/next_boot.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOMAIN(vcpus, memory, balloon, devices)                                                   \
    "<domain type='qemu'><name>a</name><uuid>00000000-0000-4000-8000-000000000001</uuid>"         \
    "<memory unit='MiB'>" memory "</memory><currentMemory unit='MiB'>" balloon "</currentMemory>" \
    "<vcpu>" vcpus "</vcpu><os><type>hvm</type></os><devices>" devices "</devices></domain>"
#define DISK(kind, path, target)                                                                \
    "<disk type='file' device='" kind "'><source file='" path "'/><target dev='" target "'/></" \
    "disk>"
#define NIC(mac) \
    "<interface type='network'><mac address='" mac "'/><source network='n'/></interface>"

static struct domain_facts facts_of(const char *xml)
{
    struct domain_facts facts;
    struct lodge_error err = {0};
    assert_true(domain_xml_read(xml, &facts, &err));
    return facts;
}

/* Compares run and next boot; checks the words, "a b" for two. */
static struct domain_facts compared(const char *run, const char *next, const char *pending)
{
    struct domain_facts facts = facts_of(run);
    struct domain_facts twin = facts_of(next);
    char words[128] = "";
    next_boot_compare(&facts, &twin);
    for (size_t i = 0; i < facts.pending.count; i++) {
        (void)snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s",
                       i > 0 ? " " : "", facts.pending.items[i]);
    }
    assert_string_equal(words, pending);
    domain_facts_clear(&twin);
    return facts;
}

static void each_member_that_differs_waits(void **state)
{
    (void)state;
    const char *plain = DOMAIN("1", "64", "64", DISK("disk", "/a", "vda") NIC("52:54:00:00:00:01"));
    const struct {
        const char *next;
        const char *pending;
    } rows[] = {
        {plain, ""},
        {DOMAIN("2", "64", "64", DISK("disk", "/a", "vda") NIC("52:54:00:00:00:01")), "vcpus"},
        {DOMAIN("1", "96", "96", DISK("disk", "/a", "vda") NIC("52:54:00:00:00:01")), "memory_mib"},
        {DOMAIN("1", "64", "64", DISK("disk", "/b", "vda") NIC("52:54:00:00:00:01")), "disks"},
        {DOMAIN("1", "64", "64",
                DISK("disk", "/a", "vda") DISK("disk", "/b", "vdb") NIC("52:54:00:00:00:01")),
         "disks"},
        {DOMAIN("1", "64", "64",
                DISK("disk", "/a", "vda") DISK("cdrom", "/i", "sda") NIC("52:54:00:00:00:01")),
         "media"},
        {DOMAIN("1", "64", "64", DISK("disk", "/a", "vda")), "nics"},
        {DOMAIN("1", "64", "64",
                DISK("disk", "/a", "vda") NIC("52:54:00:00:00:01") "<graphics type='vnc'/>"),
         "graphics"},
        {DOMAIN("4", "32", "32", NIC("52:54:00:00:00:01")), "vcpus memory_mib disks"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct domain_facts facts = compared(plain, rows[i].next, rows[i].pending);
        domain_facts_clear(&facts);
    }
}

static void the_larger_of_both_is_what_a_VM_has(void **state)
{
    (void)state;
    struct domain_facts facts =
        compared(DOMAIN("4", "64", "64", ""), DOMAIN("2", "96", "96", ""), "vcpus memory_mib");
    assert_int_equal(facts.most_vcpus, 4);
    assert_int_equal(facts.most_memory_mib, 96);
    assert_int_equal(facts.vcpus, 4);
    assert_int_equal(facts.memory_mib, 64);
    assert_true(facts.is_whole);
    domain_facts_clear(&facts);
}

static void memory_counts_until_the_balloon_has_it(void **state)
{
    (void)state;
    struct domain_facts held =
        compared(DOMAIN("1", "64", "33", ""), DOMAIN("1", "32", "32", ""), "memory_mib");
    assert_int_equal(held.most_memory_mib, 64);
    domain_facts_clear(&held);
    struct domain_facts given =
        compared(DOMAIN("1", "64", "32", ""), DOMAIN("1", "32", "32", ""), "");
    assert_int_equal(given.most_memory_mib, 32);
    assert_int_equal(given.memory_mib, 32);
    domain_facts_clear(&given);
}

static void a_saved_run_is_what_the_next_start_goes_on_with(void **state)
{
    (void)state;
    struct domain_facts facts = facts_of(DOMAIN("2", "32", "32", ""));
    struct domain_facts run = facts_of(DOMAIN("1", "64", "64", ""));
    next_boot_after_save(&facts, &run);
    assert_true(facts.saved);
    assert_int_equal(facts.vcpus, 1);
    assert_int_equal(facts.memory_mib, 64);
    assert_int_equal(facts.most_vcpus, 2);
    assert_int_equal(facts.most_memory_mib, 64);
    assert_int_equal(facts.pending.count, 2);
    domain_facts_clear(&run);
    domain_facts_clear(&facts);
}

static void amounts_are_what_the_next_boot_gets(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    bool same = false;
    const char *one = DOMAIN("1", "64", "64", "");
    assert_true(
        next_boot_is_same(one, DOMAIN("1", "64", "16", "<emulator>x</emulator>"), &same, &err));
    assert_true(same);
    assert_true(next_boot_is_same(one, DOMAIN("2", "64", "64", ""), &same, &err));
    assert_false(same);
    assert_false(next_boot_is_same(one, "<a/>", &same, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_member_that_differs_waits),
        TEST(the_larger_of_both_is_what_a_VM_has),
        TEST(memory_counts_until_the_balloon_has_it),
        TEST(a_saved_run_is_what_the_next_start_goes_on_with),
        TEST(amounts_are_what_the_next_boot_gets),
    };
    domain_xml_start();
    return cmocka_run_group_tests_name("next_boot", tests, NULL, NULL);
}
