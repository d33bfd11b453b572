/*
 * subscriber: one subscription. It has a cursor in the feed (feed.c), a bit for each object that
 * its reader holds, and no queue: what it tells of an object follows from whether the reader holds
 * it and whether it is wanted, by topic, role and query, at the moment when the walk comes by:
 *
 *     holds  wanted
 *     no     yes     added
 *     yes    yes     changed; nothing, if only the filter changed and the object did not
 *     yes    no      removed
 *     no     no      nothing
 *
 * A user asks for VMs that run; A runs, B does not, C is another user's. A:3 is A, last changed at
 * revision 3:
 *
 *     1.  event.subscribe at revision 5: ready_at is 5, nothing is held, the cursor is at the start
 *     2.  A:3 is wanted and not held: `added`. B:4 and C:5 are not wanted: nothing
 *     3.  nothing up to ready_at is left: `ready`
 *     4.  A:6 changed: `changed`. A:7 was shut off, it is held and not wanted: `removed`
 *     5.  the sink is full. B starts and changes twice more, B:10: the walk waits, no line is kept
 *     6.  there is room again: `added` with B as it is now
 *     7.  B':11 was removed, a tombstone: `removed`, with B's key
 *     8.  the sink is full until the feed drops a tombstone of an object that is held: `reset`. No
 *         bit is set any more, the cursor is put back to the start, ready_at is set anew: 2.
 *
 * A reset also comes when roles or names of users have changed. Another query or choice of members
 * puts the cursor back as well, but keeps the bits: only differences are told, then `ready`.
 * Without a snapshot, what is there is held without a word until the first `ready`.
 *
 * Step 3 must come also while objects change faster than they are told. What was there at ready_at
 * and has changed since stands behind that revision, where the walk might follow it for ever: it is
 * told from its slot, once, before `ready`, and again when the walk comes by (step_moved).
 *
 * Samples are told when nothing else is left, by slot, the newest of each. A walk pauses when its
 * sink is full, until that has room again; when its reader's time is over, until it has some
 * (struct sink); and when it, or all readers together, have had their part of this turn of the
 * loop, until the next. Loop-only.
 */
#include "registry/subscriber.h"

#include "contract/contract.h"
#include "memory.h"
#include "scope.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Objects looked at in a turn of the loop, and how often the time is: 256 rendered VMs take less
 * than a millisecond, but there may be thousands of subscriptions. */
enum { STEPS_PER_TURN = 256, STEPS_PER_LOOK = 16 };

struct subscriber {
    struct feed_cursor cursor;     /* in registry.feed */
    struct registry_reader reader; /* in registry.readers */
    struct registry *registry;
    struct sink *sink;
    int64_t id;
    int64_t seq;
    bool topics[LODGE_TOPICS];
    struct query *query;
    struct render_choice choice;
    uint8_t *held; /* a bit per slot: told, and not taken back */
    size_t held_bytes;
    bool begun;
    bool silent;    /* no snapshot: what is there is held without a word until the first ready */
    bool reset_due; /* forget all, then begin again */
    bool ready_due;
    uint64_t ready_at;      /* ready comes when all that was there at this revision has been told */
    size_t moved_slot;      /* where the look for what moved on since stands */
    uint64_t quiet_until;   /* what is held, matches and is not newer is not told again */
    size_t sample_slot;     /* where the walk over the samples stands */
    uint64_t samples_told;  /* every sample up to this turn has been told */
    uint64_t samples_asked; /* the turn this walk goes up to */
    struct loop_later walk_on;
};

static bool is_held(const struct subscriber *subscriber, uint32_t slot)
{
    return slot / 8 < subscriber->held_bytes && (subscriber->held[slot / 8] >> slot % 8 & 1) != 0;
}

static void owe_ready(struct subscriber *subscriber)
{
    subscriber->ready_due = true;
    subscriber->ready_at = registry_feed(subscriber->registry)->rev;
    subscriber->moved_slot = 0;
}

static void subscriber_walk_on(void *owner)
{
    subscriber_walk(owner);
}

static void subscriber_changed(struct registry_reader *reader)
{
    subscriber_walk(CONTAINER_OF(reader, struct subscriber, reader));
}

/* At the end of this turn, or of the next if that is now; not before it has begun. */
static void walk_soon(struct subscriber *subscriber)
{
    if (subscriber->begun) {
        loop_later(registry_loop(subscriber->registry), &subscriber->walk_on);
    }
}

