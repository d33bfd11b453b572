/* test_domain_xml_secrets: what a definition loses before it is written down, and what it keeps. */
#include "host/xml/domain_xml_edit.h"
#include "host/xml/domain_xml_read.h"
#include "host/xml/domain_xml_secrets.h"
#include "host/xml/next_boot.h"
#include "lodge/vm.h"
#include "scope.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QEMU "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"

/* As libvirt 9.0 writes it: with VIR_DOMAIN_XML_SECURE, and without. */
#define LIBVIRTS(passwd, more)                                                                     \
    "<domain type='qemu' " QEMU ">\n  <name>web</name>\n"                                          \
    "  <uuid>00000000-0000-4000-8000-000000000001</uuid>\n"                                        \
    "  <description>two  spaces, a &lt;tag&gt; &amp; é</description>\n"                           \
    "  <metadata>\n    <x:vm xmlns:x='urn:lodge:vm:1'>\n      <x:tag>old</x:tag>\n    </x:vm>\n"   \
    "    <o:thing xmlns:o='urn:o'>text <o:b/> and <!-- words --> more </o:thing>\n  </metadata>\n" \
    "  <memory unit='KiB'>65536</memory>\n  <vcpu>1</vcpu>\n"                                      \
    "  <os><type arch='x86_64' machine='pc'>hvm</type></os>\n  <devices>\n"                        \
    "    <disk type='file' device='cdrom'>\n      <target dev='sda' bus='sata'/>\n    </disk>\n"   \
    "    <disk type='network' device='disk'>\n"                                                    \
    "      <auth username='u'><secret type='iscsi' uuid='0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f'/>"  \
    "</auth>\n      <source protocol='iscsi' name='iqn.x/1'><host name='h'/></source>\n"           \
    "      <target dev='vdb' bus='virtio'/>\n    </disk>\n"                                        \
    "    <graphics type='vnc' port='-1' autoport='yes' passwd='" passwd "' "                       \
    "passwdValidTo='2027-01-01T00:00:00' keyCode='0'/>\n" more "  </devices>\n</domain>\n"

#define SECRETS                                                                                    \
    "    <graphics type='spice' autoport='yes' passwd='Hush2&amp;'/>\n"                            \
    "    <disk type='network' device='disk'>\n"                                                    \
    "      <source protocol='https' name='a.iso' query='token=Hush3'>\n        <host name='h'/>\n" \
    "        <cookies><cookie name='session'>Hush4</cookie></cookies>\n      </source>\n"          \
    "      <target dev='vda' bus='virtio'/>\n    </disk>\n"
#define OUTSIDE                                                                                 \
    "  <qemu:commandline><qemu:arg value='-object'/><qemu:arg value='secret,id=a,data=Hush5'/>" \
    "<qemu:env name='TOKEN' value='Hush6'/></qemu:commandline>\n"                               \
    "  <sysinfo type='smbios'><oemStrings><entry>io.systemd.credential:x=Hush7</entry>"         \
    "</oemStrings></sysinfo>\n"

static char *without(const char *xml)
{
    struct lodge_error err = {0};
    char *text = domain_xml_without_secrets(xml, &err);
    if (text == NULL) {
        fail_msg("%s", err.message);
    }
    return text;
}

/* `xml` with this in front of its devices. */
static char *with_outside(const char *xml)
{
    const char *devices = strstr(xml, "  <devices>");
    char *text = NULL;
    assert_non_null(devices);
    assert_true(asprintf(&text, "%.*s" OUTSIDE "%s", (int)(devices - xml), xml, devices) > 0);
    return text;
}

static void no_secret_of_any_kind_is_left(void **state)
{
    (void)state;
    AUTO(free) char *xml = with_outside(LIBVIRTS("Hush1", SECRETS));

    AUTO(free) char *text = without(xml);

    assert_non_null(strstr(xml, "Hush7"));
    assert_null(strstr(text, "Hush"));
    assert_null(strstr(text, "passwd="));
}

static void what_is_no_secret_stays(void **state)
{
    (void)state;
    static const char *const words[] = {
        "two  spaces, a &lt;tag&gt; &amp; é",
        "text <o:b/> and <!-- words --> more ",
        "<x:tag>old</x:tag>",
        "passwdValidTo=\"2027-01-01T00:00:00\"",
        "<secret type=\"iscsi\" uuid=\"0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f\"/>",
        "name=\"a.iso\"",
        "<host name=\"h\"/>",
    };
    AUTO(free) char *xml = with_outside(LIBVIRTS("Hush1", SECRETS));

    AUTO(free) char *text = without(xml);

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strstr(text, words[i]) == NULL) {
            fail_msg("%s is not in %s", words[i], text);
        }
    }
}

static void with_and_without_secrets_it_is_the_same_text(void **state)
{
    (void)state;
    AUTO(free) char *told = without(LIBVIRTS("Hush1", ""));
    AUTO(free) char *hidden = without(LIBVIRTS("*****", ""));
    AUTO(free) char *twice = without(told);

    assert_string_equal(hidden, told);
    assert_string_equal(twice, told);
}

static void what_is_no_secret_makes_another_text(void **state)
{
    (void)state;
    AUTO(free) char *one = without(LIBVIRTS("Hush1", ""));
    AUTO(free) char *other = without(LIBVIRTS("Hush1", "    <watchdog model='i6300esb'/>\n"));

    assert_string_not_equal(one, other);
}

static void what_is_told_of_the_VM_is_the_same(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    bool is_same = false;
    AUTO(free) char *xml = with_outside(LIBVIRTS("Hush1", SECRETS));
    AUTO(free) char *text = without(xml);

    assert_true(next_boot_is_same(xml, text, &is_same, &err));

    assert_true(is_same);
}

/* What an update defines is the whole text, edited. */
static void an_edit_keeps_them(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    const struct domain_edit edit = {.vcpus = 2, .memory_mib = 96, .media = true};
    AUTO(free) char *xml = with_outside(LIBVIRTS("Hush1", SECRETS));

    AUTO(free) char *text = domain_xml_edit(xml, &edit, NULL, &err);

    assert_non_null(text);
    for (char secret[] = "Hush1"; secret[4] <= '7'; secret[4]++) {
        assert_non_null(strstr(text, secret));
    }
}

static void what_is_no_definition_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "<domain", "<network/>", "no XML: Hush"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct lodge_error err = {0};
        assert_null(domain_xml_without_secrets(texts[i], &err));
        assert_int_equal(err.kind, LODGE_ERROR_INTERNAL);
        assert_null(strstr(err.message, "Hush"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_secret_of_any_kind_is_left),
        TEST(what_is_no_secret_stays),
        TEST(with_and_without_secrets_it_is_the_same_text),
        TEST(what_is_no_secret_makes_another_text),
        TEST(what_is_told_of_the_VM_is_the_same),
        TEST(an_edit_keeps_them),
        TEST(what_is_no_definition_is_refused),
    };
    domain_xml_start();
    return cmocka_run_group_tests_name("domain_xml_secrets", tests, NULL, NULL);
}
