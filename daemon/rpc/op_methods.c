/* op.*: operations, while they are under way and after. */
#include "contract/contract.h"
#include "lodge/op.h"
#include "memory.h"
#include "reads/history.h"
#include "registry/render.h"
#include "registry/told.h"
#include "rpc/op_request.h"
#include "rpc/rows.h"
#include "scope.h"

#include <stdlib.h>

struct op_get {
    int64_t op;
    bool wait;
    int64_t timeout_ms;
};

#define AT(member) .offset = offsetof(struct op_get, member)
static const struct field op_get_params[] = {
    {"op", FIELD_INT, AT(op), .required = true, .min = INT64_MIN, .max = INT64_MAX,
     .help = "its number"},
    {"wait", FIELD_BOOL, AT(wait), .help = "true: answer when it has ended"},
    {"timeout_ms", FIELD_INT, AT(timeout_ms), .min = 0, .max = OP_REQUEST_TIMEOUT_MAX_MS,
     .help = "how long to wait"},
    {.type = FIELD_END},
};
static const struct field op_cancel_params[] = {
    {"op", FIELD_INT, AT(op), .required = true, .min = INT64_MIN, .max = INT64_MAX,
     .help = "its number"},
    {.type = FIELD_END},
};
#undef AT

static bool not_found(int64_t op, struct lodge_error *err)
{
    return lodge_fail(err, LODGE_ERROR_NOT_FOUND,
                      "no operation %lld; op.list names those that are kept", (long long)op);
}

static void reply_op(struct call *call, const struct lodge_op *op)
{
    struct viewer viewer = call_viewer(call);
    struct buffer result = {0};
    render_op(&result, call_services(call)->registry, op, &viewer);
    call_reply(call, &result);
    buffer_free(&result);
}

/* From memory while it is shown there, else from the store. */
struct op_wait {
    struct call *call;
    int64_t op;
};

/* Who may see an operation of before: who asked for it, or owns its VM now. */
static bool is_visible(struct call *call, const struct lodge_op *op, uid_t uid)
{
    struct viewer viewer = call_viewer(call);
    const struct vm *vm = registry_find_vm(call_services(call)->registry, op->host, op->uuid);
    struct registry_op as_shown = {.uid = uid, .owner = vm == NULL ? VM_NO_OWNER : vm->owner};
    return registry_op_is_visible(&as_shown, &viewer);
}

static void answer_stored(void *data, struct history_ops *ops, const struct lodge_error *error)
{
    struct op_wait *wait = data;
    struct call *call = wait->call;
    struct lodge_error err = {0};
    if (ops == NULL) {
        call_fail(call, error);
    } else if (ops->count == 0 || !is_visible(call, &ops->items[0], ops->uids[0])) {
        (void)not_found(wait->op, &err);
        call_fail(call, &err);
    } else {
        reply_op(call, &ops->items[0]);
    }
    free(wait);
}

static void answer_now(struct call *call, int64_t id)
{
    struct viewer viewer = call_viewer(call);
    struct lodge_error err = {0};
    const struct registry_op *shown = registry_find_op(call_services(call)->registry, id);
    if (shown == NULL) {
        struct op_wait *wait = xcalloc(1, sizeof *wait);
        *wait = (struct op_wait){call, id};
        history_read_op(call_services(call)->ops, id, answer_stored, wait);
    } else if (registry_op_is_visible(shown, &viewer)) {
        reply_op(call, &shown->facts);
    } else {
        (void)not_found(id, &err);
        call_fail(call, &err);
    }
}

static void op_has_ended(void *data, const struct op_answer *answer)
{
    struct op_wait *wait = data;
    struct call *call = wait->call;
    int64_t id = wait->op;
    bool timed_out = answer->error != NULL && answer->error->kind == LODGE_ERROR_TIMEOUT &&
                     !answer->error->op_ended;
    free(wait);
    if (timed_out) {
        call_fail(call, answer->error);
    } else {
        answer_now(call, id);
    }
}

