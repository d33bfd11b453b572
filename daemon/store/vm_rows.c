/*
 * vm_rows: the VMs that lodge manages, with their disks and NICs: what it has promised, not what
 * libvirt has. A name is one VM's per host, a MAC one's anywhere: UNIQUE constraints say so, and
 * what they refuse is told as a refusal. On workers, which block.
 */
#include "memory.h"
#include "refusals.h"
#include "store/rows.h"

#include <stdlib.h>
#include <string.h>

static const char *const phases[] = {
    [VM_PHASE_READY] = "ready",
    [VM_PHASE_CREATING] = "creating",
    [VM_PHASE_DELETING] = "deleting",
    [VM_PHASE_ERROR] = "error",
};

static enum vm_phase phase_of(const char *word)
{
    enum vm_phase phase = VM_PHASE_READY;
    while (phase < VM_PHASE_ERROR && strcmp(phases[phase], word) != 0) {
        phase++;
    }
    return phase;
}

/* Texts of a statement's rows live until its next step: these live as long as the list. */
struct texts {
    char **items;
    size_t count;
};

static const char *keep_column(struct texts *texts, sqlite3_stmt *statement, int column)
{
    if (sqlite3_column_type(statement, column) == SQLITE_NULL) {
        return NULL;
    }
    texts->items = xrealloc(texts->items, (texts->count + 1) * sizeof(char *));
    texts->items[texts->count] = xstrdup(statement_text(statement, column));
    return texts->items[texts->count++];
}

static void texts_free(struct texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        free(texts->items[i]);
    }
    free(texts->items);
}

struct parts {
    struct texts texts;
    struct disk_row *disks;
    size_t disk_count;
    const char **macs;
    size_t mac_count;
};

static void parts_free(struct parts *parts)
{
    texts_free(&parts->texts);
    free(parts->disks);
    free(parts->macs);
}

static bool read_disks(struct store *store, int64_t id, struct parts *parts,
                       struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *list = statement_get(store, VM_DISKS);
    bool row = true;
    statement_bind_int(list, 1, id);
    while (statement_step(store, list, &row, err)) {
        if (!row) {
            return true;
        }
        parts->disks = xrealloc(parts->disks, (parts->disk_count + 1) * sizeof *parts->disks);
        parts->disks[parts->disk_count++] = (struct disk_row){
            .target = keep_column(&parts->texts, list, 0),
            .pool = keep_column(&parts->texts, list, 1),
            .volume = keep_column(&parts->texts, list, 2),
            .path = keep_column(&parts->texts, list, 3),
            .format = keep_column(&parts->texts, list, 4),
            .size_gib = sqlite3_column_int64(list, 5),
            .ours = sqlite3_column_int(list, 6) != 0,
        };
    }
    return false;
}

static bool read_macs(struct store *store, int64_t id, struct parts *parts, struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *list = statement_get(store, VM_MACS);
    bool row = true;
    statement_bind_int(list, 1, id);
    while (statement_step(store, list, &row, err)) {
        if (!row) {
            return true;
        }
        parts->macs = xrealloc(parts->macs, (parts->mac_count + 1) * sizeof *parts->macs);
        parts->macs[parts->mac_count++] = keep_column(&parts->texts, list, 0);
    }
    return false;
}

/* Tells the row that `list` stands on, with all that belongs to it. */
static bool tell_vm_row(struct store *store, sqlite3_stmt *list, store_vm_fn *each, void *data,
                        struct lodge_error *err)
{
    struct parts parts = {0};
    int64_t id = sqlite3_column_int64(list, 9);
    bool ok = read_disks(store, id, &parts, err) && read_macs(store, id, &parts, err);
    if (ok) {
        const struct vm_row vm = {
            .host = keep_column(&parts.texts, list, 0),
            .uuid = keep_column(&parts.texts, list, 1),
            .name = keep_column(&parts.texts, list, 2),
            .owner = (uid_t)sqlite3_column_int64(list, 3),
            .phase = phase_of(statement_text(list, 4)),
            .vcpus = sqlite3_column_int64(list, 5),
            .memory_mib = sqlite3_column_int64(list, 6),
            .disk_gib = sqlite3_column_int64(list, 7),
            .disks = parts.disks,
            .disk_count = parts.disk_count,
            .macs = parts.macs,
            .mac_count = parts.mac_count,
            .serial_log = keep_column(&parts.texts, list, 8),
        };
        each(data, &vm);
    }
    parts_free(&parts);
    return ok;
}

