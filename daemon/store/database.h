/*
 * database: what the files of this folder share: the connection, its lock, and how SQLite's errors
 * are told to people. Nobody outside daemon/store includes it.
 */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include "lodge/error.h"
#include "scope.h"
#include "store/held.h"
#include "store/statements.h"
#include "store/store.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/types.h>

/* What may be wrong with a store. Each has one text per store, so that store_trouble() can hand it
 * out without a lock. */
enum trouble {
    TROUBLE_GONE,     /* the file was moved or deleted */
    TROUBLE_READONLY, /* file, directory or file system */
    TROUBLE_FULL,
    TROUBLE_CORRUPT,
    TROUBLE_LOCKED, /* by a program that is not lodged: lodged's own lock is the directory's */
    TROUBLE_OTHER,
    TROUBLES,
};

struct transaction {
    struct store *store;
    bool open;
    int64_t count;     /* age.h: what it has counted up to; 0: nothing */
    uint64_t begun_ns; /* monotonic: when SQLite's write lock was ours */
};

struct store {
    struct store *main;   /* itself; of a reader the one that writes, whose trouble is shown */
    struct store *reader; /* a connection of its own, which waits for no writer; NULL: it is one */
    char *path;
    pthread_mutex_t lock; /* around everything below but `trouble` */
    sqlite3 *db;
    sqlite3_stmt *prepared[STATEMENTS];
    struct transaction transaction; /* one connection, one transaction */
    struct held write_lock;         /* SQLite's, from BEGIN IMMEDIATE to the end; since open */
    dev_t device;                   /* of the file that was opened */
    ino_t inode;
    int64_t left_ms;               /* set at open, never changed */
    char installation[33];         /* set at open, never changed */
    int age_fd;                    /* age.h: the file beside the database */
    int64_t count, boots;          /* as they are in it */
    char *texts[TROUBLES];         /* made at open */
    char *put_back_text;           /* made at open */
    _Atomic(const char *) note;    /* put_back_text, or NULL; as trouble */
    _Atomic(const char *) trouble; /* one of texts, or NULL; atomic, since health is asked for
                                      on the loop, which must not wait for the lock */
};

/* `main` NULL: one that writes, with the texts of its trouble; else a reader of that one. */
struct store *database_new(struct store *main, const char *path);
void database_free(struct store *store); /* its connection is closed */

/* Takes the lock, and makes sure that the file is still the one that was opened: SQLite would go on
 * writing into one that nobody can find. False: the lock is not held. */
bool database_enter(struct store *store, struct lodge_error *err) LODGE_MUST_CHECK;
void database_leave(struct store *store);

/* Under the lock, in the statement after the call that failed: STORE_UNAVAILABLE, and trouble. */
bool database_fail(struct store *store, int code, struct lodge_error *err);

/* The same where it is known what is wrong; `detail` NULL: there is no more to say. */
bool database_fail_as(struct store *store, enum trouble trouble, const char *detail,
                      struct lodge_error *err);

/* The same for a file of ours that the kernel refuses, with its errno. */
bool database_fail_system(struct store *store, const char *path, int error,
                          struct lodge_error *err);

/* Under the lock: something went well, so there is no trouble (any more). */
void database_well(struct store *store);

/* ms since 1970. */
int64_t database_now_ms(void);

/* Text of a statement's column, "" for NULL; lives until the next step. */
const char *statement_text(sqlite3_stmt *statement, int column);

/* Under the lock: runs SQL without parameters and results. */
bool database_run(struct store *store, const char *sql, struct lodge_error *err) LODGE_MUST_CHECK;

/* Under the lock: the first column of the first row of `sql`. */
bool database_ask_int(struct store *store, const char *sql, int64_t *ret_value,
                      struct lodge_error *err) LODGE_MUST_CHECK;
bool database_ask_text(struct store *store, const char *sql, char **ret_text,
                       struct lodge_error *err) LODGE_MUST_CHECK;

/* Begins a write transaction and holds the lock until transaction_end(), which rolls back what was
 * not committed. NULL on failure.
 *     AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err); */
struct transaction *transaction_begin(struct store *store, struct lodge_error *err);
bool transaction_commit(struct transaction *transaction, struct lodge_error *err) LODGE_MUST_CHECK;
void transaction_end(struct transaction *transaction);
DEFINE_AUTO(struct transaction *, transaction_end, NULL);

DEFINE_AUTO(struct store *, database_leave, NULL);

/* A connection, or a statement, that is nobody's but the function's. */
DEFINE_AUTO(sqlite3 *, sqlite3_close_v2, NULL);
DEFINE_AUTO(sqlite3_stmt *, sqlite3_finalize, NULL);

#endif
