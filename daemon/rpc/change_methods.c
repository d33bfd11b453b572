/* vm.start … vm.forget: what is done to a VM that is there. One table row each; the recipes in ops/
 * do the rest. */
#include "memory.h"
#include "rpc/named_vm.h"
#include "rpc/op_request.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

enum { GRACE_DEFAULT_S = 90, GRACE_MAX_S = 86400 };

struct vm_act {
    char *vm;
    int64_t grace_s;
    struct op_request_params request;
};

static const struct field act_params[] = {
    METHOD_VM(struct vm_act),
    OP_REQUEST_FIELDS(struct vm_act),
    OP_REQUEST_IF_REV(struct vm_act),
    {.type = FIELD_END},
};

static const struct field grace_params[] = {
    METHOD_VM(struct vm_act),
    {"grace_s", FIELD_INT, .offset = offsetof(struct vm_act, grace_s), .min = 1, .max = GRACE_MAX_S,
     .help = "how long the guest has (90); then the operation fails"},
    OP_REQUEST_FIELDS(struct vm_act),
    OP_REQUEST_IF_REV(struct vm_act),
    {.type = FIELD_END},
};

struct op_result {
    int64_t op;
    struct lodge_strings notes;
};
static const struct field op_result[] = {
    {"op", FIELD_INT, .offset = offsetof(struct op_result, op), .nullable = true,
     .help = "the operation's number; null for a stop while the store is away"},
    {"notes", FIELD_STRINGS, .offset = offsetof(struct op_result, notes),
     .help = "with `wait`: what was not as the caller may think (it ran already)"},
    {.type = FIELD_END},
};

/* What vm.delete left. */
struct kept {
    char *path;
    char *why;
};
static const struct field kept_fields[] = {
    {"path", FIELD_STRING, .offset = offsetof(struct kept, path), .help = "of the file"},
    {"why", FIELD_STRING, .offset = offsetof(struct kept, why), .help = "it stays"},
    {.type = FIELD_END},
};

struct delete_result {
    int64_t op;
    struct {
        struct kept *items;
        size_t count;
    } kept;
    struct lodge_strings notes;
};
static const struct field delete_result[] = {
    {"op", FIELD_INT, .offset = offsetof(struct delete_result, op),
     .help = "the operation's number"},
    {"kept", FIELD_OBJECTS, .offset = offsetof(struct delete_result, kept),
     .size = sizeof(struct kept), .fields = kept_fields,
     .help =
         "with `wait`: files of the VM that lodge did not make, that somebody else uses, or that "
         "may be left because the deletion was given up"},
    {"notes", FIELD_STRINGS, .offset = offsetof(struct delete_result, notes),
     .help = "with `wait`: what should be known of it, in words"},
    {.type = FIELD_END},
};

static void act_run(struct call *call, struct vm *vm, const void *params)
{
    const struct vm_act *act = params;
    struct plan plan;
    op_request_plan(&plan, vm);
    plan.grace_s = act->grace_s == LODGE_UNKNOWN ? GRACE_DEFAULT_S : act->grace_s;
    plan.run = vm->run;
    op_request_submit(call, params, vm, &plan);
}

static void delete_run(struct call *call, struct vm *vm, const void *params)
{
    struct lodge_error err = {0};
    struct plan plan;
    if (vm->host->facts.state != LODGE_HOST_UP) {
        (void)lodge_fail(&err, LODGE_ERROR_HOST_DOWN,
                         "host '%s' is not up: nothing of '%s' can be deleted there",
                         vm->facts.host, vm->facts.name);
        call_fail(call, &err);
        return;
    }
    op_request_plan(&plan, vm);
    op_request_freeze_disks(&plan, vm);
    plan.hung = vm->facts.unresponsive != 0;
    op_request_submit(call, params, vm, &plan);
}

static void forget_run(struct call *call, struct vm *vm, const void *params)
{
    struct lodge_error err = {0};
    struct plan plan;
    bool deletion = ops_may_forget(call_services(call)->ops, vm->facts.host, vm->facts.uuid);
    if (vm->host->facts.state == LODGE_HOST_UP && !deletion) {
        (void)lodge_fail(&err, LODGE_ERROR_CONFLICT,
                         "host '%s' is up: vm.delete deletes '%s' with its disks, vm.forget is for "
                         "VMs whose host is gone, or whose deletion cannot go on",
                         vm->facts.host, vm->facts.name);
        call_fail(call, &err);
        return;
    }
    op_request_plan(&plan, vm);
    op_request_submit(call, params, vm, &plan);
}

struct vm_adopt {
    char *vm;
    char *owner;
    struct op_request_params request;
};

static const struct field adopt_params[] = {
    METHOD_VM(struct vm_adopt),
    {"owner", FIELD_STRING, .offset = offsetof(struct vm_adopt, owner), .required = true, .min = 1,
     .max = METHOD_TEXT_MAX, .help = "whose it is from now on: a user's name, or #uid"},
    OP_REQUEST_FIELDS(struct vm_adopt),
    OP_REQUEST_IF_REV(struct vm_adopt),
    {.type = FIELD_END},
};

/* An adoption that waits for its owner's uid: the VM is looked for then. */
struct adoption {
    struct call *call;
    struct vm_adopt params;
};

