#include "host/guest/domain_private.h"
#include "host/xml/belongings_xml.h"
#include "scope.h"
#include "support/test.h"

static unsigned all_of(const struct undefine *how, bool has_files, unsigned *ret_any)
{
    unsigned ways[UNDEFINE_WAYS];
    unsigned all = ~0U;
    *ret_any = 0;
    size_t count = domain_undefine_ways(how, has_files, ways);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        all &= ways[i];
        *ret_any |= ways[i];
    }
    return all;
}

static void what_is_kept_is_kept_in_every_way_that_is_tried(void **state)
{
    (void)state;
    unsigned any = 0;
    const unsigned keep_both = VIR_DOMAIN_UNDEFINE_KEEP_NVRAM | VIR_DOMAIN_UNDEFINE_KEEP_TPM;
    const struct undefine both = {
        .has_nvram = true, .keeps_nvram = true, .has_tpm = true, .keeps_tpm = true};
    assert_int_equal(all_of(&both, true, &any) & keep_both, keep_both);
    assert_int_equal(any & (VIR_DOMAIN_UNDEFINE_NVRAM | VIR_DOMAIN_UNDEFINE_TPM), 0);

    const struct undefine nvram = {.has_nvram = true, .keeps_nvram = true};
    assert_true(all_of(&nvram, true, &any) & VIR_DOMAIN_UNDEFINE_KEEP_NVRAM);
    assert_false(any & VIR_DOMAIN_UNDEFINE_NVRAM);

    const struct undefine tpm = {.has_nvram = true, .has_tpm = true, .keeps_tpm = true};
    assert_true(all_of(&tpm, true, &any) & VIR_DOMAIN_UNDEFINE_KEEP_TPM);
    assert_false(any & VIR_DOMAIN_UNDEFINE_TPM);
}

static void what_is_ours_goes_and_old_drivers_are_asked_for_less(void **state)
{
    (void)state;
    unsigned ways[UNDEFINE_WAYS];
    const struct undefine ours = {.has_nvram = true, .has_tpm = true};

    assert_int_equal(domain_undefine_ways(&ours, true, ways), UNDEFINE_WAYS);

    assert_true(ways[0] & VIR_DOMAIN_UNDEFINE_NVRAM);
    assert_true(ways[0] & VIR_DOMAIN_UNDEFINE_TPM);
    assert_false(ways[1] & VIR_DOMAIN_UNDEFINE_TPM);
    assert_int_equal(ways[3], 0);
}

static void a_save_that_is_not_ours_goes_in_no_way(void **state)
{
    (void)state;
    unsigned any = 0;
    (void)all_of(&(struct undefine){.keeps_save = true}, true, &any);
    assert_false(any & VIR_DOMAIN_UNDEFINE_MANAGED_SAVE);
    (void)all_of(&(struct undefine){.keeps_save = true}, false, &any);
    assert_false(any & VIR_DOMAIN_UNDEFINE_MANAGED_SAVE);
    (void)all_of(&(struct undefine){.keeps_save = false}, true, &any);
    assert_true(any & VIR_DOMAIN_UNDEFINE_MANAGED_SAVE);
}

static void where_there_are_no_files_nothing_must_be_kept(void **state)
{
    (void)state;
    unsigned ways[UNDEFINE_WAYS];
    const struct undefine both = {
        .has_nvram = true, .keeps_nvram = true, .has_tpm = true, .keeps_tpm = true};
    assert_int_equal(domain_undefine_ways(&both, false, ways), UNDEFINE_WAYS);
    const struct undefine none = {.keeps_nvram = true, .keeps_tpm = true};
    assert_int_equal(domain_undefine_ways(&none, true, ways), UNDEFINE_WAYS);
}

static void expect_said(const char *xml, const char *nvram, bool has_nvram, bool has_tpm,
                        const char *tpm)
{
    struct belongings_xml said = {0};
    struct lodge_error err = {0};
    assert_true(belongings_xml_read(xml, &said, &err));
    assert_int_equal(said.has_nvram, has_nvram);
    assert_int_equal(said.has_tpm, has_tpm);
    assert_string_equal(said.nvram == NULL ? "" : said.nvram, nvram);
    assert_string_equal(said.tpm == NULL ? "" : said.tpm, tpm);
    belongings_xml_clear(&said);
}

static void definitions_tell_of_NVRAM_and_TPM(void **state)
{
    (void)state;
    expect_said("<domain/>", "", false, false, "");
    expect_said("<domain><os><nvram template='/t'>/v</nvram></os></domain>", "/v", true, false, "");
    expect_said("<domain><os><nvram type='file'><source file='/v'/></nvram></os></domain>", "/v",
                true, false, "");
    expect_said("<domain><os firmware='efi'/></domain>", "", true, false, "");
    expect_said("<domain><os firmware='bios'/></domain>", "", false, false, "");
    expect_said("<domain><devices><tpm><backend type='passthrough'><device path='/dev/tpm0'/>"
                "</backend></tpm></devices></domain>",
                "", false, false, "");
    expect_said("<domain><devices><tpm><backend type='emulator' version='2.0'/></tpm></devices>"
                "</domain>",
                "", false, true, "");
    expect_said("<domain><devices><tpm><backend type='emulator'><source type='dir' path='/s'/>"
                "</backend></tpm></devices></domain>",
                "", false, true, "/s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_kept_is_kept_in_every_way_that_is_tried),
        TEST(what_is_ours_goes_and_old_drivers_are_asked_for_less),
        TEST(a_save_that_is_not_ours_goes_in_no_way),
        TEST(where_there_are_no_files_nothing_must_be_kept),
        TEST(definitions_tell_of_NVRAM_and_TPM),
    };
    return cmocka_run_group_tests_name("undefine", tests, NULL, NULL);
}
