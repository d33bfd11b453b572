/*
 * event_loop: one table of watches and one of timers under one lock, which libvirt calls with from
 * any thread; its callbacks run on the event thread alone, without the lock. What is removed is
 * freed by that thread too, so that nothing goes away under a callback.
 *
 * A call of libvirt's client disables its connection's watch, and enables it when it is done, even
 * if it has handed the reading on to the next call: until that is awake and disables it again, each
 * reply wakes the event thread, which finds that somebody else reads, and turns. A quarter of a
 * first sync's processor time went there. So a watch that was disabled within REST_MS of being
 * enabled rests that long when it is enabled next; events that come meanwhile are as late as that,
 * at most.
 */
#include "host/event_loop.h"
#include "log.h"
#include "loop/loop.h"
#include "loop/thread.h"
#include "memory.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS_AT_ONCE = 64, REST_MS = 2 };

struct watch {
    struct watch *next;
    int id;
    int fd;
    int wanted; /* VIR_EVENT_HANDLE_…; 0: not in the epoll, which would tell of hang-ups anyway */
    bool removed;
    bool is_hurried;     /* it was disabled soon after it had been enabled … */
    uint64_t enabled_ms; /* … which was then */
    bool rests;          /* it is enabled, but not in the epoll until … */
    uint64_t until_ms;
    virEventHandleCallback callback;
    virFreeCallback free_data;
    void *data;
};

