/*
 * thread: `struct start` goes to the new thread, which copies it and frees it. Stacks have 512 KiB.
 * Each thread knows whether it is the loop's.
 */
#include "loop/thread.h"

#include "loop/loop.h"
#include "memory.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>

static _Thread_local bool is_loop;

void thread_mark_loop(bool is_current)
{
    is_loop = is_current;
}

bool loop_is_current(void)
{
    return is_loop;
}

struct start {
    char name[16];
    void *(*run)(void *data);
    void *data;
};

static void *begin(void *data)
{
    struct start start = *(struct start *)data;
    free(data);
    pthread_setname_np(pthread_self(), start.name);
    return start.run(start.data);
}

static bool start_with(pthread_t *ret_thread, int detach, const char *name,
                       void *(*run)(void *data), void *data)
{
    struct start *start = xcalloc(1, sizeof *start);
    for (size_t i = 0; i + 1 < sizeof start->name && name[i] != '\0'; i++) {
        start->name[i] = name[i];
    }
    start->run = run;
    start->data = data;

    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, detach);
    /* libvirt and NSS want room, but not the 8 MiB that a main thread gets. */
    pthread_attr_setstacksize(&attributes, (size_t)512 * 1024);

    /* Signals are the loop's: a thread that is born with them blocked never takes one. */
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(ret_thread, &attributes, begin, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (failed != 0) {
        free(start);
    }
    return failed == 0;
}

void thread_give_way(bool gives_way)
{
    static _Thread_local bool gave_way;
    struct sched_param none = {.sched_priority = 0};
    int policy = sched_getscheduler(0);
    if (gives_way && policy == SCHED_OTHER) {
        gave_way = sched_setscheduler(0, SCHED_BATCH, &none) == 0;
    } else if (!gives_way && gave_way) {
        gave_way = false;
        (void)sched_setscheduler(0, SCHED_OTHER, &none); /* whoever may go there may come back */
    }
}

bool thread_start(const char *name, void *(*run)(void *data), void *data)
{
    pthread_t thread;
    return start_with(&thread, PTHREAD_CREATE_DETACHED, name, run, data);
}

bool thread_start_joinable(pthread_t *ret_thread, const char *name, void *(*run)(void *data),
                           void *data)
{
    return start_with(ret_thread, PTHREAD_CREATE_JOINABLE, name, run, data);
}
