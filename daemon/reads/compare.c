/*
 * compare: rows and domains are both in the registry and are compared on the loop; volumes are
 * listed by one reading (host/reading.h) of each host that has been read.
 *
 * `out` counts these readings, and one for begin_comparing() until all are asked for: whoever
 * brings it to 0 answers, and frees what was collected. Hosts that are not done with at the
 * deadline are left out; what they tell later finds no comparing. A volume is a stray if its name
 * is ours and no row or domain of any host has its uuid or path.
 */
#include "reads/compare.h"

#include "host/reading.h"
#include "host/storage/uses.h"
#include "memory.h"
#include "reads/reads_private.h"
#include "refusals.h"
#include "scope.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OLD_MS = 3600 * 1000, UUID_TEXT = 36, PATIENCE_MS = 10000 };

struct comparing {
    struct reads *reads;
    struct buffer strays;
    size_t stray_count;
    struct buffer unread; /* hosts whose volumes were not listed, and why */
    unsigned out;
    struct compared_host *hosts; /* that are not done with */
    struct loop_timer *deadline;
};

/* One host's part of it. */
struct compared_host {
    struct compared_host *next;  /* in comparing.hosts */
    struct comparing *comparing; /* NULL: it was left out */
    const struct fleet_host *on;
};

/* What its volumes are read by: they may be longer at it than anybody waits. */
struct volumes_wanted {
    const struct storage_place *place;
    struct uses *uses; /* who uses what there; held */
};

/* What only lodge calls files. */
static bool is_our_naming(const char *name, char ret_uuid[static 37])
{
    bool is_ours = storage_is_our_name(name);
    (void)snprintf(ret_uuid, 37, "%.*s", UUID_TEXT, is_ours ? name : "");
    return is_ours;
}

/* A row or a domain of that uuid on any host: two URIs may lead to one libvirtd. */
static bool is_known_anywhere(struct registry *registry, const char *uuid, bool rows_only)
{
    struct registry_host *host = registry_first_host(registry);
    for (; host != NULL; host = host->next) {
        const struct vm *vm = registry_find_vm(registry, host->facts.name, uuid);
        if (vm != NULL && (!rows_only || vm->row != NULL)) {
            return true;
        }
    }
    return false;
}

/* As far as the registry knows; who uses it is another question. */
static bool is_stray(const struct fleet *fleet, const struct fleet_host *on, const char *name,
                     const char *path)
{
    char uuid[37];
    return is_our_naming(name, uuid) && !is_known_anywhere(fleet->registry, uuid, false) &&
           !registry_path_is_taken(fleet->registry, host_name(on->host), path, NULL);
}

static void add_key(struct buffer *json, const struct vm *vm, bool comma)
{
    buffer_add_text(json, comma ? ",{\"host\":" : "{\"host\":");
    buffer_add_json_string(json, vm->facts.host);
    buffer_add_text(json, ",\"uuid\":");
    buffer_add_json_string(json, vm->facts.uuid);
    buffer_add_text(json, ",\"name\":");
    buffer_add_json_string(json, vm->facts.name == NULL ? "" : vm->facts.name);
    buffer_add_char(json, '}');
}

static bool is_missing(const struct vm *vm, const char *installation)
{
    (void)installation;
    return vm_phase(vm) == VM_PHASE_READY && !vm->present && vm->host->facts.synced_at != 0;
}

static bool is_unknown(const struct vm *vm, const char *installation)
{
    return vm->row == NULL && vm->present && installation != NULL &&
           strcmp(vm->installation, installation) == 0;
}

static void add_compared_vms(const struct fleet *fleet, struct buffer *json,
                             bool (*wanted)(const struct vm *vm, const char *installation))
{
    const char *installation = fleet->store == NULL ? NULL : store_installation(fleet->store);
    struct order_walk walk = registry_walk(fleet->registry, NULL);
    const struct vm *vm;
    bool comma = false;
    while ((vm = order_next(&walk)) != NULL) {
        if (wanted(vm, installation)) {
            add_key(json, vm, comma);
            comma = true;
        }
    }
}

