/*
 * reading: what a host's libvirt tells, the same to all who ask meanwhile (loop/rounds.h): pools,
 * networks, volumes, a domain's XML. On connections of their own (`read`), so that one which hangs
 * holds up neither an operation nor a sync.
 *
 * At most HOST_READ_CALLS are out on a host, each on a connection of its own, and one of them of
 * its pools, which may hang for as long as a file server does: that leaves one for all else. Who
 * asks waits for a bounded time.
 */
#ifndef HOST_READING_H
#define HOST_READING_H

#include "host/task.h"
#include "loop/rounds.h"

struct host_reading_kind {
    bool is_of_pools;
    unsigned patience_ms; /* 0: who asks has a bound of its own */
    const char *late;     /* "has not listed its pools": TIMEOUT is said so, of libvirt … */
    const char *hint;     /* … and what may be the matter; or NULL */
    /* On a worker, which may be lost in it. NULL with the error. */
    void *(*read)(struct host_conn *conn, const void *about, struct lodge_error *err);
    void (*free)(void *answer);
    /* Whether it is the same that is asked for; NULL: nobody shares it. */
    bool (*is_same)(const void *about, const void *other);
    /* On the loop, when no worker has it any more, after the answer. Or NULL: it outlives the host.
     */
    void (*gone)(void *about);
};

/* Loop-only. Takes `about` over. `answer` comes exactly once, in this call or later: HOST_DOWN when
 * the host is not up or goes, TIMEOUT when patience has ended, CANCELLED when it is freed, else
 * what read() has told. What it answers is borrowed for the call. */
void host_read(struct host *host, const struct host_reading_kind *kind, void *about,
               rounds_fn *answer, void *data);

#endif
