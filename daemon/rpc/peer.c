/*
 * peer: SO_PEERCRED and SO_PEERGROUPS, which say who the other end was when it connected. The
 * identity owns its groups.
 */
#include "rpc/peer.h"

#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59 /* Linux 4.13; older C libraries do not name it */
#endif

/* The groups that the peer had when it connected. Without them only the primary one counts, which
 * can take rights away but never give any. */
static void read_groups(int fd, struct identity *identity)
{
    socklen_t size = 64 * sizeof(gid_t);
    gid_t *groups = xmalloc(size);
    int result = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size);
    if (result != 0 && errno == ERANGE) {
        groups = xrealloc(groups, size); /* the kernel said how much it wants */
        result = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size);
    }
    if (result != 0) {
        free(groups);
        return;
    }
    identity->groups = groups;
    identity->group_count = size / sizeof(gid_t);
}

bool peer_read(int fd, struct identity *ret_identity, struct lodge_error *err)
{
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "who is calling: %s", strerror(errno));
    }
    *ret_identity = (struct identity){
        .uid = credentials.uid,
        .gid = credentials.gid,
        .pid = credentials.pid,
    };
    read_groups(fd, ret_identity);
    return true;
}

void peer_clear(struct identity *identity)
{
    free(identity->groups);
    identity->groups = NULL;
    identity->group_count = 0;
}
