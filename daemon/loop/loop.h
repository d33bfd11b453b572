/*
 * loop: the one libuv loop, its thread, and what may be asked of it.
 *
 * Everything here is loop-only unless it says "any thread". Data of the loop's thread is touched by
 * nobody else; other threads post letters. libuv handles are closed by loop_close_handle() alone
 * and never by walking the loop (libwebsockets keeps handles of its own on it).
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "loop/mailbox.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct loop;

/* Makes the loop and its wake-up (an eventfd: uv_async_send waits for preempted senders). The
 * calling thread becomes the loop's. */
struct loop *loop_new(void);

/* Runs the closing callbacks that are left and closes every handle; false if some were left open.
 * Its mailbox stays: threads that are lost may still post, and nobody will collect. */
bool loop_free(struct loop *loop);

uv_loop_t *loop_uv(struct loop *loop);

/* Runs until loop_stop() was called, or nothing is left to wait for. */
void loop_run(struct loop *loop);

/* What is there by now, without waiting: after loop_run(), for letters that have just come. */
void loop_run_once(struct loop *loop);
void loop_stop(struct loop *loop);

/* Any thread: is this the loop's? For assert() at the head of loop-only and blocking functions. */
bool loop_is_current(void);

/* Any thread. Gives a letter to the loop, which delivers it in the order posted. */
void loop_post(struct loop *loop, struct letter *letter);

/* How much of a processor a worker took for the job whose letter is being delivered; whoever asks
 * first is told, and pays it. */
uint64_t loop_take_cost_us(struct loop *loop);

/* Which turn this is: what shares a turn's time asks whether it still is the same one. */
uint64_t loop_turn_number(const struct loop *loop);

/* Runs `run(owner)` once at the end of this turn of the loop, after all that is ready now. */
struct loop_later {
    void (*run)(void *owner);
    void *owner;
    bool waiting;
    struct loop_later *next;
};
void loop_later(struct loop *loop, struct loop_later *later);
void loop_later_cancel(struct loop *loop, struct loop_later *later);

/* Frees `memory` at the end of this turn, so that nothing is freed under a caller. */
void loop_free_later(struct loop *loop, void *memory);

/* A timer on the monotonic clock; never one per VM. */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *loop, void (*fired)(void *owner), void *owner);
void loop_timer_start(struct loop_timer *timer, uint64_t after_ms, uint64_t repeat_ms);
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_is_active(const struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer); /* NULL is fine */

/* Calls `heard(owner, signal)` on the loop for each signal. */
void loop_on_signal(struct loop *loop, int signal, void (*heard)(void *owner, int signal),
                    void *owner);

/* Closes a handle whose memory `closed` frees; a no-op on one that is closing already. */
void loop_close_handle(uv_handle_t *handle, uv_close_cb closed);

/* Any thread. */
uint64_t loop_monotonic_us(void);
uint64_t loop_monotonic_ms(void);
int64_t loop_wall_ms(void); /* ms since 1970 */

#endif
