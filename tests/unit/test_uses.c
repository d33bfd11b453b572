#include "host/storage/uses_private.h"
#include "memory.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#define NAME "00000000-0000-4000-8000-000000000001-0.qcow2"
#define PATH "/pool/" NAME
#define ONE "00000000-0000-4000-8000-00000000000a"
#define TWO "00000000-0000-4000-8000-00000000000b"

static struct uses *uses;

static int uses_make(void **state)
{
    (void)state;
    uses = uses_new();
    return 0;
}

static int uses_end(void **state)
{
    (void)state;
    uses_release(uses);
    return 0;
}

static void says(const char *uuid, const char *name, const char *path, const char *text)
{
    struct named_files files = {.items = xcalloc(1, sizeof *files.items), .count = 1};
    files.items[0].path = xstrdup_or_null(path);
    files.items[0].text = xstrdup_or_null(text);
    uses_add_domain(uses, uuid, name, &files);
}

static struct uses_file *file_at(const char *path)
{
    ssize_t place = uses_add_file(uses, path, false);
    return uses->files[place];
}

static void expect_use(const struct use_target *target, const char *except, enum use_kind kind,
                       const char *who)
{
    struct use use = uses_find(uses, target, except);
    assert_int_equal(use.kind, kind);
    if (who != NULL) {
        assert_string_equal(use.who, who);
    }
}

static const struct use_target hidden = {.path = PATH};
static const struct use_target seen = {.path = PATH, .is_seen = true, .device = 1, .inode = 2};

static void what_nobody_names_nobody_uses(void **state)
{
    (void)state;
    says(ONE, "one", "/pool/other", NULL);

    expect_use(&hidden, NULL, USE_NONE, NULL);
    expect_use(&seen, NULL, USE_NONE, NULL);
}

static void a_path_may_have_empty_parts(void **state)
{
    (void)state;
    says(ONE, "one", "//pool/././/" NAME "/", NULL);

    expect_use(&seen, NULL, USE_DOMAIN, "one");
}

static void a_file_is_known_by_its_inode_where_that_was_seen(void **state)
{
    (void)state;
    says(ONE, "one", "/link/name", NULL);
    says(TWO, "two", "/copy/" NAME, NULL);
    uses_see(uses, file_at("/copy/" NAME), 1, 3);
    expect_use(&seen, NULL, USE_NONE, NULL);

    uses_see(uses, file_at("/link/name"), 1, 2);

    expect_use(&seen, NULL, USE_DOMAIN, "one");
}

static void where_it_was_not_seen_its_name_is_enough(void **state)
{
    (void)state;
    says(ONE, "one", "/elsewhere/" NAME, NULL);

    expect_use(&hidden, NULL, USE_DOMAIN, "one");
    expect_use(&seen, NULL, USE_DOMAIN, "one");
}

static void a_path_that_means_another_file_by_now_is_still_that_path(void **state)
{
    (void)state;
    says(ONE, "one", PATH, NULL);
    uses_see(uses, file_at(PATH), 1, 9);

    expect_use(&seen, NULL, USE_DOMAIN, "one");
}

static void a_name_within_a_text_is_a_use(void **state)
{
    (void)state;
    says(ONE, "one", NULL, "if=virtio,file=a/" NAME ",format=raw");

    expect_use(&seen, NULL, USE_DOMAIN, "one");
}

static void chains_are_followed_to_their_end(void **state)
{
    (void)state;
    char below[32];
    says(ONE, "one", "/over/0", NULL);
    for (int i = 0; i < 100; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "/over/%d", i);
        (void)snprintf(below, sizeof below, "/over/%d", i + 1);
        uses_add_below(uses, file_at(name), below, NULL, true);
    }
    uses_add_below(uses, file_at(below), PATH, NULL, true);

    expect_use(&seen, NULL, USE_DOMAIN, "one");
}

