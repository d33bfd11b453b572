/* show: `lodge show VM`, all there is to know about one VM; with --xml libvirt's own words. */
#include "buffer.h"
#include "cli/command.h"
#include "cli/print.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

static bool show_xml(const char *result, struct lodge_error *err)
{
    struct json_object *json = json_tokener_parse(result);
    const char *xml = json_object_get_string(json_object_object_get(json, "xml"));
    bool good = xml || lodge_fail(err, LODGE_ERROR_INTERNAL, "the daemon's answer has no xml");
    if (good) {
        print_xml(stdout, xml);
    }
    json_object_put(json);
    return good;
}

bool run_show(const struct command *command, struct lodge_error *err)
{
    struct buffer params = {0};
    buffer_add_text(&params, "{\"vm\":");
    buffer_add_json_string(&params, command->argv[0]);
    buffer_add_text(&params, command->xml ? ",\"xml\":true}" : "}");
    AUTO(free) char *request = buffer_take(&params);
    AUTO(lodge_client_close) struct lodge_client *client = command_connect(command, err);
    AUTO(free)
    char *result =
        client ? lodge_client_call_wait(client, "vm.get", request, COMMAND_ANSWER_MS, err) : NULL;
    if (!result) {
        return false;
    }
    return command->xml && !command->json ? show_xml(result, err)
                                          : command->output->vm(result, err);
}
