/*
 * loop: at the end of each turn of libuv, end_turn() runs what was put off until then and frees
 * what was to be freed; while there is any such, an idle handle keeps the turn from waiting.
 *
 * Other threads come by the mailbox, whose eventfd wakes the loop. Handles are freed by their close
 * callbacks. A loop that has ended is kept, with its mailbox, for threads that come back from a
 * call later.
 */
#include "loop/loop.h"

#include "memory.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* On a descriptor of its own: libuv's timers become the timeout of each epoll_wait, which the
 * kernel arms and cancels in every turn. On a virtual machine that cost half as much as a ping. */
struct loop_timer {
    uv_poll_t poll; /* first: freed in its close callback */
    int fd;
    bool active;
    bool repeats;
    void (*fired)(void *owner);
    void *owner;
};

struct heard_signal {
    uv_signal_t signal; /* first */
    void (*heard)(void *owner, int signal);
    void *owner;
    struct heard_signal *next; /* in loop.signals */
};

struct loop {
    uv_loop_t uv;
    struct mailbox *box;
    uv_poll_t wake;
    uv_check_t turn_end; /* unreferenced: it keeps nobody waiting */
    uv_idle_t turn_now;  /* active while something is to be done later: the loop does not block */
    int wake_fd;
    struct heard_signal *signals;
    struct loop_later *later_first;
    struct loop_later **later_last;
    struct loop_later *running; /* those of this turn that have not run yet */
    void **garbage;             /* freed at the end of the turn */
    size_t garbage_count;
    size_t garbage_room;
    uint64_t turn;
    struct loop *next_ended;
};

/* Loops that have ended: a thread that was lost in a call may still post to one when it returns, so
 * its mailbox stays until the process is gone. */
static struct loop *ended;

static _Thread_local bool is_loop_thread;

bool loop_is_current(void)
{
    return is_loop_thread;
}

static void wake_up(void *owner)
{
    const struct loop *loop = owner;
    uint64_t one = 1;
    ssize_t written;
    do {
        written = write(loop->wake_fd, &one, sizeof one);
    } while (written < 0 && errno == EINTR);
    /* EAGAIN: the counter is full, so the loop has a wake-up waiting: just as good. */
}

static void woken(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    struct loop *loop = handle->data;
    uint64_t count;
    ssize_t got = read(loop->wake_fd, &count, sizeof count);
    (void)got; /* nothing there: somebody else emptied it, the letters are still taken */
    mailbox_collect(loop->box);
}

static void nothing(uv_idle_t *handle)
{
    (void)handle;
}

static void end_turn(uv_check_t *handle)
{
    struct loop *loop = handle->data;
    loop->turn++;
    loop->running = loop->later_first; /* what these put off again is for the next turn */
    loop->later_first = NULL;
    loop->later_last = &loop->later_first;
    uv_idle_stop(&loop->turn_now);
    while (loop->running != NULL) {
        struct loop_later *later = loop->running;
        loop->running = later->next;
        later->waiting = false;
        later->run(later->owner);
    }
    for (size_t i = 0; i < loop->garbage_count; i++) {
        free(loop->garbage[i]);
    }
    loop->garbage_count = 0;
}

struct loop *loop_new(void)
{
    struct loop *loop = xcalloc(1, sizeof *loop);
    is_loop_thread = true;
    loop->later_last = &loop->later_first;
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0 || uv_loop_init(&loop->uv) != 0) {
        abort(); /* no descriptors at the start of the program: nothing can be done */
    }
    loop->box = mailbox_new(wake_up, loop);
    uv_poll_init(&loop->uv, &loop->wake, loop->wake_fd);
    loop->wake.data = loop;
    uv_poll_start(&loop->wake, UV_READABLE, woken);
    uv_check_init(&loop->uv, &loop->turn_end);
    loop->turn_end.data = loop;
    uv_check_start(&loop->turn_end, end_turn);
    uv_unref((uv_handle_t *)&loop->turn_end);
    uv_idle_init(&loop->uv, &loop->turn_now);
    return loop;
}

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

void loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_run_once(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_NOWAIT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

void loop_close_handle(uv_handle_t *handle, uv_close_cb closed)
{
    if (!uv_is_closing(handle)) {
        uv_close(handle, closed);
    }
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

bool loop_free(struct loop *loop)
{
    while (loop->signals != NULL) {
        struct heard_signal *heard = loop->signals;
        loop->signals = heard->next;
        loop_close_handle((uv_handle_t *)&heard->signal, free_handle);
    }
    mailbox_collect(loop->box);
    end_turn(&loop->turn_end);
    loop_close_handle((uv_handle_t *)&loop->wake, NULL);
    loop_close_handle((uv_handle_t *)&loop->turn_end, NULL);
    loop_close_handle((uv_handle_t *)&loop->turn_now, NULL);
    for (int turns = 0; turns < 100 && uv_run(&loop->uv, UV_RUN_NOWAIT) != 0; turns++) {
    }
    bool clean = uv_loop_close(&loop->uv) == 0;
    free(loop->garbage);
    loop->next_ended = ended;
    ended = loop;
    is_loop_thread = false;
    return clean;
}

void loop_post(struct loop *loop, struct letter *letter)
{
    mailbox_post(loop->box, letter);
}

uint64_t loop_take_cost_us(struct loop *loop)
{
    return mailbox_take_cost_us(loop->box);
}

uint64_t loop_turn_number(const struct loop *loop)
{
    return loop->turn;
}

void loop_later(struct loop *loop, struct loop_later *later)
{
    assert(loop_is_current());
    if (later->waiting) {
        return;
    }
    later->waiting = true;
    later->next = NULL;
    *loop->later_last = later;
    loop->later_last = &later->next;
    uv_idle_start(&loop->turn_now, nothing);
}

void loop_later_cancel(struct loop *loop, struct loop_later *later)
{
    if (!later->waiting) {
        return;
    }
    later->waiting = false;
    for (struct loop_later **link = &loop->running; *link != NULL; link = &(*link)->next) {
        if (*link == later) {
            *link = later->next;
            return;
        }
    }
    struct loop_later **link = &loop->later_first;
    while (*link != NULL && *link != later) {
        link = &(*link)->next;
    }
    if (*link == later) {
        *link = later->next;
        if (later->next == NULL) {
            loop->later_last = link;
        }
    }
}

void loop_free_later(struct loop *loop, void *memory)
{
    assert(loop_is_current());
    if (loop->garbage_count == loop->garbage_room) {
        loop->garbage_room = loop->garbage_room == 0 ? 16 : loop->garbage_room * 2;
        loop->garbage = xrealloc(loop->garbage, loop->garbage_room * sizeof *loop->garbage);
    }
    loop->garbage[loop->garbage_count++] = memory;
    uv_idle_start(&loop->turn_now, nothing);
}

static void timer_fired(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    struct loop_timer *timer = (struct loop_timer *)handle;
    uint64_t times;
    if (read(timer->fd, &times, sizeof times) == (ssize_t)sizeof times) {
        timer->active = timer->repeats;
        timer->fired(timer->owner); /* the last thing: it may free the timer */
    }                               /* else it was stopped, or started anew, since it became due */
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*fired)(void *owner), void *owner)
{
    assert(loop_is_current());
    struct loop_timer *timer = xcalloc(1, sizeof *timer);
    timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer->fd < 0 || uv_poll_init(&loop->uv, &timer->poll, timer->fd) != 0) {
        abort(); /* a dozen per host, made at the start: no descriptors even for those */
    }
    uv_poll_start(&timer->poll, UV_READABLE, timer_fired);
    timer->fired = fired;
    timer->owner = owner;
    return timer;
}

static struct timespec timespec_of(uint64_t ms)
{
    return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
}

void loop_timer_start(struct loop_timer *timer, uint64_t after_ms, uint64_t repeat_ms)
{
    assert(loop_is_current());
    struct itimerspec when = {.it_value = timespec_of(after_ms),
                              .it_interval = timespec_of(repeat_ms)};
    if (after_ms == 0) {
        when.it_value.tv_nsec = 1; /* zero would stop it */
    }
    timerfd_settime(timer->fd, 0, &when, NULL);
    timer->active = true;
    timer->repeats = repeat_ms > 0;
}

void loop_timer_stop(struct loop_timer *timer)
{
    if (timer->active) {
        timer->active = false;
        timerfd_settime(timer->fd, 0, &(struct itimerspec){0}, NULL);
    }
}

bool loop_timer_is_active(const struct loop_timer *timer)
{
    return timer->active;
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer != NULL && !uv_is_closing((uv_handle_t *)&timer->poll)) {
        uv_close((uv_handle_t *)&timer->poll, free_handle); /* out of the epoll before the close */
        close(timer->fd);
    }
}

static void signal_heard(uv_signal_t *handle, int number)
{
    struct heard_signal *heard = (struct heard_signal *)handle;
    heard->heard(heard->owner, number);
}

void loop_on_signal(struct loop *loop, int signal, void (*heard)(void *owner, int signal),
                    void *owner)
{
    struct heard_signal *entry = xcalloc(1, sizeof *entry);
    uv_signal_init(&loop->uv, &entry->signal);
    entry->heard = heard;
    entry->owner = owner;
    entry->next = loop->signals;
    loop->signals = entry;
    uv_signal_start(&entry->signal, signal_heard, signal);
    uv_unref((uv_handle_t *)&entry->signal);
}

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t loop_monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t loop_monotonic_ms(void)
{
    return (uint64_t)clock_ms(CLOCK_MONOTONIC);
}

int64_t loop_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}
