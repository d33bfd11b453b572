/* subscriber: whatever happens, and however slowly it is read, what was told adds up to what is. */
#include "support/test.h"

#include "support/subscriber_world.h"

static void tell_guests(int count)
{
    char name[16];
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "vm%d", i);
        tell_state("alpha", i, name, LODGE_VM_RUNNING);
    }
}

static void the_snapshot_comes_first_then_ready_then_changes(void **state)
{
    (void)state;
    tell_up("alpha");
    tell_guests(3);
    subscribe(false, true, NULL, ENDLESS);

    settle();

    assert_int_equal(client.added, 3);
    assert_int_equal(client.readies, 1);
    assert_int_equal(client.incomplete, 1); /* beta has not been read */
    assert_int_equal(client.seq, 6);        /* two hosts, three guests, ready */
    assert_true(client.hosts[0] && client.hosts[1]);
    expect_mirror(NULL);
    tell_state("alpha", 1, "vm1", LODGE_VM_PAUSED);
    settle();
    assert_int_equal(client.changed, 1);
    assert_int_equal(client.rev, get_well("vm1")->facts.rev);
    tell_gone("alpha", 1);
    settle();
    assert_int_equal(client.removed, 1);
    assert_string_equal(client.removed_key, "{\"host\":\"alpha\",\"uuid\":"
                                            "\"00000000-0000-4000-8000-000000000001\","
                                            "\"name\":\"vm1\"}");
    expect_mirror(NULL);
}

static void without_a_snapshot_only_changes_are_told(void **state)
{
    (void)state;
    tell_guests(5);
    subscribe(false, false, NULL, ENDLESS);
    tell_state("alpha", 2, "vm2", LODGE_VM_PAUSED); /* after the answer, before the first walk */

    settle();

    assert_int_equal(client.readies, 1);
    assert_int_equal(client.added + client.changed, 1);
    client.guests[0][0] = xstrdup("{}"); /* it was there, and the client knows from elsewhere */
    tell_state("alpha", 0, "vm0", LODGE_VM_PAUSED);
    settle();
    assert_int_equal(client.changed, 1);
}

static void without_a_snapshot_an_update_tells_what_now_matches(void **state)
{
    (void)state;
    tell_guests(5);
    subscribe(false, false, "state:paused", ENDLESS);
    settle();
    assert_int_equal(client.added, 0);

    subscriber_update(subscriber, parse_query("state:running"), NULL);
    settle();

    assert_int_equal(client.added, 5);
    assert_int_equal(client.readies, 2);
}

static void a_slow_reader_gets_the_newest_state_once(void **state)
{
    (void)state;
    tell_guests(10);
    subscribe(false, true, NULL, ENDLESS);
    settle();
    client.room = 0;
    for (int i = 0; i < 1000; i++) {
        tell_facts("alpha", i % 10, "same", 1 + i);
        loop_turn();
    }
    assert_int_equal(client.changed, 0);

    give_room(ENDLESS);
    settle();

    assert_int_equal(client.changed, 10);
    expect_mirror(NULL);
}

/* A walk looks at the clock at its begin and after each sixteen objects. */
static void a_walk_is_in_its_readers_time(void **state)
{
    (void)state;
    tell_guests(40);
    subscribe(false, true, NULL, ENDLESS);
    client.time = 0;
    settle();
    assert_int_equal(client.seq, 0);

    give_time(1);
    settle();
    assert_int_equal(client.seq, 16);
    give_time(1);
    settle();
    assert_int_equal(client.seq, 32);
    give_time(ENDLESS);
    settle();

    assert_int_equal(client.readies, 1);
    expect_mirror(NULL);
    client.time = 0;
    tell_state("alpha", 1, "vm1", LODGE_VM_PAUSED);
    settle();
    assert_int_equal(client.changed, 0);
    give_time(ENDLESS);
    assert_int_equal(client.changed, 1); /* at once */
}

static void ready_comes_to_a_reader_that_never_catches_up(void **state)
{
    (void)state;
    tell_guests(20);
    subscribe(false, true, NULL, 1);
    for (int i = 0; i < 60 && client.readies == 0; i++) {
        for (int other = 0; other < 20; other++) { /* twenty changes for each line it takes */
            tell_facts("alpha", other, "same", 2 + i);
        }
        give_room(1);
        loop_turn();
    }
    assert_int_equal(client.readies, 1);
}

/* What changes between the answer and the walk moves behind the answer's revision. */
static void ready_comes_after_all_that_was_there_and_changed_since(void **state)
{
    (void)state;
    tell_guests(4);
    subscribe(false, true, NULL, 1);
    tell_state("alpha", 1, "vm1", LODGE_VM_PAUSED);
    tell_state("alpha", 9, "vm9", LODGE_VM_RUNNING); /* was not there: may come after */
    while (client.readies == 0) {
        give_room(1);
        loop_turn();
        tell_facts("alpha", 3, "same", 2 + (int)client.seq); /* before each line of the walk */
    }
    assert_int_equal(client.added, 4);
    assert_non_null(client.guests[0][1]);
    assert_non_null(client.guests[0][3]);
    give_room(ENDLESS);
    settle();
    assert_int_equal(client.added, 5);
    assert_int_equal(client.readies, 1);
    expect_mirror(NULL);
}

