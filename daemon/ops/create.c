/*
 * create.c: a VM, whole or not at all.
 *
 * Before the commit everything is undone: nothing of the guest has run. After it there is only
 * forward. If the power goes after …
 *   reserve   nothing but rows: they go, the quota is free
 *   volumes   files of names that only we can have made: they go
 *   define    a domain with our uuid and our mark: it goes; with another's mark: nothing is touched
 *   start     a guest that has run no instruction: destroyed
 *   commit    the VM is there: marked as such on its host, and resumed if it is paused
 *   mark      the same: whatever a database says that is put back later, the guest may have run
 * A guest that has run, whoever made it, is no more undone: the VM stays (life.h).
 */
#include "host/guest/kvm_probe.h"
#include "host/storage/chain.h"
#include "host/storage/images.h"
#include "host/xml/domain_xml_write.h"
#include "log.h"
#include "memory.h"
#include "ops/disk_seals.h"
#include "ops/life.h"
#include "ops/recipes.h"
#include "refusals.h"
#include "scope.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

enum { RESUME_S = 10, AGENT_PATH_MAX = 60, GIB_BITS = 30 };

/* 0 is create_check.c, 1 the worker's. 2: the disks. */

/* The image may be another by now than it was when it was asked for: what is copied is what is seen
 * to be good here. */
static bool make_volume(struct op *op, struct host_conn *conn, const struct plan_disk *disk)
{
    struct chain image = {0};
    struct volume volume = {
        .name = disk->volume,
        .format = disk->format,
        .size_gib = disk->size_gib,
        .image = disk->image == NULL ? NULL : &image,
    };
    if (disk->image != NULL &&
        !image_open(&op->ops->fleet->options.image_dirs, disk->image, &image, &op->error)) {
        return false;
    }
    bool good = disk->image == NULL || image.bytes <= disk->size_gib << GIB_BITS ||
                lodge_fail(&op->error, LODGE_ERROR_CONFLICT,
                           "%s has changed: it does not fit into %lld GiB any more", disk->image,
                           (long long)disk->size_gib);
    good = good && storage_make(conn, op_place(op), &volume, &op->cancelled, &op->error);
    chain_close(&image);
    return good;
}

/* Of an earlier try, which may have ended in the middle. */
static enum step_end remove_remains(struct op *op, struct host_conn *conn,
                                    const struct plan_disk *disk)
{
    struct file_end file;
    enum step_end end = disks_remove_file(op, conn, disk->volume, &file);
    return end == STEP_DONE && file.kept[0] != '\0'
               ? op_fail(op, LODGE_ERROR_CONFLICT, "%s stays: %s", disk->path, file.kept)
               : end;
}

/* A VM without disks has nothing there but its serial port's log: it wants the folder and no pool,
 * and is made without the log where there can be no folder. */
static enum step_end prepare_for_log(struct op *op, struct host_conn *conn)
{
    if (op->plan.serial_log == NULL || storage_is_seen(conn, op_place(op)) ||
        storage_prepare(conn, op_place(op), &op->error)) {
        return STEP_DONE;
    }
    enum step_end end = op_end(op, false);
    if (end == STEP_FAILED) {
        AUTO(free) char *note = xasprintf("no log of its serial port: %s", op->error.message);
        plan_note(&op->plan, note);
        op->plan.no_log = true; /* its name is the loop's too, to show */
        op->plan_changed = true;
        op->error = (struct lodge_error){0};
        end = STEP_DONE;
    }
    return end;
}