bool store_read_vms(struct store *store, store_vm_fn *each, void *data, struct lodge_error *err)
{
    if (!database_enter(store, err)) {
        return false;
    }
    AUTO(database_leave) struct store *entered = store;
    AUTO(statement_reset) sqlite3_stmt *list = statement_get(entered, VM_LIST);
    for (bool row = true;;) {
        if (!statement_step(store, list, &row, err)) {
            return lodge_fail_in(err, "reading the VMs");
        }
        if (!row) {
            break;
        }
        if (!tell_vm_row(store, list, each, data, err)) {
            return lodge_fail_in(err, "reading the VMs");
        }
    }
    database_well(store);
    return true;
}

bool vm_charge(struct store *store, const char *host, const char *uuid,
               struct vm_charge *ret_charge, bool *ret_found, struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *get = statement_get(store, VM_GET);
    *ret_charge = (struct vm_charge){0};
    statement_bind_text(get, 1, host);
    statement_bind_text(get, 2, uuid);
    if (!statement_step(store, get, ret_found, err)) {
        return false;
    }
    if (*ret_found) {
        ret_charge->owner = (uid_t)sqlite3_column_int64(get, 3);
        ret_charge->amounts = (struct lodge_amounts){
            .vms = 1,
            .vcpus = sqlite3_column_int64(get, 5),
            .memory_mib = sqlite3_column_int64(get, 6),
            .disk_gib = sqlite3_column_int64(get, 7),
        };
    }
    return true;
}

static bool insert_row(struct store *store, const struct vm_row *vm, const char *phase,
                       int64_t *ret_id, struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *insert = statement_get(store, VM_INSERT_ROW);
    statement_bind_text(insert, 1, vm->host);
    statement_bind_text(insert, 2, vm->uuid);
    statement_bind_text(insert, 3, vm->name);
    statement_bind_int(insert, 4, vm->owner);
    statement_bind_text(insert, 5, phase);
    statement_bind_int(insert, 6, vm->vcpus);
    statement_bind_int(insert, 7, vm->memory_mib);
    statement_bind_int(insert, 8, vm->disk_gib);
    statement_bind_text(insert, 9, vm->serial_log);
    int code = sqlite3_step(insert);
    if (code == SQLITE_ROW) {
        *ret_id = sqlite3_column_int64(insert, 0);
        return true;
    }
    if ((code & 0xff) == SQLITE_CONSTRAINT &&
        sqlite3_extended_errcode(store->db) == SQLITE_CONSTRAINT_UNIQUE) {
        return refuse_taken_name(err, vm->host, vm->name);
    }
    return database_fail(store, code, err);
}

static bool insert_disk(struct store *store, int64_t id, const struct disk_row *disk,
                        struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *insert = statement_get(store, DISK_INSERT);
    bool clash = false;
    statement_bind_int(insert, 1, id);
    statement_bind_text(insert, 2, disk->target);
    statement_bind_text(insert, 3, disk->pool == NULL ? "" : disk->pool);
    statement_bind_text(insert, 4, disk->volume == NULL ? "" : disk->volume);
    statement_bind_text(insert, 5, disk->path);
    statement_bind_text(insert, 6, disk->format);
    statement_bind_int(insert, 7, disk->size_gib);
    statement_bind_int(insert, 8, disk->ours);
    return statement_run(store, insert, &clash, err) ||
           (clash &&
            lodge_fail(err, LODGE_ERROR_CONFLICT, "another VM has the disk %s", disk->path));
}

static bool insert_nic(struct store *store, int64_t id, const char *mac, struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *insert = statement_get(store, NIC_INSERT);
    bool clash = false;
    statement_bind_text(insert, 1, mac);
    statement_bind_int(insert, 2, id);
    return statement_run(store, insert, &clash, err) ||
           (clash &&
            lodge_fail(err, LODGE_ERROR_CONFLICT, "another VM has the MAC address %s", mac));
}

