/* turnstile: a semaphore of the process's, with a place per processor. */
#include "loop/turnstile.h"

#include "loop/loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

static sem_t places;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_places(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (sem_init(&places, 0, processors < 1 ? 1 : (unsigned)processors) != 0) {
        abort(); /* more processors than SEM_VALUE_MAX */
    }
}

void turnstile_enter(void)
{
    assert(!loop_is_current());
    pthread_once(&once, make_places);
    while (sem_wait(&places) != 0) {
        assert(errno == EINTR);
    }
}

void turnstile_leave(void)
{
    sem_post(&places);
}
