/* registry: hand-made reports in any order become the same facts; look-ups see what they may. */
#include "support/test.h"

#include "support/registry_world.h"

#include "scope.h"

static void a_guest_is_known_from_its_first_report(void **state)
{
    (void)state;
    tell_state("alpha", 1, "web", LODGE_VM_UNKNOWN);

    struct vm *vm = get_well("web");

    assert_string_equal(vm->facts.host, "alpha");
    assert_string_equal(vm->facts.uuid, uuid_of(1));
    assert_int_equal(vm->facts.state, LODGE_VM_UNKNOWN);
    assert_int_equal(vm->facts.vcpus, LODGE_UNKNOWN);
    assert_false(vm->facts.managed);
    assert_null(vm->facts.owner);
}

static void replay(int event)
{
    switch (event) {
    case 0:
        tell_state("alpha", 1, "web", LODGE_VM_RUNNING);
        return;
    case 1:
        tell_state("alpha", 1, "web", LODGE_VM_SHUTOFF);
        return;
    case 2:
        tell_facts("alpha", 1, "old-name", 2);
        return;
    case 3:
        tell_hung("alpha", 1, 99);
        return;
    case 4:
        tell_sample("alpha", 1, 50);
        return;
    case 5:
        tell_gone("alpha", 1);
        return;
    case 6:
        tell_connection("alpha", LODGE_HOST_DOWN, "gone fishing");
        return;
    case 7:
        tell_connection("alpha", LODGE_HOST_UP, NULL);
        return;
    default:
        tell_synced("alpha");
    }
}

/* Whatever came before, in whatever order: what is told last is what stands. */
static void no_order_of_events_matters(void **state)
{
    (void)state;
    unsigned seed = 11;
    for (int round = 0; round < 300; round++) {
        for (int i = 0; i < 12; i++) {
            seed = seed * 1103515245u + 12345u;
            replay((int)(seed >> 16) % 9);
        }
        tell_up("alpha");
        tell_state("alpha", 1, "web", LODGE_VM_RUNNING);
        tell_facts("alpha", 1, "web", 4);
        tell_hung("alpha", 1, 0);

        struct vm *vm = get_well("alpha/web");
        assert_int_equal(vm->facts.state, LODGE_VM_RUNNING);
        assert_int_equal(vm->facts.vcpus, 4);
        assert_int_equal(vm->facts.stale, 0);
        assert_int_equal(vm->facts.unresponsive, 0);
        assert_null(get("old-name"));
        struct order_walk walk = registry_walk(registry, NULL);
        assert_ptr_equal(order_next(&walk), vm);
        assert_null(order_next(&walk));
        tell_gone("alpha", 1);
        assert_null(get("web"));
    }
}

static void facts_of_a_guest_that_went_are_dropped(void **state)
{
    (void)state;
    tell_facts("alpha", 1, "web", 2);
    tell_gone("alpha", 1);
    tell_hung("alpha", 1, 5);
    tell_sample("alpha", 1, 5);
    assert_null(get("web"));

    tell_state("alpha", 1, "web", LODGE_VM_RUNNING);
    tell_facts("alpha", 1, "web", 2);
    tell_gone("alpha", 1);
    tell_state("alpha", 1, "web", LODGE_VM_SHUTOFF); /* defined anew: nothing is left of before */

    assert_int_equal(get_well("web")->facts.vcpus, LODGE_UNKNOWN);
}

static void a_host_that_is_away_makes_its_guests_stale_and_no_others(void **state)
{
    (void)state;
    tell_up("alpha");
    tell_up("beta");
    tell_state("alpha", 1, "web", LODGE_VM_RUNNING);
    tell_state("alpha", 2, "db", LODGE_VM_RUNNING);
    tell_state("beta", 3, "mail", LODGE_VM_RUNNING);

    tell_connection("alpha", LODGE_HOST_DOWN, "connection refused");

    int64_t since = get_well("web")->facts.stale;
    assert_true(since > 0);
    assert_int_equal(get_well("web")->facts.state, LODGE_VM_RUNNING); /* what was known stays */
    assert_int_equal(get_well("mail")->facts.stale, 0);
    assert_string_equal(registry_find_host(registry, "alpha")->facts.error, "connection refused");

    tell_connection("alpha", LODGE_HOST_CONNECTING, "again");
    assert_int_equal(get_well("web")->facts.stale, since); /* since the first moment */
    tell_connection("alpha", LODGE_HOST_UP, NULL);
    assert_null(registry_find_host(registry, "alpha")->facts.error);
    assert_int_equal(get_well("web")->facts.stale, since); /* up, but not read yet */
    tell_state("alpha", 1, "web", LODGE_VM_RUNNING);
    assert_int_equal(get_well("web")->facts.stale, 0);
    assert_int_not_equal(get_well("db")->facts.stale, 0);
    tell_synced("alpha");
    assert_int_equal(get_well("db")->facts.stale, 0);
}

