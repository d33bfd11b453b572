/*
 * copies: the files that lodge itself leaves beside the database, known by their exact names:
 *
 *   lodge.db.backup-YYYYMMDDTHHMMSS.mmm     server.backup
 *   lodge.db.schema-N.bak                   as it was before a migration from schema N
 *   lodge.db.replaced-YYYYMMDDTHHMMSS.mmm   what lodged --restore has put another in the place of,
 *                                           with its -wal, -shm or -journal
 *
 * The newest COPIES_KEPT of each kind stay. Nothing of another name is ever removed, nor what is no
 * regular file. Only daemon/store includes this.
 */
#ifndef STORE_COPIES_H
#define STORE_COPIES_H

#include "lodge/error.h"

#include <stdbool.h>
#include <stdint.h>

enum copy_kind { COPY_BACKUP, COPY_MIGRATION, COPY_REPLACED, COPY_KINDS };
enum { COPIES_KEPT = 8 };

/* The time as it stands in their names; the caller frees. */
char *copies_stamp(int64_t at_ms);

/* A consistent copy of the database `from`, others' writes going on meanwhile, under the new name
 * `path`: on disk when it returns, readable by its owner alone from its first byte, and marked (see
 * put_back.h). On failure nothing is left of it. */
bool copies_make(const char *from, const char *path, int64_t *ret_bytes, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* Whether `name` in the directory `dir` is this very file. */
struct stat;
bool copies_is_file(int dir, const char *name, const struct stat *file);

/* Removes all but the newest; never `made`, whatever the clock says of it, nor the file `spared`
 * (NULL: none). */
void copies_prune(const char *state_dir, enum copy_kind kind, const char *made,
                  const struct stat *spared);

/* Removes what a kill has left unfinished; nobody is making one. */
void copies_sweep(const char *state_dir);

/* A new name in a directory is safe only when the directory is. */
bool copies_sync(const char *state_dir);

#endif