static enum step_end creation_make_volumes(struct op *op, struct host_conn *conn)
{
    if (op->plan.disks.count == 0) {
        return prepare_for_log(op, conn);
    }
    if (!storage_prepare(conn, op_place(op), &op->error)) {
        enum step_end end = op_end(op, false);
        op->is_untouched = end == STEP_FAILED && !op->may_have_run;
        return end;
    }
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        const struct plan_disk *disk = &op->plan.disks.items[i];
        enum step_end end = op->may_have_run ? remove_remains(op, conn, disk) : STEP_DONE;
        if (end != STEP_DONE) {
            return end;
        }
        if (!make_volume(op, conn, disk)) {
            return op->error.kind == LODGE_ERROR_CANCELLED ? STEP_CANCELLED : op_end(op, false);
        }
    }
    disk_seals_set(op, conn);
    return STEP_DONE;
}

static bool is_of_creation(const struct op *op, const struct domain_look *look)
{
    return look->op == op->id &&
           strcmp(look->installation, store_installation(op->ops->fleet->store)) == 0;
}

/* Whether its guest has run (plan.alive): once that is seen nothing of it is undone any more,
 * whatever is seen later. False with op.error. */
static bool see_life(struct op *op, struct host_conn *conn, const struct domain_look *look)
{
    bool is_seen = life_is_seen(look, host_conn_traits(conn).starts_paused);
    if (op->plan.alive || !look->present || !is_of_creation(op, look)) {
        return true;
    }
    if (!is_seen && !disk_seals_look(op, conn, &is_seen)) {
        return false;
    }
    if (!is_seen) {
        return true;
    }
    const char *why = look->committed ? "it was made long ago, the database is older than that"
                                      : "its guest has run meanwhile";
    struct lodge_error failure = {0};
    (void)lodge_fail(
        &failure, op->failure.kind == LODGE_ERROR_NONE ? LODGE_ERROR_CANCELLED : op->failure.kind,
        "'%s' is not undone, it stays: %s", op->plan.name, why);
    op->failure = failure;
    op->plan.alive = true;
    op->plan_changed = true;
    log_warning(LOG_OPS, "operation %lld: %s", (long long)op->id, failure.message);
    return true;
}

static enum step_end creation_remove_volumes(struct op *op, struct host_conn *conn)
{
    struct domain_look look;
    if (op->plan.foreign) {
        return STEP_DONE;
    }
    if (!domain_look(conn, op->uuid, &look, &op->error)) {
        return op_end(op, false);
    }
    if (!see_life(op, conn, &look)) {
        return op_end(op, false);
    }
    if (op->plan.alive) {
        return STEP_DONE;
    }
    for (size_t i = 0; i < op->plan.disks.count; i++) { /* whose definition somebody removed */
        struct plan_disk *disk = &op->plan.disks.items[i];
        if (disk_seal_is_broken(op, conn, disk)) {
            log_warning(LOG_OPS,
                        "operation %lld leaves %s alone: it was written to since it was made",
                        (long long)op->id, disk->path);
            disks_keep(disk, "it was written to since it was made");
        }
    }
    return disks_remove(op, conn);
}

static bool creation_asks(const struct op *op)
{
    return op->undoing && disks_ask(op);
}

/* 3: the domain. */

static char *write_xml(struct op *op, struct host_conn *conn)
{
    const struct plan *plan = &op->plan;
    struct host_traits traits = host_conn_traits(conn);
    const struct storage_place *place = op_place(op);
    const char *virt_type = "test";
    if (!traits.is_test && !kvm_probe_virt_type(conn, &virt_type, &op->error)) {
        return NULL;
    }
    AUTO(free) struct disk_row *disks = xcalloc(plan->disks.count + 1, sizeof *disks);
    for (size_t i = 0; i < plan->disks.count; i++) {
        const struct plan_disk *disk = &plan->disks.items[i];
        disks[i] =
            (struct disk_row){.target = disk->target, .path = disk->path, .format = disk->format};
    }
    AUTO(free)
    char *log =
        plan->serial_log == NULL || plan->no_log ? NULL : storage_path(place, plan->serial_log);
    struct domain_plan domain = {
        .name = plan->name,
        .uuid = op->uuid,
        .installation = store_installation(op->ops->fleet->store),
        .op = op->id,
        .is_test = traits.is_test,
        .virt_type = virt_type,
        .vcpus = plan->vcpus,
        .memory_mib = plan->memory_mib,
        .disks = disks,
        .disk_count = plan->disks.count,
        .iso = plan->iso,
        .kernel = plan->kernel,
        .initrd = plan->initrd,
        .cmdline = plan->cmdline,
        .network = plan->network,
        .mac = plan->mac,
        .vnc = plan->graphics == NULL || strcmp(plan->graphics, "none") != 0,
        .is_local = traits.is_local,
        .uefi = plan->uefi,
        .boot = &plan->boot,
        .serial_log = log,
        /* the channel's socket lies beside the domain's state: a UNIX path has 107 bytes */
        .agent = !traits.is_test && (!traits.is_embedded || strlen(place->dir) < AGENT_PATH_MAX),
        .tags = &plan->tags,
    };
    return domain_xml_write(&domain, &op->error);
}

