/*
 * update.c: a VM that is there becomes another, in libvirt's definition first and then, as far as
 * libvirt can, in the guest that runs. While it is under way the larger of old and new is charged.
 * If the power goes after …
 *   reserve   the old definition stands; it goes on
 *   read      the journal has old and new definition, without their secrets
 *   define    libvirt's is compared, all but secrets: old is edited and defined again, new is done;
 *             neither is a third hand's, which is kept
 *   grow …    a disk that has its size already is passed over; disks never shrink (disks_grow.c)
 *   live      what the guest did not take waits for its next boot
 */
#include "host/storage/images.h"
#include "host/xml/domain_xml_edit.h"
#include "host/xml/domain_xml_secrets.h"
#include "host/xml/next_boot.h"
#include "log.h"
#include "memory.h"
#include "ops/recipes.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENT_S = 10 };

static bool changes_xml(const struct plan *plan)
{
    return plan->new_vcpus != LODGE_UNKNOWN || plan->new_memory_mib != LODGE_UNKNOWN ||
           plan->set_tags || plan->set_boot || plan->set_media;
}

static bool leaves_xml(const struct op *op)
{
    return !changes_xml(&op->plan);
}

/* The definition `xml` with what is asked for; the caller frees. */
static char *edited(struct op *op, const char *xml, struct lodge_strings *dropped)
{
    const struct plan *plan = &op->plan;
    const struct domain_edit edit = {
        .vcpus = plan->new_vcpus,
        .memory_mib = plan->new_memory_mib,
        .tags = plan->set_tags ? &plan->tags : NULL,
        .boot = plan->set_boot ? &plan->boot : NULL,
        .media = plan->set_media,
        .media_target = plan->target,
        .iso = plan->iso,
    };
    return domain_xml_edit(xml, &edit, dropped, &op->error);
}

/* The definition of its next boot, as the journal may have it; the caller frees. */
static char *read_shown(struct op *op, struct host_conn *conn)
{
    AUTO(free) char *xml = domain_get_xml(conn, op->uuid, XML_OF_NEXT_BOOT, &op->error);
    return xml == NULL ? NULL : domain_xml_without_secrets(xml, &op->error);
}

/* The plan's old definition, `xml` (given away), and what it becomes. */
static bool edit_definition(struct op *op, char *xml)
{
    struct plan *plan = &op->plan;
    free(plan->old_xml);
    plan->old_xml = xml;
    lodge_strings_clear(&plan->dropped);
    free(plan->new_xml);
    plan->new_xml = edited(op, xml, &plan->dropped);
    op->plan_changed = true;
    return plan->new_xml != NULL;
}

/* What would fail later for certain fails before anything has changed. */
static enum step_end update_read(struct op *op, struct host_conn *conn)
{
    AUTO(free) char *xml = read_shown(op, conn);
    return op_end(op, xml != NULL && disks_check(op, conn) && edit_definition(op, TAKE(xml)));
}

static enum step_end is_anothers(struct op *op)
{
    return op_fail(op, LODGE_ERROR_CONFLICT,
                   "somebody else has defined '%s' anew meanwhile: theirs is kept", op->plan.name);
}

/* Whose definition stands, right before it is replaced? One that another tool has defined since it
 * was read is edited in its place. After a kill it may be ours, told by what it says of the VM:
 * libvirt writes what it is given in its own way. Neither: a third hand's, which is kept. */
static bool update_look(struct op *op, struct host_conn *conn)
{
    bool is_ours = false;
    AUTO(free) char *xml = read_shown(op, conn);
    if (xml == NULL) {
        return false;
    }
    op->plan.defined = false;
    bool is_read = op->plan.old_xml != NULL; /* an older lodged's had passwords: it is gone */
    if (is_read && strcmp(xml, op->plan.old_xml) == 0) {
        return true;
    }
    if (!op->may_have_run || !is_read) {
        return edit_definition(op, TAKE(xml));
    }
    if (!next_boot_is_same(xml, op->plan.new_xml, &is_ours, &op->error)) {
        return false;
    }
    op->plan.defined = is_ours;
    op->plan_changed = true;
    return is_ours || is_anothers(op) == STEP_DONE;
}

/* What is defined is libvirt's definition of this moment, edited: so it keeps its passwords, which
 * the journal has not. */
static enum step_end update_define(struct op *op, struct host_conn *conn)
{
    if (op->plan.defined) {
        return STEP_DONE;
    }
    struct lodge_strings dropped = {0}; /* the plan's, once more */
    AUTO(free) char *whole = domain_get_xml(conn, op->uuid, XML_WITH_SECRETS, &op->error);
    AUTO(free)
    char *shown = whole == NULL ? NULL : domain_xml_without_secrets(whole, &op->error);
    if (shown == NULL) {
        return op_end(op, false);
    }
    if (strcmp(shown, op->plan.old_xml) != 0) {
        return is_anothers(op);
    }
    AUTO(free) char *xml = edited(op, whole, &dropped);
    lodge_strings_clear(&dropped);
    if (xml == NULL || !domain_define(conn, xml, &op->error)) {
        return op_end(op, false);
    }
    op->plan.defined = true;
    op->plan_changed = true;
    return STEP_DONE;
}

