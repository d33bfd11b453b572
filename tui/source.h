/*
 * source: where the model's events come from: the daemon, through liblodge, or the demonstration.
 *
 * It opens, subscribes, notices when the daemon goes, tries again with growing patience, and asks
 * for the details of the guest that is looked at. It has no loop: the caller waits on its
 * descriptor and its deadline and calls source_run(). One thread.
 */
#ifndef TUI_SOURCE_H
#define TUI_SOURCE_H

#include "model/model.h"

struct source_options {
    const char *socket_path; /* NULL: where lodge_socket_path() says */
    int demo_guests;         /* negative: the daemon */
};

struct source;
struct lodge_client;

/* `model` is filled from now on and must outlive the source. */
struct source *source_new(const struct source_options *options, struct model *model);
void source_free(struct source *source); /* NULL is fine */

const char *source_socket(const struct source *source); /* as it was given, or NULL */

int source_fd(const struct source *source); /* -1: nothing to wait on */
short source_events(const struct source *source);

/* Milliseconds until source_run() is due without the descriptor; -1: it is not. */
int source_timeout_ms(const struct source *source);

/* Takes in what there is; model->now_ms must be the time. Never waits. */
void source_run(struct source *source);

/* The clock that calls are measured by: monotonic ms. */
int64_t source_now_ms(void);

/* In whose keys answers are told. */
const struct command_set *source_commands(const struct source *source);

/* What calls are made by; NULL: nothing can be asked, and why. It stays the source's. */
struct lodge_client *source_client(const struct source *source, const char **ret_why);

/* Asks what guests can be made from: model.offers. */
void source_ask_offers(struct source *source);

/* Says which guest is looked at (NULL: none): its details are asked for when the eye has rested on
 * it for a moment, and again when its facts change. */
void source_look_at(struct source *source, const struct model_row *row);

#endif
