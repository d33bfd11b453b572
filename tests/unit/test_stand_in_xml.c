/* test_stand_in_xml: a guest in another's place has that one's disks, and nothing else that acts.
 */
#include "host/guest/autodestroy.h"
#include "host/xml/domain_xml_read.h"
#include "host/xml/stand_in_xml.h"
#include "scope.h"
#include "support/schema_xml.h"

#include <stdlib.h>

#define HOSTILE "a'\"<b>&amp;]]>é<!--x--> %s"

static const struct disk_row disks[] = {
    {.target = "vda", .path = "/pool/" HOSTILE ".raw", .format = "raw"},
    {.target = "vdb", .path = "/pool/b.qcow2", .format = "qcow2"},
};

static char *write_it(void)
{
    char uuid[37];
    struct lodge_error err = {0};
    autodestroy_uuid(AUTODESTROY_STAND_IN, uuid);
    const struct stand_in_plan plan = {.uuid = uuid, .op = 7, .disks = disks, .count = 2};
    char *xml = stand_in_xml_write(&plan, &err);
    if (xml == NULL) {
        fail_msg("%s", err.message);
    }
    return xml;
}

static void it_follows_libvirts_schema(void **state)
{
    (void)state;
    AUTO(free) char *xml = write_it();
    xmlRelaxNGPtr schema = schema_open("domain.rng");
    if (schema == NULL) {
        skip();
    }
    expect_valid(schema, xml);
    xmlRelaxNGFree(schema);
}

static void it_has_the_disks_in_their_formats_and_no_chain_below(void **state)
{
    (void)state;
    struct domain_facts facts = {0};
    struct lodge_error err = {0};
    AUTO(free) char *xml = write_it();

    assert_true(domain_xml_read(xml, &facts, &err));

    assert_int_equal(facts.disk_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(facts.disks[i].target, disks[i].target);
        assert_string_equal(facts.disks[i].path, disks[i].path);
        assert_string_equal(facts.disks[i].format, disks[i].format);
    }
    const char *first = strstr(xml, "<backingStore/>");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "<backingStore/>"));
    domain_facts_clear(&facts);
}

static void it_has_nothing_else_and_says_whose_it_is(void **state)
{
    (void)state;
    struct domain_facts facts = {0};
    struct lodge_error err = {0};
    AUTO(free) char *xml = write_it();

    assert_true(domain_xml_read(xml, &facts, &err));

    assert_int_equal(facts.nic_count, 0);
    assert_string_equal(facts.graphics, "none");
    assert_string_equal(facts.installation, STAND_IN_MARK);
    static const char *const words[] = {"<interface", "<serial", "<hostdev", "<nvram", "<boot"};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        assert_null(strstr(xml, words[i]));
    }
    domain_facts_clear(&facts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_follows_libvirts_schema),
        TEST(it_has_the_disks_in_their_formats_and_no_chain_below),
        TEST(it_has_nothing_else_and_says_whose_it_is),
    };
    domain_xml_start();
    return cmocka_run_group_tests_name("stand_in_xml", tests, NULL, NULL);
}
