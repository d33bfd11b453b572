/* migrate: brings a database's schema up to what this program knows. Before any other thread. */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "store/database.h"

struct migration {
    const char *name; /* of the file: NNNN-what.sql; NNNN is the version it leads to */
    const char *sql;
};

extern const struct migration migrations[];
extern const size_t migration_count;

/* Is the schema one that `count` migrations lead to, or an empty file? Changes nothing. */
bool migrate_check(struct store *store, size_t count, struct lodge_error *err) LODGE_MUST_CHECK;

/* Runs list[version] … list[count - 1], each in a transaction of its own that also counts the
 * version. A database that holds something is copied to DIR/lodge.db.schema-N.bak before the first.
 */
bool migrate(struct store *store, const struct migration *list, size_t count,
             struct lodge_error *err) LODGE_MUST_CHECK;

#endif
