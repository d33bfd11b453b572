/* The contract's quotas, users, audit and offers. */
#include "lodge/quota.h"

#include "contract/contract.h"
#include "lodge/audit.h"
#include "lodge/offer.h"
#include "lodge/user.h"
#include "scope.h"

#define AT(member) .offset = offsetof(struct lodge_amounts, member)
const struct field lodge_amounts_fields[] = {
    {"vms", FIELD_INT, AT(vms), .nullable = true, .help = "VMs"},
    {"vcpus", FIELD_INT, AT(vcpus), .nullable = true, .help = "virtual CPUs"},
    {"memory_mib", FIELD_INT, AT(memory_mib), .nullable = true, .help = "memory"},
    {"disk_gib", FIELD_INT, AT(disk_gib), .nullable = true, .help = "disks that lodge made"},
    {.type = FIELD_END},
};
#undef AT

/* Not known by one of its members: limits that are all null are an object too. */
#define AT(member) .offset = offsetof(struct lodge_quota, member)
const struct field lodge_quota_fields[] = {
    {"limits", FIELD_OBJECT, AT(limits), .fields = lodge_amounts_fields, .required = true,
     .help = "null is no limit"},
    {"promised", FIELD_OBJECT, AT(promised), .fields = lodge_amounts_fields,
     .help = "to VMs, from creation to deletion"},
    {"running", FIELD_OBJECT, AT(running), .fields = lodge_amounts_fields,
     .help = "by VMs that run or are paused"},
    {.type = FIELD_END},
};
#undef AT

static const char *const scope_words[] = {NULL, "system", "user"};
_Static_assert(ARRAY_LENGTH(scope_words) == LODGE_QUOTA_SCOPES, "a word per scope");
const struct field_names lodge_quota_scope_names = {scope_words, LODGE_QUOTA_SCOPES};

#define AT(member) .offset = offsetof(struct lodge_quota_of, member)
const struct field lodge_quota_of_fields[] = {
    {"scope", FIELD_ENUM, AT(scope), .names = &lodge_quota_scope_names, .help = "system or user"},
    {"user", FIELD_STRING, AT(user), .help = "whose, of scope user"},
    {"limits", FIELD_OBJECT, AT(quota.limits), .fields = lodge_amounts_fields, .required = true,
     .help = "null is no limit"},
    {"promised", FIELD_OBJECT, AT(quota.promised), .fields = lodge_amounts_fields,
     .help = "to VMs, from creation to deletion"},
    {"running", FIELD_OBJECT, AT(quota.running), .fields = lodge_amounts_fields,
     .help = "by VMs that run or are paused"},
    {.type = FIELD_END},
};
#undef AT

#define AT(member) .offset = offsetof(struct lodge_user, member)
const struct field lodge_user_fields[] = {
    {"user", FIELD_STRING, AT(user), .help = "the name, #uid where there is none"},
    {"uid", FIELD_INT, AT(uid), .help = "the kernel's number"},
    {"role", FIELD_STRING, AT(role), .help = "none, viewer, user or admin"},
    {"vms", FIELD_INT, AT(vms), .help = "how many are theirs"},
    {"promised", FIELD_OBJECT, AT(promised), .fields = lodge_amounts_fields,
     .help = "what those were promised"},
    {.type = FIELD_END},
};
#undef AT

#define AT(member) .offset = offsetof(struct lodge_audit, member)
const struct field lodge_audit_fields[] = {
    {"id", FIELD_INT, AT(id), .help = "its number"},
    {"at", FIELD_TIME, AT(at), .help = "when; of the first, where it counts several"},
    {"user", FIELD_STRING, AT(user), .help = "who"},
    {"uid", FIELD_INT, AT(uid), .help = "the kernel's number"},
    {"pid", FIELD_INT, AT(pid), .help = "of the program that called"},
    {"method", FIELD_STRING, AT(method), .help = "what was called"},
    {"target", FIELD_STRING, AT(target), .help = "HOST/NAME, where it has one"},
    {"result", FIELD_STRING, AT(result), .help = "ok, or the error's kind"},
    {"error", FIELD_STRING, AT(error), .help = "the error's text"},
    {"times", FIELD_INT, AT(times),
     .help = "so many calls: the same refusal again is counted here"},
    {"op", FIELD_INT, AT(op), .help = "the operation that it began or was about"},
    {"params", FIELD_JSON, AT(params),
     .help = "what was asked, of the first where it counts several: without `request_id`, `wait` "
             "and `timeout_ms`; \"…\" in place of what is too long to keep"},
    {.type = FIELD_END},
};
#undef AT

#define AT(member) .offset = offsetof(struct lodge_offer, member)
const struct field lodge_offer_fields[] = {
    {"name", FIELD_STRING, AT(name), .help = "what vm.create is given"},
    {"kind", FIELD_STRING, AT(kind), .help = "disk, iso or kernel; of a pool or network libvirt's"},
    {"format", FIELD_STRING, AT(format), .help = "of a disk image"},
    {"size_gib", FIELD_INT, AT(size_gib), .help = "of a disk image, or of a pool"},
    {"free_gib", FIELD_INT, AT(free_gib), .help = "of a pool"},
    {"active", FIELD_FLAG, AT(active), .help = "of a pool or network"},
    {"ours", FIELD_FLAG, AT(ours), .help = "of a pool: the one that lodge makes disks in"},
    {.type = FIELD_END},
};
#undef AT