static void hosts_are_incomplete_until_they_are_read(void **state)
{
    (void)state;
    struct lodge_strings names = {0};
    registry_incomplete(registry, &names);
    assert_int_equal(names.count, 2);
    assert_string_equal(names.items[0], "alpha");
    lodge_strings_clear(&names);

    tell_up("beta");
    tell_connection("alpha", LODGE_HOST_UP, NULL);
    registry_incomplete(registry, &names);
    assert_int_equal(names.count, 1);
    lodge_strings_clear(&names);

    tell_synced("alpha");
    tell_connection("beta", LODGE_HOST_DOWN, "away");
    registry_incomplete(registry, &names);
    assert_int_equal(names.count, 1);
    assert_string_equal(names.items[0], "beta");
    lodge_strings_clear(&names);
}

static void only_what_changes_makes_a_revision(void **state)
{
    (void)state;
    tell_up("alpha");
    tell_state("alpha", 1, "web", LODGE_VM_RUNNING);
    tell_facts("alpha", 1, "web", 2);
    int64_t rev = get_well("web")->facts.rev;
    assert_int_equal(rev >> 32, 5);

    tell_state("alpha", 1, "web", LODGE_VM_RUNNING);
    tell_facts("alpha", 1, "web", 2);
    tell_sample("alpha", 1, 50);
    tell_hung("alpha", 1, 0);
    assert_int_equal(get_well("web")->facts.rev, rev);

    tell_facts("alpha", 1, "web", 3);
    assert_true(get_well("web")->facts.rev > rev);
}

static void since_is_when_it_changed_if_that_was_seen(void **state)
{
    (void)state;
    tell_state("alpha", 1, "web", LODGE_VM_RUNNING); /* it ran before we looked */
    assert_int_equal(get_well("web")->facts.since, 0);
    int64_t before = loop_wall_ms();

    tell_state("alpha", 1, "web", LODGE_VM_PAUSED);

    int64_t since = get_well("web")->facts.since;
    assert_true(since >= before && since <= loop_wall_ms());
    tell_state("alpha", 1, "web", LODGE_VM_UNKNOWN); /* only that it is there */
    assert_int_equal(get_well("web")->facts.state, LODGE_VM_PAUSED);
    assert_int_equal(get_well("web")->facts.since, since);
}

static void a_guest_that_ends_answers_no_more_and_uses_nothing(void **state)
{
    (void)state;
    tell_state("alpha", 1, "web", LODGE_VM_RUNNING);
    tell_sample("alpha", 1, 50);
    tell_hung("alpha", 1, 77);
    tell_hung("alpha", 1, 99);
    assert_int_equal(get_well("web")->facts.unresponsive, 77);
    assert_true(get_well("web")->facts.stats.cpu_percent == 50);

    tell_state("alpha", 1, "web", LODGE_VM_SHUTOFF);
    tell_sample("alpha", 1, 60); /* a call that was out when it ended */

    assert_int_equal(get_well("web")->facts.unresponsive, 0);
    assert_true(isnan(get_well("web")->facts.stats.cpu_percent));
    assert_int_equal(get_well("web")->facts.stats.at, 0);
}

static void names_follow_a_rename(void **state)
{
    (void)state;
    tell_state("alpha", 1, "web", LODGE_VM_SHUTOFF);
    tell_state("alpha", 1, "www", LODGE_VM_SHUTOFF);
    assert_null(get("web"));
    tell_state("alpha", 2, "web", LODGE_VM_SHUTOFF); /* the name is free for another */
    assert_string_equal(get_well("web")->facts.uuid, uuid_of(2));
    assert_string_equal(get_well("www")->facts.uuid, uuid_of(1));
}