struct old_ops {
    struct buffer *json;
    int64_t now;
    bool comma;
};

static void add_old_op(void *data, const struct lodge_op *facts)
{
    struct old_ops *old = data;
    struct buffer *json = old->json;
    if (old->now - facts->started_at < OLD_MS) {
        return;
    }
    buffer_add_format(json, "%s{\"op\":%lld,\"kind\":", old->comma ? "," : "",
                      (long long)facts->id);
    buffer_add_json_string(json, facts->kind);
    buffer_add_text(json, ",\"vm\":");
    buffer_add_json_string(json, facts->vm);
    buffer_add_format(json, ",\"state\":\"%s\",\"started_at\":", lodge_op_state_name(facts->state));
    buffer_add_json_time(json, facts->started_at);
    buffer_add_char(json, '}');
    old->comma = true;
}

static void end_comparing(struct comparing *comparing)
{
    struct reads *reads = comparing->reads;
    struct buffer json = {0};
    struct old_ops old = {.json = &json, .now = loop_wall_ms()};
    buffer_add_text(&json, "{\"missing\":[");
    add_compared_vms(reads->fleet, &json, is_missing);
    buffer_add_text(&json, "],\"unknown_domains\":[");
    add_compared_vms(reads->fleet, &json, is_unknown);
    buffer_add_text(&json, "],\"stray_volumes\":[");
    buffer_add(&json, comparing->strays.data, comparing->strays.length);
    buffer_add_text(&json, "],\"unread_volumes\":[");
    buffer_add(&json, comparing->unread.data, comparing->unread.length);
    buffer_add_text(&json, "],\"old_ops\":[");
    ops_each(reads->ops, add_old_op, &old);
    buffer_add_text(&json, "]}");
    if (reads->comparings != NULL) { /* else lodged leaves, and they know */
        struct compared compared = {json, comparing->stray_count};
        rounds_end(reads->comparings, &compared, NULL);
    }
    buffer_free(&json);
    buffer_free(&comparing->strays);
    buffer_free(&comparing->unread);
    loop_timer_free(comparing->deadline);
    free(comparing);
}

static void free_names(void *names)
{
    lodge_strings_clear(names);
    free(names);
}

static void volumes_gone(void *about)
{
    struct volumes_wanted *wanted = about;
    uses_release(wanted->uses);
    free(wanted);
}

static bool is_used(const struct volumes_wanted *wanted, const char *name)
{
    AUTO(free) char *path = storage_path(wanted->place, name);
    struct use_target target = use_target_at(path);
    return uses_find(wanted->uses, &target, NULL).kind != USE_NONE;
}

/* On a worker: the names of those that nobody uses. */
static void *read_unused_volumes(struct host_conn *conn, const void *about, struct lodge_error *err)
{
    const struct volumes_wanted *wanted = about;
    struct lodge_strings all = {0};
    int64_t free_bytes = 0;
    if (!storage_list(conn, wanted->place, &all, &free_bytes, err)) {
        return NULL;
    }
    struct lodge_strings *unused = xcalloc(1, sizeof *unused);
    for (size_t i = 0; i < all.count; i++) {
        bool is_wanted = storage_is_our_name(all.items[i]) && !is_used(wanted, all.items[i]);
        if (is_wanted && !lodge_strings_add(unused, all.items[i])) {
            abort(); /* out of memory, as xmalloc */
        }
    }
    lodge_strings_clear(&all);
    return unused;
}

static const struct host_reading_kind volumes_kind = {
    .is_of_pools = true,
    .patience_ms = PATIENCE_MS,
    .late = "has not listed its volumes",
    .hint = STORAGE_LATE_HINT,
    .read = read_unused_volumes,
    .free = free_names,
    .gone = volumes_gone,
};

static void comparing_unref(struct comparing *comparing)
{
    if (--comparing->out == 0) {
        end_comparing(comparing);
    }
}

