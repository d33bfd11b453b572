/*
 * chronicle: of a subscription's events, what a person wants to read: a line for each thing that
 * happened, once, in words; what an operation has changed stands in the operation's own line.
 *
 * It keeps what it was told of VMs, hosts, operations and sessions, to know what is other. Lines
 * are not yet made harmless. One thread.
 */
#ifndef TUI_CLI_CHRONICLE_H
#define TUI_CLI_CHRONICLE_H

#include "lodge/event.h"

struct chronicle;

/* `say` gets each line, valid during the call. `query` (borrowed; NULL: none) is what the
 * subscription's VMs match: then other things are told as far as they concern those. */
struct chronicle *chronicle_new(const char *query, void (*say)(void *data, const char *line),
                                void *data);
void chronicle_free(struct chronicle *chronicle); /* NULL is fine */

/* Takes in one event. `now_ms` since 1970. */
void chronicle_hear(struct chronicle *chronicle, const struct lodge_event *event, int64_t now_ms);

/* All that has come so far was heard: says what no operation that goes on will say. */
void chronicle_settle(struct chronicle *chronicle);

#endif
