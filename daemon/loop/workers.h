/*
 * workers: a bounded pool of threads for calls that may block, made when needed, gone when idle.
 *
 * A job is a struct with its inputs by value and its answer's letter inside, so that nothing can
 * fail when it reports. run() is on a worker, deliver() (of its letter) on the loop, which frees
 * the job. A worker may be lost in a call: the pool is then one short until the call returns, and
 * leaving the daemon never waits for it.
 */
#ifndef LOOP_WORKERS_H
#define LOOP_WORKERS_H

#include "loop/loop.h"

#include <stdatomic.h>

struct job {
    struct letter letter;         /* first; deliver is called also for jobs that never ran */
    void (*run)(struct job *job); /* on a worker */
    atomic_bool cancelled;        /* the one fact that travels to a running job: set by the loop,
                                     read by run(), which a letter could not interrupt */
    struct job *next;
};

struct workers;

/* Loop only. At most `limit` jobs run at once; a thread without work for `idle_ms` ends. `name` is
 * what the threads are called (15 bytes) and must outlive the pool. */
struct workers *workers_new(struct loop *loop, const char *name, unsigned limit, unsigned idle_ms);

/* Loop only. Gives the job away; jobs start in the order submitted. */
void workers_submit(struct workers *workers, struct job *job);

unsigned workers_running(struct workers *workers); /* loop only */
unsigned workers_waiting(struct workers *workers); /* loop only */

/* For the farewell, when the loop has run out: waits at most so long until nothing is to be done
 * any more. Returns whether that is so. */
bool workers_finish(struct workers *workers, unsigned ms);

/* Loop only. Jobs that have not begun are delivered cancelled, by the time this returns. Threads
 * that are idle end; those in a call are left to end by themselves: their late letters are still
 * posted, to a loop that must outlive them or be left by _exit(). The struct lives until the last
 * of them is gone. NULL is fine. */
void workers_free(struct workers *workers);

#endif
