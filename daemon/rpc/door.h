/*
 * door: the RPC socket: who may come in, and how many. Loop-only, but for its making.
 */
#ifndef RPC_DOOR_H
#define RPC_DOOR_H

#include "rpc/call.h"
#include "rpc/connection.h"
#include "rpc/listen.h"

enum { DOOR_CONNECTIONS = 512, DOOR_PER_UID = 128, DOOR_KEPT_FOR_ADMINS = 16 };

struct door;
struct jsonrpc_parser;

/* `listening` stays the caller's; `house` must outlive the door. */
struct door *door_new(const struct listening *listening, const struct rpc_house *house);

/* Closes every connection; they are gone when the loop has run once more. NULL is fine. */
void door_close(struct door *door);

const struct rpc_house *door_house(const struct door *door);
struct jsonrpc_parser *door_parser(const struct door *door);
struct account **door_accounts(struct door *door); /* of those who are in */
struct viewer door_viewer(const struct door *door, const struct identity *identity);

void door_connection_gone(struct connection *connection);

/* Something is unsent somewhere: look now and then whether it goes out. */
void door_watch(struct door *door);

uint64_t door_next_serial(struct door *door);

#endif
