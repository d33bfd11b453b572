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

/* How what was asked for went, in a line. */
typedef void feed_say_fn(void *owner, bool bad, const char *text);
void feed_on_say(struct feed *feed, feed_say_fn *say, void *owner);

/* Asks for a change; `params` is JSON, `what` is what is said of it. The answer comes by
 * feed_on_say, when the operation has ended. */
void feed_ask(struct feed *feed, const char *method, const char *params, const char *what);

/* Where the answer goes when it is good: `opened` gets the rest with it. */
struct feed_opening {
    void (*opened)(void *owner, int way, const char *vm, const char *result);
    void *owner;
    int way;
    const char *vm; /* HOST/UUID */
};

/* The same for what has an answer to be shown: console.open, vm.screenshot. Failure goes to
 * feed_on_say. */
void feed_ask_screen(struct feed *feed, const char *method, const char *params, const char *what,
                     const struct feed_opening *opening);

/* Asks what guests can be made from: model.offers. */
void feed_ask_offers(struct feed *feed);

/* Says which guest is looked at (NULL: none): its details are asked for when the eye has rested on
 * it for a moment, and again when its facts change. */
void feed_look_at(struct feed *feed, const struct model_row *row);

#endif
