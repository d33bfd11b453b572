/*
 * roles: a role has a connection, a pool of workers as long as that is open, and a list of calls
 * that wait for it to open. A call holds its host from the submit on, and its connection from its
 * start, until it was delivered.
 *
 * `fresh` says that nothing was dropped meanwhile: the host's generation is that of the submit, and
 * nobody cancelled the call. A connection that breaks ends its role alone where the role is apart
 * (ops, rescue, read, screen), else the host is lost. Loop-only, but for run_call().
 */
#include "host/roles.h"
#include "log.h"
#include "memory.h"
#include "scope.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* libvirtd serves 5 calls of a connection at a time (max_client_requests) and drops one that has 5
 * stuck ones, so at most 4 are out on any. Where one connection serves all roles it is 5, which
 * none of the made-up worlds that need it can get stuck; and there is no `pulse` there, so that a
 * call which is out for too long takes its place. */
enum { CALLS = 4, RESCUE_CALLS = 3, SHARED_WATCH_CALLS = 2, SHARED_SYNC_CALLS = 3 };
enum { WORKER_IDLE_MS = 10000, CONNECTION_IDLE_MS = 60000, SILENCE_MS = 15000 };

static const char *const names[ROLES] = {
    [ROLE_WATCH] = "watch",
    [ROLE_SYNC] = "sync",
    [ROLE_OPS] = "ops",
    [ROLE_RESCUE] = "rescue",
    [ROLE_READ... ROLE_READ_LAST] = "read",
    [ROLE_SCREEN... ROLE_SCREEN_LAST] = "screen",
};

static bool shares(const struct host *host, enum role_name role)
{
    return role != ROLE_WATCH && host->uri.one_world;
}

/* Its loss is no loss of the host. */
static bool is_apart(const struct host *host, enum role_name role)
{
    return role != ROLE_WATCH && role != ROLE_SYNC && !shares(host, role);
}

static unsigned calls_of(const struct host *host, enum role_name role)
{
    bool is_shared = host->uri.one_world && !host->uri.in_process;
    if (role == ROLE_WATCH) {
        return is_shared ? SHARED_WATCH_CALLS : CALLS;
    }
    if (role == ROLE_RESCUE) {
        return RESCUE_CALLS;
    }
    if (role >= ROLE_READ) {
        return 1; /* of `screen` too */
    }
    if (role == ROLE_OPS) {
        return is_shared ? SHARED_SYNC_CALLS : CALLS;
    }
    unsigned most = is_shared ? SHARED_SYNC_CALLS : CALLS;
    return host->options.sync_parallel < most ? host->options.sync_parallel : most;
}

/* Calls of `watch` are answered at once, or libvirt is not there. */
static void watch_silence(struct host *host)
{
    if (host->roles[ROLE_WATCH].out == 0) {
        loop_timer_stop(host->silence);
    } else if (!host->has_pulse && !host->uri.in_process) {
        loop_timer_start(host->silence, SILENCE_MS, 0);
    }
}

/* A connection of a role that is apart broke. What else is out on it ends too. */
static void drop_apart(struct host *host, enum role_name name)
{
    role_drop(host, name);
    host->hooks->role_lost(host, name);
}

static void run_call(struct job *job)
{
    struct host_call *call = (struct host_call *)job;
    virConnectPtr conn = libvirt_connection_get(call->connection);
    call->ran = true;
    call->run(call, conn);
    call->is_broken = libvirt_connection_is_broken(conn, &call->error);
}

static void deliver_call(struct letter *letter)
{
    struct host_call *call = (struct host_call *)letter;
    struct host *host = call->host;
    struct role *role = &host->roles[call->role];
    bool cancelled = atomic_load(&call->job.cancelled);
    bool fresh = !host->ended && call->generation == host->generation && !cancelled;

    if (call->connection != NULL && call->connection == role->connection) {
        role->out--;
        if (call->role == ROLE_WATCH) {
            watch_silence(host);
        }
        if (role->out == 0 && call->role != ROLE_WATCH && !shares(host, call->role)) {
            loop_timer_start(role->idle, CONNECTION_IDLE_MS, 0);
        }
    }
    if (fresh && call->is_broken && is_apart(host, call->role)) {
        drop_apart(host, call->role); /* `watch` has its own word */
    } else if (fresh && call->is_broken) {
        char reason[sizeof call->error.libvirt.text + 64];
        (void)snprintf(reason, sizeof reason, "the connection to libvirt broke: %s",
                       call->error.libvirt.text);
        fresh = false;
        host->hooks->lost(host, reason);
    }
    call->done(call, fresh);
    if (call->connection != NULL) {
        libvirt_connection_release(call->connection);
    }
    free(call);
    host_unref(host);
}

static void start_call(struct host *host, struct host_call *call)
{
    struct role *role = &host->roles[call->role];
    call->connection = role->connection;
    libvirt_connection_use(role->connection);
    role->out++;
    if (call->role == ROLE_WATCH) {
        watch_silence(host);
    } else {
        loop_timer_stop(role->idle);
    }
    workers_submit(role->pool, &call->job);
}

