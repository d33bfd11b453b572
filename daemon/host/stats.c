/*
 * stats: one bulk call asks all running guests for their counters, and a guest whose QEMU hangs
 * keeps the call that asks it for as long as it hangs. Such a call is lost, and the next one goes
 * by another connection: a lane is a connection with at most one call on it, and a worker for that.
 *
 * A lane is IDLE, BUSY while its call has time, and LOST from the deadline until its call returns
 * or its connection breaks; CLOSED and OPENING are those without a connection. The deadline is four
 * times what calls usually take, and at least stats_deadline_ms. With a guest that hangs at tick 2:
 *
 *   tick  lane 1          lane 2          lane 3     told
 *   1     BUSY, answers   IDLE            CLOSED     all guests
 *   2     BUSY …          IDLE            CLOSED
 *         LOST            BUSY, answers   OPENING    all but the one: libvirt leaves out (NOWAIT) a
 *                                                    guest that another call is waiting for
 *   3     LOST            BUSY, answers   IDLE       the same; hung.c has asked meanwhile who hangs
 *   …     its QEMU is killed, or goes on: the call returns, with figures that nobody wants
 *         IDLE            IDLE            IDLE       one more than two is CLOSED
 *
 * Each guest that hangs explains one lost lane (host.stuck). When two more are lost than that,
 * something else holds them up, such as a guest that is being destroyed, and no other lane is
 * risked (may_ask_guests()). A call that was lost and returned well while nobody hung was only
 * slow: the next get twice the time. When all lanes are lost, CPU times alone are read, by a call
 * that needs no QEMU, and the guests that hang are named in the log.
 *
 * The host's own counters are read by one more worker, on an idle lane's connection. Of the calls'
 * structs the workers fill their part, all else is the loop's; `struct host_stats` is freed when
 * the host and the last call have let it go.
 */
#include "host/stats.h"
#include "host/abilities.h"
#include "host/channels.h"
#include "host/hung.h"
#include "host/node_sample.h"
#include "host/stats_read.h"
#include "host/task.h"
#include "log.h"
#include "memory.h"
#include "scope.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* libvirtd has 20 workers in all, for everybody: these six may be stuck for good, 3 of `screen` and
 * one of `read` (a pool) too, 4 of `sync`, 4 of `ops` and the other of `read` busy: that makes 19,
 * and one is left for others, beside those that libvirtd keeps for what has priority. */
enum { LANES = 6, WORKER_IDLE_MS = 10000, REOPEN_TICKS = 10, CULPRITS_NAMED = 200 };

enum lane_state { LANE_CLOSED, LANE_OPENING, LANE_IDLE, LANE_BUSY, LANE_LOST };

struct lane {
    struct host_stats *stats;
    enum lane_state state;
    struct libvirt_connection *connection; /* the watch's where all share */
    struct lane_call *call;                /* BUSY and LOST */
};

struct host_stats {
    struct host *host;
    bool ended;
    unsigned refs; /* the host and each call that is out */
    struct lane lanes[LANES];
    struct workers *workers;
    struct workers *node_workers;
    struct loop_timer *tick;
    struct loop_timer *deadline; /* of the one lane that is BUSY */
    uint64_t usual_ms;
    unsigned wait_ticks; /* before another connection is tried */
    unsigned lost;
    bool without_out;
    bool node_out;
    struct node_counters node;
};

struct lane_call {
    struct job job; /* first */
    struct host_stats *stats;
    struct libvirt_connection *connection;
    uint64_t sent_ms;
    uint64_t deadline_ms;
    struct stats_answer answer;
    struct lodge_error error;
    bool is_broken;
};

struct node_call {
    struct job job; /* first */
    struct host_stats *stats;
    struct libvirt_connection *connection;
    bool is_local;
    struct node_counters counters;
};

struct without_call {
    struct host_call call; /* first */
    struct stats_answer answer;
};

static void say_of_stats(const struct host_stats *stats, enum log_level level, const char *text)
{
    log_with(level, LOG_HOST, &(struct log_fields){.host = stats->host->name}, "%s: %s",
             stats->host->name, text);
}

