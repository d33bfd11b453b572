/*
 * store_opener: opens the store at start, and where that fails tries again until it is there: a
 * full disk gets room, a damaged file is replaced by a backup. Loop-only.
 */
#ifndef STORE_OPENER_H
#define STORE_OPENER_H

#include "loop/loop.h"

struct recall;
struct store;
struct store_opener;

/* `opened` comes at most once, with the store, which becomes the owner's, and what it remembers,
 * borrowed for the call. `failed` says why there is none, at first and whenever that changes. */
struct store_opener_owner {
    void (*opened)(void *owner, struct store *store, const struct recall *recall);
    void (*failed)(void *owner, const char *why);
    void *owner;
};

/* Makes the first attempt, which blocks: for before the loop runs. `state_dir` is borrowed.
 * *ret_store is borrowed until the start tells of it; NULL when there is none. */
struct store_opener *store_opener_new(struct loop *loop, const char *state_dir,
                                      struct store **ret_store);

/* Tells how that went, at once, and goes on until there is a store. */
void store_opener_start(struct store_opener *opener, const struct store_opener_owner *owner);

/* An attempt that is under way is not waited for. */
void store_opener_free(struct store_opener *opener);

#endif
