/* loop: what is put off runs at the end of the turn, once; timers, signals and letters arrive. */
#include "support/test.h"

#include "support/loop_world.h"

#include "loop/thread.h"
#include "memory.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct note {
    struct loop_later later;
    char name;
    struct note *cancels; /* while it runs */
    struct note *puts_off;
};

static char notes[64];

static void note_down(void *owner)
{
    struct note *note = owner;
    size_t used = strlen(notes);
    assert_true(used + 1 < sizeof notes);
    notes[used] = note->name;
    notes[used + 1] = '\0';
    if (note->cancels != NULL) {
        loop_later_cancel(loop, &note->cancels->later);
    }
    if (note->puts_off != NULL) {
        loop_later(loop, &note->puts_off->later);
    }
}

static void make_notes(struct note *all, size_t count)
{
    memset(notes, 0, sizeof notes);
    for (size_t i = 0; i < count; i++) {
        all[i] =
            (struct note){.later = {.run = note_down, .owner = &all[i]}, .name = (char)('a' + i)};
    }
}

static void what_is_put_off_runs_once_and_in_order(void **state)
{
    (void)state;
    struct note all[3];
    make_notes(all, 3);
    loop_later(loop, &all[1].later);
    loop_later(loop, &all[0].later);
    loop_later(loop, &all[1].later); /* it waits already */
    loop_later(loop, &all[2].later);
    assert_string_equal(notes, "");

    loop_turn();

    assert_string_equal(notes, "bac");
    loop_turn();
    assert_string_equal(notes, "bac");
}

static void what_is_cancelled_does_not_run(void **state)
{
    (void)state;
    struct note all[4];
    make_notes(all, 4);
    for (int i = 0; i < 4; i++) {
        loop_later(loop, &all[i].later);
    }
    loop_later_cancel(loop, &all[0].later);
    loop_later_cancel(loop, &all[3].later); /* the tail: what comes next must find its place */
    loop_later_cancel(loop, &all[3].later);
    loop_later(loop, &all[0].later);

    loop_turn();

    assert_string_equal(notes, "bca");
}

static void a_running_one_may_cancel_those_behind_it(void **state)
{
    (void)state;
    struct note all[4];
    make_notes(all, 4);
    all[0].cancels = &all[1];
    all[2].cancels = &all[3];
    for (int i = 0; i < 4; i++) {
        loop_later(loop, &all[i].later);
    }

    loop_turn();

    assert_string_equal(notes, "ac");
    assert_false(all[1].later.waiting);
    loop_later(loop, &all[1].later);
    loop_turn();
    assert_string_equal(notes, "acb");
}

static void what_a_running_one_puts_off_is_for_the_next_turn(void **state)
{
    (void)state;
    struct note all[2];
    make_notes(all, 2);
    all[0].puts_off = &all[0]; /* itself, again and again: the loop must still turn */
    loop_later(loop, &all[0].later);
    loop_later(loop, &all[1].later);

    loop_turn();
    loop_turn();
    loop_turn();

    assert_true(strlen(notes) >= 4);
    assert_memory_equal(notes, "aba", 3);
    loop_later_cancel(loop, &all[0].later);
}

static void one_that_was_put_off_and_cancelled_while_running_stays_away(void **state)
{
    (void)state;
    struct note all[3];
    make_notes(all, 3);
    all[0].puts_off = &all[2];
    all[1].cancels = &all[2];
    loop_later(loop, &all[0].later);
    loop_later(loop, &all[1].later);

    loop_turn();
    loop_turn();

    assert_string_equal(notes, "ab");
}

static void garbage_is_freed_at_the_end_of_the_turn(void **state)
{
    (void)state;
    char *texts[100];
    for (int i = 0; i < 100; i++) {
        texts[i] = xstrdup("still here");
        loop_free_later(loop, texts[i]);
    }
    assert_string_equal(texts[0], "still here");
    assert_string_equal(texts[99], "still here");

    loop_turn(); /* what is not freed is a leak, what is freed twice an abort */
}

static int fired;

static void fire(void *owner)
{
    (void)owner;
    fired++;
}

static bool has_fired_three_times(void)
{
    return fired >= 3;
}

