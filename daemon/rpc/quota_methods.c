/* quota.*: what VMs may add up to, and what they do. */
#include "contract/contract.h"
#include "memory.h"
#include "reads/audit.h"
#include "reads/quotas.h"
#include "rpc/op_request.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT_MAX = 1000000000 };

struct quota_result {
    struct lodge_quota system;
    struct lodge_quota user;
};

#define AT(member) .offset = offsetof(struct quota_result, member)
static const struct field quota_result[] = {
    {"system", FIELD_OBJECT, AT(system), .fields = lodge_quota_fields,
     .help = "all VMs that lodge made or adopted"},
    {"user", FIELD_OBJECT, AT(user), .fields = lodge_quota_fields, .help = "one user's"},
    {.type = FIELD_END},
};
#undef AT

struct quota_get {
    char *user;
};
static const struct field quota_get_params[] = {
    {"user", FIELD_STRING, .offset = offsetof(struct quota_get, user), .min = 1,
     .max = METHOD_TEXT_MAX, .help = "whose beside the system's (the caller's)"},
    {.type = FIELD_END},
};

static void reply_quota(void *data, const struct quota_answer *quota,
                        const struct lodge_error *error)
{
    struct call *call = data;
    if (quota == NULL) {
        call_fail(call, error);
        return;
    }
    struct quota_result answer = {quota->system, quota->user};
    struct buffer result = {0};
    fields_write(&result, quota_result, FIELD_MASK_ALL, &answer);
    call_reply(call, &result);
    buffer_free(&result);
}

static void quota_user_found(void *data, const uid_t *uid, const struct lodge_error *error)
{
    struct call *call = data;
    struct viewer viewer = call_viewer(call);
    struct lodge_error err = {0};
    if (uid == NULL) {
        call_fail(call, error);
    } else if (!access_allows_of(&viewer, *uid, *uid, ACCESS_SEE)) {
        (void)lodge_fail(&err, LODGE_ERROR_DENIED, "the quotas of others are for admins");
        call_fail(call, &err);
    } else {
        quota_read(call_services(call)->ops, *uid, reply_quota, call);
    }
}

static void quota_get_run(struct call *call, const void *params)
{
    const struct quota_get *get = params;
    if (get->user == NULL) {
        quota_read(call_services(call)->ops, call_viewer(call).uid, reply_quota, call);
    } else {
        people_find(registry_people(call_services(call)->registry), get->user, "user",
                    quota_user_found, call);
    }
}

struct quota_set {
    enum lodge_quota_scope scope;
    char *user;
    struct lodge_amounts limits; /* LODGE_UNKNOWN: as it is; FIELD_NULL: none */
};

#define LIMIT(name, text)                                                                        \
    {                                                                                            \
#name, FIELD_INT, .offset = offsetof(struct lodge_amounts, name), .null_is_empty = true, \
                          .min = 0, .max = LIMIT_MAX, .help = (text)                             \
    }
static const struct field limit_params[] = {
    LIMIT(vms, "VMs; null is no limit"),
    LIMIT(vcpus, "virtual CPUs"),
    LIMIT(memory_mib, "memory"),
    LIMIT(disk_gib, "disks that lodge made"),
    {.type = FIELD_END},
};

#define AT(member) .offset = offsetof(struct quota_set, member)
static const struct field quota_set_params[] = {
    {"scope", FIELD_ENUM, AT(scope), .required = true, .names = &lodge_quota_scope_names,
     .help = "system or user"},
    {"user", FIELD_STRING, AT(user), .min = 1, .max = METHOD_TEXT_MAX,
     .help = "whose, for scope user"},
    {"limits", FIELD_OBJECT, AT(limits), .required = true, .fields = limit_params,
     .help = "those that are named change"},
    {.type = FIELD_END},
};
#undef AT

static void reply_new_quota(void *data, const struct quota_answer *quota,
                            const struct lodge_error *error)
{
    if (quota != NULL) {
        call_set_audited(data);
    }
    reply_quota(data, quota, error);
}

struct setting {
    struct call *call;
    struct quota_change change;
};

static int64_t limit_of(int64_t asked, bool *ret_named)
{
    *ret_named = asked != LODGE_UNKNOWN;
    return asked == FIELD_NULL ? LODGE_UNKNOWN : asked;
}

static void setter_found(void *data, const uid_t *uid, const struct lodge_error *error)
{
    struct setting *setting = data;
    if (uid == NULL) {
        call_fail(setting->call, error);
    } else {
        setting->change.uid = *uid;
        const struct audit_call by = call_for_audit(setting->call);
        quota_write(call_services(setting->call)->ops, &setting->change, &by, reply_new_quota,
                    setting->call);
    }
    free(setting);
}

static void quota_set_run(struct call *call, const void *params)
{
    const struct quota_set *set = params;
    struct lodge_error err = {0};
    if ((set->scope == LODGE_QUOTA_USER) != (set->user != NULL)) {
        (void)lodge_fail_param(&err, "user",
                               "'user' says whose limits scope user means, and is "
                               "not for scope system");
        call_fail(call, &err);
        return;
    }
    struct setting *setting = xcalloc(1, sizeof *setting);
    struct quota_change *change = &setting->change;
    setting->call = call;
    change->is_system = set->scope == LODGE_QUOTA_SYSTEM;
    change->limits.vms = limit_of(set->limits.vms, &change->vms);
    change->limits.vcpus = limit_of(set->limits.vcpus, &change->vcpus);
    change->limits.memory_mib = limit_of(set->limits.memory_mib, &change->memory_mib);
    change->limits.disk_gib = limit_of(set->limits.disk_gib, &change->disk_gib);
    call_set_target(call, field_names_word(&lodge_quota_scope_names, set->scope), set->user);
    if (change->is_system) {
        uid_t own = call_viewer(call).uid;
        setter_found(setting, &own, NULL);
    } else {
        people_find(registry_people(call_services(call)->registry), set->user, "user", setter_found,
                    setting);
    }
}

const struct method quota_methods[] = {
    {
        .name = "quota.get",
        .access = ACCESS_SEE,
        .seat = SEAT_STORE,
        .params = quota_get_params,
        .params_size = sizeof(struct quota_get),
        .result = quota_result,
        .run = quota_get_run,
        .help = "Limits, what VMs were promised, and what runs: the system's and a user's.",
    },
    {
        .name = "quota.set",
        .access = ACCESS_ADMIN,
        .seat = SEAT_STORE,
        .mutates = true,
        .params = quota_set_params,
        .params_size = sizeof(struct quota_set),
        .result = quota_result,
        .run = quota_set_run,
        .help = "Changes limits; what is over them already stays, and does not grow.",
    },
    {0},
};
