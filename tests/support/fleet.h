/*
 * fleet: guests and hosts told to a model by hand, one line each.
 *
 * The clock stands at FLEET_NOW until a test moves it. All functions abort the test on nonsense.
 */
#ifndef TESTS_SUPPORT_FLEET_H
#define TESTS_SUPPORT_FLEET_H

#include "lodge/event.h"
#include "model/model.h"

#include <stdio.h>
#include <string.h>

#define FLEET_NOW INT64_C(1795456800000)

/* A guest's uuid from a small number. */
static inline void fleet_uuid(int number, char uuid[37])
{
    snprintf(uuid, 37, "00000000-0000-4000-8000-%012d", number);
}

static inline struct lodge_event fleet_event(enum lodge_topic topic, enum lodge_event_type type)
{
    struct lodge_event event = {.topic = topic, .type = type, .rev = 1};

    lodge_vm_init(&event.vm);
    lodge_host_init(&event.host);
    return event;
}

/* What a test says about a guest; the strings are literals. */
struct fleet_guest {
    int number;
    const char *name;
    const char *host; /* "h1" if NULL */
    const char *owner;
    enum lodge_vm_state state;
    const char *reason;
    int64_t since;
    int64_t unresponsive;
    int64_t stale;
    int vcpus;
    int memory_mib;
};

static inline char *fleet_text(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

static inline void fleet_tell(struct model *model, enum lodge_event_type type,
                              struct fleet_guest guest)
{
    struct lodge_event event = fleet_event(LODGE_TOPIC_VM, type);

    fleet_uuid(guest.number, event.vm.uuid);
    event.vm.name = fleet_text(guest.name);
    event.vm.host = fleet_text(guest.host == NULL ? "h1" : guest.host);
    event.vm.owner = fleet_text(guest.owner);
    event.vm.reason = fleet_text(guest.reason);
    event.vm.state = guest.state;
    event.vm.since = guest.since;
    event.vm.unresponsive = guest.unresponsive;
    event.vm.stale = guest.stale;
    event.vm.vcpus = guest.vcpus == 0 ? LODGE_UNKNOWN : guest.vcpus;
    event.vm.memory_mib = guest.memory_mib == 0 ? LODGE_UNKNOWN : guest.memory_mib;
    model_apply(model, &event);
    lodge_vm_clear(&event.vm);
}

static inline void fleet_add(struct model *model, int number, const char *name,
                             enum lodge_vm_state state)
{
    fleet_tell(model, LODGE_EVENT_ADDED,
               (struct fleet_guest){.number = number, .name = name, .state = state});
}

static inline void fleet_remove(struct model *model, int number)
{
    fleet_tell(model, LODGE_EVENT_REMOVED, (struct fleet_guest){.number = number, .name = "x"});
}

static inline void fleet_sample(struct model *model, int number, double cpu_percent, int64_t at)
{
    struct lodge_event event = fleet_event(LODGE_TOPIC_METRICS, LODGE_EVENT_SAMPLE);
    char host[] = "h1";

    fleet_uuid(number, event.vm.uuid);
    event.vm.host = host;
    event.vm.stats.cpu_percent = cpu_percent;
    event.vm.stats.at = at;
    model_apply(model, &event);
}

static inline void fleet_host(struct model *model, const char *name, enum lodge_host_state state,
                              const char *error)
{
    struct lodge_event event = fleet_event(LODGE_TOPIC_HOST, LODGE_EVENT_ADDED);

    event.host.name = strdup(name);
    event.host.error = fleet_text(error);
    event.host.state = state;
    event.host.since = FLEET_NOW - 60000;
    event.host.synced_at = state == LODGE_HOST_UP ? FLEET_NOW - 50000 : 0;
    model_apply(model, &event);
    lodge_host_clear(&event.host);
}

static inline void fleet_say(struct model *model, enum lodge_event_type type)
{
    struct lodge_event event = fleet_event(LODGE_TOPIC_NONE, type);

    model_apply(model, &event);
}

static inline struct model_row *fleet_row(const struct model *model, int number)
{
    char uuid[37];

    fleet_uuid(number, uuid);
    return model_find(model, "h1", uuid);
}

#endif