static enum step_end creation_define(struct op *op, struct host_conn *conn)
{
    struct domain_look look;
    if (!domain_look(conn, op->uuid, &look, &op->error)) {
        return op_end(op, false);
    }
    if (look.present && !is_of_creation(op, &look)) {
        op->plan.foreign = true;
        return op_fail(op, LODGE_ERROR_CONFLICT, "somebody else has made a domain with uuid %s",
                       op->uuid);
    }
    AUTO(free) char *xml = write_xml(op, conn);
    bool ok = xml != NULL && domain_define(conn, xml, &op->error);
    if (!ok && op->error.kind == LODGE_ERROR_EXISTS) { /* libvirt tells the other's uuid */
        op->error = (struct lodge_error){0};
        (void)refuse_taken_name(&op->error, op->host_name, op->plan.name);
        return STEP_FAILED;
    }
    return op_end(op, ok);
}

static enum step_end creation_undefine(struct op *op, struct host_conn *conn)
{
    struct domain_look look;
    if (!domain_look(conn, op->uuid, &look, &op->error)) {
        return op_end(op, false);
    }
    if (look.present && !is_of_creation(op, &look)) {
        op->plan.foreign = true;
        log_error(
            LOG_OPS,
            "operation %lld: a domain with uuid %s is on host %s without our mark: it and its "
            "disks are left alone",
            (long long)op->id, op->uuid, op->host_name);
        return STEP_DONE;
    }
    if (!see_life(op, conn, &look)) {
        return op_end(op, false);
    }
    if (op->plan.alive) {
        return STEP_DONE;
    }
    enum step_end end = look.present ? op_undefine(op, conn) : STEP_DONE;
    if (end == STEP_DONE && look.present && op->is_debris) {
        log_warning(LOG_OPS,
                    "the domain of operation %lld, which was undone, came late: it is removed",
                    (long long)op->id);
    }
    return end;
}

/* 4: QEMU, without a guest's instruction. */

static enum step_end creation_start(struct op *op, struct host_conn *conn)
{
    return op_end(op,
                  domain_start(conn, op->uuid, host_conn_traits(conn).starts_paused, &op->error));
}

static bool creation_starts_not(const struct op *op)
{
    return !op->plan.start;
}

static enum step_end creation_destroy(struct op *op, struct host_conn *conn)
{
    struct domain_look look;
    if (!domain_look(conn, op->uuid, &look, &op->error)) {
        return op_end(op, false);
    }
    if (!see_life(op, conn, &look)) {
        return op_end(op, false);
    }
    bool is_there = look.present && look.active && is_of_creation(op, &look) && !op->plan.alive;
    return op_end(op, !is_there || domain_destroy(conn, op->uuid, &op->error));
}

/* 6: the domain says so itself. */

