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
    bool late;
};

LOOP_WORLD void wait_late(void *owner)
{
    ((struct loop_wait *)owner)->late = true;
    loop_stop(loop);
}

/* Looks each time before the loop would sleep. */
LOOP_WORLD void wait_look(uv_prepare_t *handle)
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
    static uv_prepare_t before_sleep; /* outlives the turn that closes it */
    uv_prepare_init(loop_uv(loop), &before_sleep);
    before_sleep.data = &wait;
    uv_prepare_start(&before_sleep, wait_look);
    struct loop_timer *deadline = loop_timer_new(loop, wait_late, &wait);
    loop_timer_start(deadline, DEADLINE_MS, 0);
    loop_run(loop);
    loop_timer_free(deadline);
    loop_close_handle((uv_handle_t *)&before_sleep, NULL);
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
