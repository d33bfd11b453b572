/*
 * compare: rows and domains are both in the registry and are compared on the loop; volumes are
 * listed by one task for each host that has been read.
 *
 * `out` counts these tasks, and one for compare_now() until all are sent: whoever brings it to 0
 * answers, and frees what was collected. A volume is a stray if its name is ours and no row or
 * domain of any host has its uuid or path.
 */
#include "ops/compare.h"

#include "host/uses.h"
#include "memory.h"
#include "ops/op.h"
#include "scope.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OLD_MS = 3600 * 1000, UUID_TEXT = 36 };

/* One host's volumes, read by a worker of that host. */
struct volumes_read {
    struct host_task task; /* first */
    struct comparing *comparing;
    const struct house_host *on;
    struct uses *uses;          /* who uses what there; held */
    struct lodge_strings names; /* of volumes that nobody uses */
};

struct comparing {
    struct ops *ops;
    struct buffer strays;
    size_t stray_count;
    unsigned out;
    compare_fn *answer;
    void *data;
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
        if (vm != NULL && (!rows_only || vm->phase != ROW_NONE)) {
            return true;
        }
    }
    return false;
}

/* As far as the registry knows; who uses it is another question. */
static bool is_stray(struct ops *ops, const struct house_host *on, const char *name,
                     const char *path)
{
    char uuid[37];
    return is_our_naming(name, uuid) && !is_known_anywhere(ops->registry, uuid, false) &&
           !registry_path_is_taken(ops->registry, host_name(on->host), path, NULL);
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
    return vm->phase == ROW_READY && !vm->present && vm->host->facts.synced_at != 0;
}

static bool is_unknown(const struct vm *vm, const char *installation)
{
    return vm->phase == ROW_NONE && vm->present && installation != NULL &&
           strcmp(vm->installation, installation) == 0;
}

static void add_vms(struct ops *ops, struct buffer *json,
                    bool (*wanted)(const struct vm *vm, const char *installation))
{
    const char *installation = ops->store == NULL ? NULL : store_installation(ops->store);
    size_t count = 0;
    struct vm *const *vms = registry_sorted(ops->registry, &count);
    bool comma = false;
    for (size_t i = 0; i < count; i++) {
        if (wanted(vms[i], installation)) {
            add_key(json, vms[i], comma);
            comma = true;
        }
    }
}

static void add_old_ops(struct ops *ops, struct buffer *json)
{
    int64_t now = loop_wall_ms();
    bool comma = false;
    for (const struct op *op = ops->live; op != NULL; op = op->next) {
        if (op->shown == NULL || now - op->shown->facts.started_at < OLD_MS) {
            continue;
        }
        const struct lodge_op *facts = &op->shown->facts;
        buffer_add_format(json, "%s{\"op\":%lld,\"kind\":", comma ? "," : "", (long long)facts->id);
        buffer_add_json_string(json, facts->kind);
        buffer_add_text(json, ",\"vm\":");
        buffer_add_json_string(json, facts->vm);
        buffer_add_format(json,
                          ",\"state\":\"%s\",\"started_at\":", lodge_op_state_name(facts->state));
        buffer_add_json_time(json, facts->started_at);
        buffer_add_char(json, '}');
        comma = true;
    }
}

static void finish(struct comparing *comparing)
{
    struct buffer json = {0};
    buffer_add_text(&json, "{\"missing\":[");
    add_vms(comparing->ops, &json, is_missing);
    buffer_add_text(&json, "],\"unknown_domains\":[");
    add_vms(comparing->ops, &json, is_unknown);
    buffer_add_text(&json, "],\"stray_volumes\":[");
    buffer_add(&json, comparing->strays.data, comparing->strays.length);
    buffer_add_text(&json, "],\"old_ops\":[");
    add_old_ops(comparing->ops, &json);
    buffer_add_text(&json, "]}");
    comparing->answer(comparing->data, &json, comparing->stray_count);
    buffer_free(&json);
    buffer_free(&comparing->strays);
    free(comparing);
}

static bool is_used(const struct volumes_read *volumes, const char *name)
{
    AUTO(free) char *path = storage_path(&volumes->on->place, name);
    struct use_target target = use_target_at(path);
    return uses_find(volumes->uses, &target, NULL).kind != USE_NONE;
}

static void read_volumes(struct host_task *task, struct hand *hand)
{
    struct volumes_read *volumes = (struct volumes_read *)task;
    struct lodge_error err = {0}; /* a host that cannot say has no strays that could be named */
    struct lodge_strings names = {0};
    int64_t free_bytes = 0;
    if (!storage_list(hand, &volumes->on->place, &names, &free_bytes, &err)) {
        return;
    }
    for (size_t i = 0; i < names.count; i++) {
        bool is_wanted = storage_is_our_name(names.items[i]) && !is_used(volumes, names.items[i]);
        if (is_wanted && !lodge_strings_add(&volumes->names, names.items[i])) {
            abort(); /* out of memory, as xmalloc */
        }
    }
    lodge_strings_clear(&names);
}

