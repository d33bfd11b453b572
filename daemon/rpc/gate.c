/*
 * gate: what a request passes until it runs: its envelope, its method, how many of its client are
 * unanswered, the caller's role, its parameters, a seat. Whoever does not pass is answered with the
 * error, and the call is gone.
 *
 * Parameters lie on the stack and are cleared when the handler returns; those of a call that stands
 * in line, or whose VM is read first, are kept with it. Loop-only.
 */
#include "rpc/gate.h"

#include "jsonrpc.h"
#include "memory.h"
#include "reads/audit.h"
#include "reads/reads.h"
#include "registry/access.h"
#include "registry/told.h"
#include "rpc/account.h"
#include "rpc/call_private.h"
#include "rpc/method.h"
#include "rpc/named_vm.h"
#include "rpc/op_request.h"
#include "rpc/record.h"
#include "scope.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

static bool may_run(const struct method *method, const struct viewer *viewer,
                    struct lodge_error *err)
{
    if (access_allows(viewer, NULL, method->access)) {
        return true;
    }
    if (viewer->role == ROLE_NONE) {
        return lodge_fail(err, LODGE_ERROR_DENIED,
                          "this lodged has no role for you: ask its admin");
    }
    if (method->access == ACCESS_ADMIN) {
        return lodge_fail(err, LODGE_ERROR_DENIED, "%s is for admins, your role is %s",
                          method->name, user_role_name(viewer->role));
    }
    return lodge_fail(err, LODGE_ERROR_DENIED, "%s %s, your role is viewer", method->name,
                      method->mutates ? "changes something" : "is for a VM's owner and admins");
}

/* All has been looked at but its VM, as late as can be: what its row wants of it is so when its
 * handler runs. */
static void run_handler(struct call *call, const void *params)
{
    const struct method *method = call->method;
    struct lodge_error err = {0};
    struct vm *vm = NULL;
    if (method->check != NULL && !method->check(params, &err)) {
        call_fail(call, &err);
    } else if (method->run != NULL) {
        method->run(call, params);
    } else if (named_vm_find(call, params, &vm, &err)) {
        method->run_on(call, vm, params);
    } else {
        op_request_refuse(call, params, &err);
    }
}

/* Its VM has been read: what it rests on is known, and its seat is another's. */
static void run_late(void *data, const struct lodge_error *error)
{
    struct call *call = data;
    const struct method *method = call->method;
    void *params = TAKE(call->kept);
    account_stand_up(call->account, &call->seat);
    /* A host that has gone, or a definition that cannot be read, is the handler's to tell. */
    if (error != NULL &&
        (error->kind == LODGE_ERROR_TIMEOUT || error->kind == LODGE_ERROR_CANCELLED)) {
        call_fail(call, error);
    } else {
        run_handler(call, params);
    }
    call_forget_kept(method, params);
}

/* Its VM, if that is to be read anew before the method runs. NULL: there is nothing to be read (it
 * is busy), or nobody who could (a guest that hangs): the handler says so, or works with what is
 * known. */
static const struct vm *vm_to_read(const struct call *call, const void *params)
{
    const struct vm *vm = named_vm_peek(call, params);
    bool is_busy = vm != NULL && vm->facts.op != LODGE_UNKNOWN;
    bool can_be_read = vm != NULL && vm->host->facts.state == LODGE_HOST_UP &&
                       vm->host->facts.synced_at != 0 && vm->facts.unresponsive == 0;
    return can_be_read && !is_busy ? vm : NULL;
}

/* Where it waits for its turn. */
static enum seat_kind seat_of(const struct call *call, const void *params)
{
    const struct method *method = call->method;
    if (method->reads_first) {
        return vm_to_read(call, params) == NULL ? SEAT_NONE : SEAT_FRESH;
    }
    bool is_cheap = method->is_cheap != NULL && method->is_cheap(call, params);
    return is_cheap ? SEAT_NONE : method->seat;
}

