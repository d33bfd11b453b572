/*
 * gate: every request makes a call, a malformed one too, and its answer ends it: the audit's row
 * for a method that changes something, the envelope for whoever wants one, and the call is freed.
 * What was done is answered when its row is on disk; a refusal is answered at once.
 *
 * A call that waits hangs at its connection; when that goes first, the call is an orphan and is
 * answered to nobody, or dropped if it still stands in line and would only have read. Parameters
 * lie on the stack and are cleared when the handler returns; those of a call that stands in line,
 * or whose VM is read first, are kept with it.
 */
#include "rpc/gate.h"

#include "jsonrpc.h"
#include "log.h"
#include "memory.h"
#include "reads/audit.h"
#include "reads/reads.h"
#include "registry/told.h"
#include "rpc/account.h"
#include "rpc/door.h"
#include "rpc/method.h"
#include "rpc/record.h"
#include "scope.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

struct call {
    struct call_link link; /* in connection's open calls, while there is a connection */
    struct connection *connection;
    const struct rpc_house *house;
    const struct method *method;
    struct viewer viewer;
    pid_t pid;
    char *id; /* JSON text; NULL: nobody wants an answer */
    bool in_batch;
    bool is_notification;
    bool is_audited;
    char *target;
    char *record;            /* its parameters, as the audit keeps them; NULL: nothing */
    int64_t op;              /* that it began or is about; 0: none */
    struct account *account; /* held */
    size_t asked;            /* what it counts there */
    struct sitter seat;
    void *kept; /* its parameters, METHOD_PARAMS_MAX */
    struct call_work *work;
    struct buffer envelope; /* its answer, until that is sent */
};

/* What a request takes beside its text. */
enum { CALL_BYTES = 512 };

const struct rpc_house *call_house(const struct call *call)
{
    return call->house;
}

struct viewer call_viewer(const struct call *call)
{
    return call->viewer;
}

pid_t call_pid(const struct call *call)
{
    return call->pid;
}

const struct method *call_method(const struct call *call)
{
    return call->method;
}

void call_set_target(struct call *call, const char *host, const char *name)
{
    free(call->target);
    call->target = xasprintf("%s/%s", host, name == NULL ? "" : name);
}

struct audit_call call_for_audit(const struct call *call)
{
    return (struct audit_call){
        .uid = call->viewer.uid,
        .pid = call->pid,
        .method = call->method->name,
        .target = call->target == NULL ? "" : call->target,
        .params = call->record,
        .op = call->op,
    };
}

void call_set_op(struct call *call, int64_t op)
{
    call->op = op;
}

void call_set_audited(struct call *call)
{
    call->is_audited = true;
}

void call_stand_up(struct call *call)
{
    if (call->seat.seats != NULL) {
        account_stand_up(call->account, &call->seat);
    }
}

/* What `virsh … --config` has changed sends no event: who looks has it read. */
void call_read_beside(struct call *call, const struct vm *vm)
{
    if (account_may_read_beside(call->account) &&
        reads_beside(call->house->reads, vm->facts.host, vm->facts.uuid)) {
        account_has_read_beside(call->account);
    }
}

struct connection *call_connection(const struct call *call)
{
    return call->connection;
}

bool call_is_in_batch(const struct call *call)
{
    return call->in_batch;
}

struct call *call_of(struct call_link *link)
{
    return CONTAINER_OF(link, struct call, link);
}

static void forget_kept(const struct method *method, void *kept)
{
    if (method->params != NULL) {
        fields_clear(method->params, kept);
    }
    free(kept);
}

static void call_free(struct call *call)
{
    if (call->work != NULL) {
        call->work->free(call->work);
    }
    if (call->kept != NULL && call->method != NULL) {
        forget_kept(call->method, call->kept);
    }
    call_stand_up(call);
    call->account->asked -= call->asked;
    account_release(call->account);
    buffer_free(&call->envelope);
    free(call->id);
    free(call->target);
    free(call->record);
    free(call);
}

/* Takes the parameters over. */
static void keep_params(struct call *call, const void *params)
{
    call->kept = xcalloc(1, METHOD_PARAMS_MAX);
    memcpy(call->kept, params, call->method->params_size);
}

