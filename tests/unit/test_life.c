/* life: what counts as having run. */
#include "support/test.h"

#include "ops/life.h"

#include <stdio.h>

static bool seen(enum lodge_vm_state state, const char *reason)
{
    struct domain_look look = {.present = true, .state = state};
    snprintf(look.reason, sizeof look.reason, "%s", reason);
    return life_is_seen(&look, true);
}

static void a_guest_that_was_only_defined_or_started_paused_has_not_run(void **state)
{
    (void)state;
    const struct domain_look gone = {.present = false, .committed = true};
    assert_false(life_is_seen(&gone, true));
    assert_false(seen(LODGE_VM_SHUTOFF, ""));
    assert_false(seen(LODGE_VM_SHUTOFF, "failed"));
    assert_false(seen(LODGE_VM_SHUTOFF, "destroyed"));
    assert_false(seen(LODGE_VM_SHUTOFF, "crashed"));
    assert_false(seen(LODGE_VM_SHUTOFF, "daemon"));
    assert_false(seen(LODGE_VM_PAUSED, "user"));
    assert_false(seen(LODGE_VM_PAUSED, "starting up"));
    assert_false(seen(LODGE_VM_PAUSED, ""));
}

static void a_guest_in_any_other_state_has(void **state)
{
    (void)state;
    assert_true(seen(LODGE_VM_RUNNING, "booted"));
    assert_true(seen(LODGE_VM_RUNNING, "unpaused"));
    assert_true(seen(LODGE_VM_CRASHED, "panicked"));
    assert_true(seen(LODGE_VM_SUSPENDED, ""));
    assert_true(seen(LODGE_VM_UNKNOWN, ""));
    assert_true(seen(LODGE_VM_PAUSED, "I/O error"));
    assert_true(seen(LODGE_VM_PAUSED, "migrating"));
    assert_true(seen(LODGE_VM_PAUSED, "from snapshot"));
    assert_true(seen(LODGE_VM_SHUTOFF, "shutdown"));
    assert_true(seen(LODGE_VM_SHUTOFF, "saved"));
    assert_true(seen(LODGE_VM_SHUTOFF, "from snapshot"));
}

static void a_mark_or_a_saved_memory_outlives_every_state(void **state)
{
    (void)state;
    const struct domain_look marked = {
        .present = true, .state = LODGE_VM_SHUTOFF, .committed = true};
    const struct domain_look saved = {
        .present = true, .state = LODGE_VM_SHUTOFF, .managed_save = true};
    assert_true(life_is_seen(&marked, true));
    assert_true(life_is_seen(&marked, false));
    assert_true(life_is_seen(&saved, true));
}

static void where_nothing_starts_paused_running_says_nothing(void **state)
{
    (void)state;
    const struct domain_look look = {.present = true, .active = true, .state = LODGE_VM_RUNNING};
    assert_false(life_is_seen(&look, false));
    assert_true(life_is_seen(&look, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_guest_that_was_only_defined_or_started_paused_has_not_run),
        TEST(a_guest_in_any_other_state_has),
        TEST(a_mark_or_a_saved_memory_outlives_every_state),
        TEST(where_nothing_starts_paused_running_says_nothing),
    };
    return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
