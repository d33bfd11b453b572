/*
 * long_line: a request whose text is long becomes a tree piece by piece, in its user's time: 20,000
 * objects take 15 ms. One of a user at a time, since each tree may take 15 MB. Loop-only.
 */
#ifndef RPC_LONG_LINE_H
#define RPC_LONG_LINE_H

#include "rpc/connection_private.h"

/* What is short, and was looked over, is parsed at once: as jsonrpc_parse(). */
bool long_line_is_short(size_t length);
struct json_object *long_line_parse_short(struct connection *connection, const char *text,
                                          size_t length, struct lodge_error *err);

/* Begins with `text`, which was looked over and is not short. It is copied, or else must live until
 * it has ended; long_line_parse() does the rest. */
void long_line_begin(struct connection *connection, const char *text, size_t length, bool copied);

/* Goes on while there is time. True: it has ended, with a tree that the caller puts, or NULL and
 * the error, and with the length of its text. False: its connection goes on when it can. */
bool long_line_parse(struct connection *connection, struct json_object **ret_json,
                     size_t *ret_length, struct lodge_error *err) LODGE_MUST_CHECK;

/* Whether one has begun, and not ended. */
bool long_line_is_open(const struct connection *connection);

void long_line_free(struct connection *connection);

#endif
