/* host_world: one real host on a real loop, and a listener that keeps what it is told. */
#ifndef TESTS_SUPPORT_HOST_WORLD_H
#define TESTS_SUPPORT_HOST_WORLD_H

#include "host/host.h"
#include "scope.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

enum { DEADLINE_MS = 30000, MOST_GUESTS = 2000 };

struct guest {
    char uuid[37];
    char name[64];
    enum lodge_vm_state state;
    enum lodge_flag autostart;
    bool persistent;
    bool seen_change;
    int64_t memory_mib;
    unsigned facts, whole; /* how often they were told, and of those whole */
};

struct world {
    struct host *host;
    struct guest guests[MOST_GUESTS];
    size_t count;
    enum lodge_host_state state;
    char error[600];
    unsigned downs;
    int64_t cpus;
    bool has_events;
    unsigned synced;
    unsigned reports;
    char *xml;
    enum lodge_error_kind xml_error;
    unsigned xml_answers;
};

static struct loop *loop;
static struct world world;
static bool (*awaited)(void);
static bool too_late;

static void look(void)
{
    world.reports++;
    if (awaited != NULL && awaited()) {
        loop_stop(loop);
    }
}

static struct guest *guest_by(const char *uuid, const char *name)
{
    for (size_t i = 0; i < world.count; i++) {
        if ((uuid != NULL && strcmp(world.guests[i].uuid, uuid) == 0) ||
            (name != NULL && strcmp(world.guests[i].name, name) == 0)) {
            return &world.guests[i];
        }
    }
    return NULL;
}

static void on_connection(void *owner, const char *host,
                          const struct host_connection_report *report)
{
    (void)owner;
    assert_string_equal(host, "here");
    assert_int_equal(report->state == LODGE_HOST_DOWN, report->error != NULL);
    world.state = report->state;
    world.downs += report->state == LODGE_HOST_DOWN;
    (void)snprintf(world.error, sizeof world.error, "%s",
                   report->error == NULL ? "" : report->error);
    look();
}

static void on_abilities(void *owner, const char *host, const struct host_abilities_report *report)
{
    (void)owner;
    (void)host;
    world.cpus = report->cpus;
    world.has_events = lodge_strings_contain(report->features, "events");
    look();
}

static void on_state(void *owner, const char *host, const struct domain_state_report *report)
{
    (void)owner;
    (void)host;
    struct guest *guest = guest_by(report->uuid, NULL);
    if (guest == NULL) {
        assert_true(world.count < MOST_GUESTS);
        guest = &world.guests[world.count++];
        *guest = (struct guest){0};
        (void)snprintf(guest->uuid, sizeof guest->uuid, "%s", report->uuid);
    }
    (void)snprintf(guest->name, sizeof guest->name, "%s", report->name);
    guest->state = report->state;
    guest->autostart = report->autostart;
    guest->persistent = report->persistent;
    guest->seen_change = report->seen_change;
    look();
}

static void on_facts(void *owner, const char *host, struct domain_facts *facts)
{
    (void)owner;
    (void)host;
    struct guest *guest = guest_by(facts->uuid, NULL);
    assert_non_null(guest);
    guest->memory_mib = facts->memory_mib;
    guest->facts++;
    guest->whole += facts->is_whole;
    look();
}

static void on_gone(void *owner, const char *host, const char *uuid)
{
    (void)owner;
    (void)host;
    struct guest *guest = guest_by(uuid, NULL);
    assert_non_null(guest);
    *guest = world.guests[--world.count];
    look();
}

static void on_synced(void *owner, const char *host)
{
    (void)owner;
    (void)host;
    world.synced++;
    for (size_t i = 0; i < world.count; i++) {
        assert_int_not_equal(world.guests[i].state, LODGE_VM_UNKNOWN);
        assert_true(world.guests[i].facts > 0);
    }
    look();
}

static void on_hung(void *owner, const char *host, const char *uuid, int64_t since)
{
    (void)owner;
    (void)host;
    fail_msg("%s hangs since %jd", uuid, (intmax_t)since);
}

static void on_samples(void *owner, const char *host, int64_t at,
                       const struct domain_sample *samples, size_t count,
                       const struct lodge_host_stats *host_stats)
{
    (void)owner;
    (void)host;
    (void)at;
    (void)samples;
    (void)count;
    (void)host_stats;
}

static const struct host_listener listener = {
    .connection = on_connection,
    .abilities = on_abilities,
    .domain_state = on_state,
    .domain_facts = on_facts,
    .domain_gone = on_gone,
    .synced = on_synced,
    .domain_hung = on_hung,
    .samples = on_samples,
};

static void give_up(void *owner)
{
    (void)owner;
    too_late = true;
    loop_stop(loop);
}

static void wait_for(bool (*condition)(void), const char *what)
{
    struct loop_timer *deadline = loop_timer_new(loop, give_up, NULL);
    loop_timer_start(deadline, DEADLINE_MS, 0);
    awaited = condition;
    too_late = false;
    while (!condition() && !too_late) {
        loop_run(loop);
    }
    awaited = NULL;
    loop_timer_free(deadline);
    if (too_late) {
        fail_msg("waited in vain until %s: state %s, error '%s', %zu guests, synced %u", what,
                 lodge_host_state_name(world.state), world.error, world.count, world.synced);
    }
}
#define WAIT_FOR(condition) wait_for(condition, #condition)

static void open_host(const char *uri)
{
    world = (struct world){0};
    struct host_options options = {
        .name = "here",
        .uri = uri,
        .settings = {.sync_parallel = 4,
                     .sync_interval_s = 1,
                     .stats_interval_ms = 1000,
                     .stats_deadline_ms = 300},
    };
    world.host = host_new(loop, &options, &listener, &world);
    host_start(world.host);
}

static bool is_synced(void)
{
    return world.synced > 0;
}

static int close_host(void **state)
{
    (void)state;
    host_free(TAKE(world.host));
    return 0;
}

#endif
