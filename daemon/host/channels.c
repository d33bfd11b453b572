/*
 * channels: a channel has a connection, a pool of workers as long as that is open, and a list of
 * calls that wait for it to open. A call holds its host from the submit on, and its connection from
 * its start, until it was delivered.
 *
 * `current` says that nothing was dropped meanwhile: the host's generation is that of the submit,
 * and nobody cancelled the call. A connection that breaks ends its channel alone where the channel
 * is apart (ops, rescue, read, screen), else the host is lost. Loop-only, but for call_run().
 */
#include "host/channels.h"
#include "log.h"
#include "memory.h"
#include "scope.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* libvirtd serves 5 calls of a connection at a time (max_client_requests) and drops one that has 5
 * stuck ones, so at most 4 are out on any. Where one connection serves all channels it is 5, which
 * none of the made-up worlds that need it can get stuck; and there is no `pulse` there, so that a
 * call which is out for too long takes its place. */
enum { CALLS = 4, RESCUE_CALLS = 3, SHARED_WATCH_CALLS = 2, SHARED_SYNC_CALLS = 3 };
enum { WORKER_IDLE_MS = 10000, CONNECTION_IDLE_MS = 60000, SILENCE_MS = 15000 };

static const char *const names[CHANNELS] = {
    [CHANNEL_WATCH] = "watch",
    [CHANNEL_SYNC] = "sync",
    [CHANNEL_OPS] = "ops",
    [CHANNEL_RESCUE] = "rescue",
    [CHANNEL_READ... CHANNEL_READ_LAST] = "read",
    [CHANNEL_SCREEN... CHANNEL_SCREEN_LAST] = "screen",
};

static bool shares(const struct host *host, enum channel_name channel)
{
    return channel != CHANNEL_WATCH && host->uri.one_world;
}

/* Its loss is no loss of the host. */
static bool is_apart(const struct host *host, enum channel_name channel)
{
    return channel != CHANNEL_WATCH && channel != CHANNEL_SYNC && !shares(host, channel);
}

static unsigned calls_of(const struct host *host, enum channel_name channel)
{
    bool is_shared = host->uri.one_world && !host->uri.in_process;
    if (channel == CHANNEL_WATCH) {
        return is_shared ? SHARED_WATCH_CALLS : CALLS;
    }
    if (channel == CHANNEL_RESCUE) {
        return RESCUE_CALLS;
    }
    if (channel >= CHANNEL_READ) {
        return 1; /* of `screen` too */
    }
    if (channel == CHANNEL_OPS) {
        return is_shared ? SHARED_SYNC_CALLS : CALLS;
    }
    unsigned most = is_shared ? SHARED_SYNC_CALLS : CALLS;
    return host->options.settings.sync_parallel < most ? host->options.settings.sync_parallel
                                                       : most;
}

/* Calls of `watch` are answered at once, or libvirt is not there. */
static void watch_silence(struct host *host)
{
    if (host->channels[CHANNEL_WATCH].out == 0) {
        loop_timer_stop(host->silence);
    } else if (!host->has_pulse && !host->uri.in_process) {
        loop_timer_start(host->silence, SILENCE_MS, 0);
    }
}

/* A connection of a channel that is apart broke. What else is out on it ends too. */
static void drop_apart(struct host *host, enum channel_name name)
{
    channel_drop(host, name);
    host->hooks->channel_lost(host, name);
}

static void call_run(struct job *job)
{
    struct host_call *call = (struct host_call *)job;
    virConnectPtr conn = libvirt_connection_get(call->connection);
    call->ran = true;
    call->run(call, conn);
    call->is_broken = libvirt_connection_is_broken(conn, &call->error);
}

static void call_deliver(struct letter *letter)
{
    struct host_call *call = (struct host_call *)letter;
    struct host *host = call->host;
    struct channel *channel = &host->channels[call->channel];
    bool cancelled = atomic_load(&call->job.cancelled);
    bool current = !host->ended && call->generation == host->generation && !cancelled;

    if (call->connection != NULL && call->connection == channel->connection) {
        channel->out--;
        if (call->channel == CHANNEL_WATCH) {
            watch_silence(host);
        }
        if (channel->out == 0 && call->channel != CHANNEL_WATCH && !shares(host, call->channel)) {
            loop_timer_start(channel->idle, CONNECTION_IDLE_MS, 0);
        }
    }
    if (current && call->is_broken && is_apart(host, call->channel)) {
        drop_apart(host, call->channel); /* `watch` has its own word */
    } else if (current && call->is_broken) {
        char reason[sizeof call->error.libvirt.text + 64];
        (void)snprintf(reason, sizeof reason, "the connection to libvirt broke: %s",
                       call->error.libvirt.text);
        current = false;
        host->hooks->lost(host, reason);
    }
    call->done(call, current);
    if (call->connection != NULL) {
        libvirt_connection_release(call->connection);
    }
    free(call);
    host_unref(host);
}

static void start_call(struct host *host, struct host_call *call)
{
    struct channel *channel = &host->channels[call->channel];
    call->connection = channel->connection;
    libvirt_connection_use(channel->connection);
    channel->out++;
    if (call->channel == CHANNEL_WATCH) {
        watch_silence(host);
    } else {
        loop_timer_stop(channel->idle);
    }
    workers_submit(channel->pool, &call->job);
}

