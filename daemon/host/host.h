/*
 * host: one configured libvirt, from the loop's side: its connections by risk, its sync, its lanes.
 *
 * Loop-only unless it says otherwise. What it finds goes to its listener (report.h). No function
 * here blocks: libvirt is called on threads that can be lost in it.
 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include "host/report.h"
#include "lodge/error.h"
#include "loop/loop.h"
#include "settings.h"

struct host;

struct host_options {
    const char *name; /* all copied */
    const char *uri;
    struct host_settings settings;
};

/* Once, before any thread exists: it sets an environment variable that keeps libvirt's log from the
 * terminal. (embedded.h has what an embedded driver needs at that time.) */
void host_layer_prepare(void);

/* Once, before any host: registers libvirt's event implementation and starts its thread, sends
 * libvirt's messages to the log. */
bool host_layer_start(struct loop *loop, struct lodge_error *err) LODGE_MUST_CHECK;

/* What is wrong with this set of URIs in one process (an embedded driver beside a plain local URI,
 * two embedded roots, a relative root), before anything is opened. Any thread. */
bool host_uris_check(const char *const *names, const char *const *uris, size_t count,
                     struct lodge_error *err) LODGE_MUST_CHECK;

/* Before host_free() of the last ones, when the process is about to end. */
void host_layer_leave(void);

struct host *host_new(struct loop *loop, const struct host_options *options,
                      const struct host_listener *listener, void *owner);

/* Starts connecting; returns at once. */
void host_start(struct host *host);

const char *host_name(const struct host *host);

/* Asks for a domain's live XML (virDomainGetXMLDesc; reading.h), which all who ask for it meanwhile
 * share. `answer` comes exactly once, on the loop: `xml` is borrowed, or NULL with the error;
 * HOST_DOWN at once when not up, TIMEOUT when libvirt has not told within 2 s. */
typedef void host_xml_fn(void *data, const char *xml, const struct lodge_error *error);
void host_read_xml(struct host *host, const char *uuid, bool secure, host_xml_fn *answer,
                   void *data);

/* Reads a domain anew, state and definition (no events come for `virsh … --config`, libvirt 9.0).
 * `answer` comes exactly once, on the loop, in this call or later: without error what is so has
 * been reported, also that it is gone; TIMEOUT when libvirt has not told within 2 s, HOST_DOWN, and
 * what libvirt says of a definition that it cannot tell. */
typedef void host_fresh_fn(void *data, const struct lodge_error *error);
void host_fresh(struct host *host, const char *uuid, host_fresh_fn *answer, void *data);

/* Reads its definition again, unless that is being done, was a second ago, or too many are: what
 * differs is reported. Returns whether it is read. */
bool host_refresh_beside(struct host *host, const char *uuid);

/* No more reports after this returns; open answers come as CANCELLED. Connections are closed by
 * threads that nobody waits for. NULL is fine. */
void host_free(struct host *host);

/* Counts for tests and metrics: what the recheck had to repair (must stay 0), reconnects, lanes
 * lost now. */
struct host_counts {
    uint64_t repaired;
    uint64_t reconnects;
    uint64_t rechecks;
    unsigned lanes_lost;
};
struct host_counts host_counts(const struct host *host);

#endif