bool vm_insert(struct store *store, const struct vm_row *vm, const char *phase,
               struct lodge_error *err)
{
    int64_t id = 0;
    if (!insert_row(store, vm, phase, &id, err)) {
        return false;
    }
    for (size_t i = 0; i < vm->disk_count; i++) {
        if (!insert_disk(store, id, &vm->disks[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < vm->mac_count; i++) {
        if (!insert_nic(store, id, vm->macs[i], err)) {
            return false;
        }
    }
    return true;
}

bool vm_set_phase(struct store *store, const char *host, const char *uuid, const char *phase,
                  struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *update = statement_get(store, VM_SET_PHASE);
    statement_bind_text(update, 1, host);
    statement_bind_text(update, 2, uuid);
    statement_bind_text(update, 3, phase);
    return statement_run(store, update, NULL, err);
}

static bool try_name(struct store *store, const struct vm_row *vm, bool *ret_clash,
                     struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *update = statement_get(store, VM_SET_NAME);
    statement_bind_text(update, 1, vm->host);
    statement_bind_text(update, 2, vm->uuid);
    statement_bind_text(update, 3, vm->name);
    return statement_run(store, update, ret_clash, err);
}

static bool follow_amounts(struct store *store, const struct vm_row *vm, const struct vm_row *old,
                           bool *ret_done, struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *update = statement_get(store, VM_FOLLOW);
    statement_bind_text(update, 1, vm->host);
    statement_bind_text(update, 2, vm->uuid);
    statement_bind_int(update, 3, vm->vcpus);
    statement_bind_int(update, 4, vm->memory_mib);
    statement_bind_int(update, 5, old->vcpus);
    statement_bind_int(update, 6, old->memory_mib);
    return statement_step(store, update, ret_done, err) && statement_run(store, update, NULL, err);
}

bool store_follow_vm(struct store *store, const struct vm_row *vm, const struct vm_row *old,
                     bool *ret_done, bool *ret_clash, struct lodge_error *err)
{
    *ret_done = false;
    *ret_clash = false;
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    return transaction != NULL && follow_amounts(store, vm, old, ret_done, err) &&
           (!*ret_done || try_name(store, vm, ret_clash, err) || *ret_clash) &&
           transaction_commit(transaction, err);
}

static bool set_sizes(struct store *store, const struct vm_row *vm, struct lodge_error *err)
{
    for (size_t i = 0; i < vm->disk_count; i++) {
        AUTO(statement_reset) sqlite3_stmt *update = statement_get(store, DISK_SET_SIZE);
        statement_bind_text(update, 1, vm->host);
        statement_bind_text(update, 2, vm->uuid);
        statement_bind_text(update, 3, vm->disks[i].target);
        statement_bind_int(update, 4, vm->disks[i].size_gib);
        if (!statement_run(store, update, NULL, err)) {
            return false;
        }
    }
    AUTO(statement_reset) sqlite3_stmt *sum = statement_get(store, VM_SUM_DISKS);
    statement_bind_text(sum, 1, vm->host);
    statement_bind_text(sum, 2, vm->uuid);
    return statement_run(store, sum, NULL, err);
}

bool vm_name_is_free(struct store *store, const char *host, const char *uuid, const char *name,
                     struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *find = statement_get(store, VM_NAME_TAKEN);
    bool is_taken = false;
    statement_bind_text(find, 1, host);
    statement_bind_text(find, 2, uuid);
    statement_bind_text(find, 3, name);
    if (!statement_step(store, find, &is_taken, err)) {
        return false;
    }
    return !is_taken || refuse_taken_name(err, host, name);
}

bool vm_set_charge(struct store *store, const struct vm_row *vm, struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *update = statement_get(store, VM_SET_CHARGE);
    statement_bind_text(update, 1, vm->host);
    statement_bind_text(update, 2, vm->uuid);
    statement_bind_int(update, 3, vm->vcpus);
    statement_bind_int(update, 4, vm->memory_mib);
    bool clash = false;
    return statement_run(store, update, NULL, err) && set_sizes(store, vm, err) &&
           (try_name(store, vm, &clash, err) || clash);
}

bool vm_remove(struct store *store, const char *host, const char *uuid, struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *delete = statement_get(store, VM_DELETE);
    statement_bind_text(delete, 1, host);
    statement_bind_text(delete, 2, uuid);
    return statement_run(store, delete, NULL, err);
}
