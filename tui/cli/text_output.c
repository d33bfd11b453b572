/*
 * text_output: results for people: tables and lines of facts.
 *
 * What is not known is "-" or left out. Standard error gets what must not be mistaken for a row: a
 * host that has not been read, so that a short list is never taken for the whole.
 */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/print.h"
#include "cli/table.h"
#include "cli/terms.h"
#include "contract/contract.h"
#include "memory.h"
#include "scope.h"
#include "text.h"
#include "units.h"

#include <json-c/json.h>
#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

DEFINE_AUTO(struct table *, table_free, NULL);
DEFINE_AUTO(struct json_object *, json_object_put, NULL);

static int64_t seconds_since(int64_t time_ms)
{
    return time_ms == 0 ? LODGE_UNKNOWN : (int64_t)time(NULL) - time_ms / 1000;
}

static const char *number_text(char text[UNIT_TEXT], int64_t number)
{
    snprintf(text, UNIT_TEXT, number < 0 ? "-" : "%lld", (long long)number);
    return text;
}

static char *joined(const struct lodge_strings *list)
{
    char *text = xstrdup("");
    for (size_t i = 0; i < list->count; i++) {
        char *longer = xasprintf("%s%s%s", text, i == 0 ? "" : ",", list->items[i]);
        free(text);
        text = longer;
    }
    return text;
}

static struct json_object *parse_result(const char *result, struct lodge_error *err)
{
    struct json_object *json = json_tokener_parse(result);
    if (!json) {
        lodge_fail(err, LODGE_ERROR_INTERNAL, "the daemon's answer is no JSON");
    }
    return json;
}

/* What one should know of a VM beside its state; NULL: nothing. The caller frees. */
static char *vm_note(const struct lodge_vm *vm)
{
    char since[UNIT_TEXT];
    if (vm->unresponsive != 0) {
        return xasprintf("does not answer, %s",
                         duration_text(since, seconds_since(vm->unresponsive)));
    }
    if (vm->stale != 0) {
        return xasprintf("host away, %s", duration_text(since, seconds_since(vm->stale)));
    }
    return NULL;
}

/* "vCPUs, boot order": what waits for its next boot; NULL: nothing. The caller frees. */
static char *next_boot(const struct lodge_vm *vm)
{
    char *text = NULL;
    for (size_t i = 0; i < vm->pending.count; i++) {
        AUTO(free) char *before = text;
        text = xasprintf("%s%s%s", before ? before : "", before ? ", " : "",
                         lodge_vm_waiting_words(vm->pending.items[i]));
    }
    return text;
}

/* Both, for the end of a line; NULL: nothing. The caller frees. */
static char *all_notes(const struct lodge_vm *vm)
{
    char *note = vm_note(vm);
    AUTO(free) char *boot = next_boot(vm);
    if (!boot) {
        return note;
    }
    AUTO(free) char *first = note;
    return xasprintf("%s%snext boot: %s", first ? first : "", first ? "; " : "", boot);
}

static const struct table_column vm_columns[] = {
    {.title = "NAME", .cut_to = 12},
    {.title = "STATE"},
    {.title = "HOST", .rank = 4},
    {.title = "OWNER", .rank = 5},
    {.title = "VCPU", .right = true, .rank = 2},
    {.title = "MEMORY", .right = true, .rank = 2},
    {.title = "CPU%", .right = true, .rank = 1},
    {.title = "SINCE", .right = true, .rank = 3},
    {.title = "TAGS", .rank = 6},
    {.title = "ADDRESS", .rank = 7},
    {.title = "NOTE", .cut_to = 16},
};

static void add_vm_row(struct table *table, const struct lodge_vm *vm)
{
    char vcpus[UNIT_TEXT];
    char memory[UNIT_TEXT];
    char cpu[UNIT_TEXT];
    char since[UNIT_TEXT];
    AUTO(free) char *tags = joined(&vm->tags);
    AUTO(free) char *note = all_notes(vm);
    const char *cells[] = {
        vm->name,
        lodge_vm_state_name(vm->state),
        vm->host,
        vm->owner,
        number_text(vcpus, vm->vcpus),
        size_text(memory, vm->memory_mib),
        percent_text(cpu, vm->stats.cpu_percent),
        vm->since == 0 ? NULL : duration_text(since, seconds_since(vm->since)),
        tags,
        vm->ips.count > 0 ? vm->ips.items[0] : NULL,
        note,
    };
    _Static_assert(ARRAY_LENGTH(cells) == ARRAY_LENGTH(vm_columns), "a cell per column");
    table_add(table, cells);
}

