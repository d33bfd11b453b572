/*
 * vm.update, vm.media: parameters become a plan, by what the VM has now; the recipes in ops/ do the
 * rest.
 */
#include "memory.h"
#include "rpc/names.h"
#include "rpc/op_request.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct grown_disk {
    char *target;
    int64_t size_gib;
};

#define AT(member) .offset = offsetof(struct grown_disk, member)
static const struct field grown_params[] = {
    {"target", FIELD_STRING, AT(target), .required = true, .min = 1, .max = 16,
     .help = "vda, as vm.get shows it"},
    {"size_gib", FIELD_INT, AT(size_gib), .required = true, .min = 1, .max = 65536,
     .help = "larger than it is"},
    {.type = FIELD_END},
};
#undef AT

struct vm_update {
    char *vm;
    int64_t vcpus;
    int64_t memory_mib;
    char *name;
    struct lodge_strings tags;
    enum lodge_flag autostart;
    struct lodge_strings boot;
    struct {
        struct grown_disk *items;
        size_t count;
    } disks;
    struct op_request_params request;
};

#define AT(member) .offset = offsetof(struct vm_update, member)
static const struct field update_params[] = {
    METHOD_VM(struct vm_update),
    {"vcpus", FIELD_INT, AT(vcpus), .min = 1, .max = 512, .help = "virtual CPUs"},
    {"memory_mib", FIELD_INT, AT(memory_mib), .min = 16, .max = 16777216, .help = "memory"},
    {"name", FIELD_STRING, AT(name), .min = 1, .max = NAME_MAX_BYTES,
     .help = "another name; only while it is shut off"},
    {"tags", FIELD_STRINGS, AT(tags), .max = TAGS_MAX, .help = "in place of those it has"},
    {"autostart", FIELD_FLAG, AT(autostart), .help = "whether it starts with its host"},
    {"boot", FIELD_STRINGS, AT(boot), .max = 3, .help = "disk, cdrom, network, in order"},
    {"disks", FIELD_OBJECTS, AT(disks), .size = sizeof(struct grown_disk), .fields = grown_params,
     .max = 24, .help = "disks that grow"},
    OP_REQUEST_FIELDS(struct vm_update),
    OP_REQUEST_IF_REV(struct vm_update),
    {.type = FIELD_END},
};
#undef AT

struct update_result {
    int64_t op;
    struct lodge_strings pending;
    struct lodge_strings dropped;
};

#define AT(member) .offset = offsetof(struct update_result, member)
static const struct field update_result[] = {
    {"op", FIELD_INT, AT(op), .help = "the operation's number"},
    {"pending", FIELD_STRINGS, AT(pending), .help = "with `wait`: what waits for the next boot"},
    {"dropped", FIELD_STRINGS, AT(dropped),
     .help = "with `wait`: what its definition said of it that could not stay"},
    {.type = FIELD_END},
};
#undef AT

static bool asks_nothing(const struct vm_update *update)
{
    return update->vcpus == LODGE_UNKNOWN && update->memory_mib == LODGE_UNKNOWN &&
           update->name == NULL && update->tags.items == NULL &&
           update->autostart == LODGE_FLAG_UNKNOWN && update->boot.items == NULL &&
           update->disks.count == 0;
}

static bool update_check(const void *params, struct lodge_error *err)
{
    const struct vm_update *update = params;
    if (asks_nothing(update)) {
        return lodge_fail_param(err, "vm", "nothing was asked for: name what is to change");
    }
    return (update->name == NULL || name_is_fit(update->name, "name", err)) &&
           boot_is_fit(&update->boot, err) && tags_are_fit(&update->tags, err);
}

static struct plan_disk *planned_disk(struct plan *plan, const char *target)
{
    for (size_t i = 0; plan->disks.items != NULL && i < plan->disks.count; i++) {
        const char *known = plan->disks.items[i].target;
        if (known != NULL && strcmp(known, target) == 0) {
            return &plan->disks.items[i];
        }
    }
    return NULL;
}

