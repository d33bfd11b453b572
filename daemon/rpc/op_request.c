/*
 * op_request: a call becomes an operation: its plan is filled and given away; the operation's
 * answer, now or later, is the call's.
 *
 * What a request_id must be repeated with is the text of the parameters without request_id, wait
 * and timeout_ms.
 */
#include "rpc/op_request.h"

#include "memory.h"
#include "reads/audit.h"
#include "registry/told.h"
#include "scope.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

void op_request_plan(struct plan *plan, const struct vm *vm)
{
    plan_init(plan);
    plan->name = xstrdup(vm->facts.name == NULL ? vm->facts.uuid : vm->facts.name);
    plan->owner = vm->owner;
}

void op_request_freeze_disks(struct plan *plan, const struct vm *vm)
{
    const struct vm_row *row = vm->row;
    plan->disks.items = xcalloc(row->disk_count, sizeof *plan->disks.items);
    plan->disks.count = row->disk_count;
    for (size_t i = 0; i < row->disk_count; i++) {
        const struct disk_row *stored = &row->disks[i];
        struct plan_disk *disk = &plan->disks.items[i];
        *disk = (struct plan_disk){
            .path = xstrdup(stored->path),
            .volume = stored->ours ? xstrdup(stored->volume) : NULL,
            .target = xstrdup_or_null(stored->target),
            .format = xstrdup_or_null(stored->format),
            .size_gib = stored->size_gib,
            .old_gib = LODGE_UNKNOWN,
            .ours = stored->ours,
        };
    }
    plan->serial_log = xstrdup_or_null(row->serial_log);
}

/* The texts of `json` for the reader; its files are the VM's own. */
static void tell_texts(struct registry *registry, const struct viewer *viewer,
                       const struct told_about *about, struct json_object *json)
{
    if (json_object_is_type(json, json_type_string)) {
        AUTO(free) char *told = told_text(registry, viewer, about, json_object_get_string(json));
        json_object_set_string(json, told);
    } else if (json_object_is_type(json, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(json); i++) {
            tell_texts(registry, viewer, about, json_object_array_get_idx(json, i));
        }
    } else if (json_object_is_type(json, json_type_object)) {
        json_object_object_foreach (json, name, value) {
            if (strcmp(name, "path") != 0) {
                tell_texts(registry, viewer, about, value);
            }
        }
    }
}

static struct json_object *own_result(struct call *call, const struct op_answer *answer)
{
    struct registry *registry = call_services(call)->registry;
    struct viewer viewer = call_viewer(call);
    struct json_object *result = answer->result == NULL ? NULL : json_tokener_parse(answer->result);
    const struct registry_op *op = registry_find_op(registry, answer->op);
    struct told_about about = {.uuid = answer->uuid};
    if (op != NULL) {
        about.host = op->facts.host;
        about.name = op->facts.vm;
    }
    if (viewer.role != ROLE_ADMIN) { /* to whom all of it is told */
        tell_texts(registry, &viewer, &about, result);
    }
    return result == NULL ? json_object_new_object() : result;
}

static void request_answered(void *data, const struct op_answer *answer)
{
    struct call *call = data;
    if (answer->began) {
        call_set_audited(call);
    }
    call_set_op(call, answer->op);
    if (answer->error != NULL && answer->error->kind != LODGE_ERROR_NONE) {
        call_fail(call, answer->error);
        return;
    }
    struct json_object *result = own_result(call, answer);
    /* One that could not be journalled, the store being away, has no number. */
    json_object_object_add(result, "op", answer->op > 0 ? json_object_new_int64(answer->op) : NULL);
    if (method_answers(call_method(call), "uuid")) {
        json_object_object_add(result, "uuid", json_object_new_string(answer->uuid));
    }
    size_t length = 0;
    const char *text = json_object_to_json_string_length(
        result, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    struct buffer buffer = {0};
    buffer_add(&buffer, text, length);
    json_object_put(result);
    call_reply(call, &buffer);
    buffer_free(&buffer);
}

/* All parameters but the caller's manners: what the same request_id must come with again. */
static char *parameters_of(const struct call *call, const void *params)
{
    const struct field *table = call_method(call)->params;
    field_mask manners = fields_bit(table, "request_id") | fields_bit(table, "wait") |
                         fields_bit(table, "timeout_ms");
    struct buffer buffer = {0};
    fields_write(&buffer, table, ~manners, params);
    char *text = buffer_take(&buffer);
    if (text == NULL) {
        abort(); /* out of memory */
    }
    return text;
}

_Static_assert(offsetof(struct op_request_params, request_id) == 0,
               "it is found by its first member");

static const struct op_request_params *request_of(const struct call *call, const void *params)
{
    return method_param(call_method(call), params, "request_id");
}

static void submit_request(struct call *call, const void *params, struct op_ask *op_ask)
{
    const struct op_request_params *request = request_of(call, params);
    AUTO(free) char *parameters = parameters_of(call, params);
    op_ask->kind = call_method(call)->name;
    op_ask->viewer = call_viewer(call);
    op_ask->pid = call_pid(call);
    op_ask->request_id = request->request_id;
    op_ask->request_hash = parameters;
    op_ask->asked = call_for_audit(call).params;
    op_ask->wait = request->wait;
    op_ask->timeout_ms = request->timeout_ms;
    op_ask->answer = request_answered;
    op_ask->data = call;
    ops_ask(call_services(call)->ops, op_ask);
}

void op_request_submit(struct call *call, const void *params, const struct vm *vm,
                       struct plan *plan)
{
    op_request_submit_at(call, params, vm->facts.host, vm->facts.uuid, plan);
}

void op_request_submit_new(struct call *call, const void *params, const char *host,
                           struct plan *plan)
{
    op_request_submit_at(call, params, host, NULL, plan);
}

void op_request_submit_at(struct call *call, const void *params, const char *host, const char *uuid,
                          struct plan *plan)
{
    submit_request(call, params, &(struct op_ask){.host = host, .uuid = uuid, .plan = plan});
}

void op_request_refuse(struct call *call, const void *params, const struct lodge_error *err)
{
    const struct op_request_params *request = request_of(call, params);
    if (request == NULL || request->request_id == NULL || err->kind != LODGE_ERROR_NOT_FOUND) {
        call_fail(call, err);
        return;
    }
    struct plan plan;
    plan_init(&plan);
    struct registry_host *host = registry_first_host(call_services(call)->registry);
    submit_request(call, params,
                   &(struct op_ask){.host = host == NULL ? "" : host->facts.name,
                                    .plan = &plan,
                                    .refusal = err});
}
