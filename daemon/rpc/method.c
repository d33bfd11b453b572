/*
 * method: rows are found and looked over in the tables that they are handed; which tables there
 * are, methods.c alone knows. No state.
 */
#include "rpc/method.h"

#include <string.h>

const struct method *method_find(const struct method *const *tables, const char *name)
{
    for (size_t i = 0; tables[i] != NULL; i++) {
        for (const struct method *method = tables[i]; method->name != NULL; method++) {
            if (strcmp(method->name, name) == 0) {
                return method;
            }
        }
    }
    return NULL;
}

const void *method_param(const struct method *method, const void *params, const char *name)
{
    const struct field *field = method->params == NULL ? NULL : fields_find(method->params, name);
    return field == NULL ? NULL : (const char *)params + field->offset;
}

bool method_answers(const struct method *method, const char *name)
{
    return method->result != NULL && fields_find(method->result, name) != NULL;
}

/* What has a VM is run on it, unless it finds it itself. */
static bool has_handler(const struct method *method)
{
    bool has_vm = method->vm != NULL;
    bool is_run_on = has_vm && !method->vm_is_late;
    return (method->run == NULL) == is_run_on && (method->run_on != NULL) == is_run_on &&
           has_vm == (method->vm_need != VM_UNNAMED) &&
           (!has_vm || fields_bit(method->params, method->vm) != 0);
}

bool methods_check(const struct method *const *tables, struct lodge_error *err)
{
    for (size_t i = 0; tables[i] != NULL; i++) {
        for (const struct method *method = tables[i]; method->name != NULL; method++) {
            if (method->access == ACCESS_UNSET || method->help == NULL || !has_handler(method) ||
                method->params_size > METHOD_PARAMS_MAX ||
                (method->reads_first && method->vm == NULL)) {
                return lodge_fail(err, LODGE_ERROR_INTERNAL,
                                  "the row of method %s says no access, help or handler",
                                  method->name);
            }
        }
    }
    return true;
}
