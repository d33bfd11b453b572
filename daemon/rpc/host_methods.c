/* host.*: the machines whose guests are shown. */
#include "contract/contract.h"
#include "registry/render.h"
#include "rpc/method.h"

struct host_list {
    struct {
        struct lodge_host *items;
        size_t count;
    } hosts;
};

#define AT(member) .offset = offsetof(struct host_list, member)
static const struct field host_list_result[] = {
    {"hosts", FIELD_OBJECTS, AT(hosts), .size = sizeof(struct lodge_host),
     .fields = lodge_host_fields, .required = true, .help = "in the order of their names"},
    {.type = FIELD_END},
};
#undef AT

static void host_list_run(struct call *call, const void *params)
{
    (void)params;
    struct viewer viewer = call_viewer(call);
    struct buffer result = {0};
    buffer_add_text(&result, "{\"hosts\":[");
    struct registry_host *host = registry_first_host(call_services(call)->registry);
    for (bool comma = false; host != NULL; host = host->next, comma = true) {
        buffer_add_text(&result, comma ? "," : "");
        render_host(&result, host, &viewer);
    }
    buffer_add_text(&result, "]}");
    call_reply(call, &result);
    buffer_free(&result);
}

const struct method host_methods[] = {
    {
        .name = "host.list",
        .access = ACCESS_ANY,
        .result = host_list_result,
        .run = host_list_run,
        .help = "The hosts, their state and what their drivers can do.",
    },
    {0},
};
