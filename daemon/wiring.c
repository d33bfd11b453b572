/*
 * wiring: makes everything there is in the daemon, in the order in which one borrows from the
 * other, and takes it down again: closed first, while the loop still runs, and freed when it has
 * run out.
 *
 * The house owns all of it but the loop. The store comes at once, later or never, and is then lent
 * to all who can use it (store_opened). Loop-only, but for house_new() before the loop runs and the
 * reading of a reload on a worker.
 */
#include "wiring.h"

#include "console/console.h"
#include "console/stream_door.h"
#include "console/web_door.h"
#include "fleet.h"
#include "host/host.h"
#include "log.h"
#include "loop/workers.h"
#include "memory.h"
#include "ops/ops.h"
#include "options.h"
#include "reads/audit.h"
#include "reads/reads.h"
#include "reads/session_log.h"
#include "reads/upkeep.h"
#include "registry/registry.h"
#include "rpc/door.h"
#include "rpc/method.h"
#include "scope.h"
#include "store/recall.h"
#include "store_opener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/random.h>

enum { RELOAD_IDLE_MS = 1000 };

struct house {
    struct loop *loop;
    struct config config;
    struct listening listening;
    struct listening stream;
    char *stream_path;
    int web_fd;
    struct store_opener *opener;
    struct store *store; /* NULL until it is open */
    struct people *people;
    struct registry *registry;
    struct fleet *fleet;
    struct reads *reads;
    struct audit *audit;
    struct ops *ops;
    struct upkeep *upkeep;
    struct session_log *session_log;
    struct console *console;
    struct stream_door *stream_door;
    struct web_door *web; /* NULL: browsers are not answered */
    struct host **hosts;
    size_t host_count;
    struct door *door;
    struct rpc_house rpc;
    struct workers *reload;   /* reading files and asking NSS may block */
    struct reload *reloading; /* one at a time */
};

/* Without a store there is no count of starts: a number that no count will reach takes its place,
 * random so that revisions of two such starts do not match. */
static uint64_t boot_number(struct store *store)
{
    struct lodge_error err = {0};
    int64_t boot = 0;
    if (store != NULL && store_count_boot(store, &boot, &err)) {
        return (uint64_t)boot;
    }
    if (store != NULL) {
        log_error(LOG_STORE, "this start could not be counted: %s", err.message);
    }
    uint32_t number = 0;
    ssize_t got = getrandom(&number, sizeof number, GRND_NONBLOCK);
    (void)got; /* zero is as good: what matters is being out of the way of counted starts */
    return (1u << 19) + number % (1u << 19);
}

static enum user_role role_of(enum default_role configured)
{
    switch (configured) {
    case DEFAULT_ROLE_USER:
        return ROLE_USER;
    case DEFAULT_ROLE_VIEWER:
        return ROLE_VIEWER;
    case DEFAULT_ROLE_NONE:
        return ROLE_NONE;
    }
    return ROLE_NONE;
}

/* May block in NSS. -1 for no group. */
static gid_t group_id(const char *name)
{
    if (name == NULL) {
        return (gid_t)-1;
    }
    struct group entry;
    struct group *found = NULL;
    enum { ROOM = 65536 };
    AUTO(free) char *room = xmalloc(ROOM);
    if (getgrnam_r(name, &entry, room, ROOM, &found) != 0 || found == NULL) {
        log_warning(LOG_MAIN,
                    "admin_group '%s' does not exist: only root and lodged's own user are "
                    "admins",
                    name);
        return (gid_t)-1;
    }
    return found->gr_gid;
}

static const enum row_phase phases[] = {
    [VM_PHASE_READY] = ROW_READY,
    [VM_PHASE_CREATING] = ROW_CREATING,
    [VM_PHASE_DELETING] = ROW_DELETING,
    [VM_PHASE_ERROR] = ROW_ERROR,
};

static void learn_vm(struct house *house, const struct vm_row *row)
{
    AUTO(free) struct registry_disk *disks = xcalloc(row->disk_count + 1, sizeof *disks);
    for (size_t i = 0; i < row->disk_count; i++) {
        const struct disk_row *disk = &row->disks[i];
        disks[i] = (struct registry_disk){
            .target = disk->target,
            .volume = disk->volume,
            .path = disk->path,
            .format = disk->format,
            .size_gib = disk->size_gib,
            .ours = disk->ours,
        };
    }
    registry_set_row(house->registry, &(struct registry_row){
                                          .host = row->host,
                                          .uuid = row->uuid,
                                          .name = row->name,
                                          .owner = row->owner,
                                          .phase = phases[row->phase],
                                          .vcpus = row->vcpus,
                                          .memory_mib = row->memory_mib,
                                          .disk_gib = row->disk_gib,
                                          .disks = disks,
                                          .disk_count = row->disk_count,
                                          .serial_log = row->serial_log,
                                      });
}

