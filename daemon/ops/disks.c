/* disks: what operations share about a VM's files: which stay and why, and how those that do not
 * are removed. On a worker, but for what is marked when the operation begins. */
#include "host/storage/leavings.h"
#include "log.h"
#include "memory.h"
#include "ops/recipes.h"
#include "paths.h"
#include "registry/registry.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROTATED = 1000 };

/* Another lodged on the same folder makes a disk some time before there is a domain that says so.
 */
enum { STRAY_AGE_S = 3600 }; /* a bound where there must be one */

void disks_keep(struct plan_disk *disk, const char *why)
{
    disk->kept = true;
    free(disk->why);
    disk->why = xstrdup(why);
}

void disks_forget_kept(struct plan *plan)
{
    for (size_t i = 0; i < plan->disks.count; i++) {
        plan->disks.items[i].kept = false;
    }
}

void disks_mark_used(struct op *op)
{
    const struct vm *self = op_vm(op);
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        struct plan_disk *disk = &op->plan.disks.items[i];
        if (disk->path == NULL) {
            continue; /* not named yet: nobody can use it */
        }
        if (!disk->ours) {
            disks_keep(disk, "lodge did not make it");
        } else if (!disk->kept &&
                   registry_path_is_taken(op->ops->registry, op->host_name, disk->path, self)) {
            disks_keep(disk, "another VM uses it");
        }
    }
}

bool disks_leavings(struct op *op, struct host_conn *conn, struct leavings *ret_leavings,
                    size_t *places)
{
    struct lodge_strings ours = {0};
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        const struct plan_disk *disk = &op->plan.disks.items[i];
        if (disk->ours && disk->path != NULL) {
            places[ours.count] = i;
            if (!lodge_strings_add(&ours, disk->path)) {
                abort(); /* out of memory, as xmalloc */
            }
        }
    }
    bool good = domain_leavings(conn, op->uuid, &ours, ret_leavings, &op->error);
    lodge_strings_clear(&ours);
    return good;
}

bool disks_ask(const struct op *op)
{
    bool any = op->plan.serial_log != NULL;
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        any |= op->plan.disks.items[i].ours && !op->plan.disks.items[i].kept;
    }
    return any && !op->plan.foreign;
}

/* The serial port's, or what virtlogd made of it. */
static bool is_log(const struct op *op, const char *name)
{
    const char *log = op->plan.serial_log;
    return log != NULL && strncmp(name, log, strlen(log)) == 0;
}

/* What is undone may never have been there; what has a seal was. */
static bool was_made(const struct op *op, const char *name)
{
    bool is_sealed = false;
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        const struct plan_disk *disk = &op->plan.disks.items[i];
        is_sealed |= disk->seal != NULL && disk->volume != NULL && strcmp(disk->volume, name) == 0;
    }
    return !op->recipe->undoes || is_sealed;
}

enum step_end disks_remove_file(struct op *op, struct host_conn *conn, const char *name,
                                struct file_end *ret_end)
{
    struct storage_removal removal = {
        .is_log = is_log(op, name),
        .was_made = was_made(op, name),
        .least_age_s = op->recipe->of_strays ? STRAY_AGE_S : 0,
    };
    *ret_end = (struct file_end){.was_there = true};
    if (!op_uses(op, conn, &removal.uses, &removal.is_own)) {
        return op_end(op, false);
    }
    if (storage_remove(conn, op_place(op), name, &removal, &op->error)) {
        if (removal.end == STORAGE_ASKS) {
            return STEP_ASK;
        }
        ret_end->was_there = removal.end != STORAGE_ABSENT;
        if (removal.end == STORAGE_KEPT) {
            (void)snprintf(ret_end->kept, sizeof ret_end->kept, "%s", removal.why);
        }
        if (removal.end == STORAGE_REMOVED && op->is_debris) {
            log_warning(LOG_OPS, "%s of operation %lld, which was undone, came late: it is removed",
                        name, (long long)op->id);
        }
    } else if (op->error.kind == LODGE_ERROR_CONFLICT) { /* nobody's but its maker's */
        (void)snprintf(ret_end->kept, sizeof ret_end->kept, "%.255s", op->error.message);
        op->error = (struct lodge_error){0}; /* it is said there */
    } else {
        return op_end(op, false);
    }
    if (ret_end->kept[0] != '\0') {
        log_warning(LOG_OPS, "operation %lld leaves %s alone: %s", (long long)op->id, name,
                    ret_end->kept);
    }
    return STEP_DONE;
}