/* What a file names stood before it in the table: the worst order, and too long to be true. */
static void a_chain_longer_than_anybodys_is_a_doubt(void **state)
{
    (void)state;
    for (int i = 1000; i >= 0; i--) {
        char name[32];
        (void)snprintf(name, sizeof name, "/over/%d", i);
        (void)file_at(name);
    }
    uses_add_below(uses, file_at("/over/1000"), PATH, NULL, true);
    for (int i = 0; i < 1000; i++) {
        char name[32];
        char below[32];
        (void)snprintf(name, sizeof name, "/over/%d", i);
        (void)snprintf(below, sizeof below, "/over/%d", i + 1);
        uses_add_below(uses, file_at(name), below, NULL, true);
    }
    says(ONE, "one", "/over/0", NULL);

    assert_int_not_equal(uses_find(uses, &seen, NULL).kind, USE_NONE);
}

static void circles_end(void **state)
{
    (void)state;
    says(ONE, "one", "/a", NULL);
    uses_add_below(uses, file_at("/a"), "/b", NULL, true);
    uses_add_below(uses, file_at("/b"), "/a", NULL, true);
    uses_add_below(uses, file_at("/a"), "/a", NULL, true);

    expect_use(&seen, NULL, USE_NONE, NULL);
}

static void a_volume_that_nobody_has_keeps_what_it_is_based_on_and_not_itself(void **state)
{
    (void)state;
    file_at(PATH)->is_alone = true;
    uses_add_below(uses, file_at(PATH), "/pool/base", NULL, true);
    expect_use(&hidden, NULL, USE_NONE, NULL);

    file_at("/pool/clone")->is_alone = true;
    uses_add_below(uses, file_at("/pool/clone"), PATH, NULL, true);

    expect_use(&hidden, NULL, USE_VOLUME, "/pool/clone");
}

static void ones_own_use_may_be_left_out(void **state)
{
    (void)state;
    says(ONE, "one", PATH, NULL);
    expect_use(&hidden, ONE, USE_NONE, NULL);

    says(TWO, "two", PATH, NULL);

    expect_use(&hidden, ONE, USE_DOMAIN, "two");
    expect_use(&hidden, NULL, USE_DOMAIN, "one");
}

static void in_doubt_everything_is_in_use(void **state)
{
    (void)state;
    uses_add_doubt(uses, "VM '%s' cannot be read", "x");

    expect_use(&hidden, NULL, USE_DOUBT, "VM 'x' cannot be read");
}

static void a_path_that_is_none_is_a_text(void **state)
{
    (void)state;
    char *path = xmalloc(6000);
    memset(path, 'x', 6000);
    path[0] = '/';
    memcpy(path + 5000, NAME, sizeof NAME);
    says(ONE, "one", path, NULL);
    free(path);

    expect_use(&hidden, NULL, USE_DOMAIN, "one");
}

static void expect_words(struct use use, const char *words)
{
    char text[128];
    use_say(&use, text, sizeof text);
    assert_string_equal(text, words);
}

static void it_is_said_who_uses_it(void **state)
{
    (void)state;
    expect_words((struct use){USE_NONE, NULL}, "nobody uses it");
    expect_words((struct use){USE_DOMAIN, "web"}, "VM 'web' uses it");
    expect_words((struct use){USE_VOLUME, "/p/v"}, "/p/v is based on it");
    expect_words((struct use){USE_DOUBT, "VM 'x' hid"},
                 "it is not certain that nobody uses it: VM 'x' hid");
}

#define WITH_USES(function) cmocka_unit_test_setup_teardown(function, uses_make, uses_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_USES(what_nobody_names_nobody_uses),
        WITH_USES(a_path_may_have_empty_parts),
        WITH_USES(a_file_is_known_by_its_inode_where_that_was_seen),
        WITH_USES(where_it_was_not_seen_its_name_is_enough),
        WITH_USES(a_path_that_means_another_file_by_now_is_still_that_path),
        WITH_USES(a_name_within_a_text_is_a_use),
        WITH_USES(chains_are_followed_to_their_end),
        WITH_USES(a_chain_longer_than_anybodys_is_a_doubt),
        WITH_USES(circles_end),
        WITH_USES(a_volume_that_nobody_has_keeps_what_it_is_based_on_and_not_itself),
        WITH_USES(ones_own_use_may_be_left_out),
        WITH_USES(in_doubt_everything_is_in_use),
        WITH_USES(a_path_that_is_none_is_a_text),
        TEST(it_is_said_who_uses_it),
    };
    return cmocka_run_group_tests_name("uses", tests, NULL, NULL);
}