static void a_guest_is_found_by_name_and_uuid_with_and_without_host(void **state)
{
    (void)state;
    char text[64];
    tell_state("alpha", 10, "web", LODGE_VM_RUNNING);
    tell_state("beta", 11, "web", LODGE_VM_RUNNING);
    tell_state("beta", 10, "mirror", LODGE_VM_RUNNING); /* the same uuid on two hosts */
    tell_state("beta", 12, "mail", LODGE_VM_RUNNING);
    struct lodge_error err = {0};

    assert_string_equal(get_well("mail")->facts.uuid, uuid_of(12));
    assert_string_equal(get_well(uuid_of(12))->facts.name, "mail");
    assert_string_equal(get_well("alpha/web")->facts.uuid, uuid_of(10));
    assert_string_equal(get_well("beta/web")->facts.uuid, uuid_of(11));
    snprintf(text, sizeof text, "beta/%s", uuid_of(10));
    assert_string_equal(get_well(text)->facts.name, "mirror");

    assert_null(registry_get(registry, "web", &admin, &err));
    assert_int_equal(err.kind, LODGE_ERROR_CONFLICT);
    err = (struct lodge_error){0};
    assert_null(registry_get(registry, uuid_of(10), &admin, &err));
    assert_int_equal(err.kind, LODGE_ERROR_CONFLICT);
    static const char *const nobody[] = {"",       "/",    "nope",      "alpha/mail", "gamma/web",
                                         "alpha/", "/web", "beta/web/", "we",         "webs"};
    for (size_t i = 0; i < ARRAY_LENGTH(nobody); i++) {
        err = (struct lodge_error){0};
        assert_null(registry_get(registry, nobody[i], &admin, &err));
        assert_int_equal(err.kind, LODGE_ERROR_NOT_FOUND);
    }
}

static void a_uuid_is_a_uuid_whoever_is_called_so(void **state)
{
    (void)state;
    char capitals[37] = "ABCDEF00-0000-4000-8000-0000000000AB";
    tell_state("alpha", 1, "victim", LODGE_VM_RUNNING);
    tell_state("alpha", 2, uuid_of(1), LODGE_VM_RUNNING); /* named to be mistaken for it */
    assert_string_equal(get_well(uuid_of(1))->facts.name, "victim");

    struct domain_state_report report = {
        .uuid = "abcdef00-0000-4000-8000-0000000000ab",
        .name = "low",
        .state = LODGE_VM_RUNNING,
    };
    registry_listener.domain_state(registry, "alpha", &report);
    assert_string_equal(get_well(capitals)->facts.name, "low");
}

static void users_see_their_own_and_learn_of_no_others(void **state)
{
    (void)state;
    static const struct viewer user = {SOME_UID, ROLE_USER};
    static const struct viewer viewer = {SOME_UID, ROLE_VIEWER};
    static const struct viewer nobody = {SOME_UID, ROLE_NONE};
    own("alpha", uuid_of(1), SOME_UID); /* before it has been seen */
    tell_state("alpha", 1, "mine", LODGE_VM_RUNNING);
    tell_state("alpha", 2, "foreign", LODGE_VM_RUNNING);
    tell_state("beta", 3, "mine", LODGE_VM_RUNNING);
    own("beta", uuid_of(3), OTHER_UID);
    struct lodge_error err = {0};

    struct vm *mine = registry_get(registry, "mine", &user, &err); /* no conflict: one is seen */
    assert_non_null(mine);
    assert_string_equal(mine->facts.owner, "#3456789");
    assert_true(mine->facts.managed);
    assert_null(registry_get(registry, "foreign", &user, &err));
    assert_int_equal(err.kind, LODGE_ERROR_NOT_FOUND);
    err = (struct lodge_error){0};
    assert_null(registry_get(registry, uuid_of(2), &user, &err));
    assert_int_equal(err.kind, LODGE_ERROR_NOT_FOUND);
    err = (struct lodge_error){0};
    assert_non_null(registry_get(registry, "foreign", &viewer, &err));
    assert_null(registry_get(registry, "mine", &nobody, &err));
}

static void the_newest_word_on_an_owner_counts(void **state)
{
    (void)state;
    own("alpha", uuid_of(1), SOME_UID);
    own("alpha", uuid_of(1), OTHER_UID);
    tell_state("alpha", 1, "web", LODGE_VM_RUNNING);
    assert_int_equal(get_well("web")->owner, OTHER_UID);

    own("alpha", uuid_of(1), SOME_UID);

    assert_int_equal(get_well("web")->owner, SOME_UID);
    assert_string_equal(get_well("web")->facts.owner, "#3456789");
}