/* The members that it changes in the definition. */
static void note_changed(const struct plan *plan, struct lodge_strings *list)
{
    const struct {
        const char *member;
        bool is_changed;
    } members[] = {
        {"vcpus", plan->new_vcpus != LODGE_UNKNOWN},
        {"memory_mib", plan->new_memory_mib != LODGE_UNKNOWN},
        {"tags", plan->set_tags},
        {"boot", plan->set_boot},
        {"media", plan->set_media},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
        if (members[i].is_changed) {
            xstrings_note(list, members[i].member);
        }
    }
}

/* What failed after the definition was changed says that it was. */
static void tell_half(struct op *op)
{
    struct lodge_strings changed = {0};
    struct buffer words = {0};
    if (!op->plan.defined) {
        return;
    }
    note_changed(&op->plan, &changed);
    for (size_t i = 0; i < changed.count; i++) {
        buffer_add_text(&words, i > 0 ? ", " : "");
        buffer_add_text(&words, changed.items[i]);
    }
    AUTO(free) char *list = buffer_take(&words);
    AUTO(free) char *message = xstrdup(op->error.message);
    (void)snprintf(op->error.message, sizeof op->error.message,
                   "%.380s; changed all the same, in its definition: %.80s", message, list);
    lodge_strings_clear(&changed);
}

/* What the guest does not take is no failure: it waits for the next boot. */
static enum step_end or_pending(struct op *op, bool ok, const char *what)
{
    if (ok) {
        return STEP_DONE;
    }
    if (op->error.kind == LODGE_ERROR_HOST_DOWN) {
        return STEP_LOST;
    }
    log_info(LOG_OPS, "operation %lld: %s waits for the next boot: %s", (long long)op->id, what,
             op->error.message);
    op->error = (struct lodge_error){0};
    xstrings_note(&op->plan.pending, what);
    return STEP_DONE;
}

static enum step_end change_media(struct op *op, struct host_conn *conn)
{
    AUTO(free) char *xml = domain_get_xml(conn, op->uuid, XML_OF_RUN, &op->error);
    AUTO(free)
    char *drive =
        xml == NULL ? NULL : domain_xml_media(xml, op->plan.target, op->plan.iso, &op->error);
    return op_end(op, drive != NULL && domain_change_media_live(conn, op->uuid, drive, &op->error));
}

static bool change_memory(struct op *op, struct host_conn *conn)
{
    int64_t left = 0;
    AUTO(free) char *xml = domain_get_xml(conn, op->uuid, XML_OF_RUN, &op->error);
    return xml != NULL && domain_xml_balloon(xml, op->plan.new_memory_mib, &left, &op->error) &&
           domain_set_memory_live(conn, op->uuid, left, &op->error);
}

static bool change_tags(struct op *op, struct host_conn *conn)
{
    AUTO(free) char *xml = domain_get_xml(conn, op->uuid, XML_OF_RUN, &op->error);
    AUTO(free)
    char *words = xml == NULL ? NULL : domain_xml_words(xml, &op->plan.tags, &op->error);
    return words != NULL && domain_set_words_live(conn, op->uuid, words, &op->error);
}

static enum step_end change_guest(struct op *op, struct host_conn *conn)
{
    const struct plan *plan = &op->plan;
    enum step_end end = STEP_DONE;
    if (plan->set_media) {
        end = change_media(op, conn);
    }
    if (end == STEP_DONE && plan->new_vcpus != LODGE_UNKNOWN) {
        bool ok = domain_set_vcpus_live(conn, op->uuid, plan->new_vcpus, &op->error);
        end = or_pending(op, ok, "vcpus");
    }
    if (end == STEP_DONE && plan->new_memory_mib != LODGE_UNKNOWN) {
        end = or_pending(op, change_memory(op, conn), "memory_mib");
    }
    if (end == STEP_DONE && plan->set_boot) {
        xstrings_note(&op->plan.pending, "boot");
    }
    if (end == STEP_DONE && plan->set_tags) {
        end = or_pending(op, change_tags(op, conn), "tags");
    }
    return end;
}

static void tell_result(struct op *op)
{
    struct buffer result = {0};
    buffer_add_text(&result, "{");
    op_write_list(&result, "pending", &op->plan.pending);
    buffer_add_text(&result, ",");
    op_write_list(&result, "dropped", &op->plan.dropped);
    buffer_add_text(&result, "}");
    free(op->result);
    op->result = buffer_take(&result);
}