/* Roles and owners move into the loop's memory, where they are read from on. */
static void store_opened(void *owner, struct store *store, const struct recall *recall)
{
    struct house *house = owner;
    house->store = store;
    if (store_note(store) != NULL) {
        log_warning(LOG_STORE, "%s", store_note(store));
    }
    for (size_t i = 0; i < recall->user_count; i++) {
        enum user_role known;
        if (user_role_from_name(recall->users[i].role, &known)) {
            people_set_role(house->people, recall->users[i].uid, known);
        }
    }
    for (size_t i = 0; i < recall->limit_count; i++) {
        const struct recalled_limits *set = &recall->limits[i];
        registry_set_limits(house->registry, set->is_system ? NULL : &set->uid, &set->limits);
    }
    for (size_t i = 0; i < recall->vm_count; i++) {
        learn_vm(house, &recall->vms[i]);
    }
    registry_people_changed(house->registry);
    registry_quotas_are_known(house->registry);
    fleet_take_store(house->fleet, store);
    audit_take_store(house->audit, store);
    ops_recover(house->ops, recall);
    session_log_take_store(house->session_log, store);
    console_set_last(house->console, recall->last_session);
}

static void store_failed(void *owner, const char *why)
{
    struct house *house = owner;
    fleet_lack_store(house->fleet, why);
}

static void add_host(struct house *house, const struct host_config *configured)
{
    struct host_options options = {
        .name = configured->name,
        .uri = configured->uri,
        .sync_parallel = house->config.sync_parallel,
        .sync_interval_s = house->config.sync_interval_s,
        .stats_interval_ms = house->config.stats_interval_ms,
        .stats_deadline_ms = house->config.stats_deadline_ms,
    };
    registry_add_host(house->registry, configured->name, configured->uri);
    struct host *host = host_new(house->loop, &options, &registry_listener, house->registry);
    house->hosts[house->host_count++] = host;
    fleet_add_host(house->fleet, host, configured->pool, configured->dir);
}

static struct console_limits console_limits_of(const struct config *config)
{
    return (struct console_limits){
        .ticket_ttl_s = config->console.ticket_ttl_s,
        .idle_s = config->console.idle_s,
        .max_s = config->console.max_s,
        .per_user = config->console.per_user,
        .per_vm = config->console.per_vm,
    };
}

/* For /readyz. */
static const char *trouble_of(void *owner)
{
    const struct house *house = owner;
    const char *store = reads_store_trouble(house->reads);
    return store != NULL                        ? "the store is not well: lodge doctor says why"
           : registry_is_ready(house->registry) ? NULL
                                                : "hosts are still being read";
}

static struct web_options web_options_of(struct house *house, const struct config *config)
{
    return (struct web_options){
        .hosts = &config->console.hosts,
        .origins = &config->console.origins,
        .public_url = config->console.public_url,
        .novnc_dir = config->console.novnc_dir,
        .tls_cert = config->console.tls_cert,
        .tls_key = config->console.tls_key,
        .trouble = trouble_of,
        .owner = house,
    };
}

static bool open_console(struct house *house, struct lodge_error *err)
{
    struct console_limits limits = console_limits_of(&house->config);
    house->session_log = session_log_new(house->loop);
    house->console = console_new(house->loop, house->registry, house->ops, house->audit,
                                 house->session_log, &limits);
    if (house->web_fd < 0) {
        return true;
    }
    struct web_options options = web_options_of(house, &house->config);
    house->web = web_door_new(house->loop, house->console, house->web_fd, &options, err);
    return house->web != NULL;
}

struct house *house_new(struct house_parts *parts, struct lodge_error *err)
{
    struct house *house = xcalloc(1, sizeof *house);
    house->loop = parts->loop;
    house->config = parts->config;
    parts->config = (struct config){0};
    house->listening = parts->listening;
    house->stream = parts->stream;
    house->web_fd = parts->web_fd;
    house->stream_path = xasprintf("%s.stream", house->config.socket);
    house->reload = workers_new(house->loop, "reload", 1, RELOAD_IDLE_MS);
    house->people = people_new(house->loop);
    people_set_defaults(house->people, role_of(house->config.default_role),
                        group_id(house->config.admin_group));
    struct store *store = NULL;
    house->opener = store_opener_new(house->loop, house->config.state_dir, &store);
    house->registry = registry_new(house->loop, house->people, boot_number(store));
    registry_set_default_limits(house->registry, &house->config.quota, &house->config.quota_user);
    house->fleet = fleet_new(house->loop, house->registry,
                             &(struct fleet_options){
                                 .image_dirs = house->config.image_dirs,
                                 .system_limits = house->config.quota,
                                 .user_limits = house->config.quota_user,
                             });
    house->audit = audit_new(house->loop);
    house->ops = ops_new(house->fleet, all_recipes, house->config.ops_per_hour);
    house->reads = reads_new(house->fleet, house->ops);
    house->hosts = xcalloc(house->config.host_count, sizeof(struct host *));
    for (size_t i = 0; i < house->config.host_count; i++) {
        add_host(house, &house->config.hosts[i]);
    }
    if (!open_console(house, err)) {
        return NULL; /* the program ends */
    }
    store_opener_start(house->opener,
                       &(struct store_opener_owner){store_opened, store_failed, house});
    house->upkeep =
        upkeep_new(house->ops, house->config.op_keep_days, house->config.audit_keep_days);
    house->rpc = (struct rpc_house){
        .loop = house->loop,
        .methods = method_tables,
        .registry = house->registry,
        .reads = house->reads,
        .audit = house->audit,
        .ops = house->ops,
        .console = house->console,
        .web = house->web,
        .stream_path = house->stream_path,
        .started_at = loop_wall_ms(),
    };
    return house;
}

