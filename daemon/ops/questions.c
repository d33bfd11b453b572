/*
 * questions: a question is a job of ops.readers, which is one worker, unless it is of another. It
 * is answered on the loop in any case: without a store, and when lodged leaves before it ran, with
 * an error.
 */
#include "ops/questions.h"

#include "ops/op.h"
#include "refusals.h"
#include "store/store.h"

static void run(struct job *job)
{
    struct question *question = (struct question *)job;
    struct store *store = question->ops->store;
    if (store == NULL) {
        (void)lodge_fail(&question->error, LODGE_ERROR_STORE_UNAVAILABLE,
                         "the store is not open: lodged's log says why");
    } else if (!question->run(question, question->reads ? store_reader(store) : store) &&
               question->error.kind == LODGE_ERROR_NONE) {
        (void)lodge_fail(&question->error, LODGE_ERROR_INTERNAL, "the store gave no answer");
    }
}

static void deliver(struct letter *letter)
{
    struct question *question = (struct question *)letter;
    if (atomic_load(&question->job.cancelled)) {
        (void)refuse_stopping(&question->error);
    }
    question->answer(question);
}

void question_ask(struct ops *ops, struct question *question)
{
    question->ops = ops;
    if (ops->closing) { /* a call that has waited for something else until now */
        (void)refuse_stopping(&question->error);
        question->answer(question);
        return;
    }
    question->job.run = run;
    question->job.letter.deliver = deliver;
    workers_submit(question->workers == NULL ? ops->readers : question->workers, &question->job);
}
