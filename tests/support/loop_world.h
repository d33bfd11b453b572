/*
 * loop_world: a loop of the test's own, run until something is so or a deadline passed.
 * Included by one program each, after support/test.h.
 */
#ifndef TESTS_SUPPORT_LOOP_WORLD_H
#define TESTS_SUPPORT_LOOP_WORLD_H

#include "loop/loop.h"

#define ON_LOOP(function) cmocka_unit_test_setup_teardown(function, make_loop, end_loop)
#define LOOP_WORLD __attribute__((unused)) static

enum { DEADLINE_MS = 30000 };

static struct loop *loop;

LOOP_WORLD int make_loop(void **state)
{
    (void)state;
    loop = loop_new();
    return 0;
}

/* Fails when a handle was left open. */
LOOP_WORLD int end_loop(void **state)
{
    (void)state;
    return loop_free(loop) ? 0 : -1;
}

struct loop_wait {
    bool (*is_so)(void);
    struct loop_later look;
    bool late;
};

LOOP_WORLD void wait_late(void *owner)
{
    ((struct loop_wait *)owner)->late = true;
    loop_stop(loop);
}

/* Looks at the end of each turn; the loop sleeps between turns unless something happens. */
LOOP_WORLD void wait_look(uv_check_t *handle)
{
    struct loop_wait *wait = handle->data;
    if (wait->is_so()) {
        loop_stop(loop);
    }
}

/* Runs the loop until `is_so()`; false after 30 s. */
LOOP_WORLD bool loop_until(bool (*is_so)(void))
{
    struct loop_wait wait = {.is_so = is_so};
    if (is_so()) {
        return true;
    }
    static uv_check_t turn_end; /* outlives the turn in which it is closed */
    uv_check_init(loop_uv(loop), &turn_end);
    turn_end.data = &wait;
    uv_check_start(&turn_end, wait_look);
    struct loop_timer *deadline = loop_timer_new(loop, wait_late, &wait);
    loop_timer_start(deadline, DEADLINE_MS, 0);
    loop_run(loop);
    loop_timer_free(deadline);
    loop_close_handle((uv_handle_t *)&turn_end, NULL);
    uv_run(loop_uv(loop), UV_RUN_NOWAIT); /* the closing callbacks */
    return !wait.late;
}

LOOP_WORLD void count_turn(void *owner)
{
    int *turns = owner;
    --*turns;
}

static int turns_left;

LOOP_WORLD bool turns_are_over(void)
{
    return turns_left <= 0;
}

/* Lets the loop turn once, with all that is ready, and what was put off to its end. */
LOOP_WORLD void loop_turn(void)
{
    struct loop_later one = {.run = count_turn, .owner = &turns_left};
    turns_left = 1;
    loop_later(loop, &one);
    assert_true(loop_until(turns_are_over));
}

#endif