/* What is shown is in memory, and whoever waits for its end waits for no worker. */
static bool op_get_is_cheap(const struct call *call, const void *params)
{
    const struct op_get *get = params;
    return registry_find_op(call_services(call)->registry, get->op) != NULL;
}

static void op_get_run(struct call *call, const void *params)
{
    const struct op_get *get = params;
    struct viewer viewer = call_viewer(call);
    const struct registry_op *shown = registry_find_op(call_services(call)->registry, get->op);
    if (!get->wait || shown == NULL || !registry_op_is_visible(shown, &viewer)) {
        answer_now(call, get->op);
        return;
    }
    struct op_wait *wait = xcalloc(1, sizeof *wait);
    wait->call = call;
    wait->op = get->op;
    if (!ops_wait(call_services(call)->ops, get->op, get->timeout_ms, op_has_ended, wait)) {
        free(wait);
        answer_now(call, get->op);
    }
}

static void op_cancel_run(struct call *call, const void *params)
{
    const struct op_get *get = params;
    struct viewer viewer = call_viewer(call);
    struct lodge_error err = {0};
    const struct registry_op *shown = registry_find_op(call_services(call)->registry, get->op);
    bool ok = shown != NULL && registry_op_is_visible(shown, &viewer);
    if (ok) {
        call_set_target(call, shown->facts.host, shown->facts.vm);
    } else {
        (void)not_found(get->op, &err);
    }
    call_set_op(call, ok ? get->op : 0);
    bool is_admin = viewer.role == ROLE_ADMIN;
    bool changed = false;
    if (!ok || !ops_cancel(call_services(call)->ops, get->op, is_admin, &changed, &err)) {
        call_fail(call, &err);
        return;
    }
    if (!changed) {
        call_set_audited(call); /* the first one has the row */
    }
    call_reply_empty(call);
}

enum { PAGE = 100, PAGE_MAX = 1000 };

struct op_list {
    char *vm;
    char *user;
    enum lodge_op_state state;
    int64_t limit;
    int64_t cursor;
};

#define AT(member) .offset = offsetof(struct op_list, member)
static const struct field op_list_params[] = {
    {"vm", FIELD_STRING, AT(vm), .min = 1, .max = METHOD_TEXT_MAX, .help = "of this VM"},
    {"user", FIELD_STRING, AT(user), .min = 1, .max = METHOD_TEXT_MAX,
     .help = "asked for by this user"},
    {"state", FIELD_ENUM, AT(state), .names = &lodge_op_state_names, .help = "in this state"},
    {"limit", FIELD_INT, AT(limit), .min = 1, .max = PAGE_MAX, .help = "at most so many (100)"},
    {"cursor", FIELD_INT, AT(cursor), .min = 1, .max = INT64_MAX, .help = "of the page before"},
    {.type = FIELD_END},
};
#undef AT

struct op_list_result {
    struct {
        struct told_op *items;
        size_t count;
    } ops;
    int64_t cursor;
};

#define AT(member) .offset = offsetof(struct op_list_result, member)
static const struct field op_list_result[] = {
    {"ops", FIELD_OBJECTS, AT(ops), .size = sizeof(struct told_op), .fields = lodge_op_fields,
     .required = true, .help = "newest first"},
    {"cursor", FIELD_INT, AT(cursor), .help = "for the next page, if there is one"},
    {.type = FIELD_END},
};
#undef AT

struct op_listing {
    struct call *call;
    struct history_choice choice;
};

struct op_page {
    struct row_page page; /* first */
    struct history_ops ops;
};

static void write_op(struct row_page *page, struct call *call, size_t i)
{
    struct history_ops *ops = &((struct op_page *)page)->ops;
    struct registry *registry = call_services(call)->registry;
    struct viewer viewer = call_viewer(call);
    struct lodge_op *op = &ops->items[i];
    const struct registry_op *shown = registry_find_op(registry, op->id);
    if (is_visible(call, op, ops->uids[i])) {
        struct told_op told; /* what is under way is newer in memory */
        told_op(registry, &viewer, shown == NULL ? op : &shown->facts, &told);
        fields_write(row_begin(page), lodge_op_fields, FIELD_MASK_ALL, &told);
        told_op_clear(&told);
    }
    fields_clear(lodge_op_fields, op);
}

