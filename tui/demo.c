/* demo: guests made from a few trades, loads made from waves and noise. */
#include "demo.h"

#include "memory.h"
#include "scope.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define HOSTS 3
#define ATTIC 2 /* the host that is down, where the fleet is large enough to spare one */
#define SAMPLES 60
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)

/* What kinds of guest there are. */
static const struct trade {
    const char *name;
    const char *tags[2];
    int vcpus;
    int memory_mib;
    double load;  /* percent, around which it swings */
    double swing; /* percent */
    double noise;
    double memory; /* percent used; negative: no balloon, what QEMU holds is known only */
} trades[] = {
    {"web", {"prod", "web"}, 4, 4096, 35, 20, 8, 75},
    {"db-primary", {"prod", "db"}, 16, 65536, 65, 12, 6, 92},
    {"db-replica", {"prod", "db"}, 16, 65536, 55, 15, 6, 88},
    {"build-runner", {"ci", "hot"}, 8, 16384, 80, 25, 15, 89},
    {"cache", {"prod", NULL}, 2, 8192, 30, 10, 5, 90},
    {"mail", {"prod", NULL}, 2, 2048, 3, 2, 1, 60},
    {"dns", {"infra", NULL}, 1, 512, 1, 1, 1, 41},
    {"jump", {"infra", NULL}, 1, 512, 0.3, 0.3, 0.3, 35},
    {"win11-build", {"ci", "win"}, 8, 12288, 40, 40, 10, -98},
    {"qa-bisect", {"test", NULL}, 2, 2048, 15, 15, 10, 55},
    {"grafana", {"infra", NULL}, 2, 4096, 8, 4, 3, 48},
    {"東京-edge", {"prod", "edge"}, 2, 2048, 20, 10, 5, 62},
};

static const char *const host_names[HOSTS] = {"lodge1", "lodge2", "attic"};
static const char *const owners[] = {"alice", "bob", "carol"};

struct guest {
    const struct trade *trade;
    char *name;
    size_t host;
    const char *owner;
    enum lodge_vm_state state;
    const char *reason;
    int64_t since_ms;
    int64_t unresponsive_ms;
    double phase;
    double period_s;
    double cpu_percent;
    double memory_percent;
    char uuid[37];
};

struct demo {
    struct guest *guests;
    size_t count;
    size_t hosts;
    uint64_t random;
    int64_t ticks;
    int64_t rev;
    int64_t attic_down_ms;
    int64_t host_cpus; /* of each; the fleet about fills them */
};

/* xorshift64*: enough for clouds. */
static uint32_t random_next(struct demo *demo)
{
    demo->random ^= demo->random >> 12;
    demo->random ^= demo->random << 25;
    demo->random ^= demo->random >> 27;
    return (uint32_t)((demo->random * UINT64_C(0x2545F4914F6CDD1D)) >> 32);
}

/* From -1 to 1. */
static double random_swing(struct demo *demo)
{
    return (double)random_next(demo) / (double)UINT32_MAX * 2 - 1;
}

static void set_state(struct guest *guest, enum lodge_vm_state state, const char *reason,
                      int64_t since_ms)
{
    guest->state = state;
    guest->reason = reason;
    guest->since_ms = since_ms;
    if (state != LODGE_VM_RUNNING) {
        guest->cpu_percent = 0;
    }
}

static void choose_state(struct demo *demo, struct guest *guest, size_t index, int64_t now_ms)
{
    uint32_t dice = random_next(demo) % 100;
    int64_t age = (int64_t)(random_next(demo) % (60 * 24)) * HOUR_MS + 7 * MINUTE_MS;

    if (index % 50 == 7) {
        set_state(guest, LODGE_VM_CRASHED, "panicked", now_ms - 2 * MINUTE_MS);
    } else if (index % 50 == 11) {
        set_state(guest, LODGE_VM_PAUSED, "ioerror", now_ms - 41 * MINUTE_MS);
    } else if (dice < 70) {
        set_state(guest, LODGE_VM_RUNNING, "booted", now_ms - age);
    } else if (dice < 74) {
        set_state(guest, LODGE_VM_PAUSED, "user", now_ms - age);
    } else if (dice < 76) {
        set_state(guest, LODGE_VM_SUSPENDED, "guest", now_ms - age);
    } else {
        set_state(guest, LODGE_VM_SHUTOFF, "shutdown", now_ms - age);
    }
    if (index % 50 == 3) {
        set_state(guest, LODGE_VM_RUNNING, "booted", now_ms - age);
        guest->unresponsive_ms = now_ms - 42000;
    }
}