static unsigned count_lanes(const struct host_stats *stats, enum lane_state state)
{
    unsigned number = 0;
    for (int i = 0; i < LANES; i++) {
        number += stats->lanes[i].state == state;
    }
    return number;
}

static struct lane *first_lane(struct host_stats *stats, enum lane_state state)
{
    for (int i = 0; i < LANES; i++) {
        if (stats->lanes[i].state == state) {
            return &stats->lanes[i];
        }
    }
    return NULL;
}

static void stats_unref(struct host_stats *stats)
{
    if (--stats->refs == 0) {
        host_unref(stats->host);
        free(stats);
    }
}

static void close_lane(struct lane *lane)
{
    struct libvirt_connection *connection = TAKE(lane->connection);
    lane->stats->lost -= lane->state == LANE_LOST;
    lane->state = LANE_CLOSED;
    lane->call = NULL;
    if (!lane->stats->host->uri.one_world) {
        libvirt_connection_drop(connection);
    }
}

static void lane_opened(void *owner, struct libvirt_connection *connection,
                        const struct lodge_error *error)
{
    struct lane *lane = owner;
    assert(lane->connection == connection);
    if (error != NULL) {
        say_of_stats(lane->stats, LOG_LEVEL_DEBUG, error->message);
        lane->stats->wait_ticks = REOPEN_TICKS;
        close_lane(lane);
        return;
    }
    lane->state = LANE_IDLE;
}

static void lane_broke(void *owner, struct libvirt_connection *connection, const char *reason)
{
    (void)connection;
    struct lane *lane = owner;
    say_of_stats(lane->stats, LOG_LEVEL_DEBUG, reason);
    close_lane(lane);
}

/* One to ask with and one to spare, as long as there is room. */
static void open_spare(struct host_stats *stats)
{
    static const struct libvirt_connection_listener listener = {.opened = lane_opened,
                                                                .lost = lane_broke};
    struct host *host = stats->host;
    struct lane *lane;
    while (count_lanes(stats, LANE_OPENING) + count_lanes(stats, LANE_IDLE) +
                   count_lanes(stats, LANE_BUSY) <
               2 &&
           (lane = first_lane(stats, LANE_CLOSED)) != NULL) {
        if (host->uri.one_world) {
            lane->connection = host->channels[CHANNEL_WATCH].connection;
            lane->state = LANE_IDLE;
        } else {
            lane->state = LANE_OPENING;
            lane->connection = libvirt_connection_open(host->loop, host->uri.text, &listener, lane);
        }
    }
}

static void run_lane(struct job *job)
{
    struct lane_call *call = (struct lane_call *)job;
    virConnectPtr conn = libvirt_connection_get(call->connection);
    if (!stats_read(conn, &call->answer, &call->error)) {
        call->is_broken = libvirt_connection_is_broken(conn, &call->error);
    }
}

static struct lane *lane_of(struct host_stats *stats, const struct lane_call *call)
{
    for (int i = 0; i < LANES; i++) {
        if (stats->lanes[i].call == call) {
            return &stats->lanes[i];
        }
    }
    return NULL;
}

/* What a lost call brings at last is old; what its lane had lost is back, or gone. */
static void lane_is_back(struct lane *lane, const struct lane_call *call)
{
    struct host_stats *stats = lane->stats;
    bool was_lost = lane->state == LANE_LOST;
    uint64_t took_ms = loop_monotonic_ms() - call->sent_ms;
    lane->call = NULL;
    if (was_lost) {
        stats->lost--;
        lane->state = LANE_IDLE;
        hung_look(stats->host, true);
    } else {
        loop_timer_stop(stats->deadline);
        lane->state = LANE_IDLE;
    }
    if (!was_lost) {
        stats->usual_ms = (stats->usual_ms * 7 + took_ms) / 8;
    } else if (call->error.kind == LODGE_ERROR_NONE && stats->host->stuck_seen_ms < call->sent_ms) {
        /* Nobody hung: the calls have become slower here, and get twice the time. */
        stats->usual_ms = call->deadline_ms / 2;
    }
    if (count_lanes(stats, LANE_IDLE) + count_lanes(stats, LANE_BUSY) +
            count_lanes(stats, LANE_OPENING) >
        2) {
        close_lane(lane);
    }
    if (call->error.kind != LODGE_ERROR_NONE) {
        say_of_stats(stats, LOG_LEVEL_WARNING, call->error.message);
    } else if (!was_lost) {
        stats_tell(stats->host, &call->answer);
    }
}

