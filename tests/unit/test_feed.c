/* feed: the order of changes, tombstones and their slots, cursors that walk and fall behind. */
#include "support/test.h"

#include "registry/feed.h"
#include "scope.h"

#include <stdlib.h>

struct thing {
    struct feed_entry entry; /* first */
    int number;
};

static int freed;
static int last_freed;

static void free_thing(struct feed_entry *entry)
{
    struct thing *thing = (struct thing *)entry;
    freed++;
    last_freed = thing->number;
    free(thing);
}

static const struct feed_class thing_class = {.free = free_thing};

static struct thing *add(struct feed *feed, int number)
{
    struct thing *thing = calloc(1, sizeof *thing);
    thing->number = number;
    feed_add(feed, &thing->entry, &thing_class);
    return thing;
}

static int step(struct feed *feed, struct feed_cursor *cursor)
{
    struct thing *thing = (struct thing *)feed_cursor_step(feed, cursor);
    return thing == NULL ? -1 : thing->number;
}

static int lost_count;
static uint32_t lost_slot;

static void fall_behind(struct feed_cursor *cursor, const struct feed_entry *lost)
{
    (void)cursor;
    lost_count++;
    lost_slot = lost->slot;
}

static void begin(struct feed *feed)
{
    freed = 0;
    lost_count = 0;
    feed_init(feed, 3);
}

static void revisions_of_a_start_are_its_own(void **state)
{
    (void)state;
    struct feed feed;
    begin(&feed);
    struct thing *thing = add(&feed, 1);
    assert_int_equal(thing->entry.rev, (UINT64_C(3) << 32) + 1);
    feed_changed(&feed, &thing->entry);
    assert_int_equal(thing->entry.rev, (UINT64_C(3) << 32) + 2);
    assert_int_equal(feed.rev, thing->entry.rev);
    feed_done(&feed);
    assert_int_equal(freed, 1);
}

static void a_walk_is_in_the_order_of_the_last_change(void **state)
{
    (void)state;
    struct feed feed;
    begin(&feed);
    struct feed_cursor cursor = {.fell_behind = fall_behind};
    struct feed_cursor other = {.fell_behind = fall_behind};
    struct thing *things[4];
    for (int i = 0; i < 4; i++) {
        things[i] = add(&feed, i);
    }
    feed_changed(&feed, &things[1]->entry);
    feed_cursor_add(&feed, &cursor);
    feed_cursor_add(&feed, &other); /* cursors stand in each other's way and are no objects */

    assert_int_equal(step(&feed, &cursor), 0);
    assert_int_equal(step(&feed, &cursor), 2);
    feed_changed(&feed, &things[0]->entry); /* passed already: comes again */
    feed_changed(&feed, &things[3]->entry); /* not yet: comes later, once */
    assert_int_equal(step(&feed, &other), 2);
    assert_int_equal(step(&feed, &cursor), 1);
    assert_int_equal(step(&feed, &cursor), 0);
    assert_ptr_equal(feed_cursor_peek(&feed, &cursor), &things[3]->entry);
    assert_int_equal(step(&feed, &cursor), 3);
    assert_int_equal(step(&feed, &cursor), -1);
    assert_null(feed_cursor_peek(&feed, &cursor));
    assert_int_equal(cursor.passed, feed.rev);

    feed_cursor_rewind(&feed, &cursor);
    assert_int_equal(step(&feed, &cursor), 2);
    feed_cursor_remove(&feed, &cursor);
    assert_int_equal(step(&feed, &other), 1);
    feed_cursor_remove(&feed, &other);
    feed_done(&feed);
}

static void a_tombstone_stays_until_every_cursor_passed_it(void **state)
{
    (void)state;
    struct feed feed;
    begin(&feed);
    struct feed_cursor quick = {.fell_behind = fall_behind};
    struct feed_cursor slow = {.fell_behind = fall_behind};
    struct thing *thing = add(&feed, 1);
    add(&feed, 2);
    feed_cursor_add(&feed, &quick);
    feed_cursor_add(&feed, &slow);
    feed_remove(&feed, &thing->entry);
    assert_int_equal(feed.live, 1);
    while (step(&feed, &quick) >= 0) {
    }

    feed_prune(&feed);
    assert_int_equal(freed, 0);
    assert_int_equal(step(&feed, &slow), 2);
    feed_prune(&feed);
    assert_int_equal(freed, 0);
    assert_int_equal(step(&feed, &slow), 1);
    assert_true(thing->entry.gone);
    feed_prune(&feed);

    assert_int_equal(freed, 1);
    assert_int_equal(feed.tombstones, 0);
    feed_cursor_remove(&feed, &slow);
    feed_cursor_remove(&feed, &quick);
    feed_done(&feed);
    assert_int_equal(freed, 2);
}

