/*
 * timers: a timerfd, set to the time of the timer that is due first, and a heap of those that run.
 * On a descriptor, since libuv's own timers become the timeout of each epoll_wait, which the kernel
 * arms and cancels in every turn: on a virtual machine that cost half as much as a ping. On one,
 * since each timer's own were 25 descriptors a host.
 *
 * The descriptor is set anew only for an earlier time: one that was stopped, or put off, wakes the
 * loop once for nothing. Timers are their owner's; loop-only.
 */
#include "loop/timers.h"

#include "loop/loop.h"
#include "memory.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { US_PER_S = 1000000, US_PER_MS = 1000, NS_PER_US = 1000 };

struct loop_timer {
    struct timers *timers;
    void (*fired)(void *owner);
    void *owner;
    uint64_t due_us;    /* monotonic */
    uint64_t repeat_us; /* 0: once */
    size_t place;       /* 1 + its index in the heap; 0: it does not run */
};

struct timers {
    uv_poll_t poll; /* first: freed in its close callback */
    int fd;
    uint64_t set_us;          /* what the descriptor is set to; 0: to nothing */
    struct loop_timer **heap; /* none is due before its parent, at half its index */
    size_t running;
    size_t room;
    size_t count; /* all there are */
};

static void put_at(struct timers *timers, size_t index, struct loop_timer *timer)
{
    timers->heap[index] = timer;
    timer->place = index + 1;
}

static void rise(struct timers *timers, struct loop_timer *timer)
{
    size_t index = timer->place - 1;
    while (index > 0 && timers->heap[(index - 1) / 2]->due_us > timer->due_us) {
        put_at(timers, index, timers->heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    put_at(timers, index, timer);
}

static void sink_down(struct timers *timers, struct loop_timer *timer)
{
    size_t index = timer->place - 1;
    for (size_t child; (child = 2 * index + 1) < timers->running; index = child) {
        child += child + 1 < timers->running &&
                 timers->heap[child + 1]->due_us < timers->heap[child]->due_us;
        if (timers->heap[child]->due_us >= timer->due_us) {
            break;
        }
        put_at(timers, index, timers->heap[child]);
    }
    put_at(timers, index, timer);
}

static void take_out(struct timers *timers, struct loop_timer *timer)
{
    size_t index = timer->place - 1;
    struct loop_timer *last = timers->heap[--timers->running];
    timer->place = 0;
    if (last != timer) {
        put_at(timers, index, last);
        rise(timers, last);
        sink_down(timers, last);
    }
}

static void put_in(struct timers *timers, struct loop_timer *timer)
{
    if (timers->running == timers->room) {
        timers->room = timers->room == 0 ? 16 : timers->room * 2;
        timers->heap = xrealloc(timers->heap, timers->room * sizeof(struct loop_timer *));
    }
    put_at(timers, timers->running++, timer);
    rise(timers, timer);
}

/* So that it wakes the loop no later than the first is due. */
static void set_descriptor(struct timers *timers)
{
    if (timers->running == 0 ||
        (timers->set_us != 0 && timers->set_us <= timers->heap[0]->due_us)) {
        return;
    }
    timers->set_us = timers->heap[0]->due_us;
    const struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(timers->set_us / US_PER_S),
                     .tv_nsec = (long)(timers->set_us % US_PER_S) * NS_PER_US}};
    timerfd_settime(timers->fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void fire(struct timers *timers, struct loop_timer *timer, uint64_t now)
{
    take_out(timers, timer);
    if (timer->repeat_us > 0) {
        timer->due_us += timer->repeat_us; /* what it has missed, it has missed */
        timer->due_us = timer->due_us <= now ? now + timer->repeat_us : timer->due_us;
        put_in(timers, timer);
    }
    timer->fired(timer->owner); /* the last thing: it may free the timer */
}

static void are_due(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    struct timers *timers = (struct timers *)handle;
    uint64_t times;
    if (read(timers->fd, &times, sizeof times) != (ssize_t)sizeof times) {
        return; /* it was set anew since */
    }
    uint64_t now = loop_monotonic_us();
    timers->set_us = 0;
    while (timers->running > 0 && timers->heap[0]->due_us <= now) {
        fire(timers, timers->heap[0], now);
    }
    set_descriptor(timers);
}

struct timers *timers_new(uv_loop_t *uv)
{
    struct timers *timers = xcalloc(1, sizeof *timers);
    timers->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timers->fd < 0 || uv_poll_init(uv, &timers->poll, timers->fd) != 0) {
        abort(); /* no descriptors at the start of the program: nothing can be done */
    }
    uv_poll_start(&timers->poll, UV_READABLE, are_due);
    return timers;
}

struct loop_timer *timers_add(struct timers *timers, void (*fired)(void *owner), void *owner)
{
    struct loop_timer *timer = xcalloc(1, sizeof *timer);
    timer->timers = timers;
    timer->fired = fired;
    timer->owner = owner;
    timers->count++;
    return timer;
}

void loop_timer_start(struct loop_timer *timer, uint64_t after_ms, uint64_t repeat_ms)
{
    assert(loop_is_current());
    loop_timer_stop(timer);
    timer->due_us = loop_monotonic_us() + after_ms * US_PER_MS;
    timer->repeat_us = repeat_ms * US_PER_MS;
    put_in(timer->timers, timer);
    set_descriptor(timer->timers);
}

void loop_timer_stop(struct loop_timer *timer)
{
    if (timer->place != 0) {
        take_out(timer->timers, timer);
    }
}

bool loop_timer_is_active(const struct loop_timer *timer)
{
    return timer->place != 0;
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer != NULL) {
        loop_timer_stop(timer);
        timer->timers->count--;
        free(timer);
    }
}

static void free_timers(uv_handle_t *handle)
{
    free(((struct timers *)handle)->heap);
    free(handle);
}

bool timers_free(struct timers *timers)
{
    bool is_unused = timers->count == 0;
    uv_close((uv_handle_t *)&timers->poll, is_unused ? free_timers : NULL); /* before the close */
    close(timers->fd);
    return is_unused;
}
