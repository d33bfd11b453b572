/*
 * wiring: makes everything there is in the daemon, in the order in which one borrows from the
 * other, and takes it down again: closed first, while the loop still runs, and freed when it has
 * run out.
 *
 * The daemon owns all of it but the loop. The store comes at once, later or never, and is then lent
 * to all who can use it (store_opened). Loop-only, but for daemon_new() before the loop runs and
 * the reading of a reload on a worker.
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

struct daemon {
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
    struct rpc_services rpc;
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

/* Roles and owners move into the loop's memory, where they are read from on. */
static void store_opened(void *owner, struct store *store, const struct recall *recall)
{
    struct daemon *daemon = owner;
    daemon->store = store;
    if (store_note(store) != NULL) {
        log_warning(LOG_STORE, "%s", store_note(store));
    }
    for (size_t i = 0; i < recall->user_count; i++) {
        enum user_role known;
        if (user_role_from_name(recall->users[i].role, &known)) {
            people_set_role(daemon->people, recall->users[i].uid, known);
        }
    }
    for (size_t i = 0; i < recall->limit_count; i++) {
        const struct recalled_limits *set = &recall->limits[i];
        registry_set_limits(daemon->registry, set->is_system ? NULL : &set->uid, &set->limits);
    }
    for (size_t i = 0; i < recall->vm_count; i++) {
        registry_set_row(daemon->registry, &recall->vms[i]);
    }
    registry_people_changed(daemon->registry);
    registry_quotas_are_known(daemon->registry);
    fleet_take_store(daemon->fleet, store);
    audit_take_store(daemon->audit, store);
    ops_recover(daemon->ops, recall);
    session_log_take_store(daemon->session_log, store);
    console_set_last(daemon->console, recall->last_session);
}

static void store_failed(void *owner, const char *why)
{
    struct daemon *daemon = owner;
    fleet_lack_store(daemon->fleet, why);
}

static void add_host(struct daemon *daemon, const struct host_config *configured)
{
    struct host_options options = {
        .name = configured->name,
        .uri = configured->uri,
        .settings = daemon->config.host,
    };
    registry_add_host(daemon->registry, configured->name, configured->uri);
    struct host *host = host_new(daemon->loop, &options, &registry_listener, daemon->registry);
    daemon->hosts[daemon->host_count++] = host;
    fleet_add_host(daemon->fleet, host, configured->pool, configured->dir);
}

/* For /readyz. */
static const char *trouble_of(void *owner)
{
    const struct daemon *daemon = owner;
    const char *store = reads_store_trouble(daemon->reads);
    return store != NULL                         ? "the store is not well: lodge doctor says why"
           : registry_is_ready(daemon->registry) ? NULL
                                                 : "hosts are still being read";
}

static struct web_options web_options_of(struct daemon *daemon, const struct config *config)
{
    return (struct web_options){
        .hosts = &config->console.hosts,
        .origins = &config->console.origins,
        .public_url = config->console.public_url,
        .novnc_dir = config->console.novnc_dir,
        .tls_cert = config->console.tls_cert,
        .tls_key = config->console.tls_key,
        .trouble = trouble_of,
        .owner = daemon,
    };
}

static bool open_console(struct daemon *daemon, struct lodge_error *err)
{
    daemon->session_log = session_log_new(daemon->loop);
    daemon->console = console_new(daemon->loop, daemon->registry, daemon->ops, daemon->audit,
                                  daemon->session_log, &daemon->config.console.limits);
    if (daemon->web_fd < 0) {
        return true;
    }
    struct web_options options = web_options_of(daemon, &daemon->config);
    daemon->web = web_door_new(daemon->loop, daemon->console, daemon->web_fd, &options, err);
    return daemon->web != NULL;
}

