/* console.*: a guest's screen for somebody who may have it: tickets, and who looks where. */
#include "console/console.h"
#include "console/web_door.h"
#include "contract/contract.h"
#include "memory.h"
#include "registry/render.h"
#include "rpc/named_vm.h"
#include "rpc/op_request.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

enum { START_MS = 10000 };

struct console_params {
    char *vm;
    enum lodge_session_kind kind;
    enum lodge_session_door door;
    enum lodge_session_mode mode;
    bool start;
};

#define AT(member) .offset = offsetof(struct console_params, member)
static const struct field open_params[] = {
    METHOD_VM(struct console_params),
    {"kind", FIELD_ENUM, AT(kind), .names = &lodge_session_kind_names, .help = "vnc, the default"},
    {"door", FIELD_ENUM, AT(door), .names = &lodge_session_door_names,
     .help = "web, the default, for browsers; stream: a Unix socket"},
    {"mode", FIELD_ENUM, AT(mode), .names = &lodge_session_mode_names,
     .help = "rw, the default; ro looks only"},
    {"start", FIELD_BOOL, AT(start), .help = "true: starts a VM that is shut off, within 10 s"},
    {.type = FIELD_END},
};
#undef AT

struct opened {
    int64_t session;
    int64_t expires_at;
    char *url;
    char *ws_url;
    char *socket;
    char *ticket;
};

#define AT(member) .offset = offsetof(struct opened, member)
static const struct field open_result[] = {
    {"session", FIELD_INT, AT(session), .help = "its number"},
    {"expires_at", FIELD_TIME, AT(expires_at), .help = "when the ticket is no longer good"},
    {"url", FIELD_STRING, AT(url), .help = "the page, with the ticket in its fragment"},
    {"ws_url", FIELD_STRING, AT(ws_url),
     .help =
         "the WebSocket, subprotocol binary; behind it back.HEX (64 digits) to come back by, and "
         "told for words on the guest as text messages"},
    {"socket", FIELD_STRING, AT(socket),
     .help = "the Unix socket that takes the ticket as first line, and answers ok"},
    {"ticket", FIELD_STRING, AT(ticket), .help = "64 hex digits, good for one use"},
    {.type = FIELD_END},
};
#undef AT

/* A console.open on its way. */
struct opening {
    struct call *call;
    char *key; /* HOST/UUID: the VM is looked up again after each wait */
    char *name;
    enum lodge_session_door door;
    enum lodge_session_mode mode;
};

static void opening_free(struct opening *opening)
{
    free(opening->key);
    free(opening->name);
    free(opening);
}

static void opening_fail(struct opening *opening, const struct lodge_error *err)
{
    call_fail(opening->call, err);
    opening_free(opening);
}

static void session_answered(void *data, const struct console_answer *answer,
                             const struct lodge_error *error)
{
    struct opening *opening = data;
    const struct rpc_services *services = call_services(opening->call);
    if (error != NULL) {
        opening_fail(opening, error);
        return;
    }
    ops_count(services->ops, call_viewer(opening->call).uid);
    struct buffer url = {0};
    struct buffer ws_url = {0};
    struct opened opened = {
        .session = answer->session,
        .expires_at = answer->expires_at,
        .ticket = xstrdup(answer->ticket),
    };
    if (opening->door == LODGE_SESSION_WEB) {
        web_door_page_url(services->web, &url, answer->session, answer->ticket, opening->name,
                          lodge_session_mode_name(opening->mode));
        web_door_socket_url(services->web, &ws_url, answer->ticket);
        opened.url = buffer_take(&url);
        opened.ws_url = buffer_take(&ws_url);
    } else {
        opened.socket = xstrdup(services->stream_path);
    }
    struct buffer result = {0};
    fields_write(&result, open_result, FIELD_MASK_ALL, &opened);
    call_reply(opening->call, &result);
    buffer_free(&result);
    fields_clear(open_result, &opened);
    opening_free(opening);
}

static void open_now(struct opening *opening, struct vm *vm)
{
    const struct identity *who = call_identity(opening->call);
    struct lodge_error err = {0};
    if (who == NULL) {
        (void)lodge_fail(&err, LODGE_ERROR_CANCELLED, "the client has gone");
        opening_fail(opening, &err);
        return;
    }
    struct console_ask ask = {
        .vm = vm,
        .who = who,
        .door = opening->door,
        .mode = opening->mode,
    };
    console_open(call_services(opening->call)->console, &ask, session_answered, opening);
}

static void guest_started(void *data, const struct op_answer *answer)
{
    struct opening *opening = data;
    struct lodge_error err = {0};
    if (answer->error != NULL && answer->error->kind != LODGE_ERROR_NONE) {
        opening_fail(opening, answer->error);
        return;
    }
    struct viewer viewer = call_viewer(opening->call);
    struct vm *vm =
        registry_get(call_services(opening->call)->registry, opening->key, &viewer, &err);
    if (vm == NULL) {
        opening_fail(opening, &err);
    } else {
        open_now(opening, vm);
    }
}