static void deliver_lane(struct letter *letter)
{
    struct lane_call *call = (struct lane_call *)letter;
    struct host_stats *stats = call->stats;
    struct lane *lane = stats->ended ? NULL : lane_of(stats, call);
    if (lane != NULL && call->is_broken) {
        say_of_stats(stats, LOG_LEVEL_DEBUG, call->error.message);
        close_lane(lane);
    } else if (lane != NULL) {
        lane_is_back(lane, call);
    }
    libvirt_connection_release(call->connection);
    stats_answer_clear(&call->answer);
    free(call);
    stats_unref(stats);
}

static void ask_guests(struct lane *lane)
{
    struct host_stats *stats = lane->stats;
    struct lane_call *call = xcalloc(1, sizeof *call);
    uint64_t deadline_ms = stats->usual_ms * 4;
    if (deadline_ms < stats->host->options.settings.stats_deadline_ms) {
        deadline_ms = stats->host->options.settings.stats_deadline_ms;
    }
    stats->refs++;
    call->job.run = run_lane;
    call->job.letter.deliver = deliver_lane;
    call->stats = stats;
    call->connection = lane->connection;
    call->sent_ms = loop_monotonic_ms();
    call->deadline_ms = deadline_ms;
    lane->call = call;
    lane->state = LANE_BUSY;
    libvirt_connection_use(call->connection);
    loop_timer_start(stats->deadline, deadline_ms, 0);
    workers_submit(stats->workers, &call->job);
}

static bool may_ask_guests(const struct host_stats *stats)
{
    return stats->lost <= stats->host->stuck + 1;
}

static void name_culprits(const struct host_stats *stats)
{
    char names[CULPRITS_NAMED] = "";
    size_t used = 0;
    for (const struct domain *domain = stats->host->domains.first;
         domain != NULL && used < sizeof names; domain = domain->next) {
        if (domain->hung) {
            int length = snprintf(names + used, sizeof names - used, "%s%s", used == 0 ? "" : ", ",
                                  domain->name);
            used += length > 0 ? (size_t)length : 0;
        }
    }
    log_with(LOG_LEVEL_ERROR, LOG_HOST, &(struct log_fields){.host = stats->host->name},
             "%s: every stats lane is lost; of memory and devices nothing is known until these "
             "guests are stopped by force: %s",
             stats->host->name, names);
}

static void lane_is_late(void *owner)
{
    struct host_stats *stats = owner;
    struct lane *lane = first_lane(stats, LANE_BUSY);
    if (lane == NULL) {
        return;
    }
    lane->state = LANE_LOST;
    stats->lost++;
    say_of_stats(stats, LOG_LEVEL_INFO, "a call for the guests' counters does not return");
    struct lane *spare = first_lane(stats, LANE_IDLE);
    if (spare != NULL && may_ask_guests(stats)) {
        ask_guests(spare);
    }
    open_spare(stats);
    hung_look(stats->host, true);
    if (stats->lost == LANES) {
        name_culprits(stats);
    }
}

static void run_without(struct host_call *call, virConnectPtr conn)
{
    struct without_call *without = (struct without_call *)call;
    if (!stats_read_without_monitor(conn, &without->answer, &call->error)) {
        assert(call->error.kind != LODGE_ERROR_NONE);
    }
}

static void without_done(struct host_call *call, bool current)
{
    struct without_call *without = (struct without_call *)call;
    if (call->host->stats != NULL) {
        call->host->stats->without_out = false;
    }
    if (current && call->error.kind == LODGE_ERROR_NONE) {
        stats_tell(call->host, &without->answer);
    }
    stats_answer_clear(&without->answer);
}