void channel_submit(struct host *host, enum channel_name name, struct host_call *call)
{
    struct channel *channel = &host->channels[name];
    host_ref(host);
    call->job.run = call_run;
    call->job.letter.deliver = call_deliver;
    call->host = host;
    call->channel = name;
    call->generation = host->generation;
    call->serial = host->serial;
    if (channel->is_open) {
        start_call(host, call);
        return;
    }
    call->next = NULL;
    *channel->last_waiting = call;
    channel->last_waiting = &call->next;
    channel_open(host, name);
}

static void channel_is_idle(void *owner)
{
    struct channel *channel = owner;
    if (channel->out == 0) {
        channel_drop(channel->host, (enum channel_name)(channel - channel->host->channels));
    }
}

static enum channel_name free_of(const struct host *host, enum channel_name first,
                                 enum channel_name last)
{
    enum channel_name free_one = first;
    for (enum channel_name name = last; name >= first; name--) {
        const struct channel *channel = &host->channels[name];
        if (channel->is_open && channel->out == 0) {
            return name;
        }
        free_one = channel->out == 0 && channel->waiting == NULL ? name : free_one;
    }
    return free_one;
}

enum channel_name channel_for_screen(const struct host *host)
{
    return free_of(host, CHANNEL_SCREEN, CHANNEL_SCREEN_LAST);
}

enum channel_name channel_for_read(const struct host *host)
{
    return free_of(host, CHANNEL_READ, CHANNEL_READ_LAST);
}

void channels_init(struct host *host)
{
    for (enum channel_name name = 0; name < CHANNELS; name++) {
        struct channel *channel = &host->channels[name];
        channel->host = host;
        channel->last_waiting = &channel->waiting;
        channel->idle =
            name == CHANNEL_WATCH ? NULL : loop_timer_new(host->loop, channel_is_idle, channel);
    }
}

void channels_end(struct host *host)
{
    for (enum channel_name name = 0; name < CHANNELS; name++) {
        loop_timer_free(TAKE(host->channels[name].idle));
    }
}

static struct host_call *channel_take_waiting(struct channel *channel)
{
    struct host_call *first = channel->waiting;
    channel->waiting = NULL;
    channel->last_waiting = &channel->waiting;
    return first;
}

void channel_start(struct host *host, enum channel_name name)
{
    struct channel *channel = &host->channels[name];
    channel->is_open = true;
    channel->pool = workers_new(host->loop, names[name], calls_of(host, name), WORKER_IDLE_MS);
    for (struct host_call *call = channel_take_waiting(channel), *next; call != NULL; call = next) {
        next = call->next;
        start_call(host, call);
    }
}

static enum channel_name channel_of(const struct host *host,
                                    const struct libvirt_connection *connection)
{
    enum channel_name name = 0;
    while (name < CHANNELS && host->channels[name].connection != connection) {
        name++;
    }
    return name;
}

static void channel_opened(void *owner, struct libvirt_connection *connection,
                           const struct lodge_error *error)
{
    struct host *host = owner;
    enum channel_name name = channel_of(host, connection);
    assert(name < CHANNELS);
    if (error == NULL) {
        channel_start(host, name);
        return;
    }
    /* `watch` is up, so libvirt lives; what waits for `sync` is begun anew with a sync, what waits
     * for the others is told that it never ran. */
    log_with(LOG_LEVEL_WARNING, LOG_HOST, &(struct log_fields){.host = host->name}, "%s",
             error->message);
    drop_apart(host, name);
    if (name == CHANNEL_SYNC) {
        host_retry_later(host);
    }
}

static void channel_lost(void *owner, struct libvirt_connection *connection, const char *reason)
{
    struct host *host = owner;
    enum channel_name name = channel_of(host, connection);
    if (is_apart(host, name)) {
        drop_apart(host, name);
    } else {
        host->hooks->lost(host, reason);
    }
}

void channel_open(struct host *host, enum channel_name name)
{
    static const struct libvirt_connection_listener listener = {
        .opened = channel_opened,
        .lost = channel_lost,
    };
    struct channel *channel = &host->channels[name];
    if (channel->connection != NULL) {
        return;
    }
    if (shares(host, name)) {
        if (host->channels[CHANNEL_WATCH].is_open) {
            channel->connection = host->channels[CHANNEL_WATCH].connection;
            channel_start(host, name);
        }
        return;
    }
    channel->connection = libvirt_connection_open(host->loop, host->uri.text, &listener, host);
}

void channel_drop(struct host *host, enum channel_name name)
{
    struct channel *channel = &host->channels[name];
    struct libvirt_connection *connection = TAKE(channel->connection);
    struct workers *pool = TAKE(channel->pool);
    if (channel->idle != NULL) {
        loop_timer_stop(channel->idle);
    }
    struct host_call *waiting = channel_take_waiting(channel);
    channel->is_open = false;
    channel->out = 0;
    workers_free(pool);
    for (struct host_call *call = waiting, *next; call != NULL; call = next) {
        next = call->next;
        atomic_store(&call->job.cancelled, true);
        call_deliver(&call->job.letter);
    }
    if (!shares(host, name)) {
        libvirt_connection_drop(connection);
    }
}