static void warn_incomplete(struct json_object *json)
{
    struct json_object *hosts = json_object_object_get(json, "incomplete");
    size_t count = hosts ? json_object_array_length(hosts) : 0;
    for (size_t i = 0; i < count; i++) {
        AUTO(free)
        char *name = text_visible(json_object_get_string(json_object_array_get_idx(hosts, i)));
        fprintf(stderr,
                "lodge: host %s has not been read: its VMs may be missing or stale; see"
                " `lodge hosts`\n",
                name ? name : "?");
    }
}

static void say_none(const char *query)
{
    if (query != NULL) {
        print_text(stderr, "no virtual machine matches %s\n", query);
    } else {
        fputs("no virtual machines yet: lodge create makes one (lodge help create)\n", stderr);
    }
}

static bool text_print_vms(const char *result, const char *query, struct lodge_error *err)
{
    AUTO(json_object_put) struct json_object *json = parse_result(result, err);
    AUTO(table_free) struct table *table = table_new(vm_columns, ARRAY_LENGTH(vm_columns));
    struct json_object *vms = json ? json_object_object_get(json, "vms") : NULL;
    size_t count = vms ? json_object_array_length(vms) : 0;
    for (size_t i = 0; i < count; i++) {
        struct lodge_vm vm;
        if (!fields_read(json_object_array_get_idx(vms, i), lodge_vm_fields, FIELDS_LENIENT, &vm,
                         err)) {
            return lodge_fail_in(err, "the daemon's answer");
        }
        add_vm_row(table, &vm);
        lodge_vm_clear(&vm);
    }
    if (!json) {
        return false;
    }
    if (count > 0) {
        table_print(table, print_width(), stdout);
    } else {
        say_none(query);
    }
    fflush(stdout);
    warn_incomplete(json);
    return true;
}

/* One fact a line; nothing for what is not known. */
static void fact(const char *name, const char *value)
{
    if (value && value[0] != '\0' && strcmp(value, "-") != 0) {
        AUTO(free) char *visible = text_visible(value);
        printf("%-12s %s\n", name, visible ? visible : "?");
    }
}

static void print_vm_state(const struct lodge_vm *vm)
{
    char since[UNIT_TEXT];
    AUTO(free) char *reason = vm->reason ? xasprintf(" (%s)", vm->reason) : xstrdup("");
    AUTO(free)
    char *length = vm->since == 0
                       ? xstrdup("")
                       : xasprintf(", for %s", duration_text(since, seconds_since(vm->since)));
    AUTO(free) char *state = xasprintf("%s%s%s", lodge_vm_state_name(vm->state), reason, length);
    AUTO(free) char *note = vm_note(vm);
    AUTO(free) char *boot = next_boot(vm);
    fact("state", state);
    fact("note", note);
    fact("next boot", boot);
}

static void print_vm_size(const struct lodge_vm *vm)
{
    char text[UNIT_TEXT];
    char more[UNIT_TEXT];
    fact("vcpus", number_text(text, vm->vcpus));
    fact("cpu %", percent_text(text, vm->stats.cpu_percent));
    AUTO(free)
    char *memory = vm->stats.memory_rss_mib < 0
                       ? xstrdup(size_text(text, vm->memory_mib))
                       : xasprintf("%s, %s of the host's", size_text(text, vm->memory_mib),
                                   size_text(more, vm->stats.memory_rss_mib));
    fact("memory", memory);
    if (vm->disk_gib >= 0) {
        fact("disk", vm->disk_gib == 0 ? "none" : size_text(text, vm->disk_gib * 1024));
    }
}

static void print_vm_devices(const struct lodge_vm *vm)
{
    char size[UNIT_TEXT];
    for (size_t i = 0; i < vm->disks.count; i++) {
        const struct lodge_disk *disk = &vm->disks.items[i];
        const char *words[] = {disk->target, disk->device, disk->format,
                               disk->size_gib < 0 ? NULL : size_text(size, disk->size_gib * 1024),
                               disk->path};
        AUTO(free) char *line = xstrdup("");
        for (size_t w = 0; w < ARRAY_LENGTH(words); w++) {
            if (words[w]) {
                char *longer = xasprintf("%s%s%s", line, line[0] == '\0' ? "" : "  ", words[w]);
                free(line);
                line = longer;
            }
        }
        fact(i == 0 ? "disks" : "", line);
    }
    for (size_t i = 0; i < vm->nics.count; i++) {
        const struct lodge_nic *nic = &vm->nics.items[i];
        AUTO(free)
        char *line = xasprintf("%s  %s  %s", nic->mac ? nic->mac : "-",
                               nic->network ? nic->network : "-", nic->model ? nic->model : "-");
        fact(i == 0 ? "nics" : "", line);
    }
}

