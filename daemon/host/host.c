/*
 * host: the life of the connection with events (`watch`), which is the host's: opening, up, lost,
 * and opened again after a pause that doubles up to 15 s; and what begins and ends with it.
 *
 * Each call carries the host's generation, which a lost connection and a new sync raise: answers to
 * an older one count for nothing. A host is freed when its owner and the last call that is out have
 * let it go (`refs`). Loop-only.
 */
#include "host/host.h"
#include "host/abilities.h"
#include "host/channels.h"
#include "host/definitions.h"
#include "host/event_loop.h"
#include "host/fresh.h"
#include "host/guest/autodestroy.h"
#include "host/host_private.h"
#include "host/libvirt_error.h"
#include "host/libvirt_log.h"
#include "host/readings.h"
#include "host/recheck.h"
#include "host/refresh.h"
#include "host/reread.h"
#include "host/states.h"
#include "host/stats.h"
#include "host/storage/uses_desk.h"
#include "host/sync.h"
#include "host/xml/domain_xml_read.h"
#include "log.h"
#include "memory.h"
#include "scope.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOW_OPEN_MS = 5000 };

void host_layer_prepare(void)
{
    libvirt_log_prepare();
}

bool host_layer_start(struct loop *loop, struct lodge_error *err)
{
    (void)loop;
    domain_xml_start();
    if (virInitialize() < 0) {
        return libvirt_fail(err, "cannot initialise libvirt");
    }
    /* Before the first open: libvirt wants its event implementation registered by then. */
    if (!libvirt_log_start() || !event_loop_start()) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "cannot start libvirt's event loop");
    }
    return true;
}

void host_layer_leave(void)
{
    libvirt_connections_leave();
}

static void say_state(struct host *host, enum lodge_host_state state, const char *error)
{
    host->state = state;
    struct host_connection_report report = {.state = state, .error = error};
    host->listener->connection(host->owner, host->name, &report);
}

static void say_in_log(enum log_level level, const struct host *host, const char *text)
{
    log_with(level, LOG_HOST, &(struct log_fields){.host = host->name}, "%s: %s", host->name, text);
}

/* Everything that depends on the connection with events. */
static void drop_all(struct host *host)
{
    host->generation++;
    stats_stop(host);
    loop_timer_stop(host->slow);
    loop_timer_stop(host->silence);
    recheck_stop(host);
    reread_stop(host);
    refresh_reset(host);
    host->syncing = false;
    host->listed = false;
    host->synced = false;
    host->hung_out = false;
    libvirt_connection_drop(TAKE(host->pulse));
    host->has_pulse = false;
    for (enum channel_name apart = CHANNEL_SCREEN_LAST; apart >= CHANNEL_READ; apart--) {
        channel_drop(host, apart);
    }
    channel_drop(host, CHANNEL_RESCUE);
    channel_drop(host, CHANNEL_OPS);
    channel_drop(host, CHANNEL_SYNC);
    channel_drop(host, CHANNEL_WATCH);
}

static void host_lose(struct host *host, const char *reason)
{
    char text[512];
    (void)snprintf(text, sizeof text, "%.500s", reason);
    say_in_log(LOG_LEVEL_WARNING, host, text);
    drop_all(host);
    host->counts.reconnects++;
    say_state(host, LODGE_HOST_DOWN, text);
    readings_end(host, LODGE_ERROR_HOST_DOWN, text);
    fresh_end(host, LODGE_ERROR_HOST_DOWN, text);
    uses_desk_end(host->uses_desk, LODGE_ERROR_HOST_DOWN, text);
    if (!host->ended) {
        host_retry_later(host);
    }
}

static void pulse_opened(void *owner, struct libvirt_connection *connection,
                         const struct lodge_error *error)
{
    struct host *host = owner;
    loop_timer_stop(host->slow);
    if (error != NULL) {
        say_in_log(LOG_LEVEL_DEBUG, host, error->message);
        host->pulse = NULL; /* the next look of the recheck tries again */
        libvirt_connection_drop(connection);
        return;
    }
    host->has_pulse = true;
    loop_timer_stop(host->silence);
}