/* The same when the filter changes: what no longer matches is taken back before ready. */
static void ready_after_an_update_comes_after_what_changed_since(void **state)
{
    (void)state;
    tell_guests(4);
    subscribe(false, true, "state:running", ENDLESS);
    settle();
    subscriber_update(subscriber, parse_query("state:paused"), NULL);
    client.room = 0;
    tell_facts("alpha", 2, "same", 7);
    tell_state("alpha", 9, "vm9", LODGE_VM_RUNNING);
    while (client.readies == 1) {
        give_room(1);
        loop_turn();
    }
    assert_int_equal(client.removed, 4);
    give_room(ENDLESS);
    settle();
    expect_mirror("state:paused");
}

static void what_stops_matching_is_removed_and_what_begins_is_added(void **state)
{
    (void)state;
    tell_guests(4);
    subscribe(false, true, "state:paused", ENDLESS);
    settle();
    assert_int_equal(client.added, 0);

    tell_state("alpha", 1, "vm1", LODGE_VM_PAUSED);
    settle();
    assert_int_equal(client.added, 1);
    tell_state("alpha", 1, "vm1", LODGE_VM_RUNNING);
    settle();
    assert_int_equal(client.removed, 1);
    tell_gone("alpha", 1); /* not held: not a word */
    settle();
    assert_int_equal(client.removed, 1);
    expect_mirror("state:paused");
}

static void an_update_tells_the_difference_and_a_new_ready(void **state)
{
    (void)state;
    tell_guests(6);
    tell_state("alpha", 0, "vm0", LODGE_VM_PAUSED);
    subscribe(false, true, "state:running", ENDLESS);
    settle();
    assert_int_equal(client.added, 5);
    int64_t seq = client.seq;

    subscriber_update(subscriber, parse_query(""), NULL);
    settle();
    assert_int_equal(client.seq, seq + 2); /* vm0 and ready */
    expect_mirror(NULL);
    subscriber_update(subscriber, parse_query("state:paused"), NULL);
    settle();
    assert_int_equal(client.removed, 5);
    assert_int_equal(client.readies, 3);
    expect_mirror("state:paused");

    struct render_choice all = RENDER_ALL;
    subscriber_update(subscriber, NULL, &all); /* other members: all is told anew */
    settle();
    assert_int_equal(client.changed, 1);
    assert_non_null(strstr(client.guests[0][0], "managed"));
    assert_int_equal(client.readies, 4);
}

static void who_lost_a_removal_begins_again_with_a_reset(void **state)
{
    (void)state;
    registry_feed(registry)->tombstone_limit = 4;
    tell_guests(20);
    subscribe(false, true, NULL, ENDLESS);
    settle();
    client.room = 0;
    for (int i = 0; i < 10; i++) {
        tell_gone("alpha", i);
    }
    tell_state("beta", 30, "new", LODGE_VM_RUNNING); /* may sit in a slot that it still holds */
    loop_turn();

    give_room(ENDLESS);
    settle();

    assert_int_equal(client.resets, 1);
    assert_int_equal(client.readies, 2);
    expect_mirror(NULL);
}

static void who_never_held_them_is_not_sent_back_by_removals(void **state)
{
    (void)state;
    registry_feed(registry)->tombstone_limit = 4;
    tell_guests(5);
    subscribe(false, true, "name:vm1", ENDLESS);
    settle();
    client.room = 0;
    for (int i = 0; i < 40; i++) {
        tell_state("beta", i, "short-lived", LODGE_VM_RUNNING);
        tell_gone("beta", i);
    }

    give_room(ENDLESS);
    settle();

    assert_int_equal(client.resets, 0);
    expect_mirror("name:vm1");
}

static void who_may_see_less_is_told_all_anew(void **state)
{
    (void)state;
    tell_guests(4);
    own("alpha", uuid_of(2), SOME_UID);
    subscribe(false, true, NULL, ENDLESS);
    settle();
    assert_int_equal(client.added, 4);

    client.viewer = (struct viewer){SOME_UID, ROLE_USER};
    registry_people_changed(registry);
    settle();

    assert_int_equal(client.resets, 1);
    expect_mirror(NULL);
    assert_non_null(client.guests[0][2]);
}

static void samples_come_after_ready_and_once_each(void **state)
{
    (void)state;
    tell_guests(3);
    tell_sample("alpha", 0, 1); /* before: not for us */
    subscribe(true, true, NULL, ENDLESS);
    settle();
    assert_int_equal(client.samples, 0);
    assert_int_equal(client.readies, 1);

    tell_sample("alpha", 0, 20);
    tell_sample("alpha", 1, 21);
    settle();
    assert_int_equal(client.samples, 2);
    tell_state("alpha", 0, "vm0", LODGE_VM_PAUSED); /* facts are not what it asked for */
    settle();
    assert_int_equal(client.samples, 2);
    struct lodge_host_stats machine = {.cpu_percent = 33, .memory_used_mib = 7};
    registry_listener.samples(registry, "alpha", 2000, NULL, 0, &machine);
    settle();
    assert_int_equal(client.samples, 3);
    assert_true(client.last_cpu == 33);
}

