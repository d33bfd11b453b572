/* user.*: roles, and what each user's VMs were promised. */
#include "contract/contract.h"
#include "lodge/user.h"
#include "memory.h"
#include "reads/audit.h"
#include "reads/users.h"
#include "rpc/op_request.h"
#include "scope.h"

#include <stdlib.h>

struct user_list_result {
    struct {
        struct lodge_user *items;
        size_t count;
    } users;
};

static const struct field user_list_result[] = {
    {"users", FIELD_OBJECTS, .offset = offsetof(struct user_list_result, users),
     .size = sizeof(struct lodge_user), .fields = lodge_user_fields, .required = true,
     .help = "those with a role of their own, or with VMs"},
    {.type = FIELD_END},
};

static const char *const settable_roles[] = {NULL, "none", "viewer", "user", "admin"};
static const struct field_names settable_role_names = {settable_roles,
                                                       ARRAY_LENGTH(settable_roles)};

static struct lodge_user shown(struct call *call, const struct user_entry *entry)
{
    struct people *people = registry_people(call_services(call)->registry);
    struct identity identity = {.uid = entry->uid, .gid = (gid_t)-1};
    return (struct lodge_user){
        .user = xstrdup(people_name(people, entry->uid)),
        .uid = entry->uid,
        .role = xstrdup(user_role_name(people_role(people, &identity))),
        .vms = entry->promised.vms,
        .promised = entry->promised,
    };
}

static void reply_users(void *data, const struct user_entry *users, size_t count,
                        const struct lodge_error *error)
{
    struct call *call = data;
    if (error != NULL) {
        call_fail(call, error);
        return;
    }
    struct user_list_result answer = {{xcalloc(count, sizeof(struct lodge_user)), count}};
    for (size_t i = 0; i < count; i++) {
        answer.users.items[i] = shown(call, &users[i]);
    }
    struct buffer result = {0};
    fields_write(&result, user_list_result, FIELD_MASK_ALL, &answer);
    call_reply(call, &result);
    buffer_free(&result);
    fields_clear(user_list_result, &answer);
}

static void user_list_run(struct call *call, const void *params)
{
    (void)params;
    users_list(call_services(call)->ops, reply_users, call);
}

struct user_set {
    char *user;
    unsigned role; /* of settable_roles */
};

#define AT(member) .offset = offsetof(struct user_set, member)
static const struct field user_set_params[] = {
    {"user", FIELD_STRING, AT(user), .required = true, .min = 1, .max = METHOD_TEXT_MAX,
     .help = "whose role: a name, or #uid"},
    {"role", FIELD_ENUM, AT(role), .required = true, .names = &settable_role_names,
     .help = "none, viewer, user or admin"},
    {.type = FIELD_END},
};
#undef AT

static void reply_user(void *data, const struct user_entry *users, size_t count,
                       const struct lodge_error *error)
{
    struct call *call = data;
    (void)count;
    if (error != NULL) {
        call_fail(call, error);
        return;
    }
    call_set_audited(call);
    struct lodge_user user = shown(call, &users[0]);
    struct buffer result = {0};
    fields_write(&result, lodge_user_fields, FIELD_MASK_ALL, &user);
    call_reply(call, &result);
    buffer_free(&result);
    fields_clear(lodge_user_fields, &user);
}

struct role_call {
    struct call *call;
    enum user_role role;
};

static void role_user_found(void *data, const uid_t *uid, const struct lodge_error *error)
{
    struct role_call *asked = data;
    if (uid == NULL) {
        call_fail(asked->call, error);
    } else {
        const struct audit_call by = call_for_audit(asked->call);
        users_set_role(call_services(asked->call)->ops, *uid, asked->role, &by, reply_user,
                       asked->call);
    }
    free(asked);
}

static void user_set_run(struct call *call, const void *params)
{
    const struct user_set *set = params;
    struct role_call *asked = xcalloc(1, sizeof *asked);
    asked->call = call;
    if (!user_role_from_name(settable_roles[set->role], &asked->role)) {
        asked->role = ROLE_NONE; /* the table has no other words */
    }
    call_set_target(call, "user", set->user);
    people_find(registry_people(call_services(call)->registry), set->user, "user", role_user_found,
                asked);
}

const struct method user_methods[] = {
    {
        .name = "user.list",
        .access = ACCESS_ADMIN,
        .seat = SEAT_STORE,
        .result = user_list_result,
        .run = user_list_run,
        .help = "Users with a role of their own or VMs, and what those were promised.",
    },
    {
        .name = "user.set",
        .access = ACCESS_ADMIN,
        .seat = SEAT_STORE,
        .mutates = true,
        .params = user_set_params,
        .params_size = sizeof(struct user_set),
        .result = lodge_user_fields,
        .run = user_set_run,
        .help = "Gives a user a role.",
    },
    {0},
};