static void a_slot_is_used_again_only_when_its_tombstone_is_gone(void **state)
{
    (void)state;
    struct feed feed;
    begin(&feed);
    struct feed_cursor cursor = {.fell_behind = fall_behind};
    struct thing *thing = add(&feed, 1);
    uint32_t slot = thing->entry.slot;
    feed_cursor_add(&feed, &cursor);
    feed_remove(&feed, &thing->entry);

    struct thing *second = add(&feed, 2);
    assert_int_not_equal(second->entry.slot, slot);
    assert_ptr_equal(feed.slots[slot], &thing->entry);
    while (step(&feed, &cursor) >= 0) {
    }
    feed_prune(&feed);
    assert_null(feed.slots[slot]);
    struct thing *third = add(&feed, 3);

    assert_int_equal(third->entry.slot, slot);
    assert_int_equal(feed.slot_count, 2);
    feed_cursor_remove(&feed, &cursor);
    feed_done(&feed);
}

static void without_cursors_nothing_is_kept(void **state)
{
    (void)state;
    struct feed feed;
    begin(&feed);
    for (int i = 0; i < 1000; i++) {
        feed_remove(&feed, &add(&feed, i)->entry);
        feed_prune(&feed);
    }
    assert_int_equal(freed, 1000);
    assert_int_equal(feed.slot_count, 1);
    assert_int_equal(feed.live, 0);
    feed_done(&feed);
}

static void too_many_tombstones_leave_the_slowest_behind(void **state)
{
    (void)state;
    struct feed feed;
    begin(&feed);
    feed.tombstone_limit = 10;
    struct feed_cursor slow = {.fell_behind = fall_behind};
    struct feed_cursor quick = {.fell_behind = fall_behind};
    struct thing *things[12];
    for (int i = 0; i < 12; i++) {
        things[i] = add(&feed, i);
    }
    feed_cursor_add(&feed, &slow);
    feed_cursor_add(&feed, &quick);
    uint32_t oldest = things[0]->entry.slot;
    for (int i = 0; i < 10; i++) {
        feed_remove(&feed, &things[i]->entry);
    }
    while (step(&feed, &quick) >= 0) {
    }
    assert_int_equal(lost_count, 0);

    feed_remove(&feed, &things[10]->entry);

    assert_int_equal(lost_count, 1); /* the slow one alone */
    assert_int_equal(lost_slot, oldest);
    assert_int_equal(freed, 1);
    assert_int_equal(last_freed, 0);
    assert_int_equal(feed.tombstones, 10);
    feed_cursor_remove(&feed, &slow);
    feed_prune(&feed);
    assert_int_equal(feed.tombstones, 1); /* what the quick one has not passed yet */
    feed_cursor_remove(&feed, &quick);
    feed_done(&feed);
}

static void memory_follows_the_living(void **state)
{
    (void)state;
    struct feed feed;
    begin(&feed);
    struct feed_cursor cursor = {.fell_behind = fall_behind};
    feed_cursor_add(&feed, &cursor);
    struct thing *living[20];
    for (int i = 0; i < 20; i++) {
        living[i] = add(&feed, i);
    }
    unsigned seed = 7;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1103515245u + 12345u;
        int pick = (int)(seed >> 16) % 20;
        feed_remove(&feed, &living[pick]->entry);
        living[pick] = add(&feed, pick);
        step(&feed, &cursor);
        step(&feed, &cursor);
        feed_prune(&feed);
        assert_int_equal(feed.live, 20);
    }
    assert_true(feed.slot_count <= 80);
    assert_int_equal(lost_count, 0);
    feed_cursor_remove(&feed, &cursor);
    feed_done(&feed);
}

static int others_freed;

static void count_other(struct feed_entry *entry)
{
    (void)entry;
    others_freed++;
}

static void an_object_is_freed_by_its_class(void **state)
{
    (void)state;
    static const struct feed_class other_class = {.free = count_other};
    struct feed_entry gone = {0};
    struct feed_entry left = {0};
    struct feed feed;
    begin(&feed);
    others_freed = 0;
    feed_add(&feed, &gone, &other_class);
    add(&feed, 1);
    feed_add(&feed, &left, &other_class);
    assert_ptr_equal(left.class, &other_class);
    feed_remove(&feed, &gone);
    feed_prune(&feed); /* a tombstone */
    assert_int_equal(others_freed, 1);
    assert_int_equal(freed, 0);
    feed_done(&feed); /* and what is left */
    assert_int_equal(others_freed, 2);
    assert_int_equal(freed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(revisions_of_a_start_are_its_own),
        TEST(a_walk_is_in_the_order_of_the_last_change),
        TEST(a_tombstone_stays_until_every_cursor_passed_it),
        TEST(a_slot_is_used_again_only_when_its_tombstone_is_gone),
        TEST(without_cursors_nothing_is_kept),
        TEST(too_many_tombstones_leave_the_slowest_behind),
        TEST(memory_follows_the_living),
        TEST(an_object_is_freed_by_its_class),
    };
    return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
