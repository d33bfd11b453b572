/* reading: what is told to all who ask is read by few calls, and one that hangs holds no others up.
 */
#include "support/host_world.h"

#include "host/reading.h"
#include "loop/loop.h"
#include "memory.h"

#include <pthread.h>
#include <stdlib.h>

enum { THINGS = 8, ASKERS = 40 };

/* A gate for each thing, at which whoever reads it stands. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static bool is_shut[THINGS]; /* under lock, with all these */
static int reads[THINGS];    /* begun */
static int inside, most_inside;

/* The loop's. */
static int answers;
static int wanted;
static int told[ASKERS]; /* how often each */
static int order[ASKERS];
static enum lodge_error_kind kinds[ASKERS];
static int gone;
static char words[ASKERS][512];
static int numbers[ASKERS];

static void *stand(struct host_conn *conn, const void *about, struct lodge_error *err)
{
    (void)err;
    assert_non_null(conn);
    assert_false(loop_is_current());
    int thing = *(const int *)about;
    pthread_mutex_lock(&lock);
    reads[thing]++;
    inside++;
    most_inside = inside > most_inside ? inside : most_inside;
    pthread_cond_broadcast(&moved);
    while (is_shut[thing]) {
        pthread_cond_wait(&moved, &lock);
    }
    inside--;
    pthread_mutex_unlock(&lock);
    return xstrdup("it");
}

static void set_gate(int thing, bool shut)
{
    pthread_mutex_lock(&lock);
    is_shut[thing] = shut;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
}

static int reads_of(int thing)
{
    pthread_mutex_lock(&lock);
    int count = reads[thing];
    pthread_mutex_unlock(&lock);
    return count;
}

static bool is_same_thing(const void *about, const void *other)
{
    return *(const int *)about == *(const int *)other;
}

static void is_gone(void *about)
{
    free(about);
    gone++;
    look();
}

static const struct host_reading_kind plain = {
    .read = stand, .free = free, .is_same = is_same_thing, .gone = is_gone};
static const struct host_reading_kind of_pools = {
    .is_of_pools = true, .read = stand, .free = free, .is_same = is_same_thing, .gone = is_gone};
static const struct host_reading_kind hasty = {
    .patience_ms = 1000,
    .late = "has not told it",
    .hint = "look there",
    .read = stand,
    .free = free,
    .is_same = is_same_thing,
    .gone = is_gone,
};

static void answered(void *data, const void *answer, const struct lodge_error *error)
{
    int number = *(const int *)data;
    assert_true(loop_is_current());
    assert_true((answer == NULL) == (error != NULL));
    assert_true(answer == NULL || strcmp(answer, "it") == 0);
    told[number]++;
    order[answers++] = number;
    kinds[number] = error == NULL ? LODGE_ERROR_NONE : error->kind;
    (void)snprintf(words[number], sizeof words[0], "%s", error == NULL ? "" : error->message);
    look();
}

static void ask(const struct host_reading_kind *kind, int thing, int asker)
{
    int *about = xmalloc(sizeof *about);
    *about = thing;
    numbers[asker] = asker;
    host_read(world.host, kind, about, answered, &numbers[asker]);
}

static bool all_are_answered(void)
{
    return answers == wanted;
}

static bool all_are_gone(void)
{
    return gone == wanted;
}

static int awaited_thing;

static bool it_is_read(void)
{
    return reads_of(awaited_thing) > 0;
}

/* A worker comes to it; it wakes nobody, so the loop is turned. */
static void wait_until_read(int thing)
{
    awaited_thing = thing;
    struct loop_timer *turn = loop_timer_new(loop, give_up, NULL);
    loop_timer_start(turn, 2, 2);
    while (!it_is_read()) {
        loop_run(loop);
    }
    loop_timer_free(turn);
}

static int open_world(void **state)
{
    (void)state;
    memset(reads, 0, sizeof reads);
    memset(is_shut, 0, sizeof is_shut);
    memset(told, 0, sizeof told);
    answers = wanted = gone = inside = most_inside = 0;
    open_host("test:///default");
    WAIT_FOR(is_synced);
    return 0;
}

static void expect_told_once(int from, int to, enum lodge_error_kind kind)
{
    for (int i = from; i < to; i++) {
        assert_int_equal(told[i], 1);
        assert_int_equal(kinds[i], kind);
    }
}