/* What is not ours by the look of it stays, and is named. */
static enum step_end remove_log(struct op *op, struct host_conn *conn, const char *name,
                                struct file_end *ret_file)
{
    enum step_end end = disks_remove_file(op, conn, name, ret_file);
    if (end == STEP_DONE && ret_file->kept[0] != '\0') {
        AUTO(free) char *path = storage_path(op_place(op), name);
        plan_leave(&op->plan, path, ret_file->kept);
    }
    return end;
}

/* The serial port's, with what virtlogd called it before it began a new one: NAME.0 is the last,
 * then NAME.1, as many as it was told to keep. */
static enum step_end remove_logs(struct op *op, struct host_conn *conn)
{
    struct file_end file = {.was_there = true};
    enum step_end end = remove_log(op, conn, op->plan.serial_log, &file);
    file.was_there = true;
    for (int i = 0; end == STEP_DONE && file.was_there && i < MOST_ROTATED; i++) {
        AUTO(free) char *old = xasprintf("%s.%d", op->plan.serial_log, i);
        end = remove_log(op, conn, old, &file);
    }
    return end;
}

/* Where disks go was configured anew since it was made: nothing is done by a name alone. */
static bool is_elsewhere(struct op *op, struct plan_disk *disk)
{
    const struct storage_place *place = op_place(op);
    AUTO(free) char *path = storage_path(place, disk->volume);
    if (disk->path == NULL || path_is_same(path, disk->path)) {
        return false;
    }
    AUTO(free) char *why = xasprintf("this host's disks are in %s now", place->dir);
    log_warning(LOG_OPS, "operation %lld leaves %s alone: %s", (long long)op->id, disk->path, why);
    disks_keep(disk, why);
    return true;
}

enum step_end disks_remove(struct op *op, struct host_conn *conn)
{
    struct file_end file;
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        struct plan_disk *disk = &op->plan.disks.items[i];
        if (!disk->ours || disk->kept || is_elsewhere(op, disk)) {
            continue;
        }
        enum step_end end = disks_remove_file(op, conn, disk->volume, &file);
        if (end != STEP_DONE) {
            return end;
        }
        if (file.kept[0] != '\0') {
            disks_keep(disk, file.kept);
        }
    }
    return op->plan.serial_log == NULL ? STEP_DONE : remove_logs(op, conn);
}

static void add_kept(struct buffer *result, bool *is_first, const char *path, const char *why)
{
    buffer_add_text(result, *is_first ? "{\"path\":" : ",{\"path\":");
    buffer_add_json_string(result, path);
    buffer_add_text(result, ",\"why\":");
    buffer_add_json_string(result, why);
    buffer_add_char(result, '}');
    *is_first = false;
}

static bool is_kept_disk(const struct plan *plan, const char *path)
{
    for (size_t i = 0; i < plan->disks.count; i++) {
        const struct plan_disk *disk = &plan->disks.items[i];
        if (disk->kept && disk->path != NULL && path_is_same(disk->path, path)) {
            return true;
        }
    }
    return false;
}

void disks_tell_kept(struct op *op)
{
    struct buffer result = {0};
    bool is_first = true;
    const struct plan *plan = &op->plan;
    buffer_add_text(&result, "{\"kept\":[");
    for (size_t i = 0; i < plan->disks.count; i++) {
        const struct plan_disk *disk = &plan->disks.items[i];
        if (disk->kept && disk->path != NULL) {
            add_kept(&result, &is_first, disk->path, disk->why);
        }
    }
    for (size_t i = 0; i < plan->left.count; i++) {
        if (!is_kept_disk(plan, plan->left.items[i].path)) {
            add_kept(&result, &is_first, plan->left.items[i].path, plan->left.items[i].why);
        }
    }
    buffer_add_text(&result, "]}");
    free(op->result);
    op->result = buffer_take(&result);
}
