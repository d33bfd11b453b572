/*
 * fleet_questions: a question is a job of the fleet's readers, one worker, so that a long list
 * delays no operation, unless it names other workers. It is answered on the loop in any case:
 * without a store, and when lodged leaves before it ran, with an error.
 */
#include "fleet_questions.h"

#include "refusals.h"
#include "store/store.h"

static void question_run(struct job *job)
{
    struct question *question = (struct question *)job;
    struct store *store = question->fleet->store;
    if (store == NULL) {
        (void)lodge_fail(&question->error, LODGE_ERROR_STORE_UNAVAILABLE,
                         "the store is not open: lodged's log says why");
    } else if (!question->run(question, question->reads ? store_reader(store) : store) &&
               question->error.kind == LODGE_ERROR_NONE) {
        (void)lodge_fail(&question->error, LODGE_ERROR_INTERNAL, "the store gave no answer");
    }
}

static void question_deliver(struct letter *letter)
{
    struct question *question = (struct question *)letter;
    if (atomic_load(&question->job.cancelled)) {
        (void)refuse_stopping(&question->error);
    }
    question->answer(question);
}

void question_ask(struct fleet *fleet, struct question *question)
{
    question->fleet = fleet;
    if (fleet->closing) { /* a call that has waited for something else until now */
        (void)refuse_stopping(&question->error);
        question->answer(question);
        return;
    }
    question->job.run = question_run;
    question->job.letter.deliver = question_deliver;
    workers_submit(question->workers == NULL ? fleet->readers : question->workers, &question->job);
}
