/*
 * fleet_questions: what is asked of the store for one call: read on a worker, answered on the loop.
 */
#ifndef FLEET_QUESTIONS_H
#define FLEET_QUESTIONS_H

#include "fleet.h"
#include "lodge/error.h"
#include "loop/workers.h"

struct question {
    struct job job; /* first */
    struct fleet *fleet;
    bool reads;              /* it only does: it waits for nobody who writes */
    struct workers *workers; /* NULL: the fleet's readers */
    /* On a worker; false with `error`. There is a store. */
    bool (*run)(struct question *question, struct store *store);
    /* On the loop, exactly once; `error` is NONE or why not. Frees the question. */
    void (*answer)(struct question *question);
    struct lodge_error error;
};

/* Gives it away. CANCELLED, at once, when lodged leaves. STORE_UNAVAILABLE, without asking, when
 * there is no store. */
void question_ask(struct fleet *fleet, struct question *question);

#endif
