/*
 * call: every request makes one, a malformed one too, and its answer ends it: the audit's row for a
 * method that changes something, the envelope for whoever wants one, and the call is freed. What
 * was done is answered when its row is on disk; a refusal is answered at once.
 *
 * A call that waits hangs at its connection; when that goes first, the call is an orphan and is
 * answered to nobody, or dropped if it still stands in line and would only have read. Loop-only.
 */
#include "rpc/call_private.h"

#include "jsonrpc.h"
#include "memory.h"
#include "reads/audit.h"
#include "reads/reads.h"
#include "registry/told.h"
#include "rpc/account.h"
#include "rpc/method.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

/* What a request takes beside its text. */
enum { CALL_BYTES = 512 };

const struct rpc_services *call_services(const struct call *call)
{
    return call->services;
}

struct viewer call_viewer(const struct call *call)
{
    return call->viewer;
}

const struct identity *call_identity(const struct call *call)
{
    return call->connection == NULL ? NULL : connection_identity(call->connection);
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
    if (call->seat.place != NULL) {
        account_stand_up(call->account, &call->seat);
    }
}

/* What `virsh … --config` has changed sends no event: who looks has it read. */
void call_read_beside(struct call *call, const struct vm *vm)
{
    if (account_may_read_beside(call->account) &&
        reads_beside(call->services->reads, vm->facts.host, vm->facts.uuid)) {
        account_has_read_beside(call->account);
    }
}

struct connection *call_connection(const struct call *call)
{
    return call->connection;
}

void call_forget_kept(const struct method *method, void *kept)
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
        call_forget_kept(call->method, call->kept);
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

void call_keep_params(struct call *call, const void *params)
{
    call->kept = xcalloc(1, METHOD_PARAMS_MAX);
    memcpy(call->kept, params, call->method->params_size);
}

static void orphan_call(struct connection_call *open)
{
    struct call *call = CONTAINER_OF(open, struct call, open);
    bool is_in_line = call->seat.place != NULL && !call->seat.sits; /* nothing was begun */
    call->connection = NULL;
    if ((is_in_line && !call->method->mutates) || call->work != NULL) {
        call_free(call);
    }
}

static bool step_call(struct connection_call *open)
{
    struct call *call = CONTAINER_OF(open, struct call, open);
    return call->work->step(call->work, call);
}

struct call *call_new(const struct rpc_services *services, struct connection *connection, char *id,
                      size_t bytes, bool is_notification)
{
    struct call *call = xcalloc(1, sizeof *call);
    call->open.orphan = orphan_call;
    call->open.go_on = step_call;
    call->connection = connection;
    call->services = services;
    call->id = id;
    call->is_notification = is_notification;
    call->pid = connection_identity(connection)->pid;
    call->asked = CALL_BYTES + bytes;
    call->account = connection_account(connection);
    account_hold(call->account);
    call->account->asked += call->asked;
    call->viewer = connection_viewer(connection);
    connection_add_call(connection, &call->open);
    return call;
}

void call_work(struct call *call, struct call_work *work)
{
    call->work = work;
    if (call->connection == NULL) {
        call_free(call);
    } else {
        connection_work(call->connection, &call->open);
    }
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
        connection_drop_call(connection, &call->open);
        if (call->is_notification) {
            buffer_clear(&call->envelope);
        }
        connection_answer(connection, &call->open, &call->envelope);
    }
    call_free(call);
}

/* `err` NULL: it was done. */
static void answer_call(struct call *call, const struct lodge_error *err)
{
    if (call->method == NULL || !call->method->mutates || call->is_audited) {
        send_and_end(call);
        return;
    }
    struct audit *audit = call->services->audit;
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
    answer_call(call, NULL);
}

void call_reply_empty(struct call *call)
{
    static char empty[] = "{}";
    call_reply(call, &(struct buffer){.data = empty, .length = 2});
}

/* Who asked hears what is for him; the audit has all of it. */
void call_fail(struct call *call, const struct lodge_error *err)
{
    struct registry *registry = call->services->registry;
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
    answer_call(call, err);
}
