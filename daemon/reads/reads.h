/*
 * reads: what the door may ask of hosts and store without changing anything. Loop-only.
 *
 * The door sees neither host nor store; this room stands between them.
 */
#ifndef READS_READS_H
#define READS_READS_H

#include "lodge/error.h"

#include <stdbool.h>

struct fleet;
struct ops;
struct reads;

/* Both are borrowed. */
struct reads *reads_new(struct fleet *fleet, struct ops *ops);

/* After ops_close(): who waits is told that lodged leaves; no more is asked. */
void reads_close(struct reads *reads);

/* A domain's live XML. `answer` comes exactly once, on the loop, at once or later; `xml` is
 * borrowed for the call, or NULL with the error. */
typedef void reads_xml_fn(void *data, const char *xml, const struct lodge_error *error);
void reads_xml(struct reads *reads, const char *host, const char *uuid, reads_xml_fn *answer,
               void *data);

/* Reads a domain anew, state and definition. `answer` comes exactly once, on the loop, at once or
 * later: without error what is so is in the registry, also that it is gone; TIMEOUT after 2 s. */
typedef void reads_fresh_fn(void *data, const struct lodge_error *error);
void reads_fresh(struct reads *reads, const char *host, const char *uuid, reads_fresh_fn *answer,
                 void *data);

/* Has its definition read again beside whatever goes on, unless that is under way or was a moment
 * ago: what differs is pushed as every change. Returns whether it is read. */
bool reads_beside(struct reads *reads, const char *host, const char *uuid);

/* NULL when the store is well, else what is wrong with it. */
const char *reads_store_trouble(const struct reads *reads);

/* NULL, or what an admin should know of a store that is well: its database was put back. */
const char *reads_store_note(const struct reads *reads);

#endif
