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

bool methods_check(const struct method *const *tables, struct lodge_error *err)
{
    for (size_t i = 0; tables[i] != NULL; i++) {
        for (const struct method *method = tables[i]; method->name != NULL; method++) {
            if (method->access == ACCESS_UNSET || method->help == NULL || method->run == NULL ||
                method->params_size > METHOD_PARAMS_MAX ||
                (method->reads_first && fields_bit(method->params, "vm") == 0)) {
                return lodge_fail(err, LODGE_ERROR_INTERNAL,
                                  "the row of method %s says no access, help or handler",
                                  method->name);
            }
        }
    }
    return true;
}
