/*
 * restore: a copy of the database takes the place of the one that is there.
 *
 * Before any other thread; the caller holds the state directory's lock.
 */
#ifndef STORE_RESTORE_H
#define STORE_RESTORE_H

#include "lodge/error.h"

#include <stdbool.h>
#include <stdint.h>

struct store_restored {
    char *path;     /* where it is now: DIR/lodge.db */
    char *replaced; /* where the one before is, with its -wal and -shm; NULL: there was none */
    int64_t schema;
    int64_t vms;
    int64_t under_way;       /* operations that are left as they are, and will end as failed */
    bool other_installation; /* than the one before: what that has made is not its own */
};

/* Takes FILE, which is read once and not changed: a database of lodge, whole, of no newer schema.
 * A -wal or -journal that lies beside it is part of it. INVALID says what is wrong with FILE,
 * CONFLICT that it is the database itself; nothing is changed then, nor by any other failure whose
 * message does not say that FILE is put in place at the next start. A kill at any moment leaves the
 * old database or the new. */
bool store_restore(const char *state_dir, const char *file, int64_t now_ms,
                   struct store_restored *ret_restored, struct lodge_error *err) LODGE_MUST_CHECK;
void store_restored_clear(struct store_restored *restored);

/* What a kill has interrupted past its point of no return is finished; store_open() calls it. */
bool restore_finish(const char *state_dir, struct lodge_error *err) LODGE_MUST_CHECK;

#endif
