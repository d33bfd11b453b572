/*
 * reads: what the door may ask of hosts and store without changing anything. Loop-only.
 *
 * The door sees neither host nor store; this room stands between them.
 */
#ifndef OPS_READS_H
#define OPS_READS_H

#include "lodge/error.h"

#include <stdbool.h>

struct host;
struct store;
struct reads;

struct reads *reads_new(void);
void reads_free(struct reads *reads);

/* The store, borrowed until reads_free(); or NULL, and why there is none. */
void reads_set_store(struct reads *reads, struct store *store, const char *why_not);

/* The hosts are borrowed until reads_free(). */
void reads_add_host(struct reads *reads, struct host *host);

/* A domain's live XML. `answer` comes exactly once, on the loop, at once or later; `xml` is
 * borrowed for the call, or NULL with the error. */
typedef void reads_xml_fn(void *data, const char *xml, const struct lodge_error *error);
void reads_xml(struct reads *reads, const char *host, const char *uuid, reads_xml_fn *answer,
               void *data);

/* NULL when the store is well, else what is wrong with it. */
const char *reads_store_trouble(const struct reads *reads);

/* NULL, or what an admin should know of a store that is well: its database was put back. */
const char *reads_store_note(const struct reads *reads);

#endif
