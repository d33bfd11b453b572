/*
 * age: how much was done to this database. Each operation that begins, passes its point of no
 * return or ends is counted in the database, in its own transaction, and when that is on disk in
 * the file DIR/age, which no copy of the database brings along: put_back.h is what the two are
 * compared for. Only daemon/store includes this; under the store's lock.
 */
#ifndef STORE_AGE_H
#define STORE_AGE_H

#include "store/database.h"

enum age_found { AGE_FOUND_NONE, AGE_FOUND_DAMAGED, AGE_FOUND_WELL };

/* What the file says. */
struct age_line {
    enum age_found found;
    char installation[33];
    int64_t count;
    int64_t boots;
};

/* Opens the file, and makes it if it is not there. */
bool age_open(struct store *store, struct lodge_error *err) LODGE_MUST_CHECK;
struct age_line age_read(const struct store *store);

/* The store's counts, as they are in the database. */
bool age_read_counts(struct store *store, struct lodge_error *err) LODGE_MUST_CHECK;

/* The file gets the store's counts, on disk. */
bool age_write(struct store *store, struct lodge_error *err) LODGE_MUST_CHECK;

/* In a transaction; the file follows when that is committed (transaction.c). */
bool age_grow(struct store *store, struct lodge_error *err) LODGE_MUST_CHECK;

/* The store's counts are on disk in the database. The file is not waited for, and may fail: what it
 * does not get only makes it lag. */
void age_follow(const struct store *store);

void age_close(struct store *store);

/* Whose file it is, in the state directory `dir`; false where there is none that could say. */
bool age_installation(int dir, char ret_installation[static 33]);

#endif