static enum step_end creation_mark(struct op *op, struct host_conn *conn)
{
    const char *installation = store_installation(op->ops->fleet->store);
    if (domain_commit_mark(conn, op->uuid, installation, &op->error)) {
        return STEP_DONE;
    }
    if (op->error.kind != LODGE_ERROR_UNSUPPORTED) {
        return op_end(op, false);
    }
    log_warning(LOG_OPS, "operation %lld: %s", (long long)op->id, op->error.message);
    return STEP_DONE; /* the count beside the database is what is left */
}

/* 7: the guest runs. */

static enum step_end creation_resume(struct op *op, struct host_conn *conn)
{
    if (!op->plan.start) {
        return STEP_WAIT; /* until the registry has heard of the domain */
    }
    struct domain_look look;
    if (op->may_have_run && !domain_look(conn, op->uuid, &look, &op->error)) {
        return op_end(op, false);
    }
    if (op->may_have_run && !(look.present && look.active)) {
        return op_fail(op, LODGE_ERROR_BAD_STATE,
                       "'%s' is made, but shut off: it ended before it could be resumed",
                       op->plan.name);
    }
    bool ok = !host_conn_traits(conn).starts_paused ||
              domain_resume(conn, op->uuid, LODGE_UNKNOWN, &op->error);
    return ok ? STEP_WAIT : op_end(op, false);
}

static enum wait_end creation_is_there(struct op *op)
{
    const struct vm *vm = op_vm(op);
    bool is_read =
        vm != NULL && vm->facts.graphics != NULL; /* its definition, which has its disks */
    if (!is_read || !vm->present || vm->live == LODGE_VM_UNKNOWN) {
        return WAIT_ON;
    }
    bool came_and_went = vm->starts > 0 && !vm_is_active(vm);
    bool runs = vm->live == LODGE_VM_RUNNING;
    if (op->plan.start && op->is_late && op->reading == 0 && vm->live == LODGE_VM_PAUSED) {
        (void)op_fail(op, LODGE_ERROR_TIMEOUT, "'%s' is made, but paused%s%s%s", op->plan.name,
                      vm->live_reason == NULL ? "" : " (",
                      vm->live_reason == NULL ? "" : vm->live_reason,
                      vm->live_reason == NULL ? "" : ")");
        return WAIT_FAILED;
    }
    return !op->plan.start || runs || came_and_went ? WAIT_OVER : WAIT_ON;
}

static const struct step steps[] = {
    {.name = "volumes",
     .where = ON_HOST,
     .prepare = disks_mark_used,
     .asks = creation_asks,
     .run = creation_make_volumes,
     .undo_where = ON_HOST,
     .undo = creation_remove_volumes},
    {.name = "define",
     .where = ON_HOST,
     .run = creation_define,
     .undo_where = ON_HOST,
     .undo = creation_undefine},
    {.name = "start",
     .where = ON_HOST,
     .skips = creation_starts_not,
     .run = creation_start,
     .undo_where = ON_HOST, /* which looks at files; it was paused, so its QEMU does not hang */
     .undo = creation_destroy},
    {.name = "commit", .where = ON_HOST, .commits = true},
    {.name = "mark", .where = ON_HOST, .insists = true, .run = creation_mark},
    {.name = "resume",
     .where = ON_HOST,
     .run = creation_resume,
     .happened = creation_is_there,
     .awaits = "libvirt to show the VM as it is to be",
     .wait_s = RESUME_S,
     .late_is_fine = true},
};

static enum vm_effect creation_ends(const struct op *op, enum lodge_op_state state,
                                    struct vm_row *row)
{
    (void)row;
    (void)state;
    return op->committed || op->plan.alive ? VM_READY : op->plan.foreign ? VM_ERROR : VM_REMOVE;
}

const struct recipe create_recipe = {
    .kind = "vm.create",
    .steps = steps,
    .count = ARRAY_LENGTH(steps),
    .begins = VM_INSERT,
    .commits = VM_READY,
    .undoes = true,
    .can_cancel = true,
    .starts = true,
    .check = create_check,
    .ends = creation_ends,
};
