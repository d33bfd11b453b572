/* ls: `lodge ls [QUERY]`, the VMs that match, once. */
#include "buffer.h"
#include "cli/command.h"

#include <stdlib.h>

bool run_ls(const struct command *command, struct lodge_error *err)
{
    const char *query = command->argc > 0 ? command->argv[0] : NULL;
    struct buffer params = {0};
    if (command->argc > 0) {
        buffer_add_text(&params, "{\"query\":");
        buffer_add_json_string(&params, command->argv[0]);
        buffer_add_char(&params, '}');
    }
    AUTO(free) char *request = command->argc > 0 ? buffer_take(&params) : NULL;
    if (command->argc > 0 && !request) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "out of memory");
    }
    AUTO(lodge_client_close) struct lodge_client *client = command_connect(command, err);
    if (!client || (command->wait_s > 0 && !command_await_hosts(command, client, err))) {
        return false;
    }
    AUTO(free)
    char *result = lodge_client_call_wait(client, "vm.list", request, COMMAND_ANSWER_MS, err);
    return result && command->output->vms(result, query, err);
}
