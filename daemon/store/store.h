/*
 * store: the SQLite database in the state directory, behind one lock.
 *
 * Every function blocks and is for workers, except store_open (before the loop runs) and where it
 * says loop. WAL, synchronous=FULL, foreign keys, STRICT tables; the schema's version is in
 * user_version. No libvirt call may be made inside a transaction.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "lodge/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct store;

/* Makes the directory (0700, its parents too) if it is not there and takes its lock, held until the
 * descriptor is closed. The lock is what makes a second lodged refuse: BUSY, naming the process
 * that has it. STORE_UNAVAILABLE when there can be no directory or no lock in it. */
bool store_lock_directory(const char *state_dir, int *ret_lock_fd, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* Opens DIR/lodge.db: checks, backs up before a migration, migrates, and finds out whether it is
 * the database that was left here (store_note). NULL with STORE_UNAVAILABLE for a corrupt file, a
 * newer schema, a full or read-only disk: the daemon runs on without. */
struct store *store_open(const char *state_dir, struct lodge_error *err);

/* The same for a file that is there: one that somebody moved away to put a backup in its place must
 * not come back as an empty one. Any thread. */
struct store *store_open_again(const char *state_dir, struct lodge_error *err);
bool store_is_there(const char *state_dir);
void store_close(struct store *store); /* NULL is fine */

/* Before the process ends, with workers that may still come to it: waits up to 2 s for who is in
 * it, then the database is closed, whole, and nobody gets in any more. Nothing is freed. NULL is
 * fine. */
void store_leave(struct store *store);

/* This installation's random id, 32 hex digits: the mark on what it makes. Any thread. */
const char *store_installation(const struct store *store);

/* Any thread, no lock: when the database was last written before it was opened, ms since 1970; the
 * time of opening for a new one. */
int64_t store_left_ms(const struct store *store);

/* Any thread, no lock. The same store for functions that only read: they do not wait for those that
 * write (SQLite's write-ahead log), and see what was committed before. */
struct store *store_reader(struct store *store);

/* Any thread, no lock: is the last thing that was tried well? NULL, or what is wrong. The text
 * lives as long as the store. */
const char *store_trouble(const struct store *store);

/* Any thread, no lock: NULL, or what an admin should know of this database: that it was put back.
 * The text lives as long as the store. */
const char *store_note(const struct store *store);
void store_was_put_back(struct store *store); /* it says so from now on: others have found out */

/* Counts this start: 1 for the first. */
bool store_count_boot(struct store *store, int64_t *ret_boot, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* Each row is told to `each` before the function returns; `each` must not ask the store. */
typedef void store_user_fn(void *data, uid_t uid, const char *role);
bool store_read_users(struct store *store, store_user_fn *each, void *data, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* One mutating call, or several refusals of one kind. */
struct audit_row {
    int64_t at_ms; /* since 1970 */
    uid_t uid;
    pid_t pid;
    const char *method;
    const char *target;           /* "" where the method has none */
    enum lodge_error_kind result; /* NONE: it was done */
    const char *error;            /* the message; NULL exactly when it was done */
    int64_t times;                /* so many calls; 0 is 1, as it is for what was done */
    const char *params;           /* what was asked, as a JSON object; NULL: not kept */
    int64_t op;                   /* that it began or was about; 0: none */
};

/* All of them or none, in one transaction, on disk when it returns. What was done has a row each. A
 * refusal that repeats within a minute is counted in the row of the first; somebody whose refusals
 * have made 200 rows within an hour makes one more an hour for each method and kind of error, which
 * has no target. */
bool store_add_audit(struct store *store, const struct audit_row *rows, size_t count,
                     struct lodge_error *err) LODGE_MUST_CHECK;

#endif
