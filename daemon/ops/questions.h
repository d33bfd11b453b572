/*
 * questions: what is asked of the store for one call: read on a worker, answered on the loop.
 */
#ifndef OPS_QUESTIONS_H
#define OPS_QUESTIONS_H

#include "loop/workers.h"
#include "ops/ops.h"

struct question {
    struct job job; /* first */
    struct ops *ops;
    bool reads;              /* it only does: it waits for nobody who writes */
    struct workers *workers; /* NULL: ops.readers */
    /* On a worker; false with `error`. There is a store. */
    bool (*run)(struct question *question, struct store *store);
    /* On the loop, exactly once; `error` is NONE or why not. Frees the question. */
    void (*answer)(struct question *question);
    struct lodge_error error;
};

/* Gives it away. CANCELLED, at once, when lodged leaves. STORE_UNAVAILABLE, without asking, when
 * there is no store. */
void question_ask(struct ops *ops, struct question *question);

#endif
