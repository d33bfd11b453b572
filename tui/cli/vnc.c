/* vnc: `lodge vnc VM`: a guest's screen in a browser, in a local viewer, or as an address. */
#include "cli/browser.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/viewer.h"
#include "contract/contract.h"
#include "memory.h"
#include "text.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

DEFINE_AUTO(struct json_object *, json_object_put, NULL);

static const char *text_of_answer(struct json_object *result, const char *name)
{
    struct json_object *member = json_object_object_get(result, name);
    return member == NULL ? "" : json_object_get_string(member);
}

static char *vnc_params(const struct command *command)
{
    AUTO(json_object_put) struct json_object *params = json_object_new_object();
    bool looks = command_has(command, "--ro");
    bool local = command_has(command, "--viewer");
    json_object_object_add(params, "vm", json_object_new_string(command->argv[0]));
    json_object_object_add(params, "mode", json_object_new_string(looks ? "ro" : "rw"));
    json_object_object_add(params, "door", json_object_new_string(local ? "stream" : "web"));
    if (command_has(command, "--start")) {
        json_object_object_add(params, "start", json_object_new_boolean(true));
    }
    return xstrdup(json_object_to_json_string_ext(params, JSON_C_TO_STRING_PLAIN));
}

/* A link that a terminal lets one click (OSC 8), where there is one. */
static void print_address(const char *url)
{
    if (isatty(STDOUT_FILENO)) {
        AUTO(free) char *visible = text_visible(url);
        printf("\033]8;;%s\033\\%s\033]8;;\033\\\n", visible, visible);
    } else {
        print_text(stdout, "%s\n", url);
    }
}

/* Whether the browser is there: the session's state says so. */
struct watch {
    int64_t session;
    bool known; /* told of since the last reset */
    bool open;
    bool over;
};

static void hear_session(void *data, const struct lodge_event *event,
                         const struct lodge_error *error)
{
    struct watch *watch = data;
    if (error != NULL) {
        watch->over = true;
        return;
    }
    if (event->topic == LODGE_TOPIC_SESSION && event->session.session == watch->session) {
        watch->known = true;
        watch->open |= event->session.state == LODGE_SESSION_OPEN;
        watch->over = event->type == LODGE_EVENT_REMOVED || watch->open;
    } else if (event->type == LODGE_EVENT_RESET) {
        watch->known = false;
    } else if (event->type == LODGE_EVENT_READY && !watch->known) {
        watch->over = true; /* it ended while we were not listening: nobody will tell of it */
    }
}

static bool browser_failed(const struct program *browser, struct lodge_error *err)
{
    AUTO(free) char *last = program_last_line(browser);
    return lodge_fail(err, LODGE_ERROR_INTERNAL,
                      "the browser failed%s%s; lodge vnc --print gives an address to open by hand",
                      last[0] == '\0' ? ", and said nothing" : ": ", last);
}

/* The file with the link stays until it is used, or worth nothing. A browser that ends well may
 * have handed it on to one that runs. */
static bool await_browser(struct lodge_client *client, int64_t session, struct program *browser,
                          struct lodge_error *err)
{
    struct watch watch = {.session = session};
    struct lodge_subscribe sessions = {.topics = {[LODGE_TOPIC_SESSION] = true}};
    if (lodge_client_subscribe(client, &sessions, hear_session, &watch, err) == NULL) {
        return false;
    }
    while (!watch.over) {
        int end = browser->has_ended ? -1 : browser->end;
        if (!command_listen_beside(client, end, -1, err)) {
            return false;
        }
        if (!watch.over && program_has_ended(browser, 0) && !browser->went_well) {
            return browser_failed(browser, err);
        }
    }
    return watch.open || lodge_fail(err, LODGE_ERROR_TIMEOUT,
                                    "the browser did not open the link in time: lodge vnc --print "
                                    "gives one to open by hand");
}

static bool open_in_browser(const struct command *command, struct lodge_client *client,
                            struct json_object *result, struct lodge_error *err)
{
    int64_t session = json_object_get_int64(json_object_object_get(result, "session"));
    struct program browser;
    char *file = browser_file(err);
    if (file == NULL) {
        return false;
    }
    remove_at_signal(file);
    bool good = browser_open(text_of_answer(result, "url"), file, &browser, err);
    if (good) {
        good = await_browser(client, session, &browser, err);
        program_forget(&browser);
    }
    browser_forget(file);
    if (good) {
        print_text(stdout, "%s: its screen is open in the browser (session %lld)\n",
                   command->argv[0], (long long)session);
    }
    return good;
}

static void say_address(struct json_object *result)
{
    const char *url = text_of_answer(result, "url");
    AUTO(free) char *tunnel = browser_tunnel(url);
    print_address(url);
    fputs("Open it once within half a minute.", stderr);
    if (tunnel != NULL) {
        fputs(" From another machine, first:\n  ", stderr);
        print_text(stderr, "%s", tunnel);
    }
    fputs("\n", stderr);
}

bool run_vnc(const struct command *command, struct lodge_error *err)
{
    bool local = command_has(command, "--viewer");
    bool prints = command_has(command, "--print");
    if (local && prints) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "--print and --viewer are two ways: choose one");
    }
    if (local && !viewer_is_there(err)) {
        return false;
    }
    AUTO(free) char *params = vnc_params(command);
    AUTO(lodge_client_close) struct lodge_client *client = command_connect(command, err);
    AUTO(free)
    char *text = client == NULL ? NULL
                                : lodge_client_call_wait(client, command->method, params,
                                                         COMMAND_ANSWER_MS, err);
    if (text == NULL) {
        return false;
    }
    if (command->json) {
        return command->output->vm(text, err);
    }
    AUTO(json_object_put) struct json_object *result = json_tokener_parse(text);
    if (local) {
        return viewer_run(text_of_answer(result, "socket"), text_of_answer(result, "ticket"), err);
    }
    if (!prints && browser_is_there()) {
        return open_in_browser(command, client, result, err);
    }
    if (prints) {
        print_text(stdout, "%s\n", text_of_answer(result, "url"));
    } else {
        say_address(result);
    }
    return true;
}
