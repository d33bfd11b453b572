/* access: each role, each access, with what is one's own and what is not. */
#include "support/test.h"

#include "registry/access.h"
#include "scope.h"

enum { MINE = 1000, OTHERS = 1001 };

/* Who may, in this order: none, viewer, user, admin; to what is theirs, and to what is not. */
static const struct {
    enum access access;
    const char *own, *others, *unnamed;
} rows[] = {
    {ACCESS_UNSET, "----", "----", "----"}, {ACCESS_ANY, "-vua", "-vua", "-vua"},
    {ACCESS_SEE, "-vua", "-v-a", "-vua"},   {ACCESS_USER, "--ua", "--ua", "--ua"},
    {ACCESS_OWNER, "--ua", "---a", "--ua"}, {ACCESS_ADMIN, "---a", "---a", "---a"},
};

static void expect_allowed(const struct vm *vm, enum access access, const char *who)
{
    for (size_t role = ROLE_NONE; role <= ROLE_ADMIN; role++) {
        struct viewer viewer = {MINE, (enum user_role)role};
        if (access_allows(&viewer, vm, access) != (who[role] != '-')) {
            fail_msg("%s, role %s: not as in '%s'", access_name(access),
                     user_role_name(viewer.role), who);
        }
    }
}

static void a_role_may_what_its_row_says(void **state)
{
    (void)state;
    const struct vm own = {.owner = MINE};
    const struct vm others = {.owner = OTHERS};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        expect_allowed(&own, rows[i].access, rows[i].own);
        expect_allowed(&others, rows[i].access, rows[i].others);
        expect_allowed(NULL, rows[i].access, rows[i].unnamed);
    }
}

/* Nobody's VM is not that of whoever has the number that means nobody. */
static void what_has_no_owner_is_nobodys(void **state)
{
    (void)state;
    const struct vm unowned = {.owner = VM_NO_OWNER};
    const struct viewer nobody = {VM_NO_OWNER, ROLE_USER};

    assert_false(access_allows(&nobody, &unowned, ACCESS_SEE));
    assert_false(access_allows(&nobody, &unowned, ACCESS_OWNER));
}

static void what_was_done_to_a_vm_is_its_doers_and_its_owners(void **state)
{
    (void)state;
    const struct viewer user = {MINE, ROLE_USER};

    assert_true(access_allows_of(&user, MINE, OTHERS, ACCESS_OWNER));
    assert_true(access_allows_of(&user, OTHERS, MINE, ACCESS_OWNER));
    assert_true(access_allows_of(&user, MINE, VM_NO_OWNER, ACCESS_SEE));
    assert_false(access_allows_of(&user, OTHERS, OTHERS, ACCESS_SEE));
    assert_false(access_allows_of(&user, OTHERS, VM_NO_OWNER, ACCESS_SEE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_role_may_what_its_row_says),
        TEST(what_has_no_owner_is_nobodys),
        TEST(what_was_done_to_a_vm_is_its_doers_and_its_owners),
    };
    return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