static void a_timer_repeats_until_it_is_stopped(void **state)
{
    (void)state;
    fired = 0;
    struct loop_timer *timer = loop_timer_new(loop, fire, NULL);
    assert_false(loop_timer_is_active(timer));
    uint64_t start = loop_monotonic_ms();
    loop_timer_start(timer, 20, 20);
    assert_true(loop_timer_is_active(timer));

    assert_true(loop_until(has_fired_three_times));

    assert_true(loop_monotonic_ms() - start >= 50); /* 60, less rounding */
    loop_timer_stop(timer);
    assert_false(loop_timer_is_active(timer));
    loop_timer_free(timer);
    loop_timer_free(NULL);
}

static bool has_fired(void)
{
    return fired > 0;
}

static void a_timer_counts_from_when_it_is_started_not_from_the_turn(void **state)
{
    (void)state;
    fired = 0;
    struct loop_timer *timer = loop_timer_new(loop, fire, NULL);
    uint64_t began = loop_monotonic_ms();
    while (loop_monotonic_ms() - began < 60) { /* a long turn */
    }
    uint64_t start = loop_monotonic_ms();
    loop_timer_start(timer, 50, 0);

    assert_true(loop_until(has_fired));

    assert_true(loop_monotonic_ms() - start >= 49);
    assert_false(loop_timer_is_active(timer));
    loop_timer_free(timer);
}

static int heard;

static void hear(void *owner, int number)
{
    (void)owner;
    heard = number;
}

static bool has_heard(void)
{
    return heard != 0;
}

static void a_signal_is_heard_on_the_loop(void **state)
{
    (void)state;
    heard = 0;
    loop_on_signal(loop, SIGUSR1, hear, NULL);
    loop_turn();
    raise(SIGUSR1);

    assert_true(loop_until(has_heard));

    assert_int_equal(heard, SIGUSR1);
}

struct word {
    struct letter letter; /* first */
    int number;
    bool on_loop;
};

static int words_heard;

static void deliver_word(struct letter *letter)
{
    struct word *word = (struct word *)letter;
    assert_true(loop_is_current());
    assert_int_equal(word->number, words_heard);
    assert_false(word->on_loop);
    words_heard++;
    free(word);
}

enum { WORDS = 1000 };

static bool all_words_came(void)
{
    return words_heard == WORDS;
}

static void *talk(void *data)
{
    for (int i = 0; i < WORDS; i++) {
        struct word *word = xcalloc(1, sizeof *word);
        word->letter.deliver = deliver_word;
        word->number = i;
        word->on_loop = loop_is_current();
        loop_post(data, &word->letter);
    }
    return NULL;
}

static void letters_of_a_thread_are_delivered_on_the_loop(void **state)
{
    (void)state;
    words_heard = 0;
    pthread_t thread;
    assert_true(thread_start_joinable(&thread, "a name that is too long", talk, loop));

    assert_true(loop_until(all_words_came));

    pthread_join(thread, NULL);
}

enum { SLOW_LETTERS = 40, SLOW_US = 1000, IN_A_TURN = 8 };

static int slow_delivered;
static uint64_t slow_turns[SLOW_LETTERS];

static void deliver_slowly(struct letter *letter)
{
    uint64_t begun = loop_monotonic_us();
    while (loop_monotonic_us() - begun < SLOW_US) {
    }
    slow_turns[slow_delivered++] = loop_turn_number(loop);
    free(letter);
}

static bool all_slow_came(void)
{
    return slow_delivered == SLOW_LETTERS;
}

static void post_slow_letters(void)
{
    slow_delivered = 0;
    for (int i = 0; i < SLOW_LETTERS; i++) {
        struct letter *letter = xcalloc(1, sizeof *letter);
        letter->deliver = deliver_slowly;
        loop_post(loop, letter);
    }
}

/* So whoever asks by a socket does not wait for all of them. */
static void letters_that_take_long_are_delivered_over_many_turns(void **state)
{
    (void)state;
    post_slow_letters();

    assert_true(loop_until(all_slow_came));

    for (int i = IN_A_TURN; i < SLOW_LETTERS; i++) {
        assert_true(slow_turns[i] > slow_turns[i - IN_A_TURN]);
    }
}

