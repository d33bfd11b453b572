/*
 * put_back: is this the database that lodged left here, or an older copy of it that somebody put
 * back? The file DIR/age, which no copy of the database brings along, has counted what was done
 * (age.h); so it is never ahead, unless the database has gone back:
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
#ifndef STORE_PUT_BACK_H
#define STORE_PUT_BACK_H

#include "store/database.h"

/* What is unfinished, and what would be undone again should it turn up: neither is touched. */
#define OPS_LEAVE_ALONE                             \
    "UPDATE op SET restored = 1 WHERE restored = 0" \
    " AND (ended_ms IS NULL OR (kind = 'vm.create' AND committed = 0))"

/* At open, when statements are prepared: compares, marks what is left alone if the database was put
 * back, and writes the file. */
bool put_back_check(struct store *store, struct lodge_error *err) LODGE_MUST_CHECK;

#endif
