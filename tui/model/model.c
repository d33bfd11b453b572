/*
 * model: rows by (host, uuid) in a hash table, hosts in a short ordered array.
 *
 * A reset does not empty the screen: what was told before stays, marked as unconfirmed by its
 * telling, and goes when `ready` comes without it having been told again.
 */
#include "model/model.h"

#include "contract/contract.h"
#include "memory.h"
#include "scope.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void model_init(struct model *model, const struct command_set *commands)
{
    *model = (struct model){.commands = commands};
    index_init(&model->by_key);
    lodge_vm_init(&model->detail);
}

static void row_free(struct model_row *row)
{
    lodge_vm_clear(&row->vm);
    free(row);
}

void model_done(struct model *model)
{
    model_forget_ops(model);
    model_forget_sessions(model);
    model_forget_offers(model);
    free(model->activities);
    for (size_t i = 0; i < model->count; i++) {
        row_free(model->rows[i]);
    }
    for (size_t i = 0; i < model->host_count; i++) {
        lodge_host_clear(&model->hosts[i].host);
    }
    lodge_strings_clear(&model->incomplete);
    lodge_vm_clear(&model->detail);
    free(model->rows);
    index_done(&model->by_key);
    free(model->hosts);
    free(model->server.name);
    free(model->server.user);
    free(model->server.role);
}

struct model_row *model_find(const struct model *model, const char *host, const char *uuid)
{
    struct index_link *link = index_first(&model->by_key, index_hash(host, uuid));

    for (; link != NULL; link = index_next(link)) {
        struct model_row *row = CONTAINER_OF(link, struct model_row, link);
        if (strcmp(row->vm.uuid, uuid) == 0 && strcmp(row->vm.host, host) == 0) {
            return row;
        }
    }
    return NULL;
}

struct model_row *model_find_vm(const struct model *model, const char *vm)
{
    const char *slash = vm == NULL ? NULL : strrchr(vm, '/');

    if (slash == NULL) {
        return NULL;
    }
    AUTO(free) char *host = xstrndup(vm, (size_t)(slash - vm));
    return model_find(model, host, slash + 1);
}

static struct model_row *row_new(struct model *model, const struct lodge_vm *vm)
{
    struct model_row *row = xcalloc(1, sizeof *row);

    lodge_vm_init(&row->vm);
    memcpy(row->vm.uuid, vm->uuid, sizeof row->vm.uuid);
    row->vm.host = xstrdup(vm->host);
    row->rank = SIZE_MAX;
    if (model->count == model->capacity) {
        model->capacity = model->capacity == 0 ? 64 : model->capacity * 2;
        model->rows = xrealloc(model->rows, model->capacity * sizeof(struct model_row *));
    }
    row->slot = model->count;
    model->rows[model->count++] = row;
    index_add(&model->by_key, &row->link, index_hash(vm->host, vm->uuid));
    return row;
}

static void row_forget(struct model *model, struct model_row *row)
{
    index_remove(&model->by_key, &row->link);
    model->rows[row->slot] = model->rows[--model->count];
    model->rows[row->slot]->slot = row->slot;
    row_free(row);
}

/* Makes `*held` a copy of `text` that is fit to show. */
static void set_shown_text(char **held, const char *text)
{
    if (text != NULL && *held != NULL && strcmp(*held, text) == 0) {
        return;
    }
    free(*held);
    *held = NULL;
    if (text != NULL) {
        *held = text_visible(text);
        if (*held == NULL) {
            *held = xstrdup("?");
        }
    }
}

static void set_strings(struct lodge_strings *held, const struct lodge_strings *told)
{
    lodge_strings_clear(held);
    for (size_t i = 0; i < told->count; i++) {
        AUTO(free) char *text = NULL;
        set_shown_text(&text, told->items[i]);
        (void)lodge_strings_add(held, text);
    }
}

