#include "host/roles.h"
#include "host/look.h"
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
enum { CALLS = 4, SHARED_WATCH_CALLS = 2, SHARED_SYNC_CALLS = 3 };
enum { WORKER_IDLE_MS = 10000, CONNECTION_IDLE_MS = 60000, SILENCE_MS = 15000 };

static const char *const names[ROLES] = {[ROLE_WATCH] = "watch", [ROLE_SYNC] = "sync"};

static bool shares(const struct host *host, enum role_name role)
{
    return role != ROLE_WATCH && host->uri.one_world;
}

static unsigned calls_of(const struct host *host, enum role_name role)
{
    bool is_shared = host->uri.one_world && !host->uri.in_process;
    if (role == ROLE_WATCH) {
        return is_shared ? SHARED_WATCH_CALLS : CALLS;
    }
    unsigned most = is_shared ? SHARED_SYNC_CALLS : CALLS;
    return host->options.sync_parallel < most ? host->options.sync_parallel : most;
}

/* Calls of `watch` are answered at once, or libvirt is not there. */
static void watch_silence(struct host *host)
{
    if (host->roles[ROLE_WATCH].out == 0) {
        loop_timer_stop(host->silence);
    } else if (host->uri.one_world && !host->uri.in_process) {
        loop_timer_start(host->silence, SILENCE_MS, 0);
    }
}

static void run_call(struct job *job)
{
    struct host_call *call = (struct host_call *)job;
    virConnectPtr conn = libvirt_connection_get(call->connection);
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
        if (role->out == 0 && call->role == ROLE_SYNC && !shares(host, ROLE_SYNC)) {
            loop_timer_start(host->idle, CONNECTION_IDLE_MS, 0);
        }
    }
    if (fresh && call->is_broken) {
        char reason[sizeof call->error.libvirt.text + 64];
        (void)snprintf(reason, sizeof reason, "the connection to libvirt broke: %s",
                       call->error.libvirt.text);
        fresh = false;
        host_lose(host, reason);
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
        loop_timer_stop(host->idle);
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

void roles_init(struct host *host)
{
    for (enum role_name name = 0; name < ROLES; name++) {
        host->roles[name].last_waiting = &host->roles[name].waiting;
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

static void sync_opened(void *owner, struct libvirt_connection *connection,
                        const struct lodge_error *error)
{
    struct host *host = owner;
    assert(host->roles[ROLE_SYNC].connection == connection);
    if (error == NULL) {
        role_is_open(host, ROLE_SYNC);
        return;
    }
    /* `watch` is up, so libvirt lives; what waits for this connection is begun anew with a sync. */
    log_with(LOG_LEVEL_WARNING, LOG_HOST, &(struct log_fields){.host = host->name}, "%s",
             error->message);
    role_drop(host, ROLE_SYNC);
    host_retry_later(host);
}

static void sync_lost(void *owner, struct libvirt_connection *connection, const char *reason)
{
    (void)connection;
    host_lose(owner, reason);
}

void role_open(struct host *host, enum role_name name)
{
    static const struct libvirt_connection_listener sync_listener = {
        .opened = sync_opened,
        .lost = sync_lost,
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
    role->connection = libvirt_connection_open(host->loop, host->uri.text, &sync_listener, host);
}

void role_drop(struct host *host, enum role_name name)
{
    struct role *role = &host->roles[name];
    struct libvirt_connection *connection = TAKE(role->connection);
    struct workers *pool = TAKE(role->pool);
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
