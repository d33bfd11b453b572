/*
 * event_loop: one table of watches and one of timers under one lock, which libvirt calls with from
 * any thread; its callbacks run on the event thread alone, without the lock. What is removed is
 * freed by that thread too, so that nothing goes away under a callback.
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

enum { EVENTS_AT_ONCE = 64 };

struct watch {
    struct watch *next;
    int id;
    int fd;
    int wanted; /* VIR_EVENT_HANDLE_…; 0: not in the epoll, which would tell of hang-ups anyway */
    bool removed;
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
        wanted |= watch->fd == fd && !watch->removed ? watch->wanted : 0;
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

static void update_watch(int id, int wanted)
{
    pthread_mutex_lock(&lock);
    struct watch *watch = watch_by_id(id);
    if (watch != NULL && watch->wanted != wanted) {
        watch->wanted = wanted;
        watch_descriptor(watch->fd);
    }
    pthread_mutex_unlock(&lock);
}

static int remove_watch(int id)
{
    pthread_mutex_lock(&lock);
    struct watch *watch = watch_by_id(id);
    if (watch != NULL) {
        watch->removed = true;
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
        if (watch->fd == fd && !watch->removed && watch->wanted != 0 && told != 0) {
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

/* How long nothing is due, for epoll_wait. */
static int next_wait_ms(void)
{
    uint64_t now_ms = loop_monotonic_ms();
    pthread_mutex_lock(&lock);
    uint64_t due_ms = UINT64_MAX;
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
