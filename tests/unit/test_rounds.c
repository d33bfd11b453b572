/* rounds: one is out and one waits, whoever asks joins, and is answered once. */
#include "support/test.h"

#include "support/loop_world.h"

#include "loop/rounds.h"
#include "scope.h"

#include <string.h>

enum { ASKERS = 64 };

/* What was read, and who was told what: the number of the round, or minus the kind of error. */
static struct {
    struct rounds *rounds;
    int begun;
    bool is_closed; /* may_begin() says no */
    bool ends_at_once;
    bool frees; /* when idle */
    int idle;
    int told[ASKERS];
    int times[ASKERS];
    int asks_again; /* the number of an asker that asks when it is answered; -1: nobody does */
    bool drops;     /* and before that drops all others */
} desk;

static int numbers[ASKERS];

static void told(void *data, const void *answer, const struct lodge_error *error)
{
    int number = *(const int *)data;
    assert_true((answer == NULL) == (error != NULL));
    desk.told[number] = answer != NULL ? *(const int *)answer : -(int)error->kind;
    desk.times[number]++;
    if (desk.asks_again == number) {
        const struct lodge_error down = {.kind = LODGE_ERROR_HOST_DOWN};
        desk.asks_again = -1;
        if (desk.drops) {
            rounds_drop(desk.rounds, &down);
        }
        rounds_join(desk.rounds, told, data);
    }
}

static void ask(int number)
{
    rounds_join(desk.rounds, told, &numbers[number]);
}

static void end_round(void)
{
    int round = desk.begun;
    rounds_end(desk.rounds, &round, NULL);
}

static void begin(void *owner)
{
    assert_ptr_equal(owner, &desk);
    desk.begun++;
    if (desk.ends_at_once) {
        end_round();
    }
}

static bool may_begin(const void *owner)
{
    assert_ptr_equal(owner, &desk);
    return !desk.is_closed;
}

static void idle(void *owner)
{
    assert_ptr_equal(owner, &desk);
    desk.idle++;
    if (desk.frees) {
        rounds_free(TAKE(desk.rounds));
    }
}

static void say_late(const void *owner, struct lodge_error *err)
{
    assert_ptr_equal(owner, &desk);
    (void)lodge_fail(err, LODGE_ERROR_TIMEOUT, "too late");
}

static const struct rounds_kind patient = {.begin = begin, .may_begin = may_begin, .idle = idle};
static const struct rounds_kind hasty = {.begin = begin, .patience_ms = 1000, .say_late = say_late};

static void open_desk(const struct rounds_kind *kind)
{
    memset(&desk, 0, sizeof desk);
    desk.asks_again = -1;
    desk.rounds = rounds_new(kind, &desk);
    for (int i = 0; i < ASKERS; i++) {
        numbers[i] = i;
    }
}

static void expect(int from, int to, int what)
{
    for (int i = from; i < to; i++) {
        assert_int_equal(desk.told[i], what);
        assert_int_equal(desk.times[i], what == 0 ? 0 : 1);
    }
}

static void many_who_ask_at_once_cost_two_readings(void **state)
{
    (void)state;
    open_desk(&patient);
    for (int i = 0; i < ASKERS; i++) {
        ask(i);
    }
    assert_int_equal(desk.begun, 1);
    expect(0, ASKERS, 0);
    end_round();
    expect(0, 1, 1);
    expect(1, ASKERS, 0); /* it may have looked before they asked */
    assert_int_equal(desk.begun, 2);
    end_round();
    expect(1, ASKERS, 2);
    assert_int_equal(desk.begun, 2);
    assert_int_equal(desk.idle, 1);
    rounds_free(desk.rounds);
}

static void an_error_is_everybodys_who_waited_for_it(void **state)
{
    (void)state;
    const struct lodge_error error = {.kind = LODGE_ERROR_HYPERVISOR};
    open_desk(&patient);
    ask(0);
    ask(1);
    ask(2);
    end_round();
    rounds_end(desk.rounds, NULL, &error);
    expect(0, 1, 1);
    expect(1, 3, -LODGE_ERROR_HYPERVISOR);
    rounds_free(desk.rounds);
}