static void make_guest(struct demo *demo, size_t index, int64_t now_ms)
{
    struct guest *guest = &demo->guests[index];
    size_t number = index / ARRAY_LENGTH(trades) + 1;

    guest->trade = &trades[index % ARRAY_LENGTH(trades)];
    if (index == 20) {
        guest->name = xstrdup("a-name-so-long-that-no-column-holds-it-and-it-ends-in-rev-0042");
    } else {
        guest->name = xasprintf("%s-%02zu", guest->trade->name, number);
    }
    guest->host = demo->hosts == HOSTS && index % 17 == 5 ? ATTIC : index % 2 % demo->hosts;
    guest->owner = owners[random_next(demo) % ARRAY_LENGTH(owners)];
    guest->phase = random_swing(demo) * M_PI;
    guest->period_s = 20 + random_next(demo) % 100;
    guest->memory_percent = fabs(guest->trade->memory);
    /* One by one: arguments are evaluated in an order of the compiler's choice. */
    uint32_t clock = random_next(demo) & 0xfff;
    uint32_t time_high = random_next(demo) & 0xfff;
    uint32_t time_middle = random_next(demo) & 0xffff;
    uint32_t time_low = random_next(demo);
    snprintf(guest->uuid, sizeof guest->uuid, "%08x-%04x-4%03x-a%03x-%012x", time_low, time_middle,
             time_high, clock, (unsigned)index + 1);
    choose_state(demo, guest, index, now_ms);
}

struct demo *demo_new(int count, int64_t now_ms)
{
    struct demo *demo = xcalloc(1, sizeof *demo);

    demo->count = (size_t)(count < 0 ? 0 : count > DEMO_MOST ? DEMO_MOST : count);
    demo->guests = xcalloc(demo->count + 1, sizeof(struct guest));
    demo->hosts = demo->count >= 20 ? HOSTS : 1;
    demo->random = UINT64_C(0x9E3779B97F4A7C15);
    demo->rev = INT64_C(1) << 32;
    demo->host_cpus = 16 + (int64_t)(demo->count / demo->hosts) * 3;
    demo->attic_down_ms = now_ms - 4 * MINUTE_MS;
    for (size_t i = 0; i < demo->count; i++) {
        make_guest(demo, i, now_ms);
    }
    return demo;
}

void demo_free(struct demo *demo)
{
    if (demo == NULL) {
        return;
    }
    for (size_t i = 0; i < demo->count; i++) {
        free(demo->guests[i].name);
    }
    free(demo->guests);
    free(demo);
}

static bool is_lost_host(const struct guest *guest)
{
    return guest->host == ATTIC;
}

static void fill_stats(const struct guest *guest, int64_t at_ms, struct lodge_vm_stats *stats)
{
    int64_t used = (int64_t)(guest->memory_percent / 100 * guest->trade->memory_mib);

    stats->at = at_ms;
    stats->cpu_percent = guest->cpu_percent;
    if (guest->trade->memory >= 0) {
        stats->memory_used_mib = used;
    } else {
        stats->memory_rss_mib = used;
    }
}

/* A guest as vm.list shows it. */
static void fill_vm(const struct demo *demo, const struct guest *guest, struct lodge_vm *vm)
{
    lodge_vm_init(vm);
    memcpy(vm->uuid, guest->uuid, sizeof vm->uuid);
    vm->name = xstrdup(guest->name);
    vm->host = xstrdup(host_names[guest->host]);
    vm->state = guest->state;
    vm->reason = xstrdup(guest->reason);
    vm->since = guest->since_ms;
    vm->managed = true;
    vm->owner = xstrdup(guest->owner);
    vm->vcpus = guest->trade->vcpus;
    vm->memory_mib = guest->trade->memory_mib;
    vm->unresponsive = guest->unresponsive_ms;
    vm->stale = is_lost_host(guest) ? demo->attic_down_ms : 0;
    vm->autostart = guest->trade->vcpus > 2 ? LODGE_FLAG_YES : LODGE_FLAG_NO;
    for (size_t i = 0; i < ARRAY_LENGTH(guest->trade->tags) && guest->trade->tags[i] != NULL; i++) {
        (void)lodge_strings_add(&vm->tags, guest->trade->tags[i]);
    }
    if (guest == &demo->guests[1] && guest->state == LODGE_VM_RUNNING) {
        (void)lodge_strings_add(&vm->pending, "memory_mib");
    }
}

