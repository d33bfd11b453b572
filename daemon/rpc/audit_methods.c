/*
 * audit.list, server.backup: who asked for what change, and a copy of the database. Both are
 * questions to the store (reads/history.h), answered later.
 */
#include "contract/contract.h"
#include "memory.h"
#include "reads/history.h"
#include "registry/told.h"
#include "rpc/op_request.h"
#include "rpc/rows.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 100, PAGE_MAX = 1000 };

struct audit_list {
    char *user;
    char *vm;
    int64_t since;
    int64_t limit;
    int64_t cursor;
};

#define AT(member) .offset = offsetof(struct audit_list, member)
static const struct field audit_list_params[] = {
    {"user", FIELD_STRING, AT(user), .min = 1, .max = METHOD_TEXT_MAX,
     .help = "calls of this user"},
    {"vm", FIELD_STRING, AT(vm), .min = 1, .max = METHOD_TEXT_MAX, .help = "calls about HOST/NAME"},
    {"since", FIELD_TIME, AT(since), .help = "from then on"},
    {"limit", FIELD_INT, AT(limit), .min = 1, .max = PAGE_MAX, .help = "at most so many (100)"},
    {"cursor", FIELD_INT, AT(cursor), .min = 1, .max = INT64_MAX, .help = "of the page before"},
    {.type = FIELD_END},
};
#undef AT

struct audit_result {
    struct {
        struct lodge_audit *items;
        size_t count;
    } rows;
    int64_t cursor;
};

#define AT(member) .offset = offsetof(struct audit_result, member)
static const struct field audit_result[] = {
    {"rows", FIELD_OBJECTS, AT(rows), .size = sizeof(struct lodge_audit),
     .fields = lodge_audit_fields, .required = true, .help = "newest first"},
    {"cursor", FIELD_INT, AT(cursor), .help = "for the next page, if there is one"},
    {.type = FIELD_END},
};
#undef AT

struct audit_call {
    struct call *call;
    struct audit_question choice;
};

struct audit_page {
    struct row_page page; /* first */
    struct history_audit audit;
};

/* A row has what was answered before it was cut for whoever had asked. */
static void tell_error(struct call *call, struct lodge_audit *row)
{
    struct registry *registry = call_services(call)->registry;
    struct viewer viewer = call_viewer(call);
    struct lodge_error none = {0};
    struct told_about about = {0};
    const struct vm *vm =
        row->target == NULL ? NULL : registry_get(registry, row->target, &viewer, &none);
    const char *name = row->target == NULL ? NULL : strchr(row->target, '/');
    if (vm != NULL) {
        about.host = vm->facts.host;
        about.uuid = vm->facts.uuid;
    }
    about.name = name == NULL ? NULL : name + 1;
    char *told = told_text(registry, &viewer, &about, row->error);
    free(row->error);
    row->error = told;
}

static void write_audit(struct row_page *page, struct call *call, size_t i)
{
    struct lodge_audit *row = &((struct audit_page *)page)->audit.items[i];
    tell_error(call, row);
    fields_write(row_begin(page), lodge_audit_fields, FIELD_MASK_ALL, row);
    fields_clear(lodge_audit_fields, row);
}

static void free_audit(struct row_page *page, size_t i)
{
    history_audit_clear(&((struct audit_page *)page)->audit, i);
    free(page);
}

static const struct row_kind audit_rows = {"rows", write_audit, free_audit};

static void reply_audit(void *data, struct history_audit *audit, const struct lodge_error *error)
{
    struct audit_call *reading = data;
    if (audit == NULL) {
        call_fail(reading->call, error);
        free(reading);
        return;
    }
    struct audit_page *page = xcalloc(1, sizeof *page);
    bool is_full = audit->count > 0 && (int64_t)audit->count == reading->choice.limit;
    page->page = (struct row_page){
        .kind = &audit_rows,
        .count = audit->count,
        .cursor = is_full ? audit->items[audit->count - 1].id : LODGE_UNKNOWN,
    };
    page->audit = *audit;
    *audit = (struct history_audit){0}; /* taken */
    rows_reply(reading->call, &page->page);
    free(reading);
}

static void audit_user_found(void *data, const uid_t *uid, const struct lodge_error *error)
{
    struct audit_call *reading = data;
    struct viewer viewer = call_viewer(reading->call);
    struct lodge_error err = {0};
    bool others = uid != NULL && viewer.role != ROLE_ADMIN && *uid != viewer.uid;
    if (others) {
        (void)lodge_fail(&err, LODGE_ERROR_DENIED, "what others have called is for admins");
    }
    if (uid == NULL || others) {
        call_fail(reading->call, uid == NULL ? error : &err);
        free(reading->choice.target);
        free(reading);
        return;
    }
    reading->choice.by_uid = true;
    reading->choice.uid = *uid;
    history_list_audit(call_services(reading->call)->ops, &reading->choice, reply_audit, reading);
}

static void audit_list_run(struct call *call, const void *params)
{
    const struct audit_list *list = params;
    struct viewer viewer = call_viewer(call);
    struct audit_call *reading = xcalloc(1, sizeof *reading);
    reading->call = call;
    reading->choice = (struct audit_question){
        .target = xstrdup_or_null(list->vm),
        .since_ms = list->since,
        .before = list->cursor == LODGE_UNKNOWN ? 0 : list->cursor,
        .limit = list->limit == LODGE_UNKNOWN ? PAGE : list->limit,
    };
    if (list->user != NULL) {
        people_find(registry_people(call_services(call)->registry), list->user, "user",
                    audit_user_found, reading);
    } else if (viewer.role != ROLE_ADMIN) { /* none but their own */
        audit_user_found(reading, &viewer.uid, NULL);
    } else {
        history_list_audit(call_services(call)->ops, &reading->choice, reply_audit, reading);
    }
}

struct backup_result {
    char *path;
    int64_t size;
};

#define AT(member) .offset = offsetof(struct backup_result, member)
static const struct field backup_result[] = {
    {"path", FIELD_STRING, AT(path), .help = "on lodged's machine"},
    {"size", FIELD_INT, AT(size), .help = "bytes"},
    {.type = FIELD_END},
};
#undef AT

static void reply_backup(void *data, const char *path, int64_t bytes,
                         const struct lodge_error *error)
{
    struct call *call = data;
    if (error != NULL) {
        call_fail(call, error);
        return;
    }
    AUTO(free) char *copy = xstrdup(path);
    struct backup_result backup = {copy, bytes};
    struct buffer result = {0};
    fields_write(&result, backup_result, FIELD_MASK_ALL, &backup);
    call_reply(call, &result);
    buffer_free(&result);
}

static void backup_run(struct call *call, const void *params)
{
    (void)params;
    history_backup(call_services(call)->ops, reply_backup, call);
}

const struct method audit_methods[] = {
    {
        .name = "audit.list",
        .access = ACCESS_SEE,
        .seat = SEAT_STORE,
        .params = audit_list_params,
        .params_size = sizeof(struct audit_list),
        .result = audit_result,
        .run = audit_list_run,
        .help = "Every call that was to change something, newest first.",
    },
    {
        .name = "server.backup",
        .access = ACCESS_ADMIN,
        .seat = SEAT_SHARED,
        .mutates = true,
        .result = backup_result,
        .run = backup_run,
        .help = "A consistent copy of the database, in the state directory.",
    },
    {0},
};
