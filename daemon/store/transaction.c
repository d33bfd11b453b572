/*
 * transaction: BEGIN IMMEDIATE, then COMMIT or ROLLBACK, with the store's lock held all the time;
 * so there is never more than one, and it is part of the store. How long SQLite's write lock was
 * held is noted.
 */
#include "store/age.h"

#include <assert.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void close_transaction(struct transaction *transaction)
{
    held_note(&transaction->store->write_lock, now_ns() - transaction->begun_ns);
    transaction->open = false;
}

struct transaction *transaction_begin(struct store *store, struct lodge_error *err)
{
    if (!database_enter(store, err)) {
        return NULL;
    }
    assert(!store->transaction.open);
    /* IMMEDIATE: what is read first must still be true when it is written */
    if (!database_run(store, "BEGIN IMMEDIATE", err)) {
        database_leave(store);
        return NULL;
    }
    store->transaction = (struct transaction){.store = store, .open = true, .begun_ns = now_ns()};
    return &store->transaction;
}

bool transaction_commit(struct transaction *transaction, struct lodge_error *err)
{
    if (!database_run(transaction->store, "COMMIT", err)) {
        return false; /* the end rolls back */
    }
    close_transaction(transaction);
    database_well(transaction->store);
    if (transaction->count > 0) {
        transaction->store->count = transaction->count;
        age_follow(transaction->store);
    }
    return true;
}

void transaction_end(struct transaction *transaction)
{
    struct store *store = transaction->store;
    if (transaction->open) {
        /* a full disk or a broken one has rolled back by itself already */
        if (sqlite3_get_autocommit(store->db) == 0) {
            sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
        }
        close_transaction(transaction);
    }
    database_leave(store);
}
