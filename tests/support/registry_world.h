/*
 * registry_world: a registry with two hosts, told by hand what a libvirt would tell.
 * Included by one program each, after support/test.h.
 */
#ifndef TESTS_SUPPORT_REGISTRY_WORLD_H
#define TESTS_SUPPORT_REGISTRY_WORLD_H

#include "support/loop_world.h"

#include "memory.h"
#include "registry/registry.h"
#include "registry/render.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IN_REGISTRY(function) cmocka_unit_test_setup_teardown(function, make_registry, end_registry)
#define WORLD __attribute__((unused)) static

enum { SOME_UID = 3456789, OTHER_UID = 3456790 }; /* nobody's, so that they come as "#uid" */

static struct people *people;
static struct registry *registry;
static const struct viewer admin = {.uid = 0, .role = ROLE_ADMIN};

WORLD int make_registry(void **state)
{
    make_loop(state);
    people = people_new(loop);
    registry = registry_new(loop, people, 5);
    registry_add_host(registry, "beta", "test:///beta");
    registry_add_host(registry, "alpha", "test:///alpha");
    return 0;
}

WORLD int end_registry(void **state)
{
    registry_free(registry);
    people_free(people);
    return end_loop(state);
}

/* The store has a row of it. */
WORLD void own(const char *host, const char *uuid, uid_t owner)
{
    struct vm_row row = {
        .host = host,
        .uuid = uuid,
        .name = "of-a-row",
        .owner = owner,
        .phase = VM_PHASE_READY,
        .vcpus = 1,
        .memory_mib = 64,
        .disk_gib = 0,
    };
    registry_set_row(registry, &row);
}

/* The uuid of guest `number`; good for eight more calls. */
WORLD const char *uuid_of(int number)
{
    static char ring[8][37];
    static unsigned next;
    char *text = ring[next++ % 8];
    snprintf(text, 37, "00000000-0000-4000-8000-%012x", (unsigned)number & 0xFFFFFF);
    return text;
}

WORLD void tell_connection(const char *host, enum lodge_host_state state, const char *error)
{
    struct host_connection_report report = {state, error};
    registry_listener.connection(registry, host, &report);
}

WORLD void tell_synced(const char *host)
{
    registry_listener.synced(registry, host);
}

WORLD void tell_up(const char *host)
{
    tell_connection(host, LODGE_HOST_UP, NULL);
    tell_synced(host);
}

WORLD void tell_state(const char *host, int number, const char *name, enum lodge_vm_state state)
{
    struct domain_state_report report = {
        .uuid = uuid_of(number),
        .name = name,
        .state = state,
        .reason = state == LODGE_VM_UNKNOWN ? NULL : "told",
        .autostart = LODGE_FLAG_NO,
        .persistent = true,
    };
    registry_listener.domain_state(registry, host, &report);
}

WORLD void tell_facts(const char *host, int number, const char *name, int64_t vcpus)
{
    struct domain_facts facts = {
        .name = xstrdup(name),
        .vcpus = vcpus,
        .memory_mib = vcpus * 512,
        .graphics = xstrdup("vnc"),
        .disks = xcalloc(1, sizeof(struct lodge_disk)),
        .disk_count = 1,
    };
    snprintf(facts.uuid, sizeof facts.uuid, "%s", uuid_of(number));
    facts.disks[0] = (struct lodge_disk){.target = xstrdup("vda"), .size_gib = LODGE_UNKNOWN};
    assert_true(lodge_strings_add(&facts.boot, "disk"));

    registry_listener.domain_facts(registry, host, &facts);

    free(facts.name);
    free(facts.graphics);
    for (size_t i = 0; i < facts.disk_count; i++) {
        free(facts.disks[i].target);
    }
    free(facts.disks);
    lodge_strings_clear(&facts.boot);
    lodge_strings_clear(&facts.tags);
}

WORLD void tell_gone(const char *host, int number)
{
    registry_listener.domain_gone(registry, host, uuid_of(number));
}

WORLD void tell_hung(const char *host, int number, int64_t since)
{
    registry_listener.domain_hung(registry, host, uuid_of(number), since);
}

WORLD void tell_sample(const char *host, int number, double cpu_percent)
{
    struct domain_sample sample = {
        .stats = {.cpu_percent = cpu_percent, .memory_used_mib = 100, .memory_rss_mib = 200},
    };
    snprintf(sample.uuid, sizeof sample.uuid, "%s", uuid_of(number));
    registry_listener.samples(registry, host, 1000, &sample, 1, NULL);
}

/* As an admin sees it; NULL if there is none. */
WORLD struct vm *get(const char *text)
{
    struct lodge_error err = {0};
    return registry_get(registry, text, &admin, &err);
}

WORLD struct vm *get_well(const char *text)
{
    struct lodge_error err = {0};
    struct vm *vm = registry_get(registry, text, &admin, &err);
    if (vm == NULL) {
        fail_msg("%s", err.message);
    }
    return vm;
}

#endif