static void begin_again(struct subscriber *subscriber)
{
    subscriber->reset_due = true;
    walk_soon(subscriber);
}

static void subscriber_people_changed(struct registry_reader *reader)
{
    begin_again(CONTAINER_OF(reader, struct subscriber, reader));
}

/* Whoever does not hold what went has nothing to forget: without this look a reader that begins
 * again among many removals would be sent back by each of them, for ever. */
static void subscriber_fell_behind(struct feed_cursor *cursor, const struct feed_entry *lost)
{
    struct subscriber *subscriber = CONTAINER_OF(cursor, struct subscriber, cursor);
    if (is_held(subscriber, lost->slot)) {
        begin_again(subscriber);
    }
}

struct subscriber *subscriber_new(struct registry *registry, int64_t id,
                                  const struct subscriber_options *options, struct sink *sink)
{
    struct subscriber *subscriber = xcalloc(1, sizeof *subscriber);
    subscriber->registry = registry;
    subscriber->sink = sink;
    subscriber->id = id;
    memcpy(subscriber->topics, options->topics, sizeof subscriber->topics);
    subscriber->query = options->query;
    subscriber->choice = options->choice;
    subscriber->silent = !options->snapshot;
    owe_ready(subscriber);
    subscriber->samples_told = registry_sample_turn(registry);
    subscriber->samples_asked = subscriber->samples_told;
    subscriber->reader.changed = subscriber_changed;
    subscriber->reader.people_changed = subscriber_people_changed;
    subscriber->cursor.fell_behind = subscriber_fell_behind;
    subscriber->walk_on.run = subscriber_walk_on;
    subscriber->walk_on.owner = subscriber;
    if (subscriber->topics[LODGE_TOPIC_QUOTA]) {
        const struct viewer viewer = sink->viewer(sink);
        registry_watch_quotas(registry, &viewer);
        owe_ready(subscriber);
    }
    feed_cursor_add(registry_feed(registry), &subscriber->cursor);
    registry_add_reader(registry, &subscriber->reader);
    return subscriber;
}

void subscriber_free(struct subscriber *subscriber)
{
    if (subscriber == NULL) {
        return;
    }
    loop_later_cancel(registry_loop(subscriber->registry), &subscriber->walk_on);
    if (subscriber->topics[LODGE_TOPIC_QUOTA]) {
        registry_leave_quotas(subscriber->registry);
    }
    registry_remove_reader(subscriber->registry, &subscriber->reader);
    feed_cursor_remove(registry_feed(subscriber->registry), &subscriber->cursor);
    query_free(subscriber->query);
    free(subscriber->held);
    free(subscriber);
}

int64_t subscriber_id(const struct subscriber *subscriber)
{
    return subscriber->id;
}

void subscriber_begin(struct subscriber *subscriber)
{
    subscriber->begun = true;
    walk_soon(subscriber);
}

void subscriber_update(struct subscriber *subscriber, struct query *query,
                       const struct render_choice *choice)
{
    subscriber->quiet_until = choice == NULL ? subscriber->cursor.passed : 0;
    if (query != NULL) {
        query_free(subscriber->query);
        subscriber->query = query;
    }
    if (choice != NULL) {
        subscriber->choice = *choice;
    }
    owe_ready(subscriber);
    feed_cursor_rewind(registry_feed(subscriber->registry), &subscriber->cursor);
    walk_soon(subscriber);
}

static void set_held(struct subscriber *subscriber, uint32_t slot, bool held)
{
    if (slot / 8 >= subscriber->held_bytes) {
        size_t bytes = registry_feed(subscriber->registry)->slot_count / 8 + 16;
        subscriber->held = xrealloc(subscriber->held, bytes);
        memset(subscriber->held + subscriber->held_bytes, 0, bytes - subscriber->held_bytes);
        subscriber->held_bytes = bytes;
    }
    uint8_t bit = (uint8_t)(1u << slot % 8);
    if (held) {
        subscriber->held[slot / 8] |= bit;
    } else {
        subscriber->held[slot / 8] &= (uint8_t)~bit;
    }
}

