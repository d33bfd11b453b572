/*
 * victim: how long somebody waits for answers who asks now and then, while others do their worst.
 *
 * `victim SOCKET SECONDS INTERVAL_US LINE` sends LINE each INTERVAL_US and prints how often, the
 * median, the 99th percentile and the maximum (ns). Those that were due while one was waited for
 * count too, from when they were due: a standstill is not one bad answer of a thousand. One thread,
 * one connection; what is never answered is waited for PATIENCE_S more.
 */
#include "line_client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>

enum { PATIENCE_S = 20, SAMPLES_MAX = 1000000 };

struct victim {
    const char *path;
    const char *line;
    size_t length;
    int fd;
    long long *took;
    size_t count;
};

/* Whether something came before `until`. */
static bool wait_readable(int fd, long long until)
{
    for (;;) {
        long long left = until - now_ns();
        struct timespec timeout = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
        struct pollfd look = {.fd = fd, .events = POLLIN};
        if (left <= 0) {
            return false;
        }
        int ready = ppoll(&look, 1, &timeout, NULL);
        if (ready > 0 || (ready < 0 && errno != EINTR)) {
            return true;
        }
    }
}

/* One line there, one back; false when the other end is gone or time is up. */
static bool ask(struct victim *victim, long long until)
{
    static char buffer[1 << 18];

    if (victim->fd < 0) {
        victim->fd = connect_to(victim->path, 0);
    }
    if (victim->fd < 0 ||
        send(victim->fd, victim->line, victim->length, MSG_NOSIGNAL) != (ssize_t)victim->length) {
        return false;
    }
    while (wait_readable(victim->fd, until)) {
        ssize_t got = recv(victim->fd, buffer, sizeof(buffer), 0);
        if (got <= 0) {
            return false;
        }
        if (buffer[got - 1] == '\n') {
            return true;
        }
    }
    return false;
}

static void note(struct victim *victim, long long took)
{
    if (victim->count < SAMPLES_MAX) {
        victim->took[victim->count++] = took;
    }
}

/* Of one that was asked at `begun`, and of those that were due while it was waited for. Returns
 * when the next is due. */
static long long note_all(struct victim *victim, long long begun, long long interval)
{
    long long now = now_ns();
    note(victim, now - begun);
    for (begun += interval; begun < now; begun += interval) {
        note(victim, now - begun);
    }
    return begun;
}

/* Until `end`; false when an answer did not come. */
static bool suffer(struct victim *victim, long long end, long long interval)
{
    bool answered = true;
    long long due = now_ns();
    while (answered && due < end) {
        wait_readable(-1, due);
        long long begun = now_ns();
        answered = ask(victim, end + PATIENCE_S * 1000000000LL);
        due = note_all(victim, begun, interval);
    }
    return answered;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: victim SOCKET SECONDS INTERVAL_US LINE\n");
        return 2;
    }
    AUTO(free) char *line = NULL;
    int length = asprintf(&line, "%s\n", argv[4]);
    AUTO(free) long long *took = calloc(SAMPLES_MAX, sizeof(*took));
    long long seconds = strtoll(argv[2], NULL, 10);
    long long interval = strtoll(argv[3], NULL, 10) * 1000;
    if (length < 0 || took == NULL || interval <= 0 || seconds <= 0) {
        perror("victim");
        return 1;
    }
    struct victim victim = {argv[1], line, (size_t)length, -1, took, 0};
    bool served = suffer(&victim, now_ns() + seconds * 1000000000LL, interval);
    qsort(took, victim.count, sizeof(*took), compare_ns);
    printf("%zu %lld %lld %lld %s\n", victim.count, took[victim.count / 2],
           took[victim.count * 99 / 100], took[victim.count - 1], served ? "served" : "failed");
    return 0;
}
