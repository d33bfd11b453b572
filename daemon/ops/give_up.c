/*
 * give_up.c: how an operation ends that cannot go on: on an admin's word (op.cancel, vm.forget)
 * while it waits for its host, or is tried again and again.
 *
 * What is given up:
 *   an undo      the VM's row goes, the quota is free; it ends as it failed
 *   a deletion   that had only files to remove: the same; it is done, and says what it kept
 *   all else     ends where it stands, as what is left alone (restored.c)
 * What may be left behind is named in the notes and, where the folder can be looked at one day,
 * found by the standing comparison; nothing of it is looked for or deleted any more, since nobody
 * may know by then whose it is. Loop-only, but for what it says.
 */
#include "log.h"
#include "memory.h"
#include "ops/op.h"
#include "ops/recipes.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Here both recipes that remove files do it; their domain is gone by then. */
static bool has_only_files(const struct op *op)
{
    return strcmp(op_step(op)->name, "volumes") == 0;
}

/* None was defined before it turned back. */
static bool has_no_domain(const struct op *op)
{
    return has_only_files(op) ||
           (op->undoing && op->plan.turned != NULL && strcmp(op->plan.turned, "volumes") == 0);
}

static bool may_be_left(const struct plan_disk *disk)
{
    return disk->ours && !disk->kept && disk->path != NULL;
}

static size_t files_left(const struct op *op)
{
    size_t count = 0;
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        count += may_be_left(&op->plan.disks.items[i]);
    }
    return count;
}

static bool cannot_go_on(const struct op *op)
{
    return op->phase == OP_NEEDS_HOST || op->phase == OP_RETRIES ||
           (op->phase == OP_MOVING && op->retry_ms != 0);
}

enum may_give_up give_up_right(const struct op *op)
{
    if (!op->begun || op->is_debris || op->closed || op_is_over(op) || !cannot_go_on(op)) {
        return GIVE_UP_NOBODY;
    }
    bool is_empty = op->undoing && has_no_domain(op) && files_left(op) == 0;
    return is_empty ? GIVE_UP_OWNERS : GIVE_UP_ADMINS;
}

bool give_up_forgets(const struct op *op)
{
    return !op->undoing && op->recipe->begins == VM_DELETING && has_only_files(op);
}

/* Notes all; the first, "" if there is none, for a line. */
static void name_what_is_left(struct op *op, char *ret_first, size_t size)
{
    ret_first[0] = '\0';
    if (!has_no_domain(op)) {
        (void)snprintf(ret_first, size, "domain %s on host '%s'", op->uuid, op->host_name);
        AUTO(free) char *note = xasprintf("may be left: %s", ret_first);
        plan_note(&op->plan, note);
    }
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        const struct plan_disk *disk = &op->plan.disks.items[i];
        if (!may_be_left(disk)) {
            continue;
        }
        AUTO(free) char *note = xasprintf("may be left: %s", disk->path);
        plan_note(&op->plan, note);
        if (ret_first[0] == '\0') {
            (void)snprintf(ret_first, size, "%s", disk->path);
        }
    }
}

static void give_up_undo(struct op *op)
{
    enum { FIRST = 200 };
    char first[FIRST];
    name_what_is_left(op, first, sizeof first);
    if (first[0] != '\0') {
        struct lodge_error why = op->failure;
        op->failure = (struct lodge_error){0};
        (void)lodge_fail(&op->failure, why.kind, "its undo was given up, %s may be left: %s", first,
                         why.message);
    }
    op->at = -1;
    op->is_given_up = true;
}

static void give_up_deletion(struct op *op, const char *reason)
{
    enum { FIRST = 200 };
    char first[FIRST];
    AUTO(free) char *why = xasprintf("it may be left, its deletion was given up: %s", reason);
    name_what_is_left(op, first, sizeof first);
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        if (may_be_left(&op->plan.disks.items[i])) {
            disks_keep(&op->plan.disks.items[i], why);
        }
    }
    disks_tell_kept(op);
    op->at = (ssize_t)op->recipe->count;
}

static void leave_where_it_stands(struct op *op, const char *reason)
{
    op_leave_alone(op);
    op->was_cancelled = true;
    op->failure = (struct lodge_error){0};
    (void)lodge_fail(&op->failure, LODGE_ERROR_CANCELLED,
                     "%s of '%.64s' was given up, nothing was undone or gone on with: %s",
                     op->recipe->kind, op->plan.name == NULL ? op->uuid : op->plan.name, reason);
}

void give_up_now(struct op *op)
{
    AUTO(free) char *known = op_reason(op);
    const char *reason = known == NULL ? "it waited" : known;
    log_warning(LOG_OPS, "operation %lld (%s) is given up: %s", (long long)op->id, op->recipe->kind,
                reason);
    if (op->undoing) {
        give_up_undo(op);
    } else if (give_up_forgets(op)) {
        give_up_deletion(op, reason);
    } else {
        leave_where_it_stands(op, reason);
    }
    op->retry_ms = 0;
}

bool give_up_is_allowed(const struct op *op, bool is_admin, struct lodge_error *err)
{
    return op->may_give_up != GIVE_UP_ADMINS || is_admin ||
           lodge_fail(err, LODGE_ERROR_DENIED,
                      "operation %lld (%s) may leave something behind if it is given up: only "
                      "an admin may do that",
                      (long long)op->id, op->recipe->kind);
}