static void comparing_unref(struct comparing *comparing)
{
    if (--comparing->out == 0) {
        finish(comparing);
    }
}

static void volumes_come(struct host_task *task, bool ran)
{
    struct volumes_read *volumes = (struct volumes_read *)task;
    struct comparing *comparing = volumes->comparing;
    for (size_t i = 0; ran && i < volumes->names.count; i++) {
        const char *name = volumes->names.items[i];
        AUTO(free) char *path = storage_path(&volumes->on->place, name);
        if (is_stray(comparing->ops, volumes->on, name, path)) {
            struct buffer *strays = &comparing->strays;
            comparing->stray_count++;
            buffer_add_text(strays, strays->length > 0 ? ",{\"host\":" : "{\"host\":");
            buffer_add_json_string(strays, host_name(volumes->on->host));
            buffer_add_text(strays, ",\"path\":");
            buffer_add_json_string(strays, path);
            buffer_add_char(strays, '}');
        }
    }
    lodge_strings_clear(&volumes->names);
    uses_release(volumes->uses);
    free(volumes);
    comparing_unref(comparing);
}

static void uses_come(void *data, struct uses *uses, const struct lodge_error *error)
{
    (void)error; /* as above */
    struct volumes_read *volumes = data;
    if (uses == NULL) {
        comparing_unref(volumes->comparing);
        free(volumes);
        return;
    }
    volumes->uses = uses_hold(uses);
    host_submit(volumes->on->host, HOST_LANE_OPS, &volumes->task);
}

void compare_now(struct ops *ops, compare_fn *answer, void *data)
{
    struct comparing *comparing = xcalloc(1, sizeof *comparing);
    comparing->ops = ops;
    comparing->answer = answer;
    comparing->data = data;
    comparing->out = 1; /* ours, until all are asked */
    for (size_t i = 0; i < ops->host_count; i++) {
        struct registry_host *host =
            registry_find_host(ops->registry, host_name(ops->hosts[i].host));
        if (host->facts.synced_at == 0) {
            continue; /* before it has been read, "no domain has it" is empty talk */
        }
        struct volumes_read *volumes = xcalloc(1, sizeof *volumes);
        volumes->task = (struct host_task){.run = read_volumes, .done = volumes_come};
        volumes->comparing = comparing;
        volumes->on = &ops->hosts[i];
        comparing->out++;
        host_ask_uses(ops->hosts[i].host, &ops->hosts[i].place, uses_come, volumes);
    }
    comparing_unref(comparing);
}

static bool find_domain(struct ops *ops, const char *host, const char *uuid,
                        char ret_uuid[static 37], struct lodge_error *err)
{
    const struct vm *vm = registry_find_vm(ops->registry, host, uuid);
    if (vm == NULL || !vm->present) {
        return lodge_fail(err, LODGE_ERROR_NOT_FOUND, "host '%s' has no domain %s", host, uuid);
    }
    if (is_known_anywhere(ops->registry, uuid, true)) {
        return lodge_fail(err, LODGE_ERROR_CONFLICT, "lodge has a row of %s: delete the VM", uuid);
    }
    if (ops->store == NULL || strcmp(vm->installation, store_installation(ops->store)) != 0) {
        return lodge_fail(err, LODGE_ERROR_CONFLICT, "domain %s does not carry this lodge's mark",
                          uuid);
    }
    snprintf(ret_uuid, 37, "%s", uuid);
    return true;
}

static bool find_volume(struct ops *ops, const struct house_host *on, const char *path,
                        struct plan *plan, char ret_uuid[static 37], struct lodge_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    AUTO(free) char *ours = storage_path(&on->place, name);
    if (strcmp(ours, path) != 0 || !is_our_naming(name, ret_uuid)) {
        return lodge_fail(err, LODGE_ERROR_CONFLICT, "%s is not of lodge's naming and place", path);
    }
    if (!is_stray(ops, on, name, path)) {
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
    const struct house_host *on = ops_host(ops, host);
    const struct registry_host *shown = registry_find_host(ops->registry, host);
    if (on == NULL || shown == NULL) {
        return lodge_fail(err, LODGE_ERROR_NOT_FOUND,
                          "no host '%s'; host.list names those there are", host);
    }
    if (shown->facts.synced_at == 0) {
        return lodge_fail(err, LODGE_ERROR_HOST_DOWN, "host '%s' has not been read", host);
    }
    return uuid != NULL ? find_domain(ops, host, uuid, ret_uuid, err)
                        : find_volume(ops, on, path, plan, ret_uuid, err);
}
