/*
 * named_vm: in this order: whether there is such a VM that the caller may see, what it is called
 * for the audit, its revision, whether lodge has a row of it, whether its host is up and has the
 * domain. The first that is not so is the error. Loop-only.
 */
#include "rpc/named_vm.h"

#include "refusals.h"

#include <stdio.h>

static bool domain_is_there(const struct vm *vm, struct lodge_error *err)
{
    const struct lodge_host *host = &vm->host->facts;
    if (host->state != LODGE_HOST_UP) {
        err->since_ms = host->since;
        return refuse_host_down(err, host->name, host->error);
    }
    if (!vm->present && host->synced_at != 0 && vm_phase(vm) == VM_PHASE_READY) {
        snprintf(err->state, sizeof err->state, "error");
        return lodge_fail(err, LODGE_ERROR_BAD_STATE,
                          "host '%s' has no domain of '%s' any more: delete the VM, or define it "
                          "again with uuid %s",
                          host->name, vm->facts.name, vm->facts.uuid);
    }
    return true;
}

static bool row_is_there(const struct vm *vm, struct lodge_error *err)
{
    return vm->row != NULL ||
           lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                      "lodge did not make '%s': adopt it first (vm.adopt)", vm->facts.name);
}

static bool has_rev(const struct vm *vm, const int64_t *if_rev, struct lodge_error *err)
{
    return if_rev == NULL || *if_rev == LODGE_UNKNOWN || *if_rev == vm->facts.rev ||
           lodge_fail(err, LODGE_ERROR_CONFLICT,
                      "'%s' has changed since: its rev is %lld, not %lld", vm->facts.name,
                      (long long)vm->facts.rev, (long long)*if_rev);
}

static const char *vm_name_in(const struct method *method, const void *params)
{
    return *(char *const *)method_param(method, params, method->vm);
}

bool named_vm_find(struct call *call, const void *params, struct vm **ret_vm,
                   struct lodge_error *err)
{
    const struct method *method = call_method(call);
    const enum vm_need need = method->vm_need;
    const char *name = vm_name_in(method, params);
    struct viewer viewer = call_viewer(call);
    if (name == NULL && need == VM_SEEN) {
        *ret_vm = NULL;
        return true;
    }
    struct vm *vm = registry_get(call_services(call)->registry, name, &viewer, err);
    if (vm == NULL) {
        return false;
    }
    if (!access_allows(&viewer, vm, method->access)) {
        return refuse_unknown_vm(err, name);
    }
    if (need != VM_SEEN) {
        call_set_target(call, vm->facts.host, vm->facts.name);
    }
    if (!has_rev(vm, method_param(method, params, "if_rev"), err) ||
        ((need == VM_MANAGED || need == VM_ROW) && !row_is_there(vm, err)) ||
        ((need == VM_MANAGED || need == VM_DOMAIN) && !domain_is_there(vm, err))) {
        return false;
    }
    *ret_vm = vm;
    return true;
}

struct vm *named_vm_peek(const struct call *call, const void *params)
{
    const struct method *method = call_method(call);
    const char *name = method->vm == NULL ? NULL : vm_name_in(method, params);
    struct viewer viewer = call_viewer(call);
    struct lodge_error err = {0};
    return name == NULL ? NULL : registry_get(call_services(call)->registry, name, &viewer, &err);
}

bool named_vm_answers(const struct vm *vm, struct lodge_error *err)
{
    if (vm->facts.unresponsive == 0) {
        return true;
    }
    err->since_ms = vm->facts.unresponsive;
    return lodge_fail(err, LODGE_ERROR_UNRESPONSIVE,
                      "QEMU of '%s' does not answer: if it stays so, force it off (vm.stop)",
                      vm->facts.name);
}
