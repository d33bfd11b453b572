/* hosts: `lodge hosts`, the machines that lodged looks after. */
#include "cli/command.h"

#include <stdlib.h>

bool run_hosts(const struct command *command, struct lodge_error *err)
{
    AUTO(lodge_client_close) struct lodge_client *client = command_connect(command, err);
    if (!client || (command->wait_s > 0 && !command_await_hosts(command, client, err))) {
        return false;
    }
    AUTO(free)
    char *result = lodge_client_call_wait(client, "host.list", NULL, COMMAND_ANSWER_MS, err);
    return result && command->output->hosts(result, err);
}
