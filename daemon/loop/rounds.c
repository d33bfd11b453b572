/*
 * rounds: two lists of who asked: those of the round that is out, and those of the one that waits,
 * which becomes it. All have the same patience, so each list is in the order of its deadlines.
 *
 * Who is answered may ask again, in the same call: lists are taken away before they are answered,
 * and nobody is told that these rounds are idle (and freed) while a call is still in them.
 * Loop-only.
 */
#include "loop/rounds.h"

#include "loop/loop.h"
#include "memory.h"

#include <assert.h>
#include <stdlib.h>

struct asker {
    struct asker *next;
    rounds_fn *answer;
    void *data;
    uint64_t deadline; /* monotonic ms */
};

struct rounds {
    const struct rounds_kind *kind;
    void *owner;
    bool is_out;
    uint64_t number;                       /* of the one that is out, or was last */
    struct asker *out;                     /* who waits for it; who asked first is first */
    struct asker *waiting, **last_waiting; /* the same of the next */
    unsigned inside;                       /* calls of these functions that have not returned */
};

struct rounds *rounds_new(const struct rounds_kind *kind, void *owner)
{
    struct rounds *rounds = xcalloc(1, sizeof *rounds);
    rounds->kind = kind;
    rounds->owner = owner;
    rounds->last_waiting = &rounds->waiting;
    return rounds;
}

static void leave(struct rounds *rounds)
{
    rounds->inside--;
    bool is_idle = !rounds->is_out && rounds->waiting == NULL;
    if (rounds->inside == 0 && is_idle && rounds->kind->idle != NULL) {
        rounds->kind->idle(rounds->owner);
    }
}

static void answer_askers(struct asker *first, const void *answer, const struct lodge_error *error)
{
    for (struct asker *asker = first, *next; asker != NULL; asker = next) {
        next = asker->next;
        asker->answer(asker->data, answer, error);
        free(asker);
    }
}

static struct asker *take_waiting(struct rounds *rounds)
{
    struct asker *first = rounds->waiting;
    rounds->waiting = NULL;
    rounds->last_waiting = &rounds->waiting;
    return first;
}

static void go(struct rounds *rounds)
{
    const struct rounds_kind *kind = rounds->kind;
    if (rounds->is_out || rounds->waiting == NULL ||
        (kind->may_begin != NULL && !kind->may_begin(rounds->owner))) {
        return;
    }
    rounds->is_out = true;
    rounds->number++;
    rounds->out = take_waiting(rounds);
    kind->begin(rounds->owner);
}

void rounds_join(struct rounds *rounds, rounds_fn *answer, void *data)
{
    struct asker *asker = xcalloc(1, sizeof *asker);
    asker->answer = answer;
    asker->data = data;
    asker->deadline = loop_monotonic_ms() + rounds->kind->patience_ms;
    *rounds->last_waiting = asker;
    rounds->last_waiting = &asker->next;
    rounds_look(rounds);
}

void rounds_look(struct rounds *rounds)
{
    rounds->inside++;
    go(rounds);
    leave(rounds);
}

void rounds_end(struct rounds *rounds, const void *answer, const struct lodge_error *error)
{
    assert(rounds->is_out);
    rounds->inside++;
    uint64_t number = rounds->number;
    struct asker *ended = rounds->out;
    rounds->out = NULL;
    answer_askers(ended, answer, error); /* who asks again meanwhile waits for the next */
    if (rounds->number == number) {
        rounds->is_out = false;
    } /* else they were dropped meanwhile, and this is another */
    go(rounds);
    leave(rounds);
}

uint64_t rounds_deadline(const struct rounds *rounds)
{
    const struct asker *first = rounds->out != NULL ? rounds->out : rounds->waiting;
    return first == NULL || rounds->kind->patience_ms == 0 ? 0 : first->deadline;
}

/* Takes those out whose time is up. */
static struct asker *take_late(struct asker **list, uint64_t now_ms)
{
    struct asker *late = *list;
    struct asker **end = &late;
    while (*end != NULL && (*end)->deadline <= now_ms) {
        end = &(*end)->next;
    }
    *list = *end;
    *end = NULL;
    return late;
}

void rounds_tick(struct rounds *rounds, uint64_t now_ms)
{
    struct lodge_error err = {0};
    if (rounds->kind->patience_ms == 0) {
        return;
    }
    rounds->inside++;
    struct asker *late = take_late(&rounds->out, now_ms);
    struct asker *later = take_late(&rounds->waiting, now_ms);
    if (rounds->waiting == NULL) {
        rounds->last_waiting = &rounds->waiting;
    }
    if (late != NULL || later != NULL) {
        rounds->kind->say_late(rounds->owner, &err);
    }
    answer_askers(late, NULL, &err);
    answer_askers(later, NULL, &err);
    leave(rounds);
}

void rounds_drop(struct rounds *rounds, const struct lodge_error *error)
{
    rounds->inside++;
    struct asker *out = rounds->out;
    struct asker *waiting = take_waiting(rounds);
    rounds->out = NULL;
    rounds->is_out = false;
    rounds->number++;
    answer_askers(out, NULL, error);
    answer_askers(waiting, NULL, error);
    leave(rounds);
}

void rounds_free(struct rounds *rounds)
{
    if (rounds != NULL) {
        assert(rounds->inside == 0 && rounds->out == NULL && rounds->waiting == NULL);
        free(rounds);
    }
}
