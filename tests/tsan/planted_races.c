/*
 * planted_races: a program that races on purpose, so that ThreadSanitizer is seen to see it.
 *
 *     planted_races CASE
 *
 * It ends with 0 by itself, and ThreadSanitizer makes 66 of that once it has reported. The threads
 * of a case wait for each other by relaxed atomics and bare system calls, which order nothing in
 * its eyes.
 */
#include "host/event_loop.h"
#include "loop/loop.h"
#include "loop/workers.h"
#include "memory.h"
#include "scope.h"

#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

enum { MANY = 4096 };

static struct loop *loop;
static struct workers *workers;
static virConnectPtr conn;
static unsigned char maps[MANY]; /* what libvirt writes to in one of the cases */
/* With nothing beside it: the sanitizer remembers few accesses to a word. */
static struct {
    _Alignas(64) int touched;
} shared;

/* Facts, 0 until they are so. */
static atomic_int loop_was_there;
static atomic_int other_was_there;
static atomic_int subscribed; /* its number and 1 */

static void say(atomic_int *fact, int value)
{
    atomic_store_explicit(fact, value, memory_order_relaxed);
    syscall(SYS_futex, fact, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static int wait_for(atomic_int *fact)
{
    int value;
    while ((value = atomic_load_explicit(fact, memory_order_relaxed)) == 0) {
        syscall(SYS_futex, fact, FUTEX_WAIT, 0, NULL, NULL, 0);
    }
    return value;
}

/* The loop's side: under uv_run, as all of the loop's thread is. */

static void timer_touches(void *owner)
{
    (void)owner;
    shared.touched++;
    maps[MANY / 2]++;
    say(&loop_was_there, 1);
}

static void delivery_touches(struct letter *letter)
{
    (void)letter;
    shared.touched++;
    say(&loop_was_there, 1);
}

static unsigned undelivered;

static void done(struct letter *letter)
{
    (void)letter;
    if (--undelivered == 0) {
        loop_stop(loop);
    }
}

static void submit(struct job *job, void (*run)(struct job *job))
{
    *job = (struct job){.letter.deliver = done, .run = run};
    undelivered++;
    workers_submit(workers, job);
}

/* Runs a job beside a timer of the loop's. */
static void run_beside_timer(void (*run)(struct job *job), void (*fired)(void *owner))
{
    static struct job job;
    submit(&job, run);
    struct loop_timer *timer = loop_timer_new(loop, fired, NULL);
    loop_timer_start(timer, 1, 0);
    loop_run(loop);
    loop_timer_free(timer);
}

/* A timer and a worker. */

static void worker_touches(struct job *job)
{
    (void)job;
    shared.touched++;
    wait_for(&loop_was_there);
}

static void timer_case(void)
{
    run_beside_timer(worker_touches, timer_touches);
}

/* A timer and a worker, who closes what the other reads from. */

static int descriptor;

static void timer_reads(void *owner)
{
    (void)owner;
    uint64_t count;
    ssize_t got = read(descriptor, &count, sizeof count);
    (void)got;
    say(&loop_was_there, 1);
}

static void worker_closes(struct job *job)
{
    (void)job;
    wait_for(&loop_was_there);
    close(descriptor);
}

static void descriptor_case(void)
{
    descriptor = eventfd(1, EFD_CLOEXEC);
    run_beside_timer(worker_closes, timer_reads);
}

/* A timer that ends what a worker used, or still holds: a lock does not order its own end. */

static struct locked {
    pthread_mutex_t lock;
    int touched;
} * locked;

static void timer_ends(void *owner)
{
    (void)owner;
    wait_for(&other_was_there);
    pthread_mutex_destroy(&locked->lock);
    free(locked);
    say(&loop_was_there, 1);
}

static void worker_uses(struct job *job)
{
    (void)job;
    pthread_mutex_lock(&locked->lock);
    locked->touched++;
    pthread_mutex_unlock(&locked->lock);
    say(&other_was_there, 1);
    wait_for(&loop_was_there);
}

static void worker_holds(struct job *job)
{
    (void)job;
    pthread_mutex_lock(&locked->lock);
    say(&other_was_there, 1);
    wait_for(&loop_was_there);
    locked->touched++;
    pthread_mutex_unlock(&locked->lock);
}

static void make_locked(void)
{
    locked = xcalloc(1, sizeof *locked);
    pthread_mutex_init(&locked->lock, NULL);
}

static void end_case(void)
{
    make_locked();
    run_beside_timer(worker_uses, timer_ends);
}

static void held_case(void)
{
    make_locked();
    run_beside_timer(worker_holds, timer_ends);
}

/* A letter and its sender, who goes on with what was given away. */

static void sender_touches(struct job *job)
{
    (void)job;
    static struct letter letter = {.deliver = delivery_touches};
    loop_post(loop, &letter);
    shared.touched++;
    wait_for(&loop_was_there);
}

static void letter_case(void)
{
    static struct job job;
    submit(&job, sender_touches);
    loop_run(loop);
}

/* A timer and libvirt, which writes where a worker told it to. */

static virDomainPtr running_domain(void)
{
    virDomainPtr domain = virDomainLookupByName(conn, "test");
    if (domain == NULL) {
        abort(); /* every world of the test driver has it */
    }
    return domain;
}

static void worker_asks_libvirt(struct job *job)
{
    (void)job;
    virDomainPtr domain = running_domain();
    virVcpuInfo info;
    virDomainGetVcpus(domain, &info, 1, maps, MANY);
    virDomainFree(domain);
    wait_for(&loop_was_there);
}

static void libvirt_case(void)
{
    run_beside_timer(worker_asks_libvirt, timer_touches);
}

/* A timer and a callback of libvirt's, on the thread of its events. */

static int callback_touches(virConnectPtr connection, virDomainPtr domain, int event, int detail,
                            void *data)
{
    (void)connection;
    (void)domain;
    (void)event;
    (void)detail;
    (void)data;
    shared.touched++;
    say(&other_was_there, 1);
    return 0;
}

static int subscribe(virConnectDomainEventCallback callback, virFreeCallback let_go)
{
    return virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                            VIR_DOMAIN_EVENT_CALLBACK(callback), NULL, let_go);
}

static void worker_makes_an_event(struct job *job)
{
    (void)job;
    if (subscribe(callback_touches, NULL) < 0) {
        abort();
    }
    virDomainPtr domain = running_domain();
    virDomainSuspend(domain);
    virDomainFree(domain);
    wait_for(&other_was_there);
    wait_for(&loop_was_there);
}

static void callback_case(void)
{
    run_beside_timer(worker_makes_an_event, timer_touches);
}

/* No race: what the first worker did is before what the second does, by a lock of libvirt's. */

static void let_go_touches(void *data)
{
    (void)data;
    shared.touched++;
    say(&other_was_there, 1);
}

static int nothing(virConnectPtr connection, virDomainPtr domain, int event, int detail, void *data)
{
    (void)connection;
    (void)domain;
    (void)event;
    (void)detail;
    (void)data;
    return 0;
}

static void worker_subscribes(struct job *job)
{
    (void)job;
    shared.touched++;
    int id = subscribe(nothing, let_go_touches);
    if (id < 0) {
        abort();
    }
    say(&subscribed, id + 1);
    wait_for(&other_was_there);
}

static void worker_unsubscribes(struct job *job)
{
    (void)job;
    virConnectDomainEventDeregisterAny(conn, wait_for(&subscribed) - 1);
    wait_for(&other_was_there);
}

static void lock_case(void)
{
    static struct job jobs[2];
    submit(&jobs[0], worker_subscribes);
    submit(&jobs[1], worker_unsubscribes);
    loop_run(loop);
}

/* No race: what libuv closed, and a worker then opens and closes under the same number. */

static void timer_has_a_loop(void *owner)
{
    (void)owner;
    uv_loop_t other;
    if (uv_loop_init(&other) != 0) {
        abort();
    }
    int number = uv_backend_fd(&other);
    uv_loop_close(&other);
    say(&loop_was_there, number); /* no loop's is 0 */
}

static void worker_opens(struct job *job)
{
    (void)job;
    int number = wait_for(&loop_was_there);
    int fd;
    do {
        fd = openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
    } while (fd >= 0 && fd < number);
    if (fd != number) {
        abort(); /* it was not free: nothing would be shown */
    }
    close(fd);
}

static void number_case(void)
{
    run_beside_timer(worker_opens, timer_has_a_loop);
}

static const struct planted {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"timer", timer_case},       {"descriptor", descriptor_case},
    {"end", end_case},           {"held", held_case},
    {"letter", letter_case},     {"libvirt", libvirt_case},
    {"callback", callback_case}, {"lock", lock_case},
    {"number", number_case},
};

int main(int count, char **words)
{
    for (size_t i = 0; count == 2 && i < ARRAY_LENGTH(cases); i++) {
        if (strcmp(cases[i].name, words[1]) == 0) {
            loop = loop_new();
            workers = workers_new(loop, "planted", 2, 1000);
            conn = event_loop_start() ? virConnectOpen("test:///default") : NULL;
            if (conn == NULL) {
                abort();
            }
            cases[i].run();
            virConnectClose(conn);
            workers_free(workers);
            return loop_free(loop) ? 0 : 1;
        }
    }
    (void)fprintf(stderr, "usage: planted_races CASE\n");
    return 2;
}