struct timer {
    struct timer *next;
    int id;
    int every_ms; /* -1: never */
    uint64_t due_ms;
    bool removed;
    virEventTimeoutCallback callback;
    virFreeCallback free_data;
    void *data;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that follows but the two fds */
static struct watch *watches;
static struct timer *timers;
static unsigned resting; /* watches */
static int last_id;
static uint64_t waits_until_ms; /* when the event thread looks at the timers next */
static int epoll = -1;
static int wake = -1;

static void event_loop_wake(void)
{
    uint64_t one = 1;
    ssize_t wrote = write(wake, &one, sizeof one);
    (void)wrote; /* it fails only when the thread is being woken already */
}

static uint32_t epoll_events(int wanted)
{
    return ((wanted & VIR_EVENT_HANDLE_READABLE) != 0 ? (uint32_t)EPOLLIN : 0) |
           ((wanted & VIR_EVENT_HANDLE_WRITABLE) != 0 ? (uint32_t)EPOLLOUT : 0);
}

static int handle_events(uint32_t events)
{
    return ((events & EPOLLIN) != 0 ? VIR_EVENT_HANDLE_READABLE : 0) |
           ((events & EPOLLOUT) != 0 ? VIR_EVENT_HANDLE_WRITABLE : 0) |
           ((events & EPOLLERR) != 0 ? VIR_EVENT_HANDLE_ERROR : 0) |
           ((events & EPOLLHUP) != 0 ? VIR_EVENT_HANDLE_HANGUP : 0);
}

/* Under lock. What all watches of a descriptor want together is in the epoll. */
static void watch_descriptor(int fd)
{
    int wanted = 0;
    for (const struct watch *watch = watches; watch != NULL; watch = watch->next) {
        bool counts = watch->fd == fd && !watch->removed && !watch->rests;
        wanted |= counts ? watch->wanted : 0;
    }
    struct epoll_event event = {.events = epoll_events(wanted), .data.fd = fd};
    if (wanted == 0) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &event);
    } else if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) < 0 && errno == ENOENT) {
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

/* Under lock. */
static struct watch *watch_by_id(int id)
{
    struct watch *watch = watches;
    while (watch != NULL && (watch->id != id || watch->removed)) {
        watch = watch->next;
    }
    return watch;
}

static int add_watch(int fd, int wanted, virEventHandleCallback callback, void *data,
                     virFreeCallback free_data)
{
    struct watch *watch = xcalloc(1, sizeof *watch);
    watch->fd = fd;
    watch->wanted = wanted;
    watch->callback = callback;
    watch->data = data;
    watch->free_data = free_data;
    pthread_mutex_lock(&lock);
    int id = watch->id = ++last_id;
    watch->next = watches;
    watches = watch;
    watch_descriptor(fd);
    pthread_mutex_unlock(&lock);
    return id;
}

/* Under lock. */
static void let_rest(struct watch *watch, bool rests)
{
    resting += rests - watch->rests;
    watch->rests = rests;
}

/* Under lock. */
static void change_watch(struct watch *watch, int wanted)
{
    uint64_t now_ms = loop_monotonic_ms();
    bool was_out = watch->wanted == 0 || watch->rests;
    if (wanted == 0) {
        watch->is_hurried = now_ms - watch->enabled_ms <= REST_MS;
        let_rest(watch, false);
    } else if (watch->wanted == 0) {
        watch->enabled_ms = now_ms;
        watch->until_ms = now_ms + REST_MS;
        let_rest(watch, watch->is_hurried);
    }
    watch->wanted = wanted;
    if (watch->rests && watch->until_ms < waits_until_ms) {
        waits_until_ms = watch->until_ms;
        event_loop_wake();
    }
    bool is_out = watch->wanted == 0 || watch->rests;
    if (!was_out || !is_out) {
        watch_descriptor(watch->fd);
    }
}

static void update_watch(int id, int wanted)
{
    pthread_mutex_lock(&lock);
    struct watch *watch = watch_by_id(id);
    if (watch != NULL && watch->wanted != wanted) {
        change_watch(watch, wanted);
    }
    pthread_mutex_unlock(&lock);
}

static int remove_watch(int id)
{
    pthread_mutex_lock(&lock);
    struct watch *watch = watch_by_id(id);
    if (watch != NULL) {
        watch->removed = true;
        let_rest(watch, false);
        watch_descriptor(watch->fd);
    }
    pthread_mutex_unlock(&lock);
    event_loop_wake();
    return watch == NULL ? -1 : 0;
}

/* Under lock. */
static struct timer *timer_by_id(int id)
{
    struct timer *timer = timers;
    while (timer != NULL && (timer->id != id || timer->removed)) {
        timer = timer->next;
    }
    return timer;
}

/* Under lock. */
static void start_timer(struct timer *timer, int every_ms)
{
    timer->every_ms = every_ms;
    timer->due_ms = loop_monotonic_ms() + (uint64_t)(every_ms < 0 ? 0 : every_ms);
    if (every_ms >= 0 && timer->due_ms < waits_until_ms) {
        event_loop_wake();
    }
}

static int add_timer(int every_ms, virEventTimeoutCallback callback, void *data,
                     virFreeCallback free_data)
{
    struct timer *timer = xcalloc(1, sizeof *timer);
    timer->callback = callback;
    timer->data = data;
    timer->free_data = free_data;
    pthread_mutex_lock(&lock);
    int id = timer->id = ++last_id;
    timer->next = timers;
    timers = timer;
    start_timer(timer, every_ms);
    pthread_mutex_unlock(&lock);
    return id;
}

static void update_timer(int id, int every_ms)
{
    pthread_mutex_lock(&lock);
    struct timer *timer = timer_by_id(id);
    if (timer != NULL) {
        start_timer(timer, every_ms);
    }
    pthread_mutex_unlock(&lock);
}

static int remove_timer(int id)
{
    pthread_mutex_lock(&lock);
    struct timer *timer = timer_by_id(id);
    if (timer != NULL) {
        timer->removed = true;
    }
    pthread_mutex_unlock(&lock);
    event_loop_wake();
    return timer == NULL ? -1 : 0;
}

/* The rest runs on the event thread, which alone takes members out of the tables: one that was
 * found stays, whatever others do while its callback runs. */

static void tell_watches(int fd, int events)
{
    pthread_mutex_lock(&lock);
    for (struct watch *watch = watches; watch != NULL; watch = watch->next) {
        int told = events & (watch->wanted | VIR_EVENT_HANDLE_ERROR | VIR_EVENT_HANDLE_HANGUP);
        bool is_in = watch->wanted != 0 && !watch->rests && !watch->removed;
        if (watch->fd == fd && is_in && told != 0) {
            pthread_mutex_unlock(&lock);
            watch->callback(watch->id, fd, told, watch->data);
            pthread_mutex_lock(&lock);
        }
    }
    pthread_mutex_unlock(&lock);
}

static void tell_timers(void)
{
    uint64_t now_ms = loop_monotonic_ms();
    pthread_mutex_lock(&lock);
    for (struct timer *timer = timers; timer != NULL; timer = timer->next) {
        if (!timer->removed && timer->every_ms >= 0 && timer->due_ms <= now_ms) {
            timer->due_ms = now_ms + (uint64_t)timer->every_ms;
            pthread_mutex_unlock(&lock);
            timer->callback(timer->id, timer->data);
            pthread_mutex_lock(&lock);
        }
    }
    pthread_mutex_unlock(&lock);
}

static void free_removed(void)
{
    struct watch *old_watches = NULL;
    struct timer *old_timers = NULL;
    pthread_mutex_lock(&lock);
    for (struct watch **link = &watches; *link != NULL;) {
        struct watch *watch = *link;
        if (watch->removed) {
            *link = watch->next;
            watch->next = old_watches;
            old_watches = watch;
        } else {
            link = &watch->next;
        }
    }
    for (struct timer **link = &timers; *link != NULL;) {
        struct timer *timer = *link;
        if (timer->removed) {
            *link = timer->next;
            timer->next = old_timers;
            old_timers = timer;
        } else {
            link = &timer->next;
        }
    }
    pthread_mutex_unlock(&lock);
    for (struct watch *watch = old_watches, *next; watch != NULL; watch = next) {
        next = watch->next;
        if (watch->free_data != NULL) {
            watch->free_data(watch->data);
        }
        free(watch);
    }
    for (struct timer *timer = old_timers, *next; timer != NULL; timer = next) {
        next = timer->next;
        if (timer->free_data != NULL) {
            timer->free_data(timer->data);
        }
        free(timer);
    }
}

/* Under lock. Ends the rest of those that have had it; when the next one's ends. */
static uint64_t end_rests(uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;
    for (struct watch *watch = resting == 0 ? NULL : watches; watch != NULL; watch = watch->next) {
        if (watch->rests && watch->until_ms <= now_ms) {
            let_rest(watch, false);
            watch_descriptor(watch->fd);
        } else if (watch->rests && watch->until_ms < next_ms) {
            next_ms = watch->until_ms;
        }
    }
    return next_ms;
}

/* How long nothing is due, for epoll_wait. */
static int next_wait_ms(void)
{
    uint64_t now_ms = loop_monotonic_ms();
    pthread_mutex_lock(&lock);
    uint64_t due_ms = end_rests(now_ms);
    for (const struct timer *timer = timers; timer != NULL; timer = timer->next) {
        if (!timer->removed && timer->every_ms >= 0 && timer->due_ms < due_ms) {
            due_ms = timer->due_ms;
        }
    }
    waits_until_ms = due_ms;
    pthread_mutex_unlock(&lock);
    if (due_ms == UINT64_MAX) {
        return -1;
    }
    return due_ms <= now_ms ? 0 : due_ms - now_ms > INT32_MAX ? INT32_MAX : (int)(due_ms - now_ms);
}

static void *event_thread_run(void *unused)
{
    (void)unused;
    struct epoll_event events[EVENTS_AT_ONCE];
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS_AT_ONCE, next_wait_ms());
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == wake) {
                uint64_t times;
                ssize_t got = read(wake, &times, sizeof times);
                (void)got; /* nothing there: somebody was woken twice */
            } else {
                tell_watches(events[i].data.fd, handle_events(events[i].events));
            }
        }
        tell_timers();
        free_removed();
    }
    return NULL;
}

bool event_loop_start(void)
{
    epoll = epoll_create1(EPOLL_CLOEXEC);
    wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = wake};
    if (epoll < 0 || wake < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event) < 0) {
        return false;
    }
    virEventRegisterImpl(add_watch, update_watch, remove_watch, add_timer, update_timer,
                         remove_timer);
    return thread_start("libvirt-events", event_thread_run, NULL);
}