void role_submit(struct host *host, enum role_name name, struct host_call *call)
{
    struct role *role = &host->roles[name];
    host_ref(host);
    call->job.run = run_call;
    call->job.letter.deliver = deliver_call;
    call->host = host;
    call->role = name;
    call->generation = host->generation;
    call->serial = host->serial;
    if (role->is_open) {
        start_call(host, call);
        return;
    }
    call->next = NULL;
    *role->last_waiting = call;
    role->last_waiting = &call->next;
    role_open(host, name);
}

static void role_is_idle(void *owner)
{
    struct role *role = owner;
    if (role->out == 0) {
        role_drop(role->host, (enum role_name)(role - role->host->roles));
    }
}

static enum role_name free_of(const struct host *host, enum role_name first, enum role_name last)
{
    enum role_name free_one = first;
    for (enum role_name name = last; name >= first; name--) {
        const struct role *role = &host->roles[name];
        if (role->is_open && role->out == 0) {
            return name;
        }
        free_one = role->out == 0 && role->waiting == NULL ? name : free_one;
    }
    return free_one;
}

enum role_name role_of_screen(const struct host *host)
{
    return free_of(host, ROLE_SCREEN, ROLE_SCREEN_LAST);
}

enum role_name role_of_read(const struct host *host)
{
    return free_of(host, ROLE_READ, ROLE_READ_LAST);
}

void roles_init(struct host *host)
{
    for (enum role_name name = 0; name < ROLES; name++) {
        struct role *role = &host->roles[name];
        role->host = host;
        role->last_waiting = &role->waiting;
        role->idle = name == ROLE_WATCH ? NULL : loop_timer_new(host->loop, role_is_idle, role);
    }
}

void roles_end(struct host *host)
{
    for (enum role_name name = 0; name < ROLES; name++) {
        loop_timer_free(TAKE(host->roles[name].idle));
    }
}

static struct host_call *take_waiting(struct role *role)
{
    struct host_call *first = role->waiting;
    role->waiting = NULL;
    role->last_waiting = &role->waiting;
    return first;
}

void role_is_open(struct host *host, enum role_name name)
{
    struct role *role = &host->roles[name];
    role->is_open = true;
    role->pool = workers_new(host->loop, names[name], calls_of(host, name), WORKER_IDLE_MS);
    for (struct host_call *call = take_waiting(role), *next; call != NULL; call = next) {
        next = call->next;
        start_call(host, call);
    }
}

static enum role_name role_of(const struct host *host, const struct libvirt_connection *connection)
{
    enum role_name name = 0;
    while (name < ROLES && host->roles[name].connection != connection) {
        name++;
    }
    return name;
}

static void role_opened(void *owner, struct libvirt_connection *connection,
                        const struct lodge_error *error)
{
    struct host *host = owner;
    enum role_name name = role_of(host, connection);
    assert(name < ROLES);
    if (error == NULL) {
        role_is_open(host, name);
        return;
    }
    /* `watch` is up, so libvirt lives; what waits for `sync` is begun anew with a sync, what waits
     * for the others is told that it never ran. */
    log_with(LOG_LEVEL_WARNING, LOG_HOST, &(struct log_fields){.host = host->name}, "%s",
             error->message);
    drop_apart(host, name);
    if (name == ROLE_SYNC) {
        host_retry_later(host);
    }
}

static void role_lost(void *owner, struct libvirt_connection *connection, const char *reason)
{
    struct host *host = owner;
    enum role_name name = role_of(host, connection);
    if (is_apart(host, name)) {
        drop_apart(host, name);
    } else {
        host->hooks->lost(host, reason);
    }
}

void role_open(struct host *host, enum role_name name)
{
    static const struct libvirt_connection_listener listener = {
        .opened = role_opened,
        .lost = role_lost,
    };
    struct role *role = &host->roles[name];
    if (role->connection != NULL) {
        return;
    }
    if (shares(host, name)) {
        if (host->roles[ROLE_WATCH].is_open) {
            role->connection = host->roles[ROLE_WATCH].connection;
            role_is_open(host, name);
        }
        return;
    }
    role->connection = libvirt_connection_open(host->loop, host->uri.text, &listener, host);
}

void role_drop(struct host *host, enum role_name name)
{
    struct role *role = &host->roles[name];
    struct libvirt_connection *connection = TAKE(role->connection);
    struct workers *pool = TAKE(role->pool);
    if (role->idle != NULL) {
        loop_timer_stop(role->idle);
    }
    struct host_call *waiting = take_waiting(role);
    role->is_open = false;
    role->out = 0;
    workers_free(pool);
    for (struct host_call *call = waiting, *next; call != NULL; call = next) {
        next = call->next;
        atomic_store(&call->job.cancelled, true);
        deliver_call(&call->job.letter);
    }
    if (!shares(host, name)) {
        libvirt_connection_drop(connection);
    }
}
