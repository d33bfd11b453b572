/* timers: all timers of a loop, on one descriptor: a thousand hosts have a dozen each. For loop.c
 * alone; the others know loop_timer_… of loop/loop.h. Loop-only. */
#ifndef LOOP_TIMERS_H
#define LOOP_TIMERS_H

#include <stdbool.h>
#include <uv.h>

struct loop_timer;
struct timers;

struct timers *timers_new(uv_loop_t *uv);
struct loop_timer *timers_add(struct timers *timers, void (*fired)(void *owner), void *owner);

/* What it is made of is freed in a later turn of the loop. Returns false, and frees them not, if
 * timers are left. */
bool timers_free(struct timers *timers);

#endif