static void plan_adoption(struct plan *plan, const struct vm *vm, uid_t owner)
{
    const struct lodge_vm *facts = &vm->facts;
    op_request_plan(plan, vm);
    plan->owner = owner;
    int64_t vcpus = vm->most_vcpus > 0 ? vm->most_vcpus : facts->vcpus;
    int64_t memory_mib = vm->most_memory_mib > 0 ? vm->most_memory_mib : facts->memory_mib;
    plan->vcpus = vcpus == LODGE_UNKNOWN ? 0 : vcpus;
    plan->memory_mib = memory_mib == LODGE_UNKNOWN ? 0 : memory_mib;
    plan->disks.items = xcalloc(facts->disks.count, sizeof *plan->disks.items);
    for (size_t i = 0; i < facts->disks.count; i++) {
        const struct lodge_disk *from = &facts->disks.items[i];
        bool is_disk = from->device == NULL || strcmp(from->device, "disk") == 0;
        if (from->path == NULL || from->target == NULL || !is_disk) {
            continue;
        }
        plan->disks.items[plan->disks.count++] = (struct plan_disk){
            .target = xstrdup(from->target),
            .path = xstrdup(from->path),
            .format = xstrdup_or_null(from->format),
            .size_gib = 0, /* not known yet; its disks stay not ours, and uncharged */
            .old_gib = LODGE_UNKNOWN,
        };
    }
}

static void adopter_found(void *data, const uid_t *uid, const struct lodge_error *error)
{
    struct adoption *adoption = data;
    const struct vm_adopt *adopt = &adoption->params;
    struct lodge_error err = {0};
    struct vm *vm = NULL;
    bool ok = uid != NULL && named_vm_find(adoption->call, adopt, &vm, &err);
    if (ok && vm->row != NULL) {
        ok = lodge_fail(&err, LODGE_ERROR_EXISTS, "'%s' is lodge's already, its owner is %s",
                        vm->facts.name, vm->facts.owner);
    }
    if (!ok) {
        call_fail(adoption->call, uid == NULL ? error : &err);
    } else {
        struct plan plan;
        plan_adoption(&plan, vm, *uid);
        op_request_submit(adoption->call, adopt, vm, &plan);
    }
    fields_clear(adopt_params, &adoption->params);
    free(adoption);
}

static void adopt_run(struct call *call, const void *params)
{
    const struct vm_adopt *adopt = params;
    struct adoption *adoption = xcalloc(1, sizeof *adoption);
    adoption->call = call;
    adoption->params = *adopt;
    adoption->params.vm = xstrdup(adopt->vm);
    adoption->params.owner = xstrdup(adopt->owner);
    adoption->params.request.request_id = xstrdup_or_null(adopt->request.request_id);
    struct people *people = registry_people(call_services(call)->registry);
    people_find(people, adoption->params.owner, "owner", adopter_found, adoption);
}

#define ACT(method, fields, text)                                                   \
    {                                                                               \
        .name = (method), .access = ACCESS_OWNER, .vm = "vm", .vm_need = VM_DOMAIN, \
        .mutates = true, .params = (fields), .params_size = sizeof(struct vm_act),  \
        .result = op_result, .run_on = act_run, .help = (text),                     \
    }

const struct method change_methods[] = {
    ACT("vm.start", act_params, "Boots it, or restores its managed save."),
    ACT("vm.stop", act_params, "Forces it off at once. Never busy."),
    ACT("vm.shutdown", grace_params, "Asks the guest to shut down."),
    ACT("vm.reboot", grace_params, "Asks the guest to reboot."),
    ACT("vm.reset", act_params, "Presses the reset button."),
    ACT("vm.pause", act_params, "Stops its vCPUs."),
    ACT("vm.resume", act_params, "Lets its vCPUs run on."),
    ACT("vm.save", act_params, "Saves its memory to disk and shuts it off."),
    ACT("vm.nmi", act_params, "Sends the guest an NMI."),
    {
        .name = "vm.delete",
        .access = ACCESS_OWNER,
        .vm = "vm",
        .vm_need = VM_ROW,
        .mutates = true,
        .reads_first = true,
        .params = act_params,
        .params_size = sizeof(struct vm_act),
        .result = delete_result,
        .run_on = delete_run,
        .help = "Deletes it with the disks that lodge made and nobody else uses.",
    },
    {
        .name = "vm.forget",
        .access = ACCESS_ADMIN,
        .vm = "vm",
        .vm_need = VM_ROW,
        .mutates = true,
        .params = act_params,
        .params_size = sizeof(struct vm_act),
        .result = delete_result,
        .run_on = forget_run,
        .help = "Takes away lodge's row of a VM whose host is gone, or whose deletion cannot go on "
                "(`op` is the deletion's, then); touches nothing else.",
    },
    {
        .name = "vm.adopt",
        .access = ACCESS_ADMIN,
        .vm = "vm",
        .vm_need = VM_DOMAIN,
        .vm_is_late = true, /* its owner is looked for first */
        .mutates = true,
        .reads_first = true,
        .params = adopt_params,
        .params_size = sizeof(struct vm_adopt),
        .result = op_result,
        .run = adopt_run,
        .help = "Gives a VM that lodge did not make an owner; its disks stay not lodge's.",
    },
    {0},
};