static void take_stats(struct model_row *row, const struct lodge_vm_stats *stats)
{
    const struct lodge_vm *vm = &row->vm;

    row->vm.stats = *stats;
    history_add(&row->cpu, stats->at, stats->cpu_percent);
    int64_t used =
        stats->memory_used_mib != LODGE_UNKNOWN ? stats->memory_used_mib : stats->memory_rss_mib;
    history_add(&row->memory, stats->at,
                used == LODGE_UNKNOWN || vm->memory_mib <= 0
                    ? NAN
                    : 100.0 * (double)used / (double)vm->memory_mib);
}

static void take_facts(struct model_row *row, const struct lodge_event *event)
{
    const struct lodge_vm *told = &event->vm;
    struct lodge_vm *vm = &row->vm;

    set_shown_text(&vm->name, told->name == NULL ? told->uuid : told->name);
    set_shown_text(&vm->reason, told->reason);
    set_shown_text(&vm->owner, told->owner);
    set_shown_text(&vm->graphics, told->graphics);
    set_strings(&vm->tags, &told->tags);
    set_strings(&vm->pending, &told->pending);
    set_strings(&vm->ips, &told->ips);
    if (vm->state != told->state && told->state != LODGE_VM_RUNNING) {
        /* The load of a guest that stopped is from before. */
        fields_init(lodge_vm_stats_fields, &vm->stats);
    }
    vm->state = told->state;
    vm->since = told->since;
    vm->managed = told->managed;
    vm->vcpus = told->vcpus;
    vm->memory_mib = told->memory_mib;
    vm->disk_gib = told->disk_gib;
    vm->autostart = told->autostart;
    vm->viewers = told->viewers;
    vm->unresponsive = told->unresponsive;
    vm->stale = told->stale;
    vm->op = told->op;
    vm->rev = told->rev > 0 ? told->rev : event->rev;
    if (told->stats.at != 0) {
        take_stats(row, &told->stats);
    }
}

static void apply_vm(struct model *model, const struct lodge_event *event)
{
    const struct lodge_vm *vm = &event->vm;

    if (vm->host == NULL || vm->uuid[0] == '\0') {
        return;
    }
    struct model_row *row = model_find(model, vm->host, vm->uuid);
    model->facts++;
    if (event->type == LODGE_EVENT_REMOVED) {
        if (row != NULL && row->gone_ms == 0) {
            row->gone_ms = model->now_ms;
            model_note(model, false, "%s  gone", row->vm.name);
        }
        return;
    }
    bool is_new = row == NULL;
    row = is_new ? row_new(model, vm) : row;
    struct lodge_vm before = {.state = row->vm.state, .unresponsive = row->vm.unresponsive};
    row->gone_ms = 0;
    row->told = model->telling;
    take_facts(row, event);
    if (!is_new) {
        model_note_vm(model, &before, &row->vm);
    } else if (model->ready && !model->retelling) {
        model_note(model, false, "%s  is there (%s)", row->vm.name,
                   lodge_vm_state_name(row->vm.state));
    }
}

static void apply_sample(struct model *model, const struct lodge_event *event)
{
    const struct lodge_vm *vm = &event->vm;

    model->samples++;
    if (vm->uuid[0] == '\0') {
        struct model_host *host =
            event->host.name == NULL ? NULL : model_find_host(model, event->host.name);
        if (host != NULL) {
            host->host.stats = event->host.stats;
            history_add(&host->cpu, event->host.stats.at, event->host.stats.cpu_percent);
        }
        return;
    }
    struct model_row *row = vm->host == NULL ? NULL : model_find(model, vm->host, vm->uuid);
    if (row != NULL && row->gone_ms == 0) {
        take_stats(row, &vm->stats);
    }
}

struct model_host *model_find_host(const struct model *model, const char *name)
{
    for (size_t i = 0; i < model->host_count; i++) {
        if (strcmp(model->hosts[i].host.name, name) == 0) {
            return &model->hosts[i];
        }
    }
    return NULL;
}