static void letters_are_all_delivered_when_the_loop_has_run(void **state)
{
    (void)state;
    post_slow_letters();

    loop_run_once(loop);

    assert_int_equal(slow_delivered, SLOW_LETTERS);
}

static void *look_at_signals(void *data)
{
    sigset_t *blocked = data;
    pthread_sigmask(SIG_SETMASK, NULL, blocked);
    return NULL;
}

static void a_thread_takes_no_signals(void **state)
{
    (void)state;
    sigset_t blocked;
    sigset_t ours;
    sigemptyset(&blocked);
    pthread_t thread;
    assert_true(thread_start_joinable(&thread, "quiet", look_at_signals, &blocked));
    pthread_join(thread, NULL);

    assert_true(sigismember(&blocked, SIGTERM));
    assert_true(sigismember(&blocked, SIGUSR1));
    pthread_sigmask(SIG_SETMASK, NULL, &ours);
    assert_false(sigismember(&ours, SIGTERM));
}

struct policies {
    int first, while_giving_way, after;
};

static void *give_way_for_a_moment(void *data)
{
    struct policies *policies = data;
    sched_setscheduler(0, policies->first, &(struct sched_param){.sched_priority = 0});
    thread_give_way(true);
    policies->while_giving_way = sched_getscheduler(0);
    thread_give_way(false);
    policies->after = sched_getscheduler(0);
    return NULL;
}

static struct policies policies_beginning_with(int first)
{
    struct policies policies = {.first = first};
    pthread_t thread;
    assert_true(thread_start_joinable(&thread, "polite", give_way_for_a_moment, &policies));
    pthread_join(thread, NULL);
    return policies;
}

static void who_gives_way_comes_back_to_where_it_was(void **state)
{
    (void)state;
    struct policies usual = policies_beginning_with(SCHED_OTHER);
    assert_int_equal(usual.while_giving_way, SCHED_BATCH);
    assert_int_equal(usual.after, SCHED_OTHER);

    struct policies idle = policies_beginning_with(SCHED_IDLE);
    assert_int_equal(idle.while_giving_way, SCHED_IDLE);
    assert_int_equal(idle.after, SCHED_IDLE);
}

static void letters_left_at_the_end_are_delivered_all_the_same(void **state)
{
    (void)state;
    words_heard = 0;
    struct loop *other = loop_new();
    struct word *word = xcalloc(1, sizeof *word);
    word->letter.deliver = deliver_word;
    loop_post(other, &word->letter);

    assert_true(loop_free(other));

    assert_int_equal(words_heard, 1);
    assert_false(loop_is_current());
}

static void a_handle_left_open_is_noticed(void **state)
{
    (void)state;
    struct loop *other = loop_new();
    struct loop_timer *timer = loop_timer_new(other, fire, NULL);

    assert_false(loop_free(other));

    free(timer); /* the process would end here */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_LOOP(what_is_put_off_runs_once_and_in_order),
        ON_LOOP(what_is_cancelled_does_not_run),
        ON_LOOP(a_running_one_may_cancel_those_behind_it),
        ON_LOOP(what_a_running_one_puts_off_is_for_the_next_turn),
        ON_LOOP(one_that_was_put_off_and_cancelled_while_running_stays_away),
        ON_LOOP(garbage_is_freed_at_the_end_of_the_turn),
        ON_LOOP(a_timer_repeats_until_it_is_stopped),
        ON_LOOP(a_timer_counts_from_when_it_is_started_not_from_the_turn),
        ON_LOOP(a_signal_is_heard_on_the_loop),
        ON_LOOP(letters_of_a_thread_are_delivered_on_the_loop),
        ON_LOOP(letters_that_take_long_are_delivered_over_many_turns),
        ON_LOOP(letters_are_all_delivered_when_the_loop_has_run),
        ON_LOOP(a_thread_takes_no_signals),
        ON_LOOP(who_gives_way_comes_back_to_where_it_was),
        TEST(letters_left_at_the_end_are_delivered_all_the_same),
        TEST(a_handle_left_open_is_noticed),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