static bool plan_growth(struct plan *plan, const struct vm_update *update, struct lodge_error *err)
{
    for (size_t i = 0; update->disks.items != NULL && i < update->disks.count; i++) {
        const struct grown_disk *asked = &update->disks.items[i];
        struct plan_disk *disk = planned_disk(plan, asked->target);
        if (disk == NULL) {
            return lodge_fail_param(err, "disks", "'%s' has no disk '%s'", plan->name,
                                    asked->target);
        }
        if (!disk->ours) {
            return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                              "disk '%s' of '%s' is not lodge's: it cannot be grown here",
                              asked->target, plan->name);
        }
        if (asked->size_gib <= disk->size_gib) {
            return lodge_fail_param(err, "disks", "disk '%s' has %lld GiB; disks only grow",
                                    asked->target, (long long)disk->size_gib);
        }
        if (disk->old_gib == LODGE_UNKNOWN) { /* else it is named twice */
            disk->old_gib = disk->size_gib;
        }
        disk->size_gib = asked->size_gib;
    }
    return true;
}

static int64_t larger_amount(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool plan_update(struct plan *plan, const struct vm_update *update, const struct vm *vm,
                        struct lodge_error *err)
{
    op_request_plan(plan, vm);
    op_request_freeze_disks(plan, vm);
    plan->new_vcpus = update->vcpus;
    plan->new_memory_mib = update->memory_mib;
    /* The row may not have followed yet what was just read. */
    plan->old_vcpus = larger_amount(vm->row->vcpus, vm->most_vcpus);
    plan->old_memory_mib = larger_amount(vm->row->memory_mib, vm->most_memory_mib);
    plan->vcpus = larger_amount(plan->old_vcpus, update->vcpus);
    plan->memory_mib = larger_amount(plan->old_memory_mib, update->memory_mib);
    plan->new_name = xstrdup_or_null(update->name);
    plan->set_tags = update->tags.items != NULL;
    plan->set_boot = update->boot.items != NULL;
    strings_copy(&plan->tags, &update->tags);
    strings_copy(&plan->boot, &update->boot);
    if (update->autostart != LODGE_FLAG_UNKNOWN) {
        plan->autostart = update->autostart == LODGE_FLAG_YES;
    }
    if (update->name != NULL && vm_is_active(vm)) {
        snprintf(err->state, sizeof err->state, "%s", lodge_vm_state_name(vm->facts.state));
        return lodge_fail(err, LODGE_ERROR_BAD_STATE,
                          "'%s' is %s: it can be renamed when it is shut off", vm->facts.name,
                          err->state);
    }
    return plan_growth(plan, update, err);
}

static void vm_update_run(struct call *call, struct vm *vm, const void *params)
{
    const struct vm_update *update = params;
    struct lodge_error err = {0};
    struct plan plan;
    if (!plan_update(&plan, update, vm, &err)) {
        plan_clear(&plan);
        call_fail(call, &err);
        return;
    }
    op_request_submit(call, params, vm, &plan);
}

struct vm_media {
    char *vm;
    char *iso;
    char *target;
    struct op_request_params request;
};

#define AT(member) .offset = offsetof(struct vm_media, member)
static const struct field media_params[] = {
    METHOD_VM(struct vm_media),
    {"iso", FIELD_STRING, AT(iso), .required = true, .null_is_empty = true, .min = 1, .max = 255,
     .help = "a name of image.list, null to eject"},
    {"target", FIELD_STRING, AT(target), .min = 1, .max = 16, .help = "the drive (the first)"},
    OP_REQUEST_FIELDS(struct vm_media),
    OP_REQUEST_IF_REV(struct vm_media),
    {.type = FIELD_END},
};
#undef AT

static void vm_media_run(struct call *call, struct vm *vm, const void *params)
{
    const struct vm_media *media = params;
    struct plan plan;
    op_request_plan(&plan, vm);
    plan.set_media = true;
    plan.target = xstrdup_or_null(media->target);
    plan.iso = media->iso[0] == '\0' ? NULL : xstrdup(media->iso);
    op_request_submit(call, params, vm, &plan);
}

const struct method update_methods[] = {
    {
        .name = "vm.update",
        .access = ACCESS_OWNER,
        .vm = "vm",
        .vm_need = VM_MANAGED,
        .mutates = true,
        .reads_first = true,
        .params = update_params,
        .params_size = sizeof(struct vm_update),
        .result = update_result,
        .check = update_check,
        .run_on = vm_update_run,
        .help = "Changes it: at once where libvirt can, else for its next boot.",
    },
    {
        .name = "vm.media",
        .access = ACCESS_OWNER,
        .vm = "vm",
        .vm_need = VM_MANAGED,
        .mutates = true,
        .reads_first = true,
        .params = media_params,
        .params_size = sizeof(struct vm_media),
        .result = update_result,
        .run_on = vm_media_run,
        .help = "Puts another ISO into a drive, or ejects it.",
    },
    {0},
};
