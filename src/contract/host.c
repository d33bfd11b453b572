/*
 * host: the contract's host: words for its states, and the fields of it and of its samples, by
 * which the daemon writes and clients read.
 */
#include "lodge/host.h"

#include "contract/contract.h"
#include "scope.h"

static const char *const state_words[] = {
    [LODGE_HOST_UNKNOWN] = NULL,
    [LODGE_HOST_UP] = "up",
    [LODGE_HOST_DOWN] = "down",
    [LODGE_HOST_CONNECTING] = "connecting",
};
_Static_assert(ARRAY_LENGTH(state_words) == LODGE_HOST_STATES, "a word per state");
const struct field_names lodge_host_state_names = {state_words, LODGE_HOST_STATES};

#define AT(member) .offset = offsetof(struct lodge_host_stats, member)
const struct field lodge_host_stats_fields[] = {
    {"cpu_percent", FIELD_NUMBER, AT(cpu_percent), .decimals = 1, .help = "of all its CPUs"},
    {"memory_used_mib", FIELD_INT, AT(memory_used_mib), .help = "without caches"},
    {"psi_cpu", FIELD_NUMBER, AT(psi_cpu), .decimals = 2, .help = "pressure stall, some avg10"},
    {"psi_memory", FIELD_NUMBER, AT(psi_memory), .decimals = 2, .help = "as psi_cpu"},
    {"psi_io", FIELD_NUMBER, AT(psi_io), .decimals = 2, .help = "as psi_cpu"},
    {"at", FIELD_TIME, AT(at), .help = "when these were taken"},
    {.type = FIELD_END},
};
#undef AT

#define AT(member) .offset = offsetof(struct lodge_host, member)
const struct field lodge_host_fields[] = {
    {"name", FIELD_STRING, AT(name), .help = "as configured"},
    {"uri", FIELD_STRING, AT(uri), .help = "libvirt's address of it; admins only"},
    {"state", FIELD_ENUM, AT(state), .names = &lodge_host_state_names, .help = "of its connection"},
    {"since", FIELD_TIME, AT(since), .help = "when it came into this state"},
    {"error", FIELD_STRING, AT(error), .help = "why it is not up"},
    {"synced_at", FIELD_TIME, AT(synced_at), .nullable = true,
     .help = "when every domain had been read since it came up, null before"},
    {"cpus", FIELD_INT, AT(cpus), .help = "logical CPUs"},
    {"memory_mib", FIELD_INT, AT(memory_mib), .help = "in all"},
    {"hypervisor", FIELD_STRING, AT(hypervisor), .help = "name and version"},
    {"libvirt", FIELD_STRING, AT(libvirt), .help = "version of the libvirt that runs it"},
    {"features", FIELD_STRINGS, AT(features), .required = true, .help = "what its driver can do"},
    {"rev", FIELD_INT, AT(rev), .help = "revision of these facts"},
    {"stats", FIELD_OBJECT, AT(stats), .fields = lodge_host_stats_fields,
     .help = "the latest sample"},
    {.type = FIELD_END},
};
#undef AT

const char *lodge_host_state_name(enum lodge_host_state state)
{
    const char *word = field_names_word(&lodge_host_state_names, state);
    return word == NULL ? "unknown" : word;
}

void lodge_host_init(struct lodge_host *host)
{
    fields_init(lodge_host_fields, host);
}

void lodge_host_clear(struct lodge_host *host)
{
    fields_clear(lodge_host_fields, host);
}

bool lodge_host_from_json(const char *json, struct lodge_host *ret_host, struct lodge_error *err)
{
    return fields_read_text(json, lodge_host_fields, ret_host, err);
}