static struct model_host *model_add_host(struct model *model, const char *name)
{
    size_t at = 0;

    (void)ARRAY_GROW(model->hosts, model->host_count);
    while (at + 1 < model->host_count && strcmp(model->hosts[at].host.name, name) < 0) {
        at++;
    }
    struct model_host *host = &model->hosts[at];
    memmove(host + 1, host, (model->host_count - at - 1) * sizeof *host);
    *host = (struct model_host){0};
    lodge_host_init(&host->host);
    host->host.name = xstrdup(name);
    return host;
}

static void take_host_facts(struct lodge_host *host, const struct lodge_host *told)
{
    set_shown_text(&host->uri, told->uri);
    set_shown_text(&host->error, told->error);
    set_shown_text(&host->hypervisor, told->hypervisor);
    set_shown_text(&host->libvirt, told->libvirt);
    set_strings(&host->features, &told->features);
    host->state = told->state;
    host->since = told->since;
    host->synced_at = told->synced_at;
    host->cpus = told->cpus;
    host->memory_mib = told->memory_mib;
    host->rev = told->rev;
    if (told->stats.at != 0) {
        host->stats = told->stats;
    }
}

static void apply_host(struct model *model, const struct lodge_event *event)
{
    if (event->host.name == NULL) {
        return;
    }
    struct model_host *host = model_find_host(model, event->host.name);
    model->facts++;
    if (event->type == LODGE_EVENT_REMOVED) {
        if (host != NULL && host->gone_ms == 0) {
            host->gone_ms = model->now_ms;
        }
        return;
    }
    if (host == NULL) {
        host = model_add_host(model, event->host.name);
    }
    host->gone_ms = 0;
    host->told = model->telling;
    take_host_facts(&host->host, &event->host);
}

/* Everything has been told: what was not, is no more, unless its host has not been read yet. */
static void apply_ready(struct model *model, const struct lodge_event *event)
{
    model->ready = true;
    model->retelling = false;
    model->facts++;
    set_strings(&model->incomplete, &event->incomplete);
    for (size_t i = 0; i < model->count; i++) {
        struct model_row *row = model->rows[i];
        if (row->told != model->telling && row->gone_ms == 0 &&
            !lodge_strings_contain(&model->incomplete, row->vm.host)) {
            row->gone_ms = model->now_ms;
        }
    }
    for (size_t i = 0; i < model->host_count; i++) {
        if (model->hosts[i].told != model->telling && model->hosts[i].gone_ms == 0) {
            model->hosts[i].gone_ms = model->now_ms;
        }
    }
}

void model_apply(struct model *model, const struct lodge_event *event)
{
    switch (event->topic) {
    case LODGE_TOPIC_VM:
        apply_vm(model, event);
        break;
    case LODGE_TOPIC_HOST:
        apply_host(model, event);
        break;
    case LODGE_TOPIC_METRICS:
        apply_sample(model, event);
        break;
    case LODGE_TOPIC_NONE:
        if (event->type == LODGE_EVENT_RESET) {
            model->telling++;
            model_forget_sessions(model); /* those that are there are told again */
            model->retelling = true;
            model->facts++;
        } else if (event->type == LODGE_EVENT_READY) {
            apply_ready(model, event);
        }
        break;
    case LODGE_TOPIC_OP:
        (void)model_apply_op(model, event);
        break;
    case LODGE_TOPIC_SESSION:
        model_apply_session(model, event);
        break;
    case LODGE_TOPIC_QUOTA:
        model_apply_quota(model, event);
        break;
    case LODGE_TOPICS:
        break;
    }
}

void model_set_link(struct model *model, enum link_state state, const char *error)
{
    if (model->link.state != state) {
        model->link.state = state;
        model->link.since_ms = model->now_ms;
    }
    snprintf(model->link.error, sizeof model->link.error, "%s", error == NULL ? "" : error);
    model->facts++;
}