/* It sits: `kept` are its parameters. */
static void run_seated(struct call *call)
{
    const struct method *method = call->method;
    struct lodge_error err = {0};
    if (call->connection != NULL) {
        call->viewer = connection_viewer(call->connection);
    }
    const struct vm *vm = method->reads_first ? vm_to_read(call, call->kept) : NULL;
    if (vm != NULL) {
        reads_fresh(call->services->reads, vm->facts.host, vm->facts.uuid, run_late, call);
        return;
    }
    void *params = TAKE(call->kept);
    if (method->reads_first) {
        account_stand_up(call->account, &call->seat); /* it has become busy meanwhile */
    }
    if (may_run(method, &call->viewer, &err)) {
        run_handler(call, params);
    } else {
        call_fail(call, &err);
    }
    call_forget_kept(method, params);
}

static void begin_seated(struct sitter *sitter)
{
    run_seated(CONTAINER_OF(sitter, struct call, seat));
}

static void run_method(struct call *call, struct json_object *params)
{
    static const struct field no_params[] = {{.type = FIELD_END}};
    const struct method *method = call->method;
    const struct field *table = method->params == NULL ? no_params : method->params;
    _Alignas(max_align_t) char room[METHOD_PARAMS_MAX];
    struct lodge_error err = {0};
    if (connection_open_calls(call->connection) > CONNECTION_CALLS_MAX) {
        (void)lodge_fail(&err, LODGE_ERROR_TOO_MANY,
                         "%d requests of this connection are unanswered: wait for some answers",
                         CONNECTION_CALLS_MAX);
    } else if (call->account->asked > ACCOUNT_ASKED) {
        (void)lodge_fail(&err, LODGE_ERROR_TOO_MANY,
                         "the requests of uid %u that are unanswered take %zu MiB: wait for some "
                         "answers",
                         (unsigned)call->viewer.uid, ACCOUNT_ASKED >> 20);
    }
    if (err.kind != LODGE_ERROR_NONE || !may_run(method, &call->viewer, &err) ||
        !fields_read(params, table, FIELDS_STRICT, room, &err)) {
        call_fail(call, &err);
        return;
    }
    call->record = method->mutates ? record_make(params) : NULL;
    enum seat_kind kind = seat_of(call, room);
    if (kind != SEAT_NONE) {
        const struct vm *vm = kind < SEAT_XML ? NULL : named_vm_peek(call, room);
        call_keep_params(call, room);
        call->seat.begin = begin_seated;
        if (account_sit(call->account, kind, vm == NULL ? NULL : vm->host, &call->seat)) {
            run_seated(call);
        }
        return;
    }
    if (method->is_long) {
        call_keep_params(call, room);
        run_handler(call, call->kept);
        return;
    }
    run_handler(call, room);
    fields_clear(table, room);
}

static char *id_text(struct json_object *id)
{
    int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
    return xstrdup(id == NULL ? "null" : json_object_to_json_string_ext(id, flags));
}

static void find_method(struct call *call, const char *method, struct json_object *params)
{
    struct lodge_error err = {0};
    call->method = method_find(call->services->methods, method);
    if (call->method == NULL) {
        (void)lodge_fail(&err, LODGE_ERROR_METHOD,
                         "no method '%.64s'; rpc.discover lists those there are", method);
        call_fail(call, &err);
        return;
    }
    run_method(call, params);
}

void gate_run(const struct rpc_services *services, struct connection *connection,
              struct json_object *json, size_t bytes, bool in_batch)
{
    struct jsonrpc_request request;
    struct lodge_error err = {0};
    bool sound = jsonrpc_read_request(json, &request, &err);
    struct call *call =
        call_new(services, connection, id_text(request.id), bytes, sound && !request.wants_answer);
    call->open.in_batch = in_batch;
    if (sound) {
        find_method(call, request.method, request.params);
    } else {
        call_fail(call, &err);
    }
}

void gate_run_plain(const struct rpc_services *services, struct connection *connection,
                    const struct jsonrpc_plain *plain)
{
    find_method(call_new(services, connection, xstrdup(plain->id), 0, false), plain->method, NULL);
}
