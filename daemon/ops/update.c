/*
 * update.c: a VM that is there becomes another, in libvirt's definition first and then, as far as
 * libvirt can, in the guest that runs. While it is under way the larger of old and new is charged.
 * If the power goes after …
 *   reserve   the old definition stands; it goes on
 *   read      the journal has old and new definition
 *   define    libvirt's is compared: old is defined again, new is done; neither is a third hand's,
 *             which is kept
 *   grow …    a disk that has its size already is passed over; disks never shrink (growing.c)
 *   live      what the guest did not take waits for its next boot
 */
#include "host/domain_xml_edit.h"
#include "host/images.h"
#include "log.h"
#include "memory.h"
#include "ops/recipes.h"
#include "scope.h"

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

/* What would fail later for certain fails before anything has changed. */
static enum step_end read_definition(struct op *op, struct hand *hand)
{
    struct plan *plan = &op->plan;
    AUTO(free) char *xml = hand_read_xml(hand, op->uuid, true, &op->error);
    if (xml == NULL || !disks_check(op, hand)) {
        return op_end(op, false);
    }
    struct domain_edit edit = {
        .vcpus = plan->new_vcpus,
        .memory_mib = plan->new_memory_mib,
        .tags = plan->set_tags ? &plan->tags : NULL,
        .boot = plan->set_boot ? &plan->boot : NULL,
        .media = plan->set_media,
        .media_target = plan->target,
        .iso = plan->iso,
    };
    lodge_strings_clear(&plan->dropped);
    char *edited = domain_xml_edit(xml, &edit, &plan->dropped, &op->error);
    if (edited == NULL) {
        return op_end(op, false);
    }
    free(plan->old_xml);
    plan->old_xml = TAKE(xml);
    free(plan->new_xml);
    plan->new_xml = edited;
    op->plan_changed = true;
    return STEP_DONE;
}

static bool same_amounts(const char *xml, const struct domain_amounts *found)
{
    struct domain_amounts amounts;
    struct lodge_error err = {0};
    return domain_xml_amounts(xml, &amounts, &err) && amounts.vcpus == found->vcpus &&
           amounts.memory_mib == found->memory_mib;
}

/* After a kill: whose definition stands? */
static enum step_end judge(struct op *op, struct hand *hand, bool *ret_is_old)
{
    struct domain_amounts found;
    AUTO(free) char *xml = hand_read_xml(hand, op->uuid, true, &op->error);
    if (xml == NULL || !domain_xml_amounts(xml, &found, &op->error)) {
        return op_end(op, false);
    }
    *ret_is_old = same_amounts(op->plan.old_xml, &found);
    if (!*ret_is_old && !same_amounts(op->plan.new_xml, &found)) {
        return op_fail(op, LODGE_ERROR_CONFLICT,
                       "somebody else has defined '%s' anew meanwhile: theirs is kept",
                       op->plan.name);
    }
    return STEP_DONE;
}

