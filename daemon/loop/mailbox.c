/*
 * mailbox: a list under one lock. The owner takes all of it at once and delivers without the lock;
 * only the letter that finds the box empty wakes the owner.
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
    uint64_t cost_us;     /* the owner's: of the letter that is being delivered */
    void (*wake)(void *owner);
    void *owner;
};

struct mailbox *mailbox_new(void (*wake)(void *owner), void *owner)
{
    struct mailbox *box = xcalloc(1, sizeof *box);
    pthread_mutex_init(&box->lock, NULL);
    box->last = &box->first;
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

unsigned mailbox_collect(struct mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    struct letter *letter = box->first;
    box->first = NULL;
    box->last = &box->first;
    pthread_mutex_unlock(&box->lock);

    unsigned delivered = 0;
    while (letter != NULL) {
        struct letter *next = letter->next; /* deliver frees the letter */
        box->cost_us = letter->cost_us;
        letter->deliver(letter);
        box->cost_us = 0;
        letter = next;
        delivered++;
    }
    return delivered;
}
