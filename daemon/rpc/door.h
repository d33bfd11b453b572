/*
 * door: the RPC socket: who may come in, and how many. Loop-only, but for its making.
 */
#ifndef RPC_DOOR_H
#define RPC_DOOR_H

#include "rpc/call.h"
#include "rpc/listen.h"

enum { DOOR_CONNECTIONS = 512, DOOR_PER_UID = 128, DOOR_KEPT_FOR_ADMINS = 16 };

struct door;

/* `listening` stays the caller's; `services` must outlive the door. */
struct door *door_new(const struct listening *listening, const struct rpc_services *services);

/* Closes every connection; they are gone when the loop has run once more. NULL is fine. */
void door_close(struct door *door);

#endif
