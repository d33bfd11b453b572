/*
 * rounds: what is read once for all who ask meanwhile. A round is out, or it waits; there is at
 * most one of each. Who asks joins the one that waits and never the one that is out, which may have
 * looked already: an answer knows of all that was done before it was asked for. Loop-only.
 */
#ifndef LOOP_ROUNDS_H
#define LOOP_ROUNDS_H

#include "lodge/error.h"

#include <stdbool.h>
#include <stdint.h>

struct rounds;

/* `answer` is borrowed for the call; NULL with the error. */
typedef void rounds_fn(void *data, const void *answer, const struct lodge_error *error);

struct rounds_kind {
    /* Sends what is to be read; rounds_end() tells how it went, in this call or later. */
    void (*begin)(void *owner);
    /* False: not now. Others may join until rounds_look() finds that it may. NULL: at any time. */
    bool (*may_begin)(const void *owner);
    /* Nothing is out and nobody waits any more: the last thing that a call here does, so that it
     * may free them. Or NULL. */
    void (*idle)(void *owner);
    /* How long each who asks has patience; 0: without end. Fills the error for those who have none
     * left. */
    unsigned patience_ms;
    void (*say_late)(const void *owner, struct lodge_error *err);
};

/* The caller's; `kind` is borrowed for its life. */
struct rounds *rounds_new(const struct rounds_kind *kind, void *owner);

/* `answer` comes exactly once, in this call or later. */
void rounds_join(struct rounds *rounds, rounds_fn *answer, void *data);

/* Begins the one that waits, if none is out and it may. */
void rounds_look(struct rounds *rounds);

/* The one that is out has ended: all of it are answered, then the next begins. */
void rounds_end(struct rounds *rounds, const void *answer, const struct lodge_error *error);

/* The monotonic time at which somebody's patience ends, or 0; and what is said then. A round goes
 * on when all have left it: it is out as long as it is out. */
uint64_t rounds_deadline(const struct rounds *rounds);
void rounds_tick(struct rounds *rounds, uint64_t now_ms);

/* Everybody is told this error, and what is out counts for nothing: rounds_end() is not to be
 * called for it. */
void rounds_drop(struct rounds *rounds, const struct lodge_error *error);

/* Nobody waits any more (rounds_drop()). NULL is fine. */
void rounds_free(struct rounds *rounds);

#endif