/* The loop's one line buffer: what is sent is copied by the sink. */
static struct buffer *begin_line(struct subscriber *subscriber, uint64_t rev,
                                 enum lodge_topic topic, enum lodge_event_type type)
{
    static struct buffer line;
    buffer_clear(&line);
    buffer_add_text(&line,
                    "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"subscription\":");
    buffer_add_json_int(&line, subscriber->id);
    buffer_add_text(&line, ",\"seq\":");
    buffer_add_json_int(&line, ++subscriber->seq);
    buffer_add_text(&line, ",\"rev\":");
    buffer_add_json_int(&line, (int64_t)rev);
    if (topic != LODGE_TOPIC_NONE) {
        buffer_add_text(&line, ",\"topic\":\"");
        buffer_add_text(&line, lodge_topic_name(topic));
        buffer_add_char(&line, '"');
    }
    buffer_add_text(&line, ",\"type\":\"");
    buffer_add_text(&line, lodge_event_type_name(type));
    buffer_add_char(&line, '"');
    if (topic != LODGE_TOPIC_NONE) {
        buffer_add_text(&line, ",\"");
        buffer_add_text(&line, lodge_topic_name(topic));
        buffer_add_text(&line, "\":");
    }
    return &line;
}

static void end_line(struct subscriber *subscriber, struct buffer *line)
{
    buffer_add_text(line, "}}\n");
    subscriber->sink->send(subscriber->sink, line);
}

/* By role and query. */
static bool is_for_reader(const struct subscriber *subscriber, struct feed_entry *entry,
                          const struct viewer *viewer)
{
    const struct feed_class *class = entry->class;
    return class->is_visible(entry, viewer) &&
           (subscriber->query == NULL || class->matches == NULL ||
            class->matches(entry, subscriber->query));
}

static bool is_wanted(const struct subscriber *subscriber, struct feed_entry *entry,
                      const struct viewer *viewer)
{
    return !entry->gone && subscriber->topics[entry->class->topic] &&
           is_for_reader(subscriber, entry, viewer);
}

static void send_object(struct subscriber *subscriber, struct feed_entry *entry,
                        enum lodge_event_type type, const struct viewer *viewer)
{
    const struct feed_class *class = entry->class;
    const struct feed_view view = {subscriber->registry, viewer, &subscriber->choice};
    struct buffer *line = begin_line(subscriber, entry->rev, class->topic, type);
    if (type == LODGE_EVENT_REMOVED) {
        class->render_key(line, entry, &view);
    } else {
        class->render(line, entry, &view);
    }
    end_line(subscriber, line);
}

static void visit(struct subscriber *subscriber, struct feed_entry *entry,
                  const struct viewer *viewer)
{
    bool held = is_held(subscriber, entry->slot);
    bool wanted = is_wanted(subscriber, entry, viewer);
    if (wanted) {
        bool known = held && entry->rev <= subscriber->quiet_until;
        bool unsaid = subscriber->silent && subscriber->ready_due;
        if (!known && !unsaid) {
            send_object(subscriber, entry, held ? LODGE_EVENT_CHANGED : LODGE_EVENT_ADDED, viewer);
        }
    } else if (held) {
        send_object(subscriber, entry, LODGE_EVENT_REMOVED, viewer);
    }
    if (wanted != held) {
        set_held(subscriber, entry->slot, wanted);
    }
}

static void send_reset(struct subscriber *subscriber)
{
    struct feed *feed = registry_feed(subscriber->registry);
    struct buffer *line = begin_line(subscriber, feed->rev, LODGE_TOPIC_NONE, LODGE_EVENT_RESET);
    end_line(subscriber, line);
    if (subscriber->held_bytes > 0) {
        memset(subscriber->held, 0, subscriber->held_bytes);
    }
    feed_cursor_rewind(feed, &subscriber->cursor);
    subscriber->reset_due = false;
    owe_ready(subscriber);
    subscriber->silent = false;
    subscriber->quiet_until = 0;
}

static void send_ready(struct subscriber *subscriber)
{
    struct feed *feed = registry_feed(subscriber->registry);
    struct buffer *line = begin_line(subscriber, feed->rev, LODGE_TOPIC_NONE, LODGE_EVENT_READY);
    struct lodge_strings incomplete = {0};
    registry_incomplete(subscriber->registry, &incomplete);
    buffer_add_text(line, ",\"incomplete\":[");
    for (size_t i = 0; i < incomplete.count; i++) {
        buffer_add_text(line, i > 0 ? "," : "");
        buffer_add_json_string(line, incomplete.items[i]);
    }
    buffer_add_char(line, ']');
    lodge_strings_clear(&incomplete);
    end_line(subscriber, line);
    subscriber->ready_due = false;
    subscriber->silent = false;
    subscriber->quiet_until = 0;
}