void house_open(struct house *house)
{
    house->door = door_new(&house->listening, &house->rpc);
    house->stream_door = stream_door_new(house->loop, house->console, house->stream.fd);
    for (size_t i = 0; i < house->host_count; i++) {
        host_start(house->hosts[i]);
    }
    log_info(LOG_MAIN, "lodged " LODGE_VERSION " answers on %s%s%s", house->config.socket,
             house->web == NULL ? "" : ", browsers at ",
             house->web == NULL ? "" : web_door_address(house->web));
}

/* Reading the configuration again, on a worker. */
struct reload {
    struct job job; /* first */
    struct house *house;
    struct options options; /* its texts are argv's */
    struct config config;
    gid_t admin_group;
    struct lodge_error err;
    bool ok;
};

static void reload_run(struct job *job)
{
    struct reload *reload = (struct reload *)job;
    reload->ok = config_load(&reload->options, &reload->config, &reload->err);
    reload->admin_group = reload->ok ? group_id(reload->config.admin_group) : (gid_t)-1;
}

static void take_over(struct house *house, struct reload *reload)
{
    struct lodge_error err = {0};
    AUTO(free) char *waits = config_needs_restart(&house->config, &reload->config);
    if (waits != NULL) {
        log_warning(LOG_MAIN, "changed, but only a restart takes it over: %s", waits);
    }
    if (reload->config.log_level != NULL && !log_set_levels(reload->config.log_level, &err)) {
        log_error(LOG_MAIN, "%s", err.message);
    }
    people_set_defaults(house->people, role_of(reload->config.default_role), reload->admin_group);
    registry_people_changed(house->registry);
    ops_set_per_hour(house->ops, reload->config.ops_per_hour);
    struct console_limits limits = console_limits_of(&reload->config);
    console_set_limits(house->console, &limits);
    if (house->web != NULL) {
        struct web_options web = web_options_of(house, &reload->config);
        web_door_reload(house->web, &web);
    }
    log_info(LOG_MAIN, "configuration read again");
}

static void reload_deliver(struct letter *letter)
{
    struct reload *reload = (struct reload *)letter;
    if (atomic_load(&reload->job.cancelled)) {
        config_clear(&reload->config);
        free(reload);
        return;
    }
    reload->house->reloading = NULL;
    if (reload->ok) {
        take_over(reload->house, reload);
    } else {
        log_error(LOG_MAIN, "the configuration stays as it was: %s", reload->err.message);
    }
    config_clear(&reload->config);
    free(reload);
}

void house_reload(struct house *house, const struct options *options)
{
    if (house->reloading != NULL) {
        log_info(LOG_MAIN, "the configuration is being read already");
        return;
    }
    struct reload *reload = xcalloc(1, sizeof *reload);
    house->reloading = reload;
    reload->job.run = reload_run;
    reload->job.letter.deliver = reload_deliver;
    reload->house = house;
    reload->options = *options;
    workers_submit(house->reload, &reload->job);
}

void house_close(struct house *house)
{
    if (house->reloading != NULL) {
        atomic_store(&house->reloading->job.cancelled, true); /* it may come when we are gone */
    }
    workers_free(TAKE(house->reload));
    console_close(house->console);
    web_door_close(house->web);
    stream_door_close(house->stream_door);
    door_close(house->door);
    store_opener_free(TAKE(house->opener));
    upkeep_free(TAKE(house->upkeep));
    fleet_close(house->fleet);
    ops_close(house->ops);
    reads_close(house->reads);
    host_layer_leave();
    for (size_t i = 0; i < house->host_count; i++) {
        host_free(house->hosts[i]);
    }
    house->host_count = 0;
}

void house_leave(struct house *house)
{
    listen_end(house->config.socket, &house->listening);
    listen_end(house->stream_path, &house->stream);
    (void)audit_finish(house->audit); /* it says so itself */
    session_log_finish(house->session_log);
    store_leave(house->store);
}
