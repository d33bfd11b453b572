/* info: `lodge info`, who answers on the socket, and as whom it knows us. */
#include "cli/command.h"

#include <stdlib.h>

bool run_info(const struct command *command, struct lodge_error *err)
{
    AUTO(lodge_client_close) struct lodge_client *client = command_connect(command, err);
    AUTO(free)
    char *result =
        client ? lodge_client_call_wait(client, "server.info", NULL, COMMAND_ANSWER_MS, err) : NULL;
    return result && command->output->info(result, err);
}