static void lists_are_ordered_by_host_name_and_uuid(void **state)
{
    (void)state;
    unsigned seed = 3;
    char name[16];
    for (int i = 0; i < 500; i++) {
        seed = seed * 1103515245u + 12345u;
        snprintf(name, sizeof name, "vm%u", (seed >> 16) % 50);
        tell_state(i % 3 == 0 ? "alpha" : "beta", i, name, LODGE_VM_RUNNING);
    }
    for (int i = 0; i < 500; i += 7) {
        tell_gone(i % 3 == 0 ? "alpha" : "beta", i);
    }
    tell_state("beta", 1, "aaa", LODGE_VM_RUNNING);

    struct order_walk walk = registry_walk(registry, NULL);
    const struct vm *vm = order_next(&walk);
    assert_string_equal(vm->facts.host, "alpha");
    int count = 1;
    for (const struct vm *next; (next = order_next(&walk)) != NULL; count++, vm = next) {
        assert_true(vm_compare(vm, next) < 0);
    }
    assert_int_equal(count, 500 - 72);
    assert_string_equal(registry_first_host(registry)->facts.name, "alpha");
}

struct counter {
    struct registry_reader reader; /* first */
    int told;
};

static void count_telling(struct registry_reader *reader)
{
    ((struct counter *)reader)->told++;
}

static void readers_are_told_once_a_turn(void **state)
{
    (void)state;
    struct counter counter = {.reader = {.changed = count_telling}};
    loop_turn();
    registry_add_reader(registry, &counter.reader);
    for (int i = 0; i < 100; i++) {
        tell_state("alpha", i, "web", LODGE_VM_RUNNING);
    }
    assert_int_equal(counter.told, 0);

    loop_turn();
    assert_int_equal(counter.told, 1);
    loop_turn();
    assert_int_equal(counter.told, 1);
    tell_sample("alpha", 1, 5);
    loop_turn();
    assert_int_equal(counter.told, 2);
    registry_remove_reader(registry, &counter.reader);
}

static void what_is_rendered_is_what_is_known_now(void **state)
{
    (void)state;
    struct buffer out = {0};
    struct render_choice all = RENDER_ALL;
    tell_state("alpha", 1, "web", LODGE_VM_RUNNING);
    render_vm(&out, get_well("web"), &all);
    assert_null(strstr(buffer_text(&out), "stats"));
    assert_null(strstr(buffer_text(&out), "vcpus"));

    tell_facts("alpha", 1, "web", 2);
    tell_sample("alpha", 1, 12.5);
    buffer_clear(&out);
    render_vm(&out, get_well("web"), &all);
    assert_non_null(strstr(buffer_text(&out), "\"vcpus\":2"));
    assert_non_null(strstr(buffer_text(&out), "\"cpu_percent\":12.5"));
    assert_null(strstr(buffer_text(&out), "disks"));

    buffer_clear(&out);
    render_vm_detail(&out, get_well("web"), "<domain>\"</domain>");
    assert_non_null(strstr(buffer_text(&out), "\"disks\":[{\"target\":\"vda\"}]"));
    assert_non_null(strstr(buffer_text(&out), "\"xml\":\"<domain>\\\"</domain>\""));
    buffer_free(&out);
}

static void only_admins_see_a_hosts_address(void **state)
{
    (void)state;
    static const struct viewer user = {SOME_UID, ROLE_USER};
    struct buffer out = {0};
    render_host(&out, registry_find_host(registry, "alpha"), &user);
    assert_null(strstr(buffer_text(&out), "uri"));
    buffer_clear(&out);
    render_host(&out, registry_find_host(registry, "alpha"), &admin);
    assert_non_null(strstr(buffer_text(&out), "\"uri\":\"test:///alpha\""));
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_REGISTRY(a_guest_is_known_from_its_first_report),
        IN_REGISTRY(no_order_of_events_matters),
        IN_REGISTRY(facts_of_a_guest_that_went_are_dropped),
        IN_REGISTRY(a_host_that_is_away_makes_its_guests_stale_and_no_others),
        IN_REGISTRY(hosts_are_incomplete_until_they_are_read),
        IN_REGISTRY(only_what_changes_makes_a_revision),
        IN_REGISTRY(since_is_when_it_changed_if_that_was_seen),
        IN_REGISTRY(a_guest_that_ends_answers_no_more_and_uses_nothing),
        IN_REGISTRY(names_follow_a_rename),
        IN_REGISTRY(a_guest_is_found_by_name_and_uuid_with_and_without_host),
        IN_REGISTRY(a_uuid_is_a_uuid_whoever_is_called_so),
        IN_REGISTRY(users_see_their_own_and_learn_of_no_others),
        IN_REGISTRY(the_newest_word_on_an_owner_counts),
        IN_REGISTRY(lists_are_ordered_by_host_name_and_uuid),
        IN_REGISTRY(readers_are_told_once_a_turn),
        IN_REGISTRY(what_is_rendered_is_what_is_known_now),
        IN_REGISTRY(only_admins_see_a_hosts_address),
    };
    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
