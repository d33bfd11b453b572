/*
 * mailbox: a list under one lock. The owner takes all of it at once and delivers without the lock,
 * some now and some later if they are many; only the letter that finds the list empty wakes the
 * owner.
 */
#include "loop/mailbox.h"

#include "memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct mailbox {
    pthread_mutex_t lock;
    struct letter *first; /* under lock */
    struct letter **last; /* under lock */
    struct letter *taken; /* the owner's: to be delivered … */
    struct letter **taken_last;
    uint64_t cost_us; /* … and of the one that is */
    void (*wake)(void *owner);
    void *owner;
};

struct mailbox *mailbox_new(void (*wake)(void *owner), void *owner)
{
    struct mailbox *box = xcalloc(1, sizeof *box);
    pthread_mutex_init(&box->lock, NULL);
    box->last = &box->first;
    box->taken_last = &box->taken;
    box->wake = wake;
    box->owner = owner;
    return box;
}

void mailbox_free(struct mailbox *box)
{
    if (box == NULL) {
        return;
    }
    pthread_mutex_destroy(&box->lock);
    free(box);
}

void mailbox_post(struct mailbox *box, struct letter *letter)
{
    letter->next = NULL;

    pthread_mutex_lock(&box->lock);
    bool was_empty = box->first == NULL;
    *box->last = letter;
    box->last = &letter->next;
    pthread_mutex_unlock(&box->lock);

    /* Letters that come while the owner has not looked yet share one wake-up. */
    if (was_empty) {
        box->wake(box->owner);
    }
}

uint64_t mailbox_take_cost_us(struct mailbox *box)
{
    uint64_t cost_us = box->cost_us;
    box->cost_us = 0;
    return cost_us;
}

/* Behind those that are left. */
static void take_all(struct mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    *box->taken_last = box->first;
    box->taken_last = box->first == NULL ? box->taken_last : box->last;
    box->first = NULL;
    box->last = &box->first;
    pthread_mutex_unlock(&box->lock);
}

static struct letter *next_taken(struct mailbox *box)
{
    struct letter *letter = box->taken;
    box->taken = letter->next;
    if (box->taken == NULL) {
        box->taken_last = &box->taken;
    }
    return letter;
}

bool mailbox_has_left(const struct mailbox *box)
{
    return box->taken != NULL;
}

unsigned mailbox_collect(struct mailbox *box, bool (*is_tired)(void *owner))
{
    unsigned delivered = 0;
    take_all(box);
    for (bool tired = false; box->taken != NULL && !tired; delivered++) {
        struct letter *letter = next_taken(box);
        box->cost_us = letter->cost_us;
        letter->deliver(letter); /* frees it */
        box->cost_us = 0;
        tired = is_tired != NULL && is_tired(box->owner);
    }
    return delivered;
}
