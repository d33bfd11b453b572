/* suggest: the names are asked for when one was not found, and compared here: lodged's loop is for
 * all. Blocks. */
#include "cli/suggest.h"

#include "cli/nearest.h"
#include "cli/print.h"
#include "memory.h"
#include "scope.h"

#include <json-c/json.h>
#include <string.h>

DEFINE_AUTO(struct json_object *, json_object_put, NULL);

/* As lodged says it: "no VM 'NAME'; …". The caller frees. */
static char *name_in(const struct lodge_error *error)
{
    static const char before[] = "no VM '";
    static const char behind[] = "'; ";
    const char *name = error->kind == LODGE_ERROR_NOT_FOUND ? strstr(error->message, before) : NULL;
    const char *end = name == NULL ? NULL : strstr(name + sizeof before - 1, behind);
    if (end == NULL) {
        return NULL;
    }
    name += sizeof before - 1;
    return xstrndup(name, (size_t)(end - name));
}

void suggest_vm(const struct command *command, const struct lodge_error *error)
{
    struct lodge_error err = {0};
    AUTO(free) char *name = name_in(error);
    AUTO(lodge_client_close)
    struct lodge_client *client = name == NULL ? NULL : command_connect(command, &err);
    AUTO(free)
    char *result = client == NULL ? NULL
                                  : lodge_client_call_wait(client, "vm.list", "{\"fields\":[]}",
                                                           COMMAND_ANSWER_MS, &err);
    AUTO(json_object_put)
    struct json_object *json = result == NULL ? NULL : json_tokener_parse(result);
    struct json_object *vms = json_object_object_get(json, "vms");
    struct nearest nearest;
    nearest_begin(&nearest, name == NULL ? "" : name);
    for (size_t i = 0; vms != NULL && i < json_object_array_length(vms); i++) {
        struct json_object *vm = json_object_array_get_idx(vms, i);
        const char *candidate = json_object_get_string(json_object_object_get(vm, "name"));
        nearest_offer(&nearest, candidate == NULL ? "" : candidate);
    }
    if (nearest.found != NULL) {
        print_text(stderr, "Did you mean '%s'?\n", nearest.found);
    }
}