static void a_slow_reader_of_samples_gets_the_newest(void **state)
{
    (void)state;
    tell_guests(3);
    subscribe(true, true, "name:vm1", ENDLESS);
    settle();
    client.room = 0;
    for (int i = 1; i <= 100; i++) {
        tell_sample("alpha", 1, i);
        tell_sample("alpha", 2, i);
        loop_turn();
    }

    give_room(ENDLESS);
    settle();

    assert_int_equal(client.samples, 1);
    assert_true(client.last_cpu == 100);
}

static unsigned seed;

static unsigned dice(unsigned sides)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % sides;
}

static const char *const filters[] = {"", "state:running", "state:paused", "vcpus>3", "name:a*"};

static const char *happen(const char *filter)
{
    const char *host = dice(2) == 0 ? "alpha" : "beta";
    int number = (int)dice(GUESTS);
    const char *name = dice(2) == 0 ? "abel" : "cain";
    switch (dice(12)) {
    case 0:
    case 1:
    case 2:
        tell_state(host, number, name, (enum lodge_vm_state)(1 + dice(4)));
        break;
    case 3:
    case 4:
        tell_facts(host, number, name, 1 + (int)dice(6));
        break;
    case 5:
    case 6:
        tell_gone(host, number);
        break;
    case 7:
        tell_connection(host, dice(2) == 0 ? LODGE_HOST_DOWN : LODGE_HOST_UP, NULL);
        break;
    case 8:
        tell_synced(host);
        break;
    case 9:
        if (dice(8) == 0) {
            filter = filters[dice(ARRAY_LENGTH(filters))];
            struct render_choice choice = some_members();
            subscriber_update(subscriber, parse_query(filter), dice(2) == 0 ? NULL : &choice);
        }
        break;
    case 10:
        if (dice(10) == 0) {
            client.viewer.role = dice(2) == 0 ? ROLE_USER : ROLE_ADMIN;
            registry_people_changed(registry);
        }
        break;
    default:
        give_room((int)dice(6));
    }
    return filter;
}

/* Each round: random changes under a reader that takes a few lines now and then; in the end what it
 * holds is what is there. `hear` checks on the way that each line was possible. */
static void what_a_slow_reader_holds_in_the_end_is_what_there_is(void **state)
{
    (void)state;
    int resets = 0;
    for (int i = 0; i < GUESTS; i += 3) {
        own("alpha", uuid_of(i), SOME_UID);
    }
    for (unsigned round = 1; round <= 60; round++) {
        seed = round;
        registry_feed(registry)->tombstone_limit = round % 2 == 0 ? 3 : 1000;
        subscribe(false, true, NULL, 2);
        client.viewer.uid = SOME_UID;
        const char *filter = "";
        for (int i = 0; i < 400; i++) {
            filter = happen(filter);
            if (dice(4) == 0) {
                loop_turn();
            }
        }
        give_room(ENDLESS);
        settle();
        expect_mirror(filter);
        assert_true(client.hosts[0] && client.hosts[1]);
        assert_true(client.readies > 0);
        resets += client.resets;
        subscriber_free(subscriber);
        subscriber = NULL;
        forget_all();
    }
    assert_true(resets > 0); /* or this test has not been where it should */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUBSCRIBED(the_snapshot_comes_first_then_ready_then_changes),
        SUBSCRIBED(without_a_snapshot_only_changes_are_told),
        SUBSCRIBED(without_a_snapshot_an_update_tells_what_now_matches),
        SUBSCRIBED(a_slow_reader_gets_the_newest_state_once),
        SUBSCRIBED(a_walk_is_in_its_readers_time),
        SUBSCRIBED(ready_comes_to_a_reader_that_never_catches_up),
        SUBSCRIBED(ready_comes_after_all_that_was_there_and_changed_since),
        SUBSCRIBED(ready_after_an_update_comes_after_what_changed_since),
        SUBSCRIBED(what_stops_matching_is_removed_and_what_begins_is_added),
        SUBSCRIBED(an_update_tells_the_difference_and_a_new_ready),
        SUBSCRIBED(who_lost_a_removal_begins_again_with_a_reset),
        SUBSCRIBED(who_never_held_them_is_not_sent_back_by_removals),
        SUBSCRIBED(who_may_see_less_is_told_all_anew),
        SUBSCRIBED(samples_come_after_ready_and_once_each),
        SUBSCRIBED(a_slow_reader_of_samples_gets_the_newest),
        SUBSCRIBED(what_a_slow_reader_holds_in_the_end_is_what_there_is),
    };
    return cmocka_run_group_tests_name("subscriber", tests, NULL, NULL);
}
