/*
 * events: one callback for each signature that libvirt's kinds of events have; all say the same,
 * "look at this domain again", with its uuid copied.
 *
 * They run on libvirt's event thread and own nothing. The subscription that libvirt hands to them
 * lies in the connection, which has to stay until `gone` was called for it, from whatever thread.
 */
#include "host/events.h"
#include "scope.h"

#include <string.h>

struct event_kind {
    int id;
    bool changes_definition;
    virConnectDomainEventGenericCallback callback; /* of the type that `id` wants */
};

static bool names_files(int id, int lifecycle_event)
{
    switch (id) {
    case VIR_DOMAIN_EVENT_ID_LIFECYCLE: /* a transient domain comes by starting */
        return lifecycle_event == VIR_DOMAIN_EVENT_DEFINED ||
               lifecycle_event == VIR_DOMAIN_EVENT_STARTED;
    case VIR_DOMAIN_EVENT_ID_DISK_CHANGE:
    case VIR_DOMAIN_EVENT_ID_DEVICE_ADDED:
    case VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2:
        return true;
    default:
        return false;
    }
}

static void tell_event(virDomainPtr domain, const struct event_subscription *subscription,
                       bool moved, bool changes_definition, int lifecycle_event)
{
    struct domain_event event = {
        .rebooted = subscription->kind->id == VIR_DOMAIN_EVENT_ID_REBOOT,
        .moved = moved,
        .changes_definition = changes_definition,
        .names_files = names_files(subscription->kind->id, lifecycle_event),
    };
    if (virDomainGetUUID(domain, event.uuid) == 0) {
        subscription->heard(subscription->owner, &event);
    }
}

static void looks_again(virDomainPtr domain, void *data)
{
    const struct event_subscription *subscription = data;
    tell_event(domain, subscription, false, subscription->kind->changes_definition, -1);
}

static int lifecycle(virConnectPtr conn, virDomainPtr domain, int event, int detail, void *data)
{
    (void)conn;
    (void)detail;
    bool moved = event != VIR_DOMAIN_EVENT_DEFINED && event != VIR_DOMAIN_EVENT_UNDEFINED;
    bool changes_definition =
        event != VIR_DOMAIN_EVENT_SUSPENDED && event != VIR_DOMAIN_EVENT_RESUMED;
    tell_event(domain, data, moved, changes_definition, event);
    return 0;
}

/* One function per type of callback: calling one through another's type is undefined. */
#define UNUSED __attribute__((unused))

static void plain(virConnectPtr conn UNUSED, virDomainPtr domain, void *data)
{
    looks_again(domain, data);
}

static void one_number(virConnectPtr conn UNUSED, virDomainPtr domain, int number UNUSED,
                       void *data)
{
    looks_again(domain, data);
}

static void two_numbers(virConnectPtr conn UNUSED, virDomainPtr domain, int first UNUSED,
                        int second UNUSED, void *data)
{
    looks_again(domain, data);
}

static void io_error(virConnectPtr conn UNUSED, virDomainPtr domain, const char *path UNUSED,
                     const char *alias UNUSED, int action UNUSED, const char *reason UNUSED,
                     void *data)
{
    looks_again(domain, data);
}

static void block_job(virConnectPtr conn UNUSED, virDomainPtr domain, const char *disk UNUSED,
                      int type UNUSED, int status UNUSED, void *data)
{
    looks_again(domain, data);
}

static void disk_change(virConnectPtr conn UNUSED, virDomainPtr domain, const char *before UNUSED,
                        const char *after UNUSED, const char *alias UNUSED, int reason UNUSED,
                        void *data)
{
    looks_again(domain, data);
}

static void alias_and_number(virConnectPtr conn UNUSED, virDomainPtr domain,
                             const char *alias UNUSED, int number UNUSED, void *data)
{
    looks_again(domain, data);
}

static void number_and_text(virConnectPtr conn UNUSED, virDomainPtr domain, int number UNUSED,
                            const char *text UNUSED, void *data)
{
    looks_again(domain, data);
}

static void balloon(virConnectPtr conn UNUSED, virDomainPtr domain, unsigned long long size UNUSED,
                    void *data)
{
    looks_again(domain, data);
}

static void device(virConnectPtr conn UNUSED, virDomainPtr domain, const char *alias UNUSED,
                   void *data)
{
    looks_again(domain, data);
}

static void parameters(virConnectPtr conn UNUSED, virDomainPtr domain,
                       virTypedParameterPtr params UNUSED, int count UNUSED, void *data)
{
    looks_again(domain, data);
}

static void memory_failure(virConnectPtr conn UNUSED, virDomainPtr domain, int recipient UNUSED,
                           int action UNUSED, unsigned flags UNUSED, void *data)
{
    looks_again(domain, data);
}

#define KIND(event, changes, function)                                      \
    {                                                                       \
        .id = VIR_DOMAIN_EVENT_ID_##event, .changes_definition = (changes), \
        .callback = VIR_DOMAIN_EVENT_CALLBACK(function),                    \
    }

/* Every kind that may change what we tell. Not here: clock offsets, VNC clients, thresholds and
 * rounds of a migration, which change none of it, and the older twins of kinds that are. */
static const struct event_kind kinds[] = {
    KIND(LIFECYCLE, true, lifecycle),
    KIND(REBOOT, false, plain),
    KIND(WATCHDOG, false, one_number),
    KIND(IO_ERROR_REASON, false, io_error),
    KIND(CONTROL_ERROR, false, plain),
    KIND(DISK_CHANGE, true, disk_change),
    KIND(TRAY_CHANGE, true, alias_and_number),
    KIND(PMWAKEUP, false, one_number),
    KIND(PMSUSPEND, false, one_number),
    KIND(BALLOON_CHANGE, true, balloon),
    KIND(PMSUSPEND_DISK, false, one_number),
    KIND(DEVICE_REMOVED, true, device),
    KIND(BLOCK_JOB_2, true, block_job),
    KIND(TUNABLE, true, parameters),
    KIND(AGENT_LIFECYCLE, false, two_numbers),
    KIND(DEVICE_ADDED, true, device),
    KIND(JOB_COMPLETED, true, parameters),
    KIND(DEVICE_REMOVAL_FAILED, true, device),
    KIND(METADATA_CHANGE, true, number_and_text),
    KIND(MEMORY_FAILURE, false, memory_failure),
};
_Static_assert(ARRAY_LENGTH(kinds) <= EVENT_KINDS_MAX, "a connection has a place for each");

static void subscription_let_go(void *data)
{
    const struct event_subscription *subscription = data;
    subscription->gone(subscription->owner);
}

unsigned events_register(virConnectPtr conn, struct event_subscription *subscriptions,
                         const struct event_subscription *like)
{
    unsigned taken = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        struct event_subscription *subscription = &subscriptions[i];
        *subscription = *like;
        subscription->kind = &kinds[i];
        subscription->id = virConnectDomainEventRegisterAny(
            conn, NULL, kinds[i].id, kinds[i].callback, subscription, subscription_let_go);
        taken += subscription->id >= 0;
    }
    return taken;
}

void events_deregister(virConnectPtr conn, struct event_subscription *subscriptions)
{
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        if (subscriptions[i].kind != NULL && subscriptions[i].id >= 0) {
            virConnectDomainEventDeregisterAny(conn, subscriptions[i].id);
        }
    }
}