static void tell_vm(struct demo *demo, const struct guest *guest, enum lodge_event_type type,
                    demo_event_fn *tell, void *data)
{
    struct lodge_event event = {.topic = LODGE_TOPIC_VM, .type = type, .rev = ++demo->rev};

    fill_vm(demo, guest, &event.vm);
    event.vm.rev = event.rev;
    lodge_host_init(&event.host);
    tell(data, &event);
    lodge_vm_clear(&event.vm);
}

static void demo_tell_sample(const struct guest *guest, int64_t at_ms, demo_event_fn *tell,
                             void *data)
{
    struct lodge_event event = {.topic = LODGE_TOPIC_METRICS, .type = LODGE_EVENT_SAMPLE};
    char host[16];

    lodge_vm_init(&event.vm);
    lodge_host_init(&event.host);
    memcpy(event.vm.uuid, guest->uuid, sizeof event.vm.uuid);
    snprintf(host, sizeof host, "%s", host_names[guest->host]);
    event.vm.host = host;
    event.vm.name = guest->name;
    fill_stats(guest, at_ms, &event.vm.stats);
    tell(data, &event);
}

static void fill_host(const struct demo *demo, size_t index, int64_t now_ms,
                      struct lodge_host *host)
{
    assert(index < HOSTS);
    lodge_host_init(host);
    host->name = xstrdup(host_names[index]);
    host->state = index == ATTIC ? LODGE_HOST_DOWN : LODGE_HOST_UP;
    host->since = index == ATTIC ? demo->attic_down_ms : now_ms - INT64_C(92) * 24 * HOUR_MS;
    host->synced_at = index == ATTIC ? 0 : host->since;
    host->uri = xasprintf("qemu+ssh://%s/system", host_names[index]);
    host->cpus = demo->host_cpus;
    host->memory_mib = demo->host_cpus * INT64_C(6) * 1024;
    host->hypervisor = xstrdup("QEMU 7.2.0");
    host->libvirt = xstrdup("9.0.0");
    if (index == ATTIC) {
        host->error = xstrdup("cannot connect to 'qemu+ssh://attic/system': ssh: connect to host "
                              "attic port 22: No route to host");
    }
}

/* A host is as busy as its guests make it. */
static void fill_host_stats(const struct demo *demo, size_t index, int64_t now_ms,
                            struct lodge_host_stats *stats)
{
    double cpus = 0;
    double memory = 4096;

    for (size_t i = 0; i < demo->count; i++) {
        const struct guest *guest = &demo->guests[i];
        if (guest->host == index && guest->state == LODGE_VM_RUNNING) {
            cpus += guest->cpu_percent / 100 * guest->trade->vcpus;
            memory += guest->memory_percent / 100 * guest->trade->memory_mib;
        }
    }
    stats->cpu_percent = fmin(cpus / (double)demo->host_cpus * 100, 100);
    stats->memory_used_mib = (int64_t)fmin(memory, (double)demo->host_cpus * 6 * 1024);
    stats->at = now_ms;
}

static void tell_host(struct demo *demo, size_t index, int64_t now_ms, enum lodge_event_type type,
                      demo_event_fn *tell, void *data)
{
    bool sample = type == LODGE_EVENT_SAMPLE;
    struct lodge_event event = {
        .topic = sample ? LODGE_TOPIC_METRICS : LODGE_TOPIC_HOST,
        .type = type,
    };

    lodge_vm_init(&event.vm);
    fill_host(demo, index, now_ms, &event.host);
    if (index != ATTIC) {
        fill_host_stats(demo, index, now_ms, &event.host.stats);
    }
    tell(data, &event);
    lodge_host_clear(&event.host);
}

/* A second in the life of a guest. */
static void demo_live(struct demo *demo, struct guest *guest)
{
    const struct trade *trade = guest->trade;

    if (guest->state != LODGE_VM_RUNNING || is_lost_host(guest) || guest->unresponsive_ms != 0) {
        return;
    }
    double wave = sin(guest->phase + (double)demo->ticks * 2 * M_PI / guest->period_s);
    double percent = trade->load + trade->swing * wave + trade->noise * random_swing(demo);
    guest->cpu_percent = fmin(fmax(percent, 0.1), 100);
    guest->memory_percent = fmin(fmax(guest->memory_percent + 0.3 * random_swing(demo), 5), 99);
}