void call_orphan(struct call *call)
{
    bool is_in_line = call->seat.seats != NULL && !call->seat.sits; /* nothing was begun */
    call->connection = NULL;
    if ((is_in_line && !call->method->mutates) || call->work != NULL) {
        call_free(call);
    }
}

void call_work(struct call *call, struct call_work *work)
{
    call->work = work;
    connection_work(call->connection, call);
}

bool call_go_on(struct call *call)
{
    return call->work->step(call->work, call);
}

bool call_is_tired(const struct call *call)
{
    return account_is_over(call->account);
}

/* Sends the envelope unless nobody waits for it, and ends the call. */
static void send_and_end(void *data)
{
    struct call *call = data;
    struct connection *connection = call->connection;
    if (connection != NULL) {
        connection_drop_call(connection, &call->link);
        if (call->is_notification) {
            buffer_clear(&call->envelope);
        }
        connection_answer(connection, call, &call->envelope);
    }
    call_free(call);
}

/* `err` NULL: it was done. */
static void answer(struct call *call, const struct lodge_error *err)
{
    if (call->method == NULL || !call->method->mutates || call->is_audited) {
        send_and_end(call);
        return;
    }
    struct audit *audit = call->house->audit;
    const struct audit_call noted = call_for_audit(call);
    if (err == NULL) {
        audit_done(audit, &noted, send_and_end, call);
    } else {
        audit_refused(audit, &noted, err);
        send_and_end(call);
    }
}

void call_reply(struct call *call, const struct buffer *result)
{
    jsonrpc_write_result(&call->envelope, call->id, result);
    answer(call, NULL);
}

void call_reply_empty(struct call *call)
{
    static char empty[] = "{}";
    call_reply(call, &(struct buffer){.data = empty, .length = 2});
}

/* Who asked hears what is for him; the audit has all of it. */
void call_fail(struct call *call, const struct lodge_error *err)
{
    struct registry *registry = call->house->registry;
    struct lodge_error none = {0};
    const struct vm *vm =
        call->target == NULL ? NULL : registry_get(registry, call->target, &call->viewer, &none);
    struct told_about about = {.is_answer = true};
    struct lodge_error told;
    if (vm != NULL) {
        about.host = vm->facts.host;
        about.uuid = vm->facts.uuid;
        about.name = vm->facts.name;
    }
    told_error(registry, &call->viewer, &about, err, &told);
    jsonrpc_write_error(&call->envelope, call->id, &told);
    answer(call, err);
}

void gate_refuse(struct connection *connection, const struct lodge_error *err)
{
    struct buffer envelope = {0};
    struct call call = {.in_batch = false};
    jsonrpc_write_error(&envelope, NULL, err);
    connection_answer(connection, &call, &envelope);
    buffer_free(&envelope);
}

static bool may_run(const struct method *method, const struct viewer *viewer,
                    struct lodge_error *err)
{
    if (viewer->role == ROLE_NONE) {
        return lodge_fail(err, LODGE_ERROR_DENIED,
                          "this lodged has no role for you: ask its admin");
    }
    if (method->access == ACCESS_ADMIN && viewer->role != ROLE_ADMIN) {
        return lodge_fail(err, LODGE_ERROR_DENIED, "%s is for admins, your role is %s",
                          method->name, user_role_name(viewer->role));
    }
    bool for_users = method->access == ACCESS_USER || method->access == ACCESS_OWNER;
    if (for_users && viewer->role == ROLE_VIEWER) {
        return lodge_fail(err, LODGE_ERROR_DENIED, "%s %s, your role is viewer", method->name,
                          method->mutates ? "changes something" : "is for a VM's owner and admins");
    }
    return true;
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
        method->run(call, params);
    }
    forget_kept(method, params);
}

/* The VM that `params` name; NULL: none, or none that the caller may see. */
static const struct vm *vm_of(const struct call *call, const void *params)
{
    const struct field *field = call->method->params;
    struct lodge_error err = {0};
    while (field != NULL && field->type != FIELD_END && strcmp(field->name, "vm") != 0) {
        field++;
    }
    if (field == NULL || field->type == FIELD_END) {
        return NULL;
    }
    const char *name = *(char *const *)((const char *)params + field->offset);
    return name == NULL ? NULL : registry_get(call->house->registry, name, &call->viewer, &err);
}

