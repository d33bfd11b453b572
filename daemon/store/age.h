/*
 * age: is this the database that lodged left here, or an older copy of it that somebody put back?
 *
 * Each operation that begins, passes its point of no return or ends is counted in the database, in
 * its own transaction, and when that is on disk in the file DIR/age, which no copy of the database
 * brings along. So the file is never ahead, unless the database has gone back:
 *
 *   DIR/age                          the database is
 *   as far as the database           the one that was left
 *   behind it                        the same: lodged was killed between the two
 *   ahead of it                      older than what lodged has done since
 *   not there, nothing counted yet   fresh, or of a lodged that did not count
 *   not there, something counted     put here from elsewhere, as one
 *   of another installation          whose file this is
 *
 * What is under way in a database that was put back has long ended in the world, and what was
 * undone may have been adopted: nothing of it is undone or gone on with (`restored`).
 * Only daemon/store includes this; under the store's lock.
 */
#ifndef STORE_AGE_H
#define STORE_AGE_H

#include "store/database.h"

/* What is unfinished, and what would be undone again should it turn up: neither is touched. */
#define OPS_LEAVE_ALONE                             \
    "UPDATE op SET restored = 1 WHERE restored = 0" \
    " AND (ended_ms IS NULL OR (kind = 'vm.create' AND committed = 0))"

/* At open, when statements are prepared: compares, marks what is left alone if the database was put
 * back, and writes the file. */
bool age_meet(struct store *store, struct lodge_error *err) LODGE_MUST_CHECK;

/* In a transaction; the file follows when that is committed (transaction.c). */
bool age_grow(struct store *store, struct lodge_error *err) LODGE_MUST_CHECK;

/* The store's counts are on disk in the database. The file is not waited for, and may fail: what it
 * does not get only makes it lag. */
void age_follow(const struct store *store);

void age_close(struct store *store);

/* Whose file it is, in the state directory `dir`; false where there is none that could say. */
bool age_installation(int dir, char ret_installation[static 33]);

#endif