static bool print_vm(const char *result, struct lodge_error *err)
{
    struct lodge_vm vm;
    if (!lodge_vm_from_json(result, &vm, err)) {
        return lodge_fail_in(err, "the daemon's answer");
    }
    AUTO(free) char *tags = joined(&vm.tags);
    AUTO(free) char *ips = joined(&vm.ips);
    AUTO(free) char *boot = joined(&vm.boot);
    fact("name", vm.name);
    fact("host", vm.host);
    fact("uuid", vm.uuid);
    print_vm_state(&vm);
    fact("owner", vm.owner);
    fact("managed", vm.managed ? "yes" : "no");
    fact("tags", tags);
    print_vm_size(&vm);
    print_vm_devices(&vm);
    fact("addresses", ips);
    fact("graphics", vm.graphics);
    fact("firmware", vm.firmware);
    fact("kernel", vm.kernel);
    fact("boot", boot);
    fact("autostart", vm.autostart == LODGE_FLAG_UNKNOWN ? NULL
                      : vm.autostart == LODGE_FLAG_YES   ? "yes"
                                                         : "no");
    lodge_vm_clear(&vm);
    return true;
}
static const struct table_column host_columns[] = {
    {.title = "NAME", .cut_to = 8},
    {.title = "STATE"},
    {.title = "SINCE", .right = true, .rank = 2},
    {.title = "CPUS", .right = true, .rank = 1},
    {.title = "MEMORY", .right = true, .rank = 1},
    {.title = "CPU%", .right = true, .rank = 1},
    {.title = "HYPERVISOR", .rank = 3},
    {.title = "LIBVIRT", .rank = 4},
    {.title = "URI", .rank = 5},
    {.title = "ERROR", .cut_to = 24},
};

static void add_host_row(struct table *table, const struct lodge_host *host)
{
    char since[UNIT_TEXT];
    char cpus[UNIT_TEXT];
    char memory[UNIT_TEXT];
    char cpu[UNIT_TEXT];
    const char *cells[] = {
        host->name,
        lodge_host_state_name(host->state),
        host->since == 0 ? NULL : duration_text(since, seconds_since(host->since)),
        number_text(cpus, host->cpus),
        size_part_text(memory, host->stats.memory_used_mib, host->memory_mib),
        percent_text(cpu, host->stats.cpu_percent),
        host->hypervisor,
        host->libvirt,
        host->uri,
        host->error,
    };
    _Static_assert(ARRAY_LENGTH(cells) == ARRAY_LENGTH(host_columns), "a cell per column");
    table_add(table, cells);
}

static bool print_hosts(const char *result, struct lodge_error *err)
{
    AUTO(json_object_put) struct json_object *json = parse_result(result, err);
    AUTO(table_free) struct table *table = table_new(host_columns, ARRAY_LENGTH(host_columns));
    struct json_object *hosts = json ? json_object_object_get(json, "hosts") : NULL;
    size_t count = hosts ? json_object_array_length(hosts) : 0;
    for (size_t i = 0; i < count; i++) {
        struct lodge_host host;
        if (!fields_read(json_object_array_get_idx(hosts, i), lodge_host_fields, FIELDS_LENIENT,
                         &host, err)) {
            return lodge_fail_in(err, "the daemon's answer");
        }
        add_host_row(table, &host);
        lodge_host_clear(&host);
    }
    if (count > 0) {
        table_print(table, print_width(), stdout);
    }
    return json != NULL;
}

static bool print_info(const char *result, struct lodge_error *err)
{
    static const char *const names[] = {"name", "version", "api", "user", "uid", "role"};
    AUTO(json_object_put) struct json_object *json = parse_result(result, err);
    if (!json) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        fact(names[i], json_object_get_string(json_object_object_get(json, names[i])));
    }
    int64_t started;
    const char *at = json_object_get_string(json_object_object_get(json, "started_at"));
    if (at && time_from_text(at, &started)) {
        char up[UNIT_TEXT];
        fact("up", duration_text(up, seconds_since(started)));
    }
    struct json_object *web = json_object_object_get(json, "web");
    struct json_object *warnings = json_object_object_get(json, "warnings");
    fact("browsers", web == NULL ? "are not answered" : json_object_get_string(web));
    for (size_t i = 0; warnings != NULL && i < json_object_array_length(warnings); i++) {
        fact("warning", json_object_get_string(json_object_array_get_idx(warnings, i)));
    }
    return true;
}

static void text_print_error(const struct command *command, const struct lodge_error *error)
{
    AUTO(free) char *words = terms_for_people(error->message, error->op, command->flags);
    print_text(stderr, "lodge: %s\n", words);
}

const struct output text_output = {
    .vms = text_print_vms,
    .vm = print_vm,
    .hosts = print_hosts,
    .info = print_info,
    .error = text_print_error,
};
