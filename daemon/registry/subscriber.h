/*
 * subscriber: one subscription's walk along the feed, as fast as its reader takes it.
 *
 * No queue: a cursor in the feed, and one bit per object for what the reader holds. It walks on
 * when something changed and when its sink can take more. Loop-only.
 */
#ifndef REGISTRY_SUBSCRIBER_H
#define REGISTRY_SUBSCRIBER_H

#include "lodge/event.h"
#include "query.h"
#include "registry/registry.h"
#include "registry/render.h"

/* Where notifications go. A walk is its reader's time: it goes from begin() to end(), and stops
 * when is_over(). When that says so, or begin() that there is none now, subscriber_walk() is called
 * when there is. */
struct sink {
    bool (*takes_more)(struct sink *sink);
    void (*send)(struct sink *sink, struct buffer *line); /* a whole line; does not keep it */
    struct viewer (*viewer)(struct sink *sink);           /* who reads, as of now */
    bool (*begin)(struct sink *sink);
    bool (*is_over)(struct sink *sink);
    void (*end)(struct sink *sink);
};

struct subscriber_options {
    bool topics[LODGE_TOPICS];
    struct query *query; /* given away; NULL is everything */
    struct render_choice choice;
    bool snapshot; /* false: begin with what changes from now on */
};

struct subscriber;

/* `id` is what notifications call it. Nothing is sent before subscriber_begin(). */
struct subscriber *subscriber_new(struct registry *registry, int64_t id,
                                  const struct subscriber_options *options, struct sink *sink);
void subscriber_free(struct subscriber *subscriber); /* NULL is fine */

int64_t subscriber_id(const struct subscriber *subscriber);

/* After the answer with the subscription's number is out: the walk starts. */
void subscriber_begin(struct subscriber *subscriber);

/* The sink can take more, or there is time for it: tells what there is to tell. */
void subscriber_walk(struct subscriber *subscriber);

/* Another filter, another choice, or both (NULL: as it was): what no longer matches is removed,
 * what now does is added, then comes a new `ready`. */
void subscriber_update(struct subscriber *subscriber, struct query *query,
                       const struct render_choice *choice);

#endif
