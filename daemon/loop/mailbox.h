/*
 * mailbox: how a thread tells the owner of some data what it found.
 *
 * Any thread posts, only the owner collects. Posting gives the letter away: the sender must not
 * touch it again. Beside the log's ring and the store's, this is the only lock in the daemon.
 */
#ifndef LOOP_MAILBOX_H
#define LOOP_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

struct letter {
    struct letter *next;
    uint64_t cost_us;                       /* of a processor, of what has made it; 0: not known */
    void (*deliver)(struct letter *letter); /* on the owner's thread; frees the letter */
};

struct mailbox;

struct mailbox *mailbox_new(void (*wake)(void *owner), void *owner);

/* The box must be empty, or its letters are lost with what they own. NULL is fine. */
void mailbox_free(struct mailbox *box);

/* Any thread. Wakes the owner when the box was empty. */
void mailbox_post(struct mailbox *box, struct letter *letter);

/* Owner only. What the letter that is being delivered has cost; 0 when that was taken already. */
uint64_t mailbox_take_cost_us(struct mailbox *box);

/* Owner only. Delivers what was there, in the order posted, until `is_tired(owner)` says so after
 * one (NULL: all); returns how many. What is left comes first the next time. */
unsigned mailbox_collect(struct mailbox *box, bool (*is_tired)(void *owner));

/* Owner only. Whether some are left that a collect took and did not deliver: nobody is woken for
 * these. */
bool mailbox_has_left(const struct mailbox *box);

#endif
