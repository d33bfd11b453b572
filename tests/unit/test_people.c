/* people: who is an admin whatever their row says, and names that never keep anybody waiting. */
#include "support/test.h"

#include "support/loop_world.h"

#include "registry/people.h"
#include "scope.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

enum { NOBODYS_UID = 3456789 };

static struct people *people;

static int make_people(void **state)
{
    make_loop(state);
    people = people_new(loop);
    return 0;
}

static int end_people(void **state)
{
    people_free(people);
    people = NULL;
    return end_loop(state);
}

static enum user_role role_of(uid_t uid, gid_t gid)
{
    struct identity identity = {.uid = uid, .gid = gid};
    return people_role(people, &identity);
}

static void roles_have_names_there_and_back(void **state)
{
    (void)state;
    for (int i = ROLE_NONE; i <= ROLE_ADMIN; i++) {
        enum user_role role = ROLE_NONE;
        assert_true(user_role_from_name(user_role_name((enum user_role)i), &role));
        assert_int_equal(role, i);
    }
    enum user_role role = ROLE_VIEWER;
    assert_false(user_role_from_name("root", &role));
    assert_false(user_role_from_name("", &role));
    assert_int_equal(role, ROLE_VIEWER);
}

static void root_and_lodgeds_own_user_are_always_admins(void **state)
{
    (void)state;
    people_set_defaults(people, ROLE_NONE, (gid_t)-1);
    people_set_role(people, 0, ROLE_NONE);
    people_set_role(people, getuid(), ROLE_VIEWER);

    assert_int_equal(role_of(0, 0), ROLE_ADMIN);
    assert_int_equal(role_of(getuid(), 100), ROLE_ADMIN);
    assert_int_equal(role_of(NOBODYS_UID, 0), ROLE_NONE); /* root's group is not root */
}

static void a_row_goes_before_the_default(void **state)
{
    (void)state;
    people_set_defaults(people, ROLE_VIEWER, (gid_t)-1);
    people_set_role(people, NOBODYS_UID, ROLE_USER);
    assert_int_equal(role_of(NOBODYS_UID, 1), ROLE_USER);
    assert_int_equal(role_of(NOBODYS_UID + 1, 1), ROLE_VIEWER);

    people_set_role(people, NOBODYS_UID, ROLE_NONE);
    assert_int_equal(role_of(NOBODYS_UID, 1), ROLE_NONE);
    people_set_defaults(people, ROLE_NONE, (gid_t)-1);
    assert_int_equal(role_of(NOBODYS_UID + 1, 1), ROLE_NONE);
    assert_string_equal(people_name(people, NOBODYS_UID + 1), "#3456790");
    assert_int_equal(role_of(NOBODYS_UID + 1, 1), ROLE_NONE); /* being known by name is no row */
}

static void members_of_the_admin_group_are_admins(void **state)
{
    (void)state;
    gid_t groups[] = {5, 6, 77};
    struct identity member = {.uid = NOBODYS_UID, .gid = 5, .groups = groups, .group_count = 3};
    people_set_defaults(people, ROLE_USER, 77);
    people_set_role(people, NOBODYS_UID, ROLE_NONE);

    assert_int_equal(people_role(people, &member), ROLE_ADMIN);
    assert_int_equal(role_of(NOBODYS_UID, 77), ROLE_ADMIN); /* the primary group counts too */
    assert_int_equal(role_of(NOBODYS_UID, 78), ROLE_NONE);
    people_set_defaults(people, ROLE_USER, (gid_t)-1);
    assert_int_equal(people_role(people, &member), ROLE_NONE);
    gid_t none[] = {(gid_t)-1}; /* no group is not a group */
    struct identity odd = {.uid = 4, .gid = (gid_t)-1, .groups = none, .group_count = 1};
    assert_int_equal(people_role(people, &odd), ROLE_USER);
}

static char told[8][64];
static int told_count;
static uid_t learned_uid;
static int learned_count;

static void be_told(void *data, const char *name)
{
    (void)data;
    assert_true(told_count < 8);
    strncpy(told[told_count++], name, sizeof told[0] - 1);
}

static void learn(void *owner, uid_t uid)
{
    (void)owner;
    learned_uid = uid;
    learned_count++;
}

static bool two_were_told(void)
{
    return told_count >= 2;
}

static bool one_was_learned(void)
{
    return learned_count >= 1;
}

static void begin(void)
{
    memset(told, 0, sizeof told);
    told_count = 0;
    learned_count = 0;
    people_on_name(people, learn, NULL);
}

static void a_name_comes_later_and_then_at_once(void **state)
{
    (void)state;
    const struct passwd *root = getpwuid(0);
    assert_non_null(root);
    begin();
    assert_string_equal(people_name(people, 0), "#0"); /* never waits */
    people_name_then(people, 0, be_told, NULL);
    people_name_then(people, 0, be_told, NULL);
    assert_int_equal(told_count, 0);

    assert_true(loop_until(two_were_told));
    assert_true(loop_until(one_was_learned));

    assert_string_equal(told[0], root->pw_name);
    assert_string_equal(told[1], root->pw_name);
    assert_int_equal(learned_uid, 0);
    assert_string_equal(people_name(people, 0), root->pw_name);
    people_name_then(people, 0, be_told, NULL);
    assert_int_equal(told_count, 3); /* it is known */
    assert_int_equal(learned_count, 1);
}

static void who_has_no_name_is_a_number(void **state)
{
    (void)state;
    begin();
    people_name_then(people, NOBODYS_UID, be_told, NULL);
    people_name_then(people, NOBODYS_UID, be_told, NULL);

    assert_true(loop_until(two_were_told));

    assert_string_equal(told[1], "#3456789");
    assert_int_equal(learned_count, 0); /* nothing that was shown has changed */
    assert_string_equal(people_name(people, (uid_t)-2), "#4294967294");
}

static void names_that_are_out_at_the_end_come_as_numbers(void **state)
{
    (void)state;
    begin();
    people_name_then(people, NOBODYS_UID, be_told, NULL);
    people_name_then(people, NOBODYS_UID + 1, be_told, NULL);

    people_free(people);

    people = NULL;
    assert_int_equal(told_count, 2);
    assert_int_equal(told[0][0], '#');
    assert_int_equal(told[1][0], '#');
}

#define WITH_PEOPLE(function) cmocka_unit_test_setup_teardown(function, make_people, end_people)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PEOPLE(roles_have_names_there_and_back),
        WITH_PEOPLE(root_and_lodgeds_own_user_are_always_admins),
        WITH_PEOPLE(a_row_goes_before_the_default),
        WITH_PEOPLE(members_of_the_admin_group_are_admins),
        WITH_PEOPLE(a_name_comes_later_and_then_at_once),
        WITH_PEOPLE(who_has_no_name_is_a_number),
        WITH_PEOPLE(names_that_are_out_at_the_end_come_as_numbers),
    };
    return cmocka_run_group_tests_name("people", tests, NULL, NULL);
}
