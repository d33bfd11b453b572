#include "store/database.h"

#include <assert.h>

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
    store->transaction = (struct transaction){.store = store, .open = true};
    return &store->transaction;
}

bool transaction_commit(struct transaction *transaction, struct lodge_error *err)
{
    if (!database_run(transaction->store, "COMMIT", err)) {
        return false; /* the end rolls back */
    }
    transaction->open = false;
    database_well(transaction->store);
    return true;
}

void transaction_end(struct transaction *transaction)
{
    struct store *store = transaction->store;
    /* a full disk or a broken one has rolled back by itself already */
    if (transaction->open && sqlite3_get_autocommit(store->db) == 0) {
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    transaction->open = false;
    database_leave(store);
}