static void add_strays(const struct compared_host *host, const struct lodge_strings *names)
{
    struct comparing *comparing = host->comparing;
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->items[i];
        AUTO(free) char *path = storage_path(&host->on->place, name);
        if (is_stray(comparing->reads->fleet, host->on, name, path)) {
            struct buffer *strays = &comparing->strays;
            comparing->stray_count++;
            buffer_add_text(strays, strays->length > 0 ? ",{\"host\":" : "{\"host\":");
            buffer_add_json_string(strays, host_name(host->on->host));
            buffer_add_text(strays, ",\"path\":");
            buffer_add_json_string(strays, path);
            buffer_add_char(strays, '}');
        }
    }
}

/* That a host is away is said elsewhere. */
static void add_unread(const struct compared_host *host, const struct lodge_error *error)
{
    struct buffer *unread = &host->comparing->unread;
    if (error->kind == LODGE_ERROR_HOST_DOWN || error->kind == LODGE_ERROR_CANCELLED) {
        return;
    }
    buffer_add_text(unread, unread->length > 0 ? ",{\"host\":" : "{\"host\":");
    buffer_add_json_string(unread, host_name(host->on->host));
    buffer_add_text(unread, ",\"why\":");
    buffer_add_json_string(unread, error->message);
    buffer_add_char(unread, '}');
}

static void leave_out(struct compared_host *host)
{
    struct compared_host **place = &host->comparing->hosts;
    while (*place != host) {
        place = &(*place)->next;
    }
    *place = host->next;
    host->comparing = NULL;
}

static void volumes_come(void *data, const void *names, const struct lodge_error *error)
{
    struct compared_host *host = data;
    struct comparing *comparing = host->comparing;
    if (comparing != NULL && names != NULL) {
        add_strays(host, names);
    } else if (comparing != NULL) {
        add_unread(host, error);
    }
    if (comparing != NULL) {
        leave_out(host);
        comparing_unref(comparing);
    }
    free(host);
}

/* Who uses what may take longer than anybody should wait for this. */
static void comparing_is_late(void *owner)
{
    struct comparing *comparing = owner;
    comparing->out++; /* ours */
    while (comparing->hosts != NULL) {
        struct compared_host *host = comparing->hosts;
        struct lodge_error err = {0};
        (void)lodge_fail(&err, LODGE_ERROR_TIMEOUT,
                         "libvirt on host '%s' has not told who uses which volumes within %d "
                         "s: " STORAGE_LATE_HINT,
                         host_name(host->on->host), PATIENCE_MS / 1000);
        add_unread(host, &err);
        leave_out(host);
        comparing_unref(comparing);
    }
    comparing_unref(comparing);
}

static void uses_come(void *data, struct uses *uses, const struct lodge_error *error)
{
    struct compared_host *host = data;
    if (uses == NULL || host->comparing == NULL) {
        volumes_come(host, NULL, error);
        return;
    }
    struct volumes_wanted *wanted = xcalloc(1, sizeof *wanted);
    wanted->place = &host->on->place;
    wanted->uses = uses_hold(uses);
    host_read(host->on->host, &volumes_kind, wanted, volumes_come, host);
}

static void begin_comparing(void *owner)
{
    struct reads *reads = owner;
    struct fleet *fleet = reads->fleet;
    struct comparing *comparing = xcalloc(1, sizeof *comparing);
    comparing->reads = reads;
    comparing->out = 1; /* ours, until all are asked */
    comparing->deadline = loop_timer_new(fleet->loop, comparing_is_late, comparing);
    loop_timer_start(comparing->deadline, PATIENCE_MS, 0);
    for (size_t i = 0; i < fleet->host_count; i++) {
        struct registry_host *shown =
            registry_find_host(fleet->registry, host_name(fleet->hosts[i].host));
        if (shown->facts.synced_at == 0) {
            continue; /* before it has been read, "no domain has it" is empty talk */
        }
        struct compared_host *host = xcalloc(1, sizeof *host);
        host->comparing = comparing;
        host->on = &fleet->hosts[i];
        host->next = comparing->hosts;
        comparing->hosts = host;
        comparing->out++;
        host_ask_uses(host->on->host, &host->on->place, uses_come, host);
    }
    comparing_unref(comparing);
}