/* That VM, if it is to be read anew before the method runs. NULL: there is nothing to be read (it
 * is busy), or nobody who could (a guest that hangs): the handler says so, or works with what is
 * known. */
static const struct vm *vm_to_read(const struct call *call, const void *params)
{
    const struct vm *vm = vm_of(call, params);
    bool is_busy = vm != NULL && vm->facts.op != LODGE_UNKNOWN;
    bool can_be_read = vm != NULL && vm->host->facts.state == LODGE_HOST_UP &&
                       vm->host->facts.synced_at != 0 && vm->facts.unresponsive == 0;
    return can_be_read && !is_busy ? vm : NULL;
}

/* The number of the host that a seat of this kind is of; 0 where it is of none. */
static unsigned host_of(const struct call *call, enum seat_kind kind, const void *params)
{
    const struct vm *vm = kind < SEAT_XML ? NULL : vm_of(call, params);
    unsigned number = 0;
    for (const struct registry_host *host = registry_first_host(call->house->registry);
         vm != NULL && host != NULL && host != vm->host; host = host->next) {
        number++;
    }
    return number;
}

static struct viewer viewer_of(const struct connection *connection)
{
    return door_viewer(connection_door(connection), connection_identity(connection));
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
        call->viewer = viewer_of(call->connection);
    }
    const struct vm *vm = method->reads_first ? vm_to_read(call, call->kept) : NULL;
    if (vm != NULL) {
        reads_fresh(call->house->reads, vm->facts.host, vm->facts.uuid, run_late, call);
        return;
    }
    void *params = TAKE(call->kept);
    if (method->reads_first) {
        account_stand_up(call->account, &call->seat); /* it has become busy meanwhile */
    }
    if (may_run(method, &call->viewer, &err)) {
        method->run(call, params);
    } else {
        call_fail(call, &err);
    }
    forget_kept(method, params);
}

static void begin_seated(struct sitter *sitter)
{
    run_seated(CONTAINER_OF(sitter, struct call, seat));
}

static void run(struct call *call, struct json_object *params)
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
        keep_params(call, room);
        call->seat.begin = begin_seated;
        if (account_sit(call->account, kind, host_of(call, kind, room), &call->seat)) {
            run_seated(call);
        }
        return;
    }
    if (method->is_long) {
        keep_params(call, room);
        method->run(call, call->kept);
        return;
    }
    method->run(call, room);
    fields_clear(table, room);
}

static char *id_text(struct json_object *id)
{
    int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
    return xstrdup(id == NULL ? "null" : json_object_to_json_string_ext(id, flags));
}

/* `id` is JSON text, given away; the request has so many bytes. */
static struct call *begin(struct connection *connection, char *id, size_t bytes,
                          bool is_notification, bool in_batch)
{
    struct door *door = connection_door(connection);
    const struct identity *identity = connection_identity(connection);
    struct call *call = xcalloc(1, sizeof *call);
    call->connection = connection;
    call->house = door_house(door);
    call->id = id;
    call->in_batch = in_batch;
    call->is_notification = is_notification;
    call->pid = identity->pid;
    call->asked = CALL_BYTES + bytes;
    call->account = connection_account(connection);
    account_hold(call->account);
    call->account->asked += call->asked;
    call->viewer = viewer_of(connection);
    connection_add_call(connection, &call->link);
    return call;
}

static void dispatch(struct call *call, const char *method, struct json_object *params)
{
    struct lodge_error err = {0};
    call->method = method_find(method);
    if (call->method == NULL) {
        (void)lodge_fail(&err, LODGE_ERROR_METHOD,
                         "no method '%.64s'; rpc.discover lists those there are", method);
        call_fail(call, &err);
        return;
    }
    run(call, params);
}

void gate_run(struct connection *connection, struct json_object *json, size_t bytes, bool in_batch)
{
    struct jsonrpc_request request;
    struct lodge_error err = {0};
    bool sound = jsonrpc_read_request(json, &request, &err);
    struct call *call =
        begin(connection, id_text(request.id), bytes, sound && !request.wants_answer, in_batch);
    if (sound) {
        dispatch(call, request.method, request.params);
    } else {
        call_fail(call, &err);
    }
}

void gate_run_plain(struct connection *connection, const struct jsonrpc_plain *plain)
{
    dispatch(begin(connection, xstrdup(plain->id), 0, false, false), plain->method, NULL);
}
