/* watch: `lodge watch [QUERY]`, a line for each thing that is there or happens, until interrupted.
 */
#include "cli/command.h"

struct watch {
    const struct output *output;
    struct lodge_error error; /* the daemon refused */
};

static void hear(void *data, const struct lodge_event *event, const struct lodge_error *error)
{
    struct watch *watch = data;
    if (error) {
        watch->error = *error;
    } else {
        watch->output->event(event);
    }
}

bool run_watch(const struct command *command, struct lodge_error *err)
{
    AUTO(lodge_client_close) struct lodge_client *client = command_connect(command, err);
    if (!client) {
        return false;
    }
    const char *query = command->argc > 0 ? command->argv[0] : NULL;
    struct lodge_subscribe what = {
        .topics =
            {
                [LODGE_TOPIC_VM] = true,
                [LODGE_TOPIC_HOST] = !query, /* a query is about VMs */
                [LODGE_TOPIC_METRICS] = command->metrics,
            },
        .query = query,
    };
    struct watch watch = {.output = command->output};
    if (!lodge_client_subscribe(client, &what, hear, &watch, err)) {
        return false;
    }
    while (watch.error.kind == LODGE_ERROR_NONE) {
        if (!command_listen(client, -1, err)) {
            return false;
        }
    }
    *err = watch.error;
    return false;
}