const struct rounds_kind compare_rounds = {.begin = begin_comparing};

/* Who asked. */
struct compare_asker {
    compare_fn *answer;
    void *data;
};

static void pass_compared_on(void *data, const void *answer, const struct lodge_error *error)
{
    struct compare_asker *asker = data;
    asker->answer(asker->data, answer, error);
    free(asker);
}

void compare_now(struct ops *ops, compare_fn *answer, void *data)
{
    struct lodge_error err = {0};
    struct reads *reads = reads_of(ops);
    if (reads->fleet->closing) {
        (void)refuse_stopping(&err);
        answer(data, NULL, &err);
        return;
    }
    struct compare_asker *asker = xcalloc(1, sizeof *asker);
    asker->answer = answer;
    asker->data = data;
    rounds_join(reads->comparings, pass_compared_on, asker);
}

static bool find_orphan_domain(const struct fleet *fleet, const char *host, const char *uuid,
                               char ret_uuid[static 37], struct lodge_error *err)
{
    const struct vm *vm = registry_find_vm(fleet->registry, host, uuid);
    if (vm == NULL || !vm->present) {
        return lodge_fail(err, LODGE_ERROR_NOT_FOUND, "host '%s' has no domain %s", host, uuid);
    }
    if (is_known_anywhere(fleet->registry, uuid, true)) {
        return lodge_fail(err, LODGE_ERROR_CONFLICT, "lodge has a row of %s: delete the VM", uuid);
    }
    if (fleet->store == NULL || strcmp(vm->installation, store_installation(fleet->store)) != 0) {
        return lodge_fail(err, LODGE_ERROR_CONFLICT, "domain %s does not carry this lodge's mark",
                          uuid);
    }
    snprintf(ret_uuid, 37, "%s", uuid);
    return true;
}

static bool find_orphan_volume(const struct fleet *fleet, const struct fleet_host *on,
                               const char *path, struct plan *plan, char ret_uuid[static 37],
                               struct lodge_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    AUTO(free) char *ours = storage_path(&on->place, name);
    if (strcmp(ours, path) != 0 || !is_our_naming(name, ret_uuid)) {
        return lodge_fail(err, LODGE_ERROR_CONFLICT, "%s is not of lodge's naming and place", path);
    }
    if (!is_stray(fleet, on, name, path)) {
        return lodge_fail(err, LODGE_ERROR_CONFLICT, "a VM has %s", path);
    }
    plan->disks.items = xcalloc(1, sizeof *plan->disks.items);
    plan->disks.count = 1;
    plan->disks.items[0] = (struct plan_disk){
        .target = xstrdup("vda"),
        .volume = xstrdup(name),
        .path = xstrdup(path),
        .size_gib = LODGE_UNKNOWN,
        .old_gib = LODGE_UNKNOWN,
        .ours = true,
    };
    return true;
}

bool compare_find_orphan(struct ops *ops, const char *host, const char *uuid, const char *path,
                         struct plan *plan, char ret_uuid[static 37], struct lodge_error *err)
{
    const struct fleet *fleet = ops_fleet(ops);
    const struct fleet_host *on = fleet_find(fleet, host);
    const struct registry_host *shown = registry_find_host(fleet->registry, host);
    if (on == NULL || shown == NULL) {
        return refuse_unknown_host(err, host);
    }
    if (shown->facts.synced_at == 0) {
        return lodge_fail(err, LODGE_ERROR_HOST_DOWN, "host '%s' has not been read", host);
    }
    return uuid != NULL ? find_orphan_domain(fleet, host, uuid, ret_uuid, err)
                        : find_orphan_volume(fleet, on, path, plan, ret_uuid, err);
}
