/*
 * listen: the door's socket file: never with wrong rights, never taken from a daemon that lives.
 *
 * Before any thread exists: it changes the umask, which belongs to the process.
 */
#ifndef RPC_LISTEN_H
#define RPC_LISTEN_H

#include "lodge/error.h"

#include <sys/types.h>

/* Those who wait to be let in (listen(2)): whoever comes stands behind them all, and whoever comes
 * and goes all the time keeps the line full. Who finds it full waits in connect(2). */
enum { LISTEN_BACKLOG = 128 };

struct listen_options {
    const char *path;
    mode_t mode;
    gid_t group; /* -1: leave it */
};

struct listening {
    int fd;       /* bound and listening, non-blocking */
    int lock_fd;  /* PATH.lock, held for life */
    dev_t device; /* of the socket file, with its inode: what we may remove */
    ino_t inode;
};

/* Takes the lock beside the path, looks whether somebody answers there, binds beside it and renames
 * into place. EXISTS when a daemon lives there or the path is no socket. */
bool listen_at(const struct listen_options *options, struct listening *ret_listening,
               struct lodge_error *err) LODGE_MUST_CHECK;

/* Removes the socket file if it still is ours. The lock file stays: removing it would let two
 * daemons lock two files. */
void listen_end(const char *path, const struct listening *listening);

#endif
