/* workers: a limit that holds, threads that end, and every job's letter delivered exactly once. */
#include "support/test.h"

#include "support/loop_world.h"

#include "loop/workers.h"
#include "memory.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A gate at which jobs stand until the test lets them through. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static bool open_gate; /* under lock, with the two below */
static unsigned inside;
static unsigned most_inside;

static unsigned delivered; /* the loop's */
static unsigned cancelled;
static unsigned wanted;
static int order[64];

struct numbered {
    struct job job; /* first */
    int number;
    bool ran;
};

static void stand(struct job *job)
{
    assert_false(loop_is_current());
    pthread_mutex_lock(&lock);
    inside++;
    most_inside = inside > most_inside ? inside : most_inside;
    pthread_cond_broadcast(&moved);
    while (!open_gate) {
        pthread_cond_wait(&moved, &lock);
    }
    inside--;
    pthread_mutex_unlock(&lock);
    ((struct numbered *)job)->ran = true;
}

static void deliver(struct letter *letter)
{
    struct numbered *numbered = (struct numbered *)letter;
    assert_true(loop_is_current());
    if (delivered < 64) {
        order[delivered] = numbered->number;
    }
    delivered++;
    if (atomic_load(&numbered->job.cancelled)) {
        cancelled++;
        assert_false(numbered->ran);
    } else {
        assert_true(numbered->ran);
    }
    free(numbered);
}

static void submit_running(struct workers *workers, int number, void (*run)(struct job *job))
{
    struct numbered *numbered = xcalloc(1, sizeof *numbered);
    numbered->job.run = run;
    numbered->job.letter.deliver = deliver;
    numbered->number = number;
    workers_submit(workers, &numbered->job);
}

static void submit(struct workers *workers, int number)
{
    submit_running(workers, number, stand);
}

static void set_gate(bool open)
{
    pthread_mutex_lock(&lock);
    open_gate = open;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
}

static void wait_inside(unsigned count)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_MS / 1000;
    pthread_mutex_lock(&lock);
    while (inside < count) {
        assert_int_equal(pthread_cond_timedwait(&moved, &lock, &until), 0);
    }
    pthread_mutex_unlock(&lock);
}

static bool all_delivered(void)
{
    return delivered == wanted;
}

static void begin(unsigned jobs)
{
    delivered = 0;
    cancelled = 0;
    wanted = jobs;
    most_inside = 0;
    set_gate(false);
}

static struct workers *lazy;

/* As the kernel lists them; one that is so new that it has no name yet counts as running. */
static bool all_lazy_ones_are_gone(void)
{
    if (workers_running(lazy) > 0) {
        return false;
    }
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    bool found = false;
    for (struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        char path[300];
        char name[16] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *stream = fopen(path, "re");
        if (stream != NULL) {
            found =
                (fgets(name, sizeof name, stream) != NULL && strcmp(name, "lazy\n") == 0) || found;
            fclose(stream);
        }
    }
    closedir(tasks);
    return !found;
}

static void turn(void *owner)
{
    (void)owner;
}

static void no_more_than_the_limit_run_at_once(void **state)
{
    (void)state;
    begin(20);
    struct workers *workers = workers_new(loop, "limited", 3, 1000);
    for (int i = 0; i < 20; i++) {
        submit(workers, i);
    }
    wait_inside(3);
    assert_int_equal(workers_running(workers), 3);
    assert_int_equal(workers_waiting(workers), 17);
    assert_int_equal(delivered, 0);
    set_gate(true);

    assert_true(loop_until(all_delivered));

    assert_int_equal(most_inside, 3);
    assert_int_equal(cancelled, 0);
    assert_int_equal(workers_waiting(workers), 0);
    workers_free(workers);
}

static void one_worker_keeps_the_order(void **state)
{
    (void)state;
    begin(30);
    set_gate(true);
    struct workers *workers = workers_new(loop, "one", 1, 1000);
    for (int i = 0; i < 30; i++) {
        submit(workers, i);
    }

    assert_true(loop_until(all_delivered));

    for (int i = 0; i < 30; i++) {
        assert_int_equal(order[i], i);
    }
    workers_free(workers);
}

static void idle_threads_end_and_are_made_again(void **state)
{
    (void)state;
    struct workers *workers = workers_new(loop, "lazy", 2, 1); /* threads end after 1 ms */
    lazy = workers;
    struct loop_timer *look = loop_timer_new(loop, turn, NULL);
    loop_timer_start(look, 1, 1);
    for (int round = 0; round < 50; round++) { /* at any moment of a thread's end */
        begin(2);
        set_gate(true);
        submit(workers, 0);
        submit(workers, 1);
        assert_true(loop_until(all_delivered));
        assert_int_equal(cancelled, 0);
        if (round % 10 == 0) {
            assert_true(loop_until(all_lazy_ones_are_gone));
        }
    }
    assert_true(loop_until(all_lazy_ones_are_gone));
    loop_timer_free(look);
    workers_free(workers);
}

static void jobs_that_have_not_begun_are_delivered_cancelled(void **state)
{
    (void)state;
    begin(5);
    struct workers *workers = workers_new(loop, "closed", 1, 1000);
    for (int i = 0; i < 5; i++) {
        submit(workers, i);
    }
    wait_inside(1);

    workers_free(workers); /* while one stands in its call */

    assert_int_equal(delivered, 4);
    assert_int_equal(cancelled, 4);
    assert_int_equal(order[0], 1);
    assert_int_equal(order[3], 4);
    set_gate(true); /* the lost call returns: its letter still comes */
    assert_true(loop_until(all_delivered));
    assert_int_equal(cancelled, 4);
}

static void pass(struct job *job)
{
    ((struct numbered *)job)->ran = true;
}

static void a_lost_worker_leaves_the_others_to_work(void **state)
{
    (void)state;
    begin(10);
    struct workers *workers = workers_new(loop, "lost", 2, 1000);
    submit(workers, 0);
    wait_inside(1); /* this one does not return for now */

    for (int i = 1; i <= 10; i++) {
        submit_running(workers, i, pass);
    }
    assert_true(loop_until(all_delivered));

    assert_int_equal(order[0], 1);
    assert_int_equal(order[9], 10);
    workers_free(workers); /* does not wait for it */
    assert_int_equal(delivered, 10);
    wanted = 11;
    set_gate(true);
    assert_true(loop_until(all_delivered));
    assert_int_equal(cancelled, 0);
}

static void thousands_of_jobs_come_once_each(void **state)
{
    (void)state;
    enum { JOBS = 5000 };
    begin(JOBS);
    set_gate(true);
    struct workers *workers = workers_new(loop, "many", 4, 1);
    for (int i = 0; i < JOBS; i++) {
        submit(workers, i);
    }

    assert_true(loop_until(all_delivered));

    assert_true(most_inside <= 4);
    workers_free(workers);
    workers_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_LOOP(no_more_than_the_limit_run_at_once),
        ON_LOOP(one_worker_keeps_the_order),
        ON_LOOP(idle_threads_end_and_are_made_again),
        ON_LOOP(jobs_that_have_not_begun_are_delivered_cancelled),
        ON_LOOP(a_lost_worker_leaves_the_others_to_work),
        ON_LOOP(thousands_of_jobs_come_once_each),
    };
    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