static enum step_end define(struct op *op, struct hand *hand)
{
    bool is_old = true;
    if (op->again) {
        enum step_end end = judge(op, hand, &is_old);
        if (end != STEP_DONE) {
            return end;
        }
    }
    if (is_old && !hand_define(hand, op->plan.new_xml, &op->error)) {
        return op_end(op, false);
    }
    op->plan.defined = true;
    op->plan_changed = true;
    return STEP_DONE;
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

static enum step_end change_media(struct op *op, struct hand *hand)
{
    AUTO(free) char *xml = hand_read_xml(hand, op->uuid, false, &op->error);
    AUTO(free)
    char *drive =
        xml == NULL ? NULL : domain_xml_media(xml, op->plan.target, op->plan.iso, &op->error);
    return op_end(op, drive != NULL && hand_change_media_live(hand, op->uuid, drive, &op->error));
}

static bool change_memory(struct op *op, struct hand *hand)
{
    int64_t left = 0;
    AUTO(free) char *xml = hand_read_xml(hand, op->uuid, false, &op->error);
    return xml != NULL && domain_xml_balloon(xml, op->plan.new_memory_mib, &left, &op->error) &&
           hand_set_memory_live(hand, op->uuid, left, &op->error);
}

static bool change_tags(struct op *op, struct hand *hand)
{
    AUTO(free) char *xml = hand_read_xml(hand, op->uuid, false, &op->error);
    AUTO(free)
    char *words = xml == NULL ? NULL : domain_xml_words(xml, &op->plan.tags, &op->error);
    return words != NULL && hand_set_words_live(hand, op->uuid, words, &op->error);
}

static enum step_end change_guest(struct op *op, struct hand *hand)
{
    const struct plan *plan = &op->plan;
    enum step_end end = STEP_DONE;
    if (plan->set_media) {
        end = change_media(op, hand);
    }
    if (end == STEP_DONE && plan->new_vcpus != LODGE_UNKNOWN) {
        bool ok = hand_set_vcpus_live(hand, op->uuid, plan->new_vcpus, &op->error);
        end = or_pending(op, ok, "vcpus");
    }
    if (end == STEP_DONE && plan->new_memory_mib != LODGE_UNKNOWN) {
        end = or_pending(op, change_memory(op, hand), "memory_mib");
    }
    if (end == STEP_DONE && plan->set_boot) {
        xstrings_note(&op->plan.pending, "boot");
    }
    if (end == STEP_DONE && plan->set_tags) {
        end = or_pending(op, change_tags(op, hand), "tags");
    }
    return end;
}

static void add_list(struct buffer *result, const char *name, const struct lodge_strings *list)
{
    buffer_add_json_string(result, name);
    buffer_add_text(result, ":[");
    for (size_t i = 0; i < list->count; i++) {
        buffer_add_text(result, i > 0 ? "," : "");
        buffer_add_json_string(result, list->items[i]);
    }
    buffer_add_text(result, "]");
}

static void tell_result(struct op *op)
{
    struct buffer result = {0};
    buffer_add_text(&result, "{");
    add_list(&result, "pending", &op->plan.pending);
    buffer_add_text(&result, ",");
    add_list(&result, "dropped", &op->plan.dropped);
    buffer_add_text(&result, "}");
    free(op->result);
    op->result = buffer_take(&result);
}

static enum step_end live(struct op *op, struct hand *hand)
{
    struct domain_look look;
    if (!hand_look(hand, op->uuid, &look, &op->error)) {
        return op_end(op, false);
    }
    enum step_end end = look.active ? change_guest(op, hand) : STEP_DONE;
    if (end == STEP_DONE && op->plan.autostart != LODGE_UNKNOWN) {
        end = op_end(op, hand_set_autostart(hand, op->uuid, op->plan.autostart != 0, &op->error));
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

static enum step_end rename_domain(struct op *op, struct hand *hand)
{
    struct domain_look look;
    if (!hand_look(hand, op->uuid, &look, &op->error)) {
        return op_end(op, false);
    }
    bool is_done = op->again && strcmp(look.name, op->plan.new_name) == 0;
    bool ok = is_done || hand_rename(hand, op->uuid, op->plan.new_name, &op->error);
    return ok ? STEP_WAIT : op_end(op, false);
}

static enum wait_end is_renamed(struct op *op)
{
    const struct vm *vm = op_vm(op);
    bool done = vm == NULL || strcmp(vm->facts.name, op->plan.new_name) == 0;
    return done ? WAIT_OVER : WAIT_ON;
}

static const struct step update_steps[] = {
    {.name = "read", .where = ON_HOST, .run = read_definition},
    {.name = "define", .where = ON_HOST, .skips = leaves_xml, .run = define},
    {.name = "grow", .where = ON_HOST, .run = disks_grow},
    {.name = "stand_in", .where = ON_HOST, .skips = disks_need_no_stand_in, .run = disks_lend},
    {.name = "stretch", .where = ON_HOST, .skips = disks_need_no_stand_in, .run = disks_stretch},
    {.name = "stand_down",
     .where = ON_RESCUE,
     .skips = disks_need_no_stand_in,
     .insists = true,
     .run = disks_stand_down},
    {.name = "live", .where = ON_HOST, .run = live},
    {.name = "rename",
     .where = ON_HOST,
     .skips = keeps_name,
     .run = rename_domain,
     .happened = is_renamed,
     .wait_s = EVENT_S,
     .late_is_fine = true},
};

/* What is charged from now on: what is defined, and no less than a guest that has not taken it yet
 * still has. */
static int64_t charged(const struct op *op, int64_t old, int64_t asked, const char *what)
{
    if (asked == LODGE_UNKNOWN || !op->plan.defined) {
        return old;
    }
    return lodge_strings_contain(&op->plan.pending, what) && old > asked ? old : asked;
}

static enum vm_effect settles(const struct op *op, enum lodge_op_state state, struct vm_row *row)
{
    const struct plan *plan = &op->plan;
    row->vcpus = charged(op, plan->old_vcpus, plan->new_vcpus, "vcpus");
    row->memory_mib = charged(op, plan->old_memory_mib, plan->new_memory_mib, "memory_mib");
    row->name = state == LODGE_OP_DONE && plan->new_name != NULL ? plan->new_name : plan->name;
    return VM_SETTLE;
}

const struct recipe update_recipe = {
    .kind = "vm.update",
    .steps = update_steps,
    .count = ARRAY_LENGTH(update_steps),
    .begins = VM_CHARGE,
    .ends = settles,
};

/* vm.media */

static bool check_iso(struct op *op, struct hand *hand)
{
    struct image image = {0};
    if (op->plan.iso == NULL) {
        return true;
    }
    if (!hand_traits(hand).is_local) {
        return lodge_fail(&op->error, LODGE_ERROR_UNSUPPORTED,
                          "host '%s' is another machine: it cannot read this library's images",
                          op->host_name);
    }
    if (!image_find(&op->ops->options.image_dirs, op->plan.iso, IMAGE_ISO, "iso", &image,
                    &op->error)) {
        return false;
    }
    free(op->plan.iso);
    op->plan.iso = TAKE(image.path);
    image_clear(&image);
    return true;
}

static enum vm_effect keeps(const struct op *op, enum lodge_op_state state, struct vm_row *row)
{
    (void)op;
    (void)state;
    (void)row;
    return VM_KEEP;
}

static const struct step media_steps[] = {
    {.name = "read", .where = ON_HOST, .run = read_definition},
    {.name = "define", .where = ON_HOST, .run = define},
    {.name = "live", .where = ON_HOST, .run = live},
};

const struct recipe media_recipe = {
    .kind = "vm.media",
    .steps = media_steps,
    .count = ARRAY_LENGTH(media_steps),
    .check = check_iso,
    .ends = keeps,
};
