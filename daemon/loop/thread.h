/* thread: starting threads that have a name, block all signals and are never joined unless asked.
 */
#ifndef LOOP_THREAD_H
#define LOOP_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Starts a detached thread; false when the system has none to give. `name` has at most 15 bytes. */
bool thread_start(const char *name, void *(*run)(void *data), void *data);

/* The same, to be joined by the caller. */
bool thread_start_joinable(pthread_t *ret_thread, const char *name, void *(*run)(void *data),
                           void *data);

/* Whether the calling thread, when it is woken, waits for its turn instead of taking the processor
 * from who has it (SCHED_BATCH, sched(7)): for what is much and hurries nobody. Another policy that
 * lodged was started with stays. */
void thread_give_way(bool gives_way);

/* For loop.c: this thread is the loop's from now on, or no longer (loop_is_current()). */
void thread_mark_loop(bool is_current);

#endif
