/*
 * migrate: PRAGMA user_version counts the migrations that have run. Each runs in one transaction
 * with its count, and is rolled back when it fails or leaves rows without what they refer to.
 *
 * A database that holds something is copied first, to a file beside it that is on disk before
 * anything is changed. A newer schema, or another program's database, is refused and left as it is.
 */
#include "store/migrate.h"

#include "log.h"
#include "memory.h"
#include "store/copies.h"

#include <libgen.h>
#include <stdlib.h>

static bool back_up_schema(struct store *store, size_t version, struct lodge_error *err)
{
    int64_t bytes = 0;
    AUTO(free) char *path = xasprintf("%s.schema-%zu.bak", store->path, version);
    AUTO(free) char *dir = xstrdup(store->path);
    if (!copies_make(store->path, path, &bytes, err)) {
        return lodge_fail_in(err, "backup before a migration");
    }
    copies_prune(dirname(dir), COPY_MIGRATION, path, NULL);
    return true;
}

static bool run_one(struct store *store, const struct migration *migration, size_t version,
                    struct lodge_error *err)
{
    AUTO(free) char *count = xasprintf("PRAGMA user_version = %zu", version);
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    if (transaction == NULL) {
        return false;
    }
    int64_t broken = 0;
    if (!database_run(store, migration->sql, err) || !database_run(store, count, err) ||
        !database_ask_int(store, "SELECT count(*) FROM pragma_foreign_key_check", &broken, err)) {
        return lodge_fail_in(err, "migration %s", migration->name);
    }
    if (broken > 0) {
        return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE,
                          "migration %s would leave %lld rows without what they refer to; %s is as "
                          "it was",
                          migration->name, (long long)broken, store->path);
    }
    return transaction_commit(transaction, err);
}

/* What a migration has removed lies in free pages and in the log until they are written over. A
 * database that works without this is not refused for it. */
static void wipe_removed(struct store *store)
{
    struct lodge_error err = {0};
    if (!database_run(store, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", &err)) {
        log_warning(LOG_STORE, "what the migration removed may be in %s still: %s", store->path,
                    err.message);
        database_well(store);
    }
}

/* The schema's version, if this program knows it. */
static bool read_version(struct store *store, size_t count, size_t *ret_version,
                         struct lodge_error *err)
{
    int64_t version = 0;
    if (!database_ask_int(store, "PRAGMA user_version", &version, err)) {
        return false;
    }
    if (version < 0 || (uint64_t)version > count) {
        return lodge_fail(
            err, LODGE_ERROR_STORE_UNAVAILABLE,
            "the database %s has schema %lld, this lodged knows up to %zu: install the "
            "newer lodged again, or put an older backup in its place (lodged --restore FILE)",
            store->path, (long long)version, count);
    }
    *ret_version = (size_t)version;
    return true;
}

bool migrate_check(struct store *store, size_t count, struct lodge_error *err)
{
    size_t version = 0;
    return read_version(store, count, &version, err);
}

bool migrate(struct store *store, const struct migration *list, size_t count,
             struct lodge_error *err)
{
    size_t version = 0;
    int64_t tables = 0;
    if (!read_version(store, count, &version, err) ||
        !database_ask_int(store, "SELECT count(*) FROM sqlite_schema", &tables, err)) {
        return false;
    }
    if (version == 0 && tables > 0) {
        return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE,
                          "the database %s is another program's: move it away", store->path);
    }
    bool is_old = version > 0 && version < count;
    if (is_old && !back_up_schema(store, version, err)) {
        return false;
    }
    for (; version < count; version++) {
        if (!run_one(store, &list[version], version + 1, err)) {
            return false;
        }
    }
    if (is_old) {
        wipe_removed(store);
    }
    return true;
}