static void who_asks_in_an_answer_waits_for_the_next(void **state)
{
    (void)state;
    open_desk(&patient);
    desk.asks_again = 0;
    ask(0);
    end_round();
    assert_int_equal(desk.told[0], 1);
    assert_int_equal(desk.begun, 2);
    end_round();
    assert_int_equal(desk.told[0], 2);
    assert_int_equal(desk.times[0], 2);
    assert_int_equal(desk.idle, 1);
    rounds_free(desk.rounds);
}

static void what_cannot_begin_is_joined_until_it_can(void **state)
{
    (void)state;
    open_desk(&patient);
    desk.is_closed = true;
    ask(0);
    ask(1);
    assert_int_equal(desk.begun, 0);
    desk.is_closed = false;
    rounds_look(desk.rounds);
    rounds_look(desk.rounds);
    assert_int_equal(desk.begun, 1);
    end_round();
    expect(0, 2, 1);
    rounds_free(desk.rounds);
}

static void what_ends_at_once_does(void **state)
{
    (void)state;
    open_desk(&patient);
    desk.ends_at_once = true;
    desk.frees = true;
    ask(0);
    expect(0, 1, 1);
    assert_int_equal(desk.idle, 1);
    assert_null(desk.rounds);
}

static void patience_ends_for_each_and_the_reading_goes_on(void **state)
{
    (void)state;
    open_desk(&hasty);
    assert_int_equal(rounds_deadline(desk.rounds), 0);
    ask(0);
    ask(1);
    uint64_t deadline = rounds_deadline(desk.rounds);
    assert_in_range(deadline, 1, loop_monotonic_ms() + 1000);
    rounds_tick(desk.rounds, deadline - 1);
    expect(0, 2, 0);
    rounds_tick(desk.rounds, loop_monotonic_ms() + 1000);
    expect(0, 2, -LODGE_ERROR_TIMEOUT);
    assert_int_equal(rounds_deadline(desk.rounds), 0);
    ask(2); /* the first is out still: nothing more is sent */
    assert_int_equal(desk.begun, 1);
    end_round();
    assert_int_equal(desk.begun, 2);
    end_round();
    expect(0, 2, -LODGE_ERROR_TIMEOUT);
    expect(2, 3, 2);
    ask(3);
    rounds_tick(desk.rounds, loop_monotonic_ms() + 1000);
    end_round(); /* nobody waits for this one either */
    assert_int_equal(desk.begun, 3);
    rounds_free(desk.rounds);
}

static void what_is_dropped_counts_for_nothing(void **state)
{
    (void)state;
    const struct lodge_error error = {.kind = LODGE_ERROR_CANCELLED};
    open_desk(&patient);
    desk.asks_again = 1;
    ask(0);
    ask(1);
    rounds_drop(desk.rounds, &error);
    expect(0, 1, -LODGE_ERROR_CANCELLED);
    assert_int_equal(desk.begun, 2); /* of who asked again, beside the one that is lost */
    end_round();
    assert_int_equal(desk.told[1], 2);
    assert_int_equal(desk.times[1], 2);
    desk.frees = true;
    ask(2);
    rounds_drop(desk.rounds, &error);
    assert_null(desk.rounds);
}

static void what_is_dropped_in_an_answer_is_not_the_next_ones_end(void **state)
{
    (void)state;
    open_desk(&patient);
    desk.asks_again = 0;
    desk.drops = true;
    ask(0);
    ask(1);
    end_round();
    expect(1, 2, -LODGE_ERROR_HOST_DOWN);
    assert_int_equal(desk.begun, 2);
    ask(2); /* not a third beside it */
    assert_int_equal(desk.begun, 2);
    end_round();
    assert_int_equal(desk.told[0], 2);
    end_round();
    expect(2, 3, 3);
    rounds_free(desk.rounds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_LOOP(many_who_ask_at_once_cost_two_readings),
        ON_LOOP(an_error_is_everybodys_who_waited_for_it),
        ON_LOOP(who_asks_in_an_answer_waits_for_the_next),
        ON_LOOP(what_cannot_begin_is_joined_until_it_can),
        ON_LOOP(what_ends_at_once_does),
        ON_LOOP(patience_ends_for_each_and_the_reading_goes_on),
        ON_LOOP(what_is_dropped_counts_for_nothing),
        ON_LOOP(what_is_dropped_in_an_answer_is_not_the_next_ones_end),
    };
    return cmocka_run_group_tests_name("rounds", tests, NULL, NULL);
}