static void many_who_ask_at_once_cost_two_calls(void **state)
{
    (void)state;
    set_gate(0, true);
    ask(&plain, 0, 0);
    wait_until_read(0);
    for (int i = 1; i < ASKERS; i++) {
        ask(&plain, 0, i);
    }
    set_gate(0, false);
    wanted = ASKERS;
    WAIT_FOR(all_are_answered);
    assert_int_equal(reads_of(0), 2);
    expect_told_once(0, ASKERS, LODGE_ERROR_NONE);
    assert_int_equal(gone, ASKERS); /* whatever was asked with was given back */
}

static void one_of_pools_that_hangs_holds_up_pools_alone(void **state)
{
    (void)state;
    set_gate(0, true);
    ask(&of_pools, 0, 0);
    wait_until_read(0);
    ask(&of_pools, 1, 1);
    ask(&of_pools, 0, 2);
    for (int i = 3; i < 20; i++) {
        ask(&plain, 2 + i % 4, i);
    }
    wanted = 17;
    WAIT_FOR(all_are_answered);
    expect_told_once(3, 20, LODGE_ERROR_NONE);
    assert_int_equal(reads_of(0) + reads_of(1), 1);
    assert_int_equal(most_inside, HOST_READ_CALLS);
    set_gate(0, false);
    wanted = 20;
    WAIT_FOR(all_are_answered);
    assert_int_equal(reads_of(0), 2);
    assert_int_equal(reads_of(1), 1);
    assert_int_equal(order[18], 1); /* who asks for the first all the time passes nobody */
    assert_int_equal(most_inside, HOST_READ_CALLS);
}

static void who_has_waited_long_enough_is_told_and_the_call_is_one(void **state)
{
    (void)state;
    set_gate(0, true);
    ask(&hasty, 0, 0);
    wait_until_read(0);
    ask(&hasty, 0, 1);
    wanted = 2;
    WAIT_FOR(all_are_answered);
    expect_told_once(0, 2, LODGE_ERROR_TIMEOUT);
    assert_string_equal(words[0], "libvirt on host 'here' has not told it within 1 s: look there");
    ask(&hasty, 0, 2);
    ask(&plain, 1, 3);
    wanted = 4;
    WAIT_FOR(all_are_answered);
    expect_told_once(2, 3, LODGE_ERROR_TIMEOUT);
    expect_told_once(3, 4, LODGE_ERROR_NONE);
    assert_int_equal(reads_of(0), 1);
    assert_int_equal(gone, 3);
    set_gate(0, false);
    WAIT_FOR(all_are_gone);
    ask(&hasty, 0, 4);
    wanted = 5;
    WAIT_FOR(all_are_answered);
    expect_told_once(4, 5, LODGE_ERROR_NONE);
}

static void who_waits_when_a_host_leaves_is_told_and_what_is_out_comes_to_nobody(void **state)
{
    (void)state;
    set_gate(0, true);
    ask(&plain, 0, 0);
    ask(&plain, 1, 1);
    wait_until_read(0);
    ask(&plain, 0, 2);
    ask(&of_pools, 2, 3);
    int before = answers;
    host_free(TAKE(world.host));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(told[i], 1);
    }
    expect_told_once(2, 4, LODGE_ERROR_CANCELLED);
    assert_int_equal(answers, 4);
    assert_in_range(before, 0, 1);
    set_gate(0, false);
    wanted = 4;
    WAIT_FOR(all_are_gone);
    assert_int_equal(answers, 4);
    assert_int_equal(told[0], 1);
}

static void a_host_that_is_away_is_said_at_once(void **state)
{
    (void)state;
    host_free(TAKE(world.host));
    open_host("test:///default"); /* it is connecting */
    ask(&plain, 0, 0);
    assert_int_equal(gone, 1);
    expect_told_once(0, 1, LODGE_ERROR_HOST_DOWN);
    assert_int_equal(reads_of(0), 0);
    WAIT_FOR(is_synced);
}

#define ON_HOST(function) cmocka_unit_test_setup_teardown(function, open_world, close_host)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_HOST(many_who_ask_at_once_cost_two_calls),
        ON_HOST(one_of_pools_that_hangs_holds_up_pools_alone),
        ON_HOST(who_has_waited_long_enough_is_told_and_the_call_is_one),
        ON_HOST(who_waits_when_a_host_leaves_is_told_and_what_is_out_comes_to_nobody),
        ON_HOST(a_host_that_is_away_is_said_at_once),
    };
    struct lodge_error err = {0};
    host_layer_prepare();
    loop = loop_new();
    if (!host_layer_start(loop, &err)) {
        fprintf(stderr, "no test driver: %s\n", err.message);
        return 1;
    }
    return cmocka_run_group_tests_name("reading", tests, NULL, NULL);
}
