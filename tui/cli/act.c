/* act: `lodge start VM…` and the other verbs that name VMs and little else; `lodge rm`, which says
 * first what will be lost. */
#include "buffer.h"
#include "cli/asking.h"
#include "contract/contract.h"
#include "memory.h"
#include "units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool add_grace(const struct command *command, struct json_object *params,
                      struct lodge_error *err)
{
    int64_t seconds = 0;
    const char *grace = command_value(command, "--grace");
    if (grace == NULL) {
        return true;
    }
    if (!duration_from_text(grace, &seconds) || seconds < 1) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "--grace %s: expected whole seconds, such as 30s or 5m", grace);
    }
    json_object_object_add(params, "grace_s", json_object_new_int64(seconds));
    return true;
}

static bool add_new_owner(const struct command *command, struct json_object *params,
                          struct lodge_error *err)
{
    const char *owner = command_value(command, "--owner");
    if (strcmp(command->verb, "adopt") != 0) {
        return true;
    }
    if (owner == NULL) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "adopt wants --owner USER");
    }
    json_object_object_add(params, "owner", json_object_new_string(owner));
    return true;
}

/* "web has 2 disks that lodge made (30G in all)": what goes with it. */
static char *loss_of(struct lodge_client *client, const char *name, struct lodge_error *err)
{
    struct json_object *params = json_object_new_object();
    json_object_object_add(params, "vm", json_object_new_string(name));
    AUTO(free)
    char *result = lodge_client_call_wait(
        client, "vm.get", json_object_to_json_string_ext(params, 0), COMMAND_ANSWER_MS, err);
    json_object_put(params);
    struct lodge_vm vm;
    if (result == NULL || !lodge_vm_from_json(result, &vm, err)) {
        return NULL;
    }
    int64_t sum = 0;
    int disks = 0;
    for (size_t i = 0; i < vm.disks.count; i++) {
        if (vm.disks.items[i].ours == LODGE_FLAG_YES) {
            disks++;
            sum += vm.disks.items[i].size_gib > 0 ? vm.disks.items[i].size_gib : 0;
        }
    }
    char size[UNIT_TEXT];
    char *text = xasprintf(
        "%s is %s. With it go %d disk%s%s%s%s. Type its name to delete it:", vm.name,
        lodge_vm_state_name(vm.state), disks, disks == 1 ? "" : "s", disks > 0 ? " (" : "",
        disks > 0 ? size_text(size, sum * 1024) : "", disks > 0 ? ")" : "");
    lodge_vm_clear(&vm);
    return text;
}

static bool is_meant(const struct command *command, struct lodge_client *client,
                     struct lodge_error *err)
{
    if (command_has(command, "--yes")) {
        return true;
    }
    if (strcmp(command->verb, "rm") == 0) {
        for (int i = 0; i < command->argc; i++) {
            AUTO(free) char *loss = loss_of(client, command->argv[i], err);
            if (loss == NULL || !asking_type(loss, command->argv[i], err)) {
                return false;
            }
        }
    } else if (strcmp(command->verb, "stop") == 0 && isatty(STDIN_FILENO)) {
        AUTO(buffer_free) struct buffer all = {0};
        for (int i = 0; i < command->argc; i++) {
            buffer_add_format(&all, "%s%s", i == 0 ? "" : ", ", command->argv[i]);
        }
        AUTO(free)
        char *question =
            xasprintf("Force off %s? What %s not written is lost. [y/N]", buffer_text(&all),
                      command->argc > 1 ? "their guests have" : "its guest has");
        return asking_confirm(question, err);
    }
    return true;
}

bool run_act(const struct command *command, struct lodge_error *err)
{
    size_t count = (size_t)command->argc;
    AUTO(lodge_client_close) struct lodge_client *client = command_connect(command, err);
    if (client == NULL || !is_meant(command, client, err)) {
        return false;
    }
    AUTO(free) struct asking *askings = xcalloc(count, sizeof *askings);
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        askings[i].subject = command->argv[i];
        askings[i].params = json_object_new_object();
        json_object_object_add(askings[i].params, "vm", json_object_new_string(command->argv[i]));
        good = good && add_grace(command, askings[i].params, err) &&
               add_new_owner(command, askings[i].params, err);
    }
    good = good && asking_all(command, client, askings, count, err);
    struct lodge_error failed = {0};
    bool all_done = asking_end(command, askings, count, &failed);
    if (good && !all_done) {
        *err = failed;
    }
    return good && all_done;
}