static void send_sample(struct subscriber *subscriber, struct feed_entry *entry,
                        const struct viewer *viewer)
{
    if (entry == NULL || entry->gone || entry->class->render_sample == NULL ||
        entry->sampled_turn <= subscriber->samples_told ||
        !is_for_reader(subscriber, entry, viewer)) {
        return;
    }
    uint64_t rev = registry_feed(subscriber->registry)->rev;
    struct buffer *line = begin_line(subscriber, rev, LODGE_TOPIC_METRICS, LODGE_EVENT_SAMPLE);
    entry->class->render_sample(line, entry);
    end_line(subscriber, line);
}

/* A walk over them is under way, or there are some since the last. */
static bool has_samples(const struct subscriber *subscriber)
{
    return subscriber->topics[LODGE_TOPIC_METRICS] &&
           (subscriber->sample_slot > 0 ||
            registry_sample_turn(subscriber->registry) != subscriber->samples_told);
}

/* One step over the samples; false when there are none that were not told. A reader that is slower
 * than the samples finds the newest when it comes round again. */
static bool step_samples(struct subscriber *subscriber, const struct viewer *viewer)
{
    const struct feed *feed = registry_feed(subscriber->registry);
    if (subscriber->sample_slot >= feed->slot_count) {
        subscriber->samples_told = subscriber->samples_asked;
        subscriber->sample_slot = 0;
    }
    if (subscriber->ready_due || !has_samples(subscriber)) {
        return false;
    }
    if (subscriber->sample_slot == 0) {
        subscriber->samples_asked = registry_sample_turn(subscriber->registry);
    }
    send_sample(subscriber, feed->slots[subscriber->sample_slot], viewer);
    subscriber->sample_slot++;
    return true;
}

/* The next object that was there at `ready_at` and has changed before the walk came by: told from
 * its slot. False when none is left. */
static bool step_moved(struct subscriber *subscriber, const struct viewer *viewer)
{
    const struct feed *feed = registry_feed(subscriber->registry);
    while (!subscriber->silent && subscriber->moved_slot < feed->slot_count) {
        struct feed_entry *entry = feed->slots[subscriber->moved_slot++];
        if (entry != NULL && !entry->gone && entry->born <= subscriber->ready_at &&
            entry->rev > subscriber->ready_at) {
            visit(subscriber, entry, viewer);
            return true;
        }
    }
    return false;
}

static bool has_nothing_to_tell(const struct subscriber *subscriber)
{
    const struct feed *feed = registry_feed(subscriber->registry);
    return !subscriber->begun ||
           (!subscriber->reset_due && !subscriber->ready_due && !has_samples(subscriber) &&
            feed_cursor_peek(feed, &subscriber->cursor) == NULL);
}

/* False when all was told. */
static bool tell_next(struct subscriber *subscriber, const struct viewer *viewer)
{
    struct feed *feed = registry_feed(subscriber->registry);
    if (subscriber->reset_due) {
        send_reset(subscriber);
        return true;
    }
    struct feed_entry *entry = feed_cursor_peek(feed, &subscriber->cursor);
    if (subscriber->ready_due && (entry == NULL || entry->rev > subscriber->ready_at)) {
        /* not at the end, which moves with every change */
        if (entry == NULL || !step_moved(subscriber, viewer)) {
            send_ready(subscriber);
        }
        return true;
    }
    if (entry != NULL) {
        visit(subscriber, feed_cursor_step(feed, &subscriber->cursor), viewer);
        return true;
    }
    return step_samples(subscriber, viewer);
}

void subscriber_walk(struct subscriber *subscriber)
{
    struct sink *sink = subscriber->sink;
    if (has_nothing_to_tell(subscriber) || !sink->takes_more(sink) || !sink->begin(sink)) {
        return;
    }
    struct viewer viewer = sink->viewer(sink);
    for (unsigned steps = 0; sink->takes_more(sink); steps++) {
        bool look = steps % STEPS_PER_LOOK == 0;
        if (steps == STEPS_PER_TURN || (look && registry_turn_is_over(subscriber->registry))) {
            walk_soon(subscriber);
            break;
        }
        if ((look && sink->is_over(sink)) || !tell_next(subscriber, &viewer)) {
            break;
        }
    }
    sink->end(sink);
}
