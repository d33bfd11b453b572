/*
 * libvirt_state: one row for each of libvirt's states: the contract's state, the list that libvirt
 * has such domains in, and words for its reasons. What a newer libvirt may say is taken for "no
 * state", or has no reason. Constant.
 */
#include "host/libvirt_state.h"
#include "scope.h"

#include <libvirt/libvirt.h>
#include <stddef.h>

enum { MOST_REASONS = 16 };

struct state_words {
    enum lodge_vm_state state;
    enum libvirt_list list;
    const char *always;                /* said whatever the reason is */
    const char *reasons[MOST_REASONS]; /* by libvirt's number; NULL: it does not know either */
};

static const struct state_words states[] = {
    [VIR_DOMAIN_NOSTATE] = {LODGE_VM_UNKNOWN, LIBVIRT_LIST_OTHER, NULL, {NULL}},
    [VIR_DOMAIN_RUNNING] =
        {
            LODGE_VM_RUNNING,
            LIBVIRT_LIST_RUNNING,
            NULL,
            {
                [VIR_DOMAIN_RUNNING_BOOTED] = "booted",
                [VIR_DOMAIN_RUNNING_MIGRATED] = "migrated",
                [VIR_DOMAIN_RUNNING_RESTORED] = "restored",
                [VIR_DOMAIN_RUNNING_FROM_SNAPSHOT] = "from snapshot",
                [VIR_DOMAIN_RUNNING_UNPAUSED] = "unpaused",
                [VIR_DOMAIN_RUNNING_MIGRATION_CANCELED] = "migration canceled",
                [VIR_DOMAIN_RUNNING_SAVE_CANCELED] = "save canceled",
                [VIR_DOMAIN_RUNNING_WAKEUP] = "event wakeup",
                [VIR_DOMAIN_RUNNING_CRASHED] = "crashed",
                [VIR_DOMAIN_RUNNING_POSTCOPY] = "post-copy",
            },
        },
    [VIR_DOMAIN_BLOCKED] = {LODGE_VM_RUNNING, LIBVIRT_LIST_OTHER, "blocked", {NULL}},
    [VIR_DOMAIN_PAUSED] =
        {
            LODGE_VM_PAUSED,
            LIBVIRT_LIST_PAUSED,
            NULL,
            {
                [VIR_DOMAIN_PAUSED_USER] = "user",
                [VIR_DOMAIN_PAUSED_MIGRATION] = "migrating",
                [VIR_DOMAIN_PAUSED_SAVE] = "saving",
                [VIR_DOMAIN_PAUSED_DUMP] = "dumping",
                [VIR_DOMAIN_PAUSED_IOERROR] = "I/O error",
                [VIR_DOMAIN_PAUSED_WATCHDOG] = "watchdog",
                [VIR_DOMAIN_PAUSED_FROM_SNAPSHOT] = "from snapshot",
                [VIR_DOMAIN_PAUSED_SHUTTING_DOWN] = "shutting down",
                [VIR_DOMAIN_PAUSED_SNAPSHOT] = "creating snapshot",
                [VIR_DOMAIN_PAUSED_CRASHED] = "crashed",
                [VIR_DOMAIN_PAUSED_STARTING_UP] = "starting up",
                [VIR_DOMAIN_PAUSED_POSTCOPY] = "post-copy",
                [VIR_DOMAIN_PAUSED_POSTCOPY_FAILED] = "post-copy failed",
            },
        },
    [VIR_DOMAIN_SHUTDOWN] = {LODGE_VM_RUNNING, LIBVIRT_LIST_OTHER, "in shutdown", {NULL}},
    [VIR_DOMAIN_SHUTOFF] =
        {
            LODGE_VM_SHUTOFF,
            LIBVIRT_LIST_SHUTOFF,
            NULL,
            {
                [VIR_DOMAIN_SHUTOFF_SHUTDOWN] = "shutdown",
                [VIR_DOMAIN_SHUTOFF_DESTROYED] = "destroyed",
                [VIR_DOMAIN_SHUTOFF_CRASHED] = "crashed",
                [VIR_DOMAIN_SHUTOFF_MIGRATED] = "migrated",
                [VIR_DOMAIN_SHUTOFF_SAVED] = "saved",
                [VIR_DOMAIN_SHUTOFF_FAILED] = "failed",
                [VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT] = "from snapshot",
                [VIR_DOMAIN_SHUTOFF_DAEMON] = "daemon",
            },
        },
    [VIR_DOMAIN_CRASHED] =
        {
            LODGE_VM_CRASHED,
            LIBVIRT_LIST_OTHER,
            NULL,
            {[VIR_DOMAIN_CRASHED_PANICKED] = "panicked"},
        },
    [VIR_DOMAIN_PMSUSPENDED] = {LODGE_VM_SUSPENDED, LIBVIRT_LIST_OTHER, NULL, {NULL}},
};

static const struct state_words *state_words_of(int state)
{
    bool known = state >= 0 && (size_t)state < ARRAY_LENGTH(states);
    return &states[known ? state : VIR_DOMAIN_NOSTATE];
}

enum lodge_vm_state libvirt_state(int state)
{
    return state_words_of(state)->state;
}

const char *libvirt_reason(int state, int reason)
{
    const struct state_words *words = state_words_of(state);
    if (words->always != NULL) {
        return words->always;
    }
    return reason >= 0 && reason < MOST_REASONS ? words->reasons[reason] : NULL;
}

bool libvirt_state_passes(int state, int reason)
{
    return state == VIR_DOMAIN_SHUTDOWN ||
           (state == VIR_DOMAIN_PAUSED &&
            (reason == VIR_DOMAIN_PAUSED_STARTING_UP || reason == VIR_DOMAIN_PAUSED_SHUTTING_DOWN));
}

enum libvirt_list libvirt_list_of(int state)
{
    return state_words_of(state)->list;
}

unsigned libvirt_list_flag(enum libvirt_list list)
{
    static const unsigned flags[LIBVIRT_LISTS] = {
        [LIBVIRT_LIST_RUNNING] = VIR_CONNECT_LIST_DOMAINS_RUNNING,
        [LIBVIRT_LIST_PAUSED] = VIR_CONNECT_LIST_DOMAINS_PAUSED,
        [LIBVIRT_LIST_SHUTOFF] = VIR_CONNECT_LIST_DOMAINS_SHUTOFF,
        [LIBVIRT_LIST_OTHER] = VIR_CONNECT_LIST_DOMAINS_OTHER,
    };
    return flags[list];
}