static void pulse_lost(void *owner, struct libvirt_connection *connection, const char *reason)
{
    (void)connection;
    host_lose(owner, reason);
}

static void open_pulse(struct host *host)
{
    static const struct libvirt_connection_listener listener = {
        .opened = pulse_opened,
        .lost = pulse_lost,
        .keepalive = true,
    };
    if (host->pulse == NULL && !host->uri.one_world && !host->uri.in_process) {
        host->pulse = libvirt_connection_open(host->loop, host->uri.text, &listener, host);
        loop_timer_start(host->slow, SLOW_OPEN_MS, 0);
    }
}

static void watch_opened(void *owner, struct libvirt_connection *connection,
                         const struct lodge_error *error)
{
    struct host *host = owner;
    assert(host->channels[CHANNEL_WATCH].connection == connection);
    loop_timer_stop(host->slow);
    if (error != NULL) {
        char text[sizeof error->message + 160];
        (void)snprintf(text, sizeof text, "%s%s", error->message,
                       libvirt_advice(host->uri.text, error));
        channel_drop(host, CHANNEL_WATCH);
        say_in_log(host->failures == 0 ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, host, text);
        say_state(host, LODGE_HOST_DOWN, text);
        if (!host->ended) {
            host_retry_later(host);
        }
        return;
    }
    channel_start(host, CHANNEL_WATCH);
    say_in_log(LOG_LEVEL_INFO, host, "connected");
    say_state(host, LODGE_HOST_UP, NULL);
    if (!host->ended) {
        open_pulse(host);
        sync_start(host);
        abilities_ask(host);
        recheck_start(host);
        reread_start(host);
        stats_start(host);
    }
}

static void watch_lost(void *owner, struct libvirt_connection *connection, const char *reason)
{
    (void)connection;
    host_lose(owner, reason);
}

/* Whatever happened to it: look again. */
static void watch_event(void *owner, struct libvirt_connection *connection,
                        const struct domain_event *event)
{
    (void)connection;
    struct host *host = owner;
    struct domain *domain = domains_get(&host->domains, event->uuid);
    domain->last_event = ++host->serial;
    domain->moved = domain->moved || event->moved;
    domain->doubted = false;
    if (event->names_files) {
        atomic_fetch_add(&host->defined, 1);
    }
    refresh_state(host, domain);
    if (event->changes_definition) {
        refresh_definition(host, domain);
    }
    if (event->rebooted && host->synced) {
        host->listener->domain_rebooted(host->owner, host->name, domain->uuid_text);
    }
}

static void open_watch(struct host *host)
{
    static const struct libvirt_connection_listener listener = {
        .opened = watch_opened,
        .lost = watch_lost,
        .event = watch_event,
    };
    struct channel *watch = &host->channels[CHANNEL_WATCH];
    if (watch->connection == NULL) {
        watch->connection = libvirt_connection_open(host->loop, host->uri.text, &listener, host);
        loop_timer_start(host->slow, SLOW_OPEN_MS, 0);
    }
}

/* The end of a turn: what is to be asked goes out. */
static void send_questions(void *owner)
{
    struct host *host = owner;
    if (host->channels[CHANNEL_WATCH].is_open) {
        states_ask(host);
        definitions_ask(host);
    }
}

static void channel_is_lost(struct host *host, enum channel_name channel)
{
    if (channel >= CHANNEL_READ && channel <= CHANNEL_READ_LAST) {
        readings_lost(host, channel);
    }
}

static void retry(void *owner)
{
    struct host *host = owner;
    if (!host->channels[CHANNEL_WATCH].is_open) {
        open_watch(host);
    } else if (!host->syncing) {
        sync_start(host);
    }
}