struct daemon *daemon_new(struct daemon_parts *parts, struct lodge_error *err)
{
    struct daemon *daemon = xcalloc(1, sizeof *daemon);
    daemon->loop = parts->loop;
    daemon->config = parts->config;
    parts->config = (struct config){0};
    daemon->listening = parts->listening;
    daemon->stream = parts->stream;
    daemon->web_fd = parts->web_fd;
    daemon->stream_path = xasprintf("%s.stream", daemon->config.socket);
    daemon->reload = workers_new(daemon->loop, "reload", 1, RELOAD_IDLE_MS);
    daemon->people = people_new(daemon->loop);
    people_set_defaults(daemon->people, role_of(daemon->config.default_role),
                        group_id(daemon->config.admin_group));
    struct store *store = NULL;
    daemon->opener = store_opener_new(daemon->loop, daemon->config.state_dir, &store);
    daemon->registry = registry_new(daemon->loop, daemon->people, boot_number(store));
    registry_set_default_limits(daemon->registry, &daemon->config.quota,
                                &daemon->config.quota_user);
    daemon->fleet = fleet_new(daemon->loop, daemon->registry,
                              &(struct fleet_options){
                                  .image_dirs = daemon->config.image_dirs,
                                  .system_limits = daemon->config.quota,
                                  .user_limits = daemon->config.quota_user,
                              });
    daemon->audit = audit_new(daemon->loop);
    daemon->ops = ops_new(daemon->fleet, all_recipes, daemon->config.ops_per_hour);
    daemon->reads = reads_new(daemon->fleet, daemon->ops);
    daemon->hosts = xcalloc(daemon->config.host_count, sizeof(struct host *));
    for (size_t i = 0; i < daemon->config.host_count; i++) {
        add_host(daemon, &daemon->config.hosts[i]);
    }
    if (!open_console(daemon, err)) {
        return NULL; /* the program ends */
    }
    store_opener_start(daemon->opener,
                       &(struct store_opener_owner){store_opened, store_failed, daemon});
    daemon->upkeep =
        upkeep_new(daemon->ops, daemon->config.op_keep_days, daemon->config.audit_keep_days);
    daemon->rpc = (struct rpc_services){
        .loop = daemon->loop,
        .methods = method_tables,
        .registry = daemon->registry,
        .reads = daemon->reads,
        .audit = daemon->audit,
        .ops = daemon->ops,
        .console = daemon->console,
        .web = daemon->web,
        .stream_path = daemon->stream_path,
        .started_at = loop_wall_ms(),
    };
    return daemon;
}

void daemon_open(struct daemon *daemon)
{
    daemon->door = door_new(&daemon->listening, &daemon->rpc);
    daemon->stream_door = stream_door_new(daemon->loop, daemon->console, daemon->stream.fd);
    for (size_t i = 0; i < daemon->host_count; i++) {
        host_start(daemon->hosts[i]);
    }
    log_info(LOG_MAIN, "lodged " LODGE_VERSION " answers on %s%s%s", daemon->config.socket,
             daemon->web == NULL ? "" : ", browsers at ",
             daemon->web == NULL ? "" : web_door_address(daemon->web));
}

/* Reading the configuration again, on a worker. */
struct reload {
    struct job job; /* first */
    struct daemon *daemon;
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

static void take_over(struct daemon *daemon, struct reload *reload)
{
    struct lodge_error err = {0};
    AUTO(free) char *waits = config_needs_restart(&daemon->config, &reload->config);
    if (waits != NULL) {
        log_warning(LOG_MAIN, "changed, but only a restart takes it over: %s", waits);
    }
    if (reload->config.log_level != NULL && !log_set_levels(reload->config.log_level, &err)) {
        log_error(LOG_MAIN, "%s", err.message);
    }
    people_set_defaults(daemon->people, role_of(reload->config.default_role), reload->admin_group);
    registry_people_changed(daemon->registry);
    ops_set_per_hour(daemon->ops, reload->config.ops_per_hour);
    console_set_limits(daemon->console, &reload->config.console.limits);
    if (daemon->web != NULL) {
        struct web_options web = web_options_of(daemon, &reload->config);
        web_door_reload(daemon->web, &web);
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
    reload->daemon->reloading = NULL;
    if (reload->ok) {
        take_over(reload->daemon, reload);
    } else {
        log_error(LOG_MAIN, "the configuration stays as it was: %s", reload->err.message);
    }
    config_clear(&reload->config);
    free(reload);
}

void daemon_reload(struct daemon *daemon, const struct options *options)
{
    if (daemon->reloading != NULL) {
        log_info(LOG_MAIN, "the configuration is being read already");
        return;
    }
    struct reload *reload = xcalloc(1, sizeof *reload);
    daemon->reloading = reload;
    reload->job.run = reload_run;
    reload->job.letter.deliver = reload_deliver;
    reload->daemon = daemon;
    reload->options = *options;
    workers_submit(daemon->reload, &reload->job);
}

void daemon_close(struct daemon *daemon)
{
    if (daemon->reloading != NULL) {
        atomic_store(&daemon->reloading->job.cancelled, true); /* it may come when we are gone */
    }
    workers_free(TAKE(daemon->reload));
    console_close(daemon->console);
    web_door_close(daemon->web);
    stream_door_close(daemon->stream_door);
    door_close(daemon->door);
    store_opener_free(TAKE(daemon->opener));
    upkeep_free(TAKE(daemon->upkeep));
    fleet_close(daemon->fleet);
    ops_close(daemon->ops);
    reads_close(daemon->reads);
    host_layer_leave();
    for (size_t i = 0; i < daemon->host_count; i++) {
        host_free(daemon->hosts[i]);
    }
    daemon->host_count = 0;
}

void daemon_leave(struct daemon *daemon)
{
    listen_end(daemon->config.socket, &daemon->listening);
    listen_end(daemon->stream_path, &daemon->stream);
    (void)audit_finish(daemon->audit); /* it says so itself */
    session_log_finish(daemon->session_log);
    store_leave(daemon->store);
}
