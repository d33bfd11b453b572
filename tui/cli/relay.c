/*
 * relay: a chunk for each way, and a poll() that waits for what either needs next: bytes when its
 * chunk is empty, room when it is not.
 */
#include "cli/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 65536 };

/* One way of the bytes. It reads only when all it had is sent: a full side stops its own way and
 * never the other, or two ends that both write before they read would wait for ever. */
struct way {
    int from;
    int to;
    size_t begin;
    size_t end;
    uint64_t got;
    char bytes[CHUNK];
};

static bool is_for_now(ssize_t done)
{
    return done < 0 && (errno == EAGAIN || errno == EINTR);
}

static bool hand_on(struct way *way, short from_events, short to_events)
{
    if (way->begin == way->end && from_events != 0) {
        ssize_t got = recv(way->from, way->bytes, sizeof way->bytes, 0);
        if (got <= 0) {
            return is_for_now(got);
        }
        way->begin = 0;
        way->end = (size_t)got;
        way->got += (uint64_t)got;
        to_events = POLLOUT; /* most often there is room */
    }
    if (way->begin < way->end && to_events != 0) {
        ssize_t sent = send(way->to, way->bytes + way->begin, way->end - way->begin, MSG_NOSIGNAL);
        if (sent < 0) {
            return is_for_now(sent);
        }
        way->begin += (size_t)sent;
    }
    return true;
}

static short wanted(const struct way *in, const struct way *out)
{
    return (short)((in->begin == in->end ? POLLIN : 0) | (out->begin < out->end ? POLLOUT : 0));
}

static bool is_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

uint64_t relay_run(int one, int other)
{
    struct way there = {.from = one, .to = other};
    struct way back = {.from = other, .to = one};
    bool goes_on = is_nonblocking(one) && is_nonblocking(other);

    while (goes_on) {
        short of_one = wanted(&there, &back);
        short of_other = wanted(&back, &there);
        /* poll() tells of a hang-up whether asked or not: an end of which nothing is wanted yet is
         * left out, or it would be told for ever. */
        struct pollfd ends[] = {{.fd = of_one == 0 ? -1 : one, .events = of_one},
                                {.fd = of_other == 0 ? -1 : other, .events = of_other}};
        if (poll(ends, 2, -1) < 0) {
            goes_on = errno == EINTR;
            continue;
        }
        goes_on = hand_on(&there, ends[0].revents, ends[1].revents) &&
                  hand_on(&back, ends[1].revents, ends[0].revents);
    }
    return there.got;
}
