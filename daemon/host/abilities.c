/*
 * abilities: one call on `sync` after each connect reads the host's size and its versions; the
 * table `features` says what a driver of its kind can do.
 *
 * Events and keepalive are no matter of the kind: the connection tells whether it has them. The
 * worker fills the call, the loop makes the report of it.
 */
#include "host/abilities.h"
#include "host/channels.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/node_sample.h"
#include "host/task.h"
#include "log.h"
#include "memory.h"

#include <stdio.h>
#include <string.h>

struct abilities_call {
    struct host_call call; /* first */
    virNodeInfo node;
    int64_t memory_mib;
    bool has_node;
    char hypervisor[64];
    char libvirt[32];
};

enum driver { DRIVER_QEMU = 1, DRIVER_EMBEDDED = 2, DRIVER_TEST = 4, DRIVER_OTHER = 8 };

/* Which kind of driver has what; libvirt.md's table in our words. */
static const struct {
    const char *name;
    unsigned drivers;
} features[] = {
    {"stats", DRIVER_QEMU | DRIVER_EMBEDDED},
    {"save", DRIVER_QEMU | DRIVER_EMBEDDED | DRIVER_TEST},
    {"screenshot", DRIVER_QEMU | DRIVER_EMBEDDED | DRIVER_TEST},
    {"screens", DRIVER_QEMU | DRIVER_EMBEDDED},
    {"serial", DRIVER_QEMU | DRIVER_EMBEDDED},
    {"hotplug", DRIVER_QEMU | DRIVER_EMBEDDED},
    {"agent", DRIVER_QEMU | DRIVER_EMBEDDED},
    {"jobs", DRIVER_QEMU | DRIVER_EMBEDDED},
    {"storage", DRIVER_QEMU | DRIVER_TEST},
    {"networks", DRIVER_QEMU | DRIVER_TEST},
};

static enum driver driver_of(const struct uri *uri)
{
    return uri->is_embedded                     ? DRIVER_EMBEDDED
           : uri->is_test                       ? DRIVER_TEST
           : strncmp(uri->text, "qemu", 4) == 0 ? DRIVER_QEMU
                                                : DRIVER_OTHER;
}

bool abilities_have_stats(const struct uri *uri)
{
    return (driver_of(uri) & (DRIVER_QEMU | DRIVER_EMBEDDED)) != 0;
}

/* On a worker. libvirt packs versions as 1,000,000 × major + 1,000 × minor + release. */
static void print_version(char *ret_text, size_t size, const char *prefix, unsigned long version)
{
    (void)snprintf(ret_text, size, "%s%lu.%lu.%lu", prefix, version / 1000000,
                   version / 1000 % 1000, version % 1000);
}

static void abilities_fetch(struct host_call *call, virConnectPtr conn)
{
    struct abilities_call *asked = (struct abilities_call *)call;
    unsigned long version = 0;
    asked->has_node = virNodeGetInfo(conn, &asked->node) == 0;
    if (!asked->has_node) {
        libvirt_fail(&call->error, "cannot read the host's size");
    }
    asked->memory_mib = asked->has_node ? (int64_t)(asked->node.memory / 1024) : LODGE_UNKNOWN;
    int64_t total = 0;
    int64_t used = 0;
    if (host_traits(call->host).is_local && node_memory_read(&total, &used)) {
        asked->memory_mib = total; /* from where the samples have what is in use */
    }
    if (virConnectGetLibVersion(conn, &version) == 0) {
        print_version(asked->libvirt, sizeof asked->libvirt, "", version);
    }
    const char *type = virConnectGetType(conn);
    if (type != NULL && virConnectGetVersion(conn, &version) == 0) {
        char prefix[32];
        (void)snprintf(prefix, sizeof prefix, "%.30s ", type);
        print_version(asked->hypervisor, sizeof asked->hypervisor, prefix, version);
    }
}

static void add_feature(struct lodge_strings *list, const char *word)
{
    if (!lodge_strings_add(list, word)) {
        abort(); /* out of memory, as xmalloc */
    }
}

static void abilities_take(struct host_call *call, bool current)
{
    struct abilities_call *asked = (struct abilities_call *)call;
    struct host *host = call->host;
    if (!current) {
        return;
    }
    struct lodge_strings words = {0};
    const struct libvirt_connection *watch = host->channels[CHANNEL_WATCH].connection;
    if (libvirt_connection_has_events(watch)) {
        add_feature(&words, "events");
    }
    if (!host->uri.one_world && !host->uri.in_process) {
        add_feature(&words, "keepalive");
    }
    for (size_t i = 0; i < ARRAY_LENGTH(features); i++) {
        /* A guest's screen comes as a descriptor, and those do not cross machines. */
        bool needs_local = strcmp(features[i].name, "screens") == 0;
        if ((features[i].drivers & driver_of(&host->uri)) != 0 &&
            (host->uri.is_local || !needs_local)) {
            add_feature(&words, features[i].name);
        }
    }
    struct host_abilities_report report = {
        .cpus = asked->has_node ? (int64_t)asked->node.cpus : LODGE_UNKNOWN,
        .memory_mib = asked->memory_mib,
        .hypervisor = asked->hypervisor[0] == '\0' ? NULL : asked->hypervisor,
        .libvirt = asked->libvirt[0] == '\0' ? NULL : asked->libvirt,
        .features = &words,
    };
    host->listener->abilities(host->owner, host->name, &report);
    lodge_strings_clear(&words);
}

void abilities_ask(struct host *host)
{
    struct abilities_call *asked = xcalloc(1, sizeof *asked);
    asked->call.run = abilities_fetch;
    asked->call.done = abilities_take;
    channel_submit(host, CHANNEL_SYNC, &asked->call);
}
