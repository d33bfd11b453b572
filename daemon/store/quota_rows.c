/*
 * quota_rows: limits that were set, and what VMs were promised: summed from their rows by an index
 * that has all of it. quota_check() holds only in the transaction in which the growth is written.
 * On workers, which block.
 */
#include "lodge/vm.h"
#include "store/rows.h"

#include <stdio.h>

enum { SYSTEM = -1 };

static int64_t limit_in(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL
               ? LODGE_UNKNOWN
               : sqlite3_column_int64(statement, column);
}

static struct lodge_amounts limits_in(sqlite3_stmt *statement)
{
    return (struct lodge_amounts){limit_in(statement, 0), limit_in(statement, 1),
                                  limit_in(statement, 2), limit_in(statement, 3)};
}

static bool read_limits(struct store *store, int64_t uid, struct lodge_amounts *ret_limits,
                        bool *ret_found, struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *get = statement_get(store, QUOTA_GET);
    statement_bind_int(get, 1, uid);
    if (!statement_step(store, get, ret_found, err)) {
        return false;
    }
    if (*ret_found) {
        *ret_limits = limits_in(get);
    }
    return true;
}

static bool sum_promised(struct store *store, int64_t uid, struct lodge_amounts *ret_sum,
                         struct lodge_error *err)
{
    AUTO(statement_reset)
    sqlite3_stmt *ask = statement_get(store, uid == SYSTEM ? QUOTA_SUM_ALL : QUOTA_SUM_USER);
    bool row = false;
    if (uid != SYSTEM) {
        statement_bind_int(ask, 1, uid);
    }
    if (!statement_step(store, ask, &row, err)) {
        return false;
    }
    *ret_sum = (struct lodge_amounts){sqlite3_column_int64(ask, 0), sqlite3_column_int64(ask, 1),
                                      sqlite3_column_int64(ask, 2), sqlite3_column_int64(ask, 3)};
    return true;
}

bool store_read_limits(struct store *store, const uid_t *user, struct lodge_amounts *ret_limits,
                       bool *ret_found, struct lodge_error *err)
{
    if (!database_enter(store, err)) {
        return false;
    }
    AUTO(database_leave) struct store *entered = store;
    return read_limits(entered, user == NULL ? SYSTEM : (int64_t)*user, ret_limits, ret_found, err);
}

bool store_read_all_limits(struct store *store, store_limits_fn *each, void *data,
                           struct lodge_error *err)
{
    if (!database_enter(store, err)) {
        return false;
    }
    AUTO(database_leave) struct store *entered = store;
    AUTO(statement_reset) sqlite3_stmt *all = statement_get(entered, QUOTA_ALL);
    for (bool row = true;;) {
        if (!statement_step(entered, all, &row, err)) {
            return lodge_fail_in(err, "reading limits");
        }
        if (!row) {
            return true;
        }
        const struct lodge_amounts limits = limits_in(all);
        int64_t of = sqlite3_column_int64(all, 4);
        const uid_t user = (uid_t)of;
        each(data, of == SYSTEM ? NULL : &user, &limits);
    }
}

bool store_sum_promised(struct store *store, const uid_t *owner, struct lodge_amounts *ret_sum,
                        struct lodge_error *err)
{
    if (!database_enter(store, err)) {
        return false;
    }
    AUTO(database_leave) struct store *entered = store;
    return sum_promised(entered, owner == NULL ? SYSTEM : (int64_t)*owner, ret_sum, err);
}

static void bind_limit(sqlite3_stmt *statement, int index, int64_t limit)
{
    if (limit != LODGE_UNKNOWN) { /* what is not bound is NULL */
        statement_bind_int(statement, index, limit);
    }
}

bool store_write_limits(struct store *store, const uid_t *user, const struct lodge_amounts *limits,
                        const struct audit_row *audit, struct lodge_error *err)
{
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    if (transaction == NULL) {
        return false;
    }
    {
        AUTO(statement_reset) sqlite3_stmt *write = statement_get(store, QUOTA_WRITE);
        statement_bind_int(write, 1, user == NULL ? SYSTEM : (int64_t)*user);
        bind_limit(write, 2, limits->vms);
        bind_limit(write, 3, limits->vcpus);
        bind_limit(write, 4, limits->memory_mib);
        bind_limit(write, 5, limits->disk_gib);
        if (!statement_run(store, write, NULL, err)) {
            return false;
        }
    }
    return audit_insert(store, audit, err) && transaction_commit(transaction, err);
}

/* What people call it, and what it is counted in. */
struct resource {
    const char *name;
    const char *words;
    const char *unit;
};

static bool fits(const char *scope, const struct resource *resource, int64_t limit, int64_t used,
                 int64_t more, struct lodge_error *err)
{
    if (limit == LODGE_UNKNOWN || more <= 0 || used + more <= limit) {
        return true;
    }
    snprintf(err->quota.scope, sizeof err->quota.scope, "%s", scope);
    snprintf(err->quota.resource, sizeof err->quota.resource, "%s", resource->name);
    err->quota.limit = limit;
    err->quota.used = used;
    err->quota.requested = more;
    return lodge_fail(
        err, LODGE_ERROR_QUOTA_EXCEEDED,
        "the %s's quota of %s is %lld%s: %lld are used, %lld more were asked for (quota.get)",
        scope, resource->words, (long long)limit, resource->unit, (long long)used, (long long)more);
}

static bool fits_all(const char *scope, const struct lodge_amounts *limits,
                     const struct lodge_amounts *used, const struct lodge_amounts *more,
                     struct lodge_error *err)
{
    static const struct resource vms = {"vms", "VMs", ""};
    static const struct resource vcpus = {"vcpus", "vCPUs", ""};
    static const struct resource memory = {"memory_mib", "memory", " MiB"};
    static const struct resource disk = {"disk_gib", "disks", " GiB"};
    return fits(scope, &vms, limits->vms, used->vms, more->vms, err) &&
           fits(scope, &vcpus, limits->vcpus, used->vcpus, more->vcpus, err) &&
           fits(scope, &memory, limits->memory_mib, used->memory_mib, more->memory_mib, err) &&
           fits(scope, &disk, limits->disk_gib, used->disk_gib, more->disk_gib, err);
}

static bool check_scope(struct store *store, int64_t uid, const struct lodge_amounts *configured,
                        const struct lodge_amounts *more, struct lodge_error *err)
{
    struct lodge_amounts limits = *configured;
    struct lodge_amounts used;
    bool found = false;
    return read_limits(store, uid, &limits, &found, err) && sum_promised(store, uid, &used, err) &&
           fits_all(uid == SYSTEM ? "system" : "user", &limits, &used, more, err);
}

bool quota_check(struct store *store, uid_t owner, const struct lodge_amounts *more,
                 const struct op_begin *begin, struct lodge_error *err)
{
    return check_scope(store, SYSTEM, &begin->system_limits, more, err) &&
           check_scope(store, owner, &begin->user_limits, more, err);
}
