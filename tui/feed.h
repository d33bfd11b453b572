/*
 * feed: where the model's events come from: the daemon, through liblodge, or the demonstration.
 *
 * It opens, subscribes, notices when the daemon goes, tries again with growing patience, and asks
 * for the details of the guest that is looked at. It has no loop: the caller waits on its
 * descriptor and its deadline and calls feed_run(). One thread.
 */
#ifndef TUI_FEED_H
#define TUI_FEED_H

#include "model/model.h"

struct feed_options {
    const char *socket_path; /* NULL: where lodge_socket_path() says */
    int demo_guests;         /* negative: the daemon */
};

struct feed;
struct lodge_client;

/* `model` is fed from now on and must outlive the feed. */
struct feed *feed_new(const struct feed_options *options, struct model *model);
void feed_free(struct feed *feed); /* NULL is fine */

const char *feed_socket(const struct feed *feed); /* as it was given, or NULL */

int feed_fd(const struct feed *feed); /* -1: nothing to wait on */
short feed_events(const struct feed *feed);

/* Milliseconds until feed_run() is due without the descriptor; -1: it is not. */
int feed_timeout_ms(const struct feed *feed);

/* Takes in what there is; model->now_ms must be the time. Never waits. */
void feed_run(struct feed *feed);

/* The clock that calls are measured by: monotonic ms. */
int64_t feed_now_ms(void);

/* What calls are made by; NULL: nothing can be asked, and why. It stays the feed's. */
struct lodge_client *feed_client(const struct feed *feed, const char **ret_why);

/* Asks what guests can be made from: model.offers. */
void feed_ask_offers(struct feed *feed);

/* Says which guest is looked at (NULL: none): its details are asked for when the eye has rested on
 * it for a moment, and again when its facts change. */
void feed_look_at(struct feed *feed, const struct model_row *row);

#endif
