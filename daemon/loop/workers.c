/*
 * workers: jobs wait in a list under the lock. A submit starts a thread when more jobs wait than
 * threads are idle, up to the limit; a thread ends when it has waited for idle_ms.
 *
 * The pool is held by its owner and by each of its threads, so that one that was lost in a call
 * finds it when it comes back. A job is the worker's during run() and the loop's from its letter
 * on.
 */
#include "loop/workers.h"

#include "loop/thread.h"
#include "memory.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct workers {
    struct loop *loop;
    const char *name;
    unsigned limit;
    unsigned idle_ms;
    pthread_mutex_t lock;
    pthread_cond_t work;
    pthread_cond_t rest; /* perhaps nothing is to be done any more */
    /* all under lock */
    struct job *first;
    struct job **last;
    unsigned waiting;
    unsigned threads;
    unsigned idle;
    unsigned references; /* its owner and each thread */
    bool closed;
};

struct workers *workers_new(struct loop *loop, const char *name, unsigned limit, unsigned idle_ms)
{
    assert(limit > 0);
    struct workers *workers = xcalloc(1, sizeof *workers);
    workers->loop = loop;
    workers->name = name;
    workers->limit = limit;
    workers->idle_ms = idle_ms;
    workers->last = &workers->first;
    workers->references = 1;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&workers->work, &monotonic);
    pthread_cond_init(&workers->rest, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return workers;
}

/* Gives the lock back and one reference with it. */
static void release(struct workers *workers)
{
    bool last = --workers->references == 0;
    pthread_mutex_unlock(&workers->lock);
    if (last) {
        pthread_cond_destroy(&workers->work);
        pthread_cond_destroy(&workers->rest);
        pthread_mutex_destroy(&workers->lock);
        free(workers);
    }
}

static struct timespec later(unsigned ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    return until;
}

/* Under lock. Waits up to the idle time; NULL when the thread should end. */
static struct job *next_job(struct workers *workers)
{
    struct timespec until = later(workers->idle_ms);
    while (workers->first == NULL && !workers->closed) {
        workers->idle++;
        pthread_cond_broadcast(&workers->rest);
        int waited = pthread_cond_timedwait(&workers->work, &workers->lock, &until);
        workers->idle--;
        if (waited == ETIMEDOUT && workers->first == NULL) {
            return NULL;
        }
    }
    struct job *job = workers->first;
    if (job != NULL) {
        workers->first = job->next;
        if (workers->first == NULL) {
            workers->last = &workers->first;
        }
        workers->waiting--;
    }
    return job;
}

/* Of this thread. */
static uint64_t processor_us(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

static void *work(void *data)
{
    struct workers *workers = data;
    struct loop *loop = workers->loop;

    pthread_mutex_lock(&workers->lock);
    for (;;) {
        struct job *job = next_job(workers);
        if (job == NULL) {
            break;
        }
        pthread_mutex_unlock(&workers->lock);
        uint64_t before_us = processor_us();
        job->run(job);
        job->letter.cost_us = processor_us() - before_us;
        loop_post(loop, &job->letter); /* the job is the loop's now */
        pthread_mutex_lock(&workers->lock);
    }
    workers->threads--;
    pthread_cond_broadcast(&workers->rest);
    release(workers);
    return NULL;
}

void workers_submit(struct workers *workers, struct job *job)
{
    assert(loop_is_current());
    job->next = NULL;

    pthread_mutex_lock(&workers->lock);
    *workers->last = job;
    workers->last = &job->next;
    workers->waiting++;
    bool more = workers->idle < workers->waiting && workers->threads < workers->limit;
    if (more) {
        workers->threads++;
        workers->references++;
    }
    pthread_mutex_unlock(&workers->lock);
    pthread_cond_signal(&workers->work); /* now: who wakes finds the lock free */

    /* Without a new thread the job waits for one of those that are there, or for the next submit.
     */
    if (more && !thread_start(workers->name, work, workers)) {
        pthread_mutex_lock(&workers->lock);
        workers->threads--;
        release(workers);
    }
}

unsigned workers_running(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    unsigned running = workers->threads - workers->idle;
    pthread_mutex_unlock(&workers->lock);
    return running;
}

unsigned workers_waiting(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    unsigned waiting = workers->waiting;
    pthread_mutex_unlock(&workers->lock);
    return waiting;
}

bool workers_finish(struct workers *workers, unsigned ms)
{
    struct timespec until = later(ms);
    int waited = 0;
    pthread_mutex_lock(&workers->lock);
    while (waited == 0 && (workers->first != NULL || workers->threads > workers->idle)) {
        waited = pthread_cond_timedwait(&workers->rest, &workers->lock, &until);
    }
    bool finished = workers->first == NULL && workers->threads == workers->idle;
    pthread_mutex_unlock(&workers->lock);
    return finished;
}

void workers_free(struct workers *workers)
{
    if (workers == NULL) {
        return;
    }
    assert(loop_is_current());
    pthread_mutex_lock(&workers->lock);
    workers->closed = true;
    struct job *job = workers->first;
    workers->first = NULL;
    workers->last = &workers->first;
    workers->waiting = 0;
    pthread_cond_broadcast(&workers->work);
    release(workers);

    while (job != NULL) {
        struct job *next = job->next;
        atomic_store(&job->cancelled, true);
        job->letter.deliver(&job->letter);
        job = next;
    }
}
