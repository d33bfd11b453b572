/* peer: who is at the other end of a Unix socket, as the kernel says (unix(7)). Any thread. */
#ifndef RPC_PEER_H
#define RPC_PEER_H

#include "lodge/error.h"
#include "registry/people.h"

/* SO_PEERCRED has uid, pid and the primary group; SO_PEERGROUPS the others. The caller clears it.
 */
bool peer_read(int fd, struct identity *ret_identity, struct lodge_error *err) LODGE_MUST_CHECK;
void peer_clear(struct identity *identity);

#endif