static void start_first(struct opening *opening, const struct vm *vm)
{
    struct plan plan;
    op_request_plan(&plan, vm);
    struct op_ask ask = {
        .kind = "vm.start",
        .host = vm->facts.host,
        .uuid = vm->facts.uuid,
        .viewer = call_viewer(opening->call),
        .pid = call_pid(opening->call),
        .plan = &plan,
        .wait = true,
        .timeout_ms = START_MS,
        .answer = guest_started,
        .data = opening,
    };
    call_stand_up(opening->call); /* a start takes seconds, and has its own turns */
    ops_ask(call_services(opening->call)->ops, &ask);
}

static bool has_screen(const struct vm *vm, const struct console_params *params,
                       struct lodge_error *err)
{
    const struct lodge_vm *facts = &vm->facts;
    if (!named_vm_answers(vm, err)) {
        return false;
    }
    if (vm->live == LODGE_VM_SHUTOFF && !params->start) {
        snprintf(err->state, sizeof err->state, "%s", lodge_vm_state_name(facts->state));
        return lodge_fail(err, LODGE_ERROR_BAD_STATE,
                          "'%s' is %s: start it first (vm.start), or with `start`", facts->name,
                          lodge_vm_state_name(facts->state));
    }
    return true;
}

static bool has_door(const struct call *call, enum lodge_session_door door, struct lodge_error *err)
{
    return door != LODGE_SESSION_WEB || call_services(call)->web != NULL ||
           lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                      "this lodged answers no browsers ([console] listen is off): use the stream "
                      "door (lodge vnc --viewer)");
}

static void console_open_run(struct call *call, struct vm *vm, const void *data)
{
    const struct console_params *params = data;
    struct lodge_error err = {0};
    enum lodge_session_door door =
        params->door == LODGE_SESSION_NO_DOOR ? LODGE_SESSION_WEB : params->door;
    struct viewer viewer = call_viewer(call);
    if (!has_door(call, door, &err) || !has_screen(vm, params, &err) ||
        !ops_may_begin(call_services(call)->ops, &viewer, &err)) {
        call_fail(call, &err);
        return;
    }
    struct opening *opening = xcalloc(1, sizeof *opening);
    opening->call = call;
    opening->key = xasprintf("%s/%s", vm->facts.host, vm->facts.uuid);
    opening->name = xstrdup(vm->facts.name == NULL ? vm->facts.uuid : vm->facts.name);
    opening->door = door;
    opening->mode = params->mode == LODGE_SESSION_NO_MODE ? LODGE_SESSION_RW : params->mode;
    if (vm->live == LODGE_VM_SHUTOFF) {
        start_first(opening, vm);
    } else {
        open_now(opening, vm);
    }
}

struct listed {
    struct {
        struct lodge_session *items;
        size_t count;
    } sessions;
};

static const struct field list_result[] = {
    {"sessions", FIELD_OBJECTS, .offset = offsetof(struct listed, sessions),
     .size = sizeof(struct lodge_session), .required = true, .fields = lodge_session_fields,
     .help = "yours and those at your VMs, the oldest first"},
    {.type = FIELD_END},
};

struct listing {
    struct buffer result;
    struct viewer viewer;
    bool any;
};

static void list_one(void *data, const struct registry_session *session)
{
    struct listing *listing = data;
    if (registry_session_is_visible(session, &listing->viewer)) {
        buffer_add_text(&listing->result, listing->any ? "," : "");
        render_session(&listing->result, session);
        listing->any = true;
    }
}

static void console_list_run(struct call *call, const void *params)
{
    (void)params;
    struct listing listing = {.viewer = call_viewer(call)};
    buffer_add_text(&listing.result, "{\"sessions\":[");
    console_each(call_services(call)->console, list_one, &listing);
    buffer_add_text(&listing.result, "]}");
    call_reply(call, &listing.result);
    buffer_free(&listing.result);
}

struct close_params {
    int64_t session;
};

static const struct field close_params[] = {
    {"session", FIELD_INT, .offset = offsetof(struct close_params, session), .required = true,
     .min = 1, .max = INT64_MAX, .help = "its number"},
    {.type = FIELD_END},
};

static void console_close_run(struct call *call, const void *data)
{
    const struct close_params *params = data;
    struct viewer viewer = call_viewer(call);
    struct lodge_error err = {0};
    if (console_end(call_services(call)->console, params->session, &viewer, &err)) {
        call_reply_empty(call);
    } else {
        call_fail(call, &err);
    }
}

const struct method console_methods[] = {
    {
        .name = "console.open",
        .access = ACCESS_OWNER,
        .vm = "vm",
        .vm_need = VM_DOMAIN,
        .mutates = true,
        .params = open_params,
        .params_size = sizeof(struct console_params),
        .result = open_result,
        .run_on = console_open_run,
        .seat = SEAT_SCREEN,
        .help = "A ticket to a guest's screen, good once, for a browser or a local viewer.",
    },
    {
        .name = "console.list",
        .access = ACCESS_SEE,
        .result = list_result,
        .run = console_list_run,
        .help = "Who looks at which screen.",
    },
    {
        .name = "console.close",
        .access = ACCESS_OWNER,
        .mutates = true,
        .params = close_params,
        .params_size = sizeof(struct close_params),
        .run = console_close_run,
        .help = "Ends a session; its viewer is told who did.",
    },
    {0},
};