static void sample_all(struct demo *demo, int64_t at_ms, demo_event_fn *tell, void *data)
{
    demo->ticks++;
    for (size_t i = 0; i < demo->count; i++) {
        struct guest *guest = &demo->guests[i];
        demo_live(demo, guest);
        if (guest->state == LODGE_VM_RUNNING && !is_lost_host(guest) &&
            guest->unresponsive_ms == 0) {
            demo_tell_sample(guest, at_ms, tell, data);
        }
    }
    for (size_t i = 0; i < demo->hosts; i++) {
        if (i != ATTIC) {
            tell_host(demo, i, at_ms, LODGE_EVENT_SAMPLE, tell, data);
        }
    }
}

void demo_tell(struct demo *demo, int64_t now_ms, demo_event_fn *tell, void *data)
{
    struct lodge_event ready = {.type = LODGE_EVENT_READY};

    for (size_t i = 0; i < demo->hosts; i++) {
        tell_host(demo, i, now_ms, LODGE_EVENT_ADDED, tell, data);
    }
    for (size_t i = 0; i < demo->count; i++) {
        tell_vm(demo, &demo->guests[i], LODGE_EVENT_ADDED, tell, data);
    }
    for (int64_t back = SAMPLES - 1; back >= 0; back--) {
        sample_all(demo, now_ms - back * 1000, tell, data);
    }
    lodge_vm_init(&ready.vm);
    lodge_host_init(&ready.host);
    tell(data, &ready);
}

/* Something happens to somebody: it is stopped, started, paused, goes on. */
static void happen(struct demo *demo, int64_t now_ms, demo_event_fn *tell, void *data)
{
    struct guest *guest = &demo->guests[random_next(demo) % demo->count];

    if (is_lost_host(guest) || guest->unresponsive_ms != 0) {
        return;
    }
    if (guest->state == LODGE_VM_RUNNING) {
        bool pause = random_next(demo) % 3 == 0;
        set_state(guest, pause ? LODGE_VM_PAUSED : LODGE_VM_SHUTOFF, pause ? "user" : "shutdown",
                  now_ms);
    } else if (guest->state != LODGE_VM_CRASHED) {
        bool paused = guest->state == LODGE_VM_PAUSED;
        set_state(guest, LODGE_VM_RUNNING, paused ? "unpaused" : "booted", now_ms);
    }
    tell_vm(demo, guest, LODGE_EVENT_CHANGED, tell, data);
}

void demo_tick(struct demo *demo, int64_t now_ms, demo_event_fn *tell, void *data)
{
    sample_all(demo, now_ms, tell, data);
    if (demo->count > 0 && demo->ticks % 3 == 0) {
        happen(demo, now_ms, tell, data);
    }
}

static void add_hardware(const struct guest *guest, struct lodge_vm *vm)
{
    unsigned last = (unsigned)strtoul(guest->uuid + 24, NULL, 16);

    vm->disks.items = xcalloc(2, sizeof(struct lodge_disk));
    vm->disks.count = 2;
    vm->disks.items[0].target = xstrdup("vda");
    vm->disks.items[0].path = xasprintf("/var/lib/libvirt/images/lodge/%s-0.qcow2", guest->uuid);
    vm->disks.items[0].format = xstrdup("qcow2");
    vm->disks.items[0].device = xstrdup("disk");
    vm->disks.items[0].size_gib = 4L * guest->trade->vcpus + 16;
    vm->disks.items[1].size_gib = LODGE_UNKNOWN;
    vm->disks.items[1].target = xstrdup("sda");
    vm->disks.items[1].device = xstrdup("cdrom");
    vm->nics.items = xcalloc(1, sizeof(struct lodge_nic));
    vm->nics.count = 1;
    vm->nics.items[0].mac = xasprintf("52:54:00:1c:%02x:%02x", last >> 8 & 0xff, last & 0xff);
    vm->nics.items[0].network = xstrdup("default");
    vm->nics.items[0].model = xstrdup("virtio");
    vm->graphics = xstrdup("vnc");
    (void)lodge_strings_add(&vm->boot, "disk");
    (void)lodge_strings_add(&vm->boot, "cdrom");
}

bool demo_get(struct demo *demo, const char *host, const char *uuid, struct lodge_vm *ret_vm)
{
    for (size_t i = 0; i < demo->count; i++) {
        const struct guest *guest = &demo->guests[i];
        if (strcmp(guest->uuid, uuid) == 0 && strcmp(host_names[guest->host], host) == 0) {
            fill_vm(demo, guest, ret_vm);
            add_hardware(guest, ret_vm);
            return true;
        }
    }
    return false;
}