/* Whether all its guests have been told. */
static bool host_is_read(const struct lodge_host *host)
{
    return host->state == LODGE_HOST_UP && host->synced_at != 0;
}

/* Whether a row from before a reset has not been told again though its host has been read since. */
static bool row_is_disowned(const struct model *model, const struct model_row *row)
{
    if (!model->ready || row->told == model->telling || row->gone_ms != 0) {
        return false;
    }
    const struct model_host *host = model_find_host(model, row->vm.host);
    return host != NULL && host->told == model->telling && host_is_read(&host->host);
}

int64_t model_expire(struct model *model)
{
    int64_t next = 0;

    for (size_t i = model->count; i-- > 0;) {
        struct model_row *row = model->rows[i];
        if (row_is_disowned(model, row)) {
            row->gone_ms = model->now_ms;
        }
        if (row->gone_ms == 0) {
            continue;
        }
        if (model->now_ms - row->gone_ms >= GONE_MS) {
            row_forget(model, row);
            model->facts++;
        } else if (next == 0 || row->gone_ms + GONE_MS < next) {
            next = row->gone_ms + GONE_MS;
        }
    }
    for (size_t i = model->host_count; i-- > 0;) {
        struct model_host *host = &model->hosts[i];
        if (host->gone_ms != 0 && model->now_ms - host->gone_ms >= GONE_MS) {
            lodge_host_clear(&host->host);
            memmove(host, host + 1, (--model->host_count - i) * sizeof *host);
            model->facts++;
        }
    }
    return next;
}

void model_take_server(struct model *model, char *name, char *user, char *role)
{
    free(model->server.name);
    free(model->server.user);
    free(model->server.role);
    model->server.name = name;
    model->server.user = user;
    model->server.role = role;
    model->facts++;
}

void model_take_detail(struct model *model, struct lodge_vm *detail)
{
    lodge_vm_clear(&model->detail);
    model->detail = *detail;
    lodge_vm_init(detail);
    model->detail_error[0] = '\0';
    model->facts++;
}

void model_fail_detail(struct model *model, const char *error)
{
    snprintf(model->detail_error, sizeof model->detail_error, "%s", error);
    model->facts++;
}

bool model_row_is_stale(const struct model *model, const struct model_row *row)
{
    return row->vm.stale != 0 || model->link.state != LINK_LIVE || row->told != model->telling;
}

bool model_is_complete(const struct model *model)
{
    for (size_t i = 0; i < model->host_count; i++) {
        if (!host_is_read(&model->hosts[i].host)) {
            return false;
        }
    }
    return model->ready;
}

static void count_row(struct model *model, const struct model_row *row, const char **owner)
{
    struct model_host *host = model_find_host(model, row->vm.host);

    if (host != NULL) {
        host->vms++;
    }
    model->total++;
    model->tagged += row->vm.tags.count > 0;
    if (row->vm.stale != 0 || row->told != model->telling) {
        model->stale++;
    } else if (row->vm.unresponsive != 0) {
        model->hung++;
    } else {
        model->by_state[row->vm.state]++;
    }
    if (row->vm.owner != NULL && model->owners < 2 &&
        (*owner == NULL || strcmp(*owner, row->vm.owner) != 0)) {
        model->owners++;
        *owner = row->vm.owner;
    }
}

void model_count(struct model *model)
{
    const char *owner = NULL;

    memset(model->by_state, 0, sizeof model->by_state);
    model->total = 0;
    model->hung = 0;
    model->stale = 0;
    model->owners = 0;
    model->tagged = 0;
    for (size_t i = 0; i < model->host_count; i++) {
        model->hosts[i].vms = 0;
    }
    for (size_t i = 0; i < model->count; i++) {
        if (model->rows[i]->gone_ms == 0) {
            count_row(model, model->rows[i], &owner);
        }
    }
}