static enum step_end update_live(struct op *op, struct host_conn *conn)
{
    struct domain_look look;
    if (!domain_look(conn, op->uuid, &look, &op->error)) {
        return op_end(op, false);
    }
    enum step_end end = look.active ? change_guest(op, conn) : STEP_DONE;
    if (!look.active && look.managed_save) {
        note_changed(&op->plan, &op->plan.pending); /* the next start goes on with what is saved */
    }
    if (end == STEP_DONE && op->plan.autostart != LODGE_UNKNOWN) {
        end = op_end(op, domain_set_autostart(conn, op->uuid, op->plan.autostart != 0, &op->error));
    }
    if (end == STEP_DONE) {
        tell_result(op);
    }
    return end;
}

static bool keeps_name(const struct op *op)
{
    return op->plan.new_name == NULL;
}

static enum step_end update_rename(struct op *op, struct host_conn *conn)
{
    struct domain_look look;
    if (!domain_look(conn, op->uuid, &look, &op->error)) {
        return op_end(op, false);
    }
    bool is_done = op->may_have_run && strcmp(look.name, op->plan.new_name) == 0;
    bool ok = is_done || domain_rename(conn, op->uuid, op->plan.new_name, &op->error);
    return ok ? STEP_WAIT : op_end(op, false);
}

static enum wait_end is_renamed(struct op *op)
{
    const struct vm *vm = op_vm(op);
    bool done = vm == NULL || strcmp(vm->facts.name, op->plan.new_name) == 0;
    return done ? WAIT_OVER : WAIT_ON;
}

static const struct step update_steps[] = {
    {.name = "read", .where = ON_HOST, .run = update_read},
    {.name = "define",
     .where = ON_HOST,
     .skips = leaves_xml,
     .look = update_look,
     .run = update_define},
    {.name = "grow", .where = ON_HOST, .run = disks_grow},
    {.name = "stand_in", .where = ON_HOST, .skips = disks_need_no_stand_in, .run = disks_lend},
    {.name = "stretch", .where = ON_HOST, .skips = disks_need_no_stand_in, .run = disks_stretch},
    {.name = "stand_down",
     .where = ON_RESCUE,
     .skips = disks_need_no_stand_in,
     .insists = true,
     .run = disks_stand_down},
    {.name = "live", .where = ON_HOST, .run = update_live},
    {.name = "rename",
     .where = ON_HOST,
     .skips = keeps_name,
     .run = update_rename,
     .happened = is_renamed,
     .wait_s = EVENT_S},
};

/* What is charged from now on is what libvirt was just seen to have. Where it could not be asked,
 * no less than the guest may have: of the old and what was defined. */
static int64_t charged(const struct op *op, int64_t seen, int64_t old, int64_t asked)
{
    if (seen > 0) {
        return seen;
    }
    return asked != LODGE_UNKNOWN && op->plan.defined && asked > old ? asked : old;
}

static enum vm_effect update_settles(const struct op *op, enum lodge_op_state state,
                                     struct vm_row *row)
{
    const struct plan *plan = &op->plan;
    bool is_renamed = state == LODGE_OP_DONE && plan->new_name != NULL;
    row->vcpus = charged(op, op->seen.vcpus, plan->old_vcpus, plan->new_vcpus);
    row->memory_mib = charged(op, op->seen.memory_mib, plan->old_memory_mib, plan->new_memory_mib);
    row->name = op->seen.name != NULL ? op->seen.name : is_renamed ? plan->new_name : plan->name;
    return VM_SETTLE;
}

const struct recipe update_recipe = {
    .kind = "vm.update",
    .steps = update_steps,
    .count = ARRAY_LENGTH(update_steps),
    .begins = VM_CHARGE,
    .check = op_check_persistent,
    .fails = tell_half,
    .reads_after = true,
    .ends = update_settles,
};

/* vm.media */

static bool media_check(struct op *op, struct host_conn *conn)
{
    struct image image = {0};
    if (!op_check_persistent(op, conn)) {
        return false;
    }
    if (op->plan.iso == NULL) {
        return true;
    }
    if (!host_conn_traits(conn).is_local) {
        return lodge_fail(&op->error, LODGE_ERROR_UNSUPPORTED,
                          "host '%s' is another machine: it cannot read this library's images",
                          op->host_name);
    }
    if (!image_find(&op->ops->fleet->options.image_dirs, op->plan.iso, IMAGE_ISO, "iso", &image,
                    &op->error)) {
        return false;
    }
    free(op->plan.iso);
    op->plan.iso = TAKE(image.path);
    image_clear(&image);
    return true;
}

static enum vm_effect media_keeps(const struct op *op, enum lodge_op_state state,
                                  struct vm_row *row)
{
    (void)op;
    (void)state;
    (void)row;
    return VM_KEEP;
}

static const struct step media_steps[] = {
    {.name = "read", .where = ON_HOST, .run = update_read},
    {.name = "define", .where = ON_HOST, .look = update_look, .run = update_define},
    {.name = "live", .where = ON_HOST, .run = update_live},
};

const struct recipe media_recipe = {
    .kind = "vm.media",
    .steps = media_steps,
    .count = ARRAY_LENGTH(media_steps),
    .check = media_check,
    .fails = tell_half,
    .reads_after = true,
    .ends = media_keeps,
};