static void free_ops(struct row_page *page, size_t i)
{
    history_ops_clear(&((struct op_page *)page)->ops, i);
    free(page);
}

static const struct row_kind op_rows = {"ops", write_op, free_ops};

static void reply_ops(void *data, struct history_ops *ops, const struct lodge_error *error)
{
    struct op_listing *listing = data;
    if (ops == NULL) {
        call_fail(listing->call, error);
        free(listing);
        return;
    }
    struct op_page *page = xcalloc(1, sizeof *page);
    bool is_full = ops->count > 0 && (int64_t)ops->count == listing->choice.limit;
    page->page = (struct row_page){
        .kind = &op_rows,
        .count = ops->count,
        .cursor = is_full ? ops->items[ops->count - 1].id : LODGE_UNKNOWN,
    };
    page->ops = *ops;
    *ops = (struct history_ops){0}; /* taken */
    rows_reply(listing->call, &page->page);
    free(listing);
}

static void asker_found(void *data, const uid_t *uid, const struct lodge_error *error)
{
    struct op_listing *listing = data;
    if (uid == NULL) {
        call_fail(listing->call, error);
        free(listing->choice.host);
        free(listing->choice.uuid);
        free(listing);
        return;
    }
    struct viewer viewer = call_viewer(listing->call);
    listing->choice.uid = *uid;
    listing->choice.by_uid = true;
    /* A page that is full, and its cursor, would tell how many there are that may not be seen. */
    listing->choice.by_owner = !access_allows_of(&viewer, *uid, *uid, ACCESS_SEE);
    listing->choice.owner = viewer.uid;
    history_list_ops(call_services(listing->call)->ops, &listing->choice, reply_ops, listing);
}

static void op_list_run(struct call *call, struct vm *vm, const void *params)
{
    const struct op_list *list = params;
    struct viewer viewer = call_viewer(call);
    struct registry *registry = call_services(call)->registry;
    struct op_listing *listing = xcalloc(1, sizeof *listing);
    listing->call = call;
    listing->choice = (struct history_choice){
        .host = vm == NULL ? NULL : xstrdup(vm->facts.host),
        .uuid = vm == NULL ? NULL : xstrdup(vm->facts.uuid),
        .state = list->state,
        .before = list->cursor == LODGE_UNKNOWN ? 0 : list->cursor,
        .limit = list->limit == LODGE_UNKNOWN ? PAGE : list->limit,
    };
    if (list->user != NULL) {
        people_find(registry_people(registry), list->user, "user", asker_found, listing);
    } else if (viewer.role == ROLE_USER && vm == NULL) {
        asker_found(listing, &viewer.uid, NULL);
    } else {
        history_list_ops(call_services(call)->ops, &listing->choice, reply_ops, listing);
    }
}

const struct method op_methods[] = {
    {
        .name = "op.get",
        .access = ACCESS_SEE,
        .seat = SEAT_STORE,
        .is_cheap = op_get_is_cheap,
        .params = op_get_params,
        .params_size = sizeof(struct op_get),
        .result = lodge_op_fields,
        .run = op_get_run,
        .help = "One operation, with its steps.",
    },
    {
        .name = "op.list",
        .access = ACCESS_SEE,
        .vm = "vm",
        .vm_need = VM_SEEN,
        .seat = SEAT_STORE,
        .params = op_list_params,
        .params_size = sizeof(struct op_list),
        .result = op_list_result,
        .run_on = op_list_run,
        .help = "Operations, newest first; those that ended are kept for a while.",
    },
    {
        .name = "op.cancel",
        .access = ACCESS_OWNER,
        .mutates = true,
        .params = op_cancel_params,
        .params_size = sizeof(struct op_get),
        .run = op_cancel_run,
        .help = "Stops it: it is undone, or given up where it cannot go on (its notes say more).",
    },
    {0},
};