static void go_without(struct host_stats *stats)
{
    if (stats->without_out) {
        return;
    }
    stats->without_out = true;
    struct without_call *without = xcalloc(1, sizeof *without);
    without->call.run = run_without;
    without->call.done = without_done;
    channel_submit(stats->host, CHANNEL_SYNC, &without->call);
}

static void run_node(struct job *job)
{
    struct node_call *call = (struct node_call *)job;
    node_counters_read(libvirt_connection_get(call->connection), call->is_local, &call->counters);
}

static void deliver_node(struct letter *letter)
{
    struct node_call *call = (struct node_call *)letter;
    struct host_stats *stats = call->stats;
    if (!stats->ended) {
        struct host *host = stats->host;
        struct lodge_host_stats sample = node_sample(&stats->node, &call->counters);
        stats->node = call->counters;
        stats->node_out = false;
        host->listener->samples(host->owner, host->name, loop_wall_ms(), NULL, 0, &sample);
    }
    libvirt_connection_release(call->connection);
    free(call);
    stats_unref(stats);
}

/* On the connection of a lane, by a worker of its own: it must not hold up the guests' samples. */
static void ask_node(struct host_stats *stats)
{
    struct lane *lane = first_lane(stats, LANE_IDLE);
    if (stats->node_out || lane == NULL) {
        return;
    }
    stats->node_out = true;
    stats->refs++;
    struct node_call *call = xcalloc(1, sizeof *call);
    call->job.run = run_node;
    call->job.letter.deliver = deliver_node;
    call->stats = stats;
    call->connection = lane->connection;
    call->is_local = host_traits(stats->host).is_local;
    libvirt_connection_use(call->connection);
    workers_submit(stats->node_workers, &call->job);
}

static void stats_tick(void *owner)
{
    struct host_stats *stats = owner;
    struct host *host = stats->host;
    if (stats->lost > 0 || host->stuck > 0) {
        hung_look(host, stats->lost > host->stuck);
    }
    if (stats->wait_ticks > 0) {
        stats->wait_ticks--;
    } else {
        open_spare(stats);
    }
    ask_node(stats);
    struct lane *lane = first_lane(stats, LANE_IDLE);
    if (stats->lost == LANES) {
        go_without(stats);
    } else if (lane != NULL && count_lanes(stats, LANE_BUSY) == 0 && may_ask_guests(stats)) {
        ask_guests(lane);
    }
}

void stats_start(struct host *host)
{
    if (!abilities_have_stats(&host->uri) || host->stats != NULL) {
        return;
    }
    struct host_stats *stats = xcalloc(1, sizeof *stats);
    stats->host = host;
    stats->refs = 1;
    host_ref(host);
    for (int i = 0; i < LANES; i++) {
        stats->lanes[i].stats = stats;
    }
    stats->workers = workers_new(host->loop, "lane", LANES, WORKER_IDLE_MS);
    stats->node_workers = workers_new(host->loop, "node", 1, WORKER_IDLE_MS);
    stats->tick = loop_timer_new(host->loop, stats_tick, stats);
    stats->deadline = loop_timer_new(host->loop, lane_is_late, stats);
    loop_timer_start(stats->tick, host->options.settings.stats_interval_ms,
                     host->options.settings.stats_interval_ms);
    host->stats = stats;
    open_spare(stats);
}

void stats_stop(struct host *host)
{
    struct host_stats *stats = TAKE(host->stats);
    if (stats == NULL) {
        return;
    }
    stats->ended = true;
    loop_timer_free(stats->tick);
    loop_timer_free(stats->deadline);
    workers_free(stats->workers);
    workers_free(stats->node_workers);
    for (int i = 0; i < LANES; i++) {
        close_lane(&stats->lanes[i]);
    }
    stats_unref(stats);
}

unsigned stats_lanes_lost(const struct host *host)
{
    return host->stats == NULL ? 0 : host->stats->lost;
}