/* virConnectOpen has no timeout; the open goes on, but the reader is told why nothing comes. When
 * it is the pulse that does not open, libvirt may have stopped in between: a look asks. */
static void open_is_slow(void *owner)
{
    struct host *host = owner;
    if (host->channels[CHANNEL_WATCH].is_open) {
        recheck_ask(host);
        return;
    }
    char text[256];
    (void)snprintf(text, sizeof text, "%.180s does not answer; still trying to connect",
                   host->uri.text);
    say_in_log(LOG_LEVEL_WARNING, host, text);
    say_state(host, LODGE_HOST_DOWN, text);
}

static void recheck_is_due(void *owner)
{
    open_pulse(owner);
    recheck_ask(owner);
}

static void watch_is_silent(void *owner)
{
    host_lose(owner, "libvirt does not answer (a call is out for 15 s)");
}

struct host *host_new(struct loop *loop, const struct host_options *options,
                      const struct host_listener *listener, void *owner)
{
    static const struct host_hooks hooks = {
        .lost = host_lose,
        .channel_lost = channel_is_lost,
        .domain_found = autodestroy_may_be,
    };
    assert(loop_is_current());
    struct host *host = xcalloc(1, sizeof *host);
    host->hooks = &hooks;
    host->loop = loop;
    host->name = xstrdup(options->name);
    uri_read(&host->uri, options->uri);
    host->options = *options;
    host->options.name = host->name;
    host->options.uri = host->uri.text;
    host->listener = listener;
    host->owner = owner;
    host->refs = 1;
    channels_init(host);
    domains_init(&host->domains);
    host->uses_desk = uses_desk_new(host);
    host->ask = (struct loop_later){.run = send_questions, .owner = host};
    host->readings.look = (struct loop_later){.run = readings_look, .owner = host};
    host->readings.timer = loop_timer_new(loop, readings_tick, host);
    host->retry = loop_timer_new(loop, retry, host);
    host->slow = loop_timer_new(loop, open_is_slow, host);
    host->silence = loop_timer_new(loop, watch_is_silent, host);
    pthread_mutex_init(&host->virt_lock, NULL);
    host->recheck = loop_timer_new(loop, recheck_is_due, host);
    host->doubt = loop_timer_new(loop, recheck_doubts, host);
    host->reread = loop_timer_new(loop, reread_look, host);
    host->fresh_timer = loop_timer_new(loop, fresh_look, host);
    host->autodestroy = loop_timer_new(loop, autodestroy_look, host);
    return host;
}

void host_start(struct host *host)
{
    assert(loop_is_current());
    say_state(host, LODGE_HOST_CONNECTING, NULL);
    open_watch(host);
}

struct host_counts host_counts(const struct host *host)
{
    struct host_counts counts = host->counts;
    counts.lanes_lost = stats_lanes_lost(host);
    return counts;
}

void host_free(struct host *host)
{
    if (host == NULL) {
        return;
    }
    assert(loop_is_current());
    host->ended = true;
    readings_end(host, LODGE_ERROR_CANCELLED, "is being closed");
    fresh_end(host, LODGE_ERROR_CANCELLED, "is being closed");
    uses_desk_end(host->uses_desk, LODGE_ERROR_CANCELLED, "is being closed");
    drop_all(host);
    uses_desk_free(TAKE(host->uses_desk));
    loop_later_cancel(host->loop, &host->ask);
    loop_later_cancel(host->loop, &host->readings.look);
    loop_timer_free(TAKE(host->readings.timer));
    loop_timer_free(host->retry);
    loop_timer_free(host->slow);
    loop_timer_free(host->silence);
    channels_end(host);
    loop_timer_free(host->recheck);
    loop_timer_free(host->doubt);
    loop_timer_free(host->reread);
    loop_timer_free(host->fresh_timer);
    loop_timer_free(host->autodestroy);
    host_unref(host);
}
