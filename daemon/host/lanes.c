/*
 * lanes: a lane is a connection with at most one bulk call on it. It is IDLE, BUSY while its call
 * has time, and LOST from the deadline until the call returns or the connection goes.
 *
 * At each tick an idle lane asks, unless another is busy, or more are lost than hung guests
 * explain. Of the calls' structs the workers fill their part, all else is the loop's; `struct
 * lanes` is freed when the host and the last call have let it go.
 */
#include "host/lanes.h"
#include "host/abilities.h"
#include "host/hung.h"
#include "host/node_sample.h"
#include "host/roles.h"
#include "host/stats_lane.h"
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
    struct lanes *lanes;
    enum lane_state state;
    struct libvirt_connection *connection; /* the watch's where all share */
    struct lane_call *call;                /* BUSY and LOST */
};

struct lanes {
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
    struct lanes *lanes;
    struct libvirt_connection *connection;
    uint64_t sent_ms;
    uint64_t deadline_ms;
    struct stats stats;
    struct lodge_error error;
    bool is_broken;
};

struct node_call {
    struct job job; /* first */
    struct lanes *lanes;
    struct libvirt_connection *connection;
    bool is_local;
    struct node_counters counters;
};

struct without_call {
    struct host_call call; /* first */
    struct stats stats;
};

static void say(const struct lanes *lanes, enum log_level level, const char *text)
{
    log_with(level, LOG_HOST, &(struct log_fields){.host = lanes->host->name}, "%s: %s",
             lanes->host->name, text);
}

static unsigned count(const struct lanes *lanes, enum lane_state state)
{
    unsigned number = 0;
    for (int i = 0; i < LANES; i++) {
        number += lanes->lanes[i].state == state;
    }
    return number;
}

static struct lane *first(struct lanes *lanes, enum lane_state state)
{
    for (int i = 0; i < LANES; i++) {
        if (lanes->lanes[i].state == state) {
            return &lanes->lanes[i];
        }
    }
    return NULL;
}

static void unref(struct lanes *lanes)
{
    if (--lanes->refs == 0) {
        host_unref(lanes->host);
        free(lanes);
    }
}

static void close_lane(struct lane *lane)
{
    struct libvirt_connection *connection = TAKE(lane->connection);
    lane->lanes->lost -= lane->state == LANE_LOST;
    lane->state = LANE_CLOSED;
    lane->call = NULL;
    if (!lane->lanes->host->uri.one_world) {
        libvirt_connection_drop(connection);
    }
}

static void opened(void *owner, struct libvirt_connection *connection,
                   const struct lodge_error *error)
{
    struct lane *lane = owner;
    assert(lane->connection == connection);
    if (error != NULL) {
        say(lane->lanes, LOG_LEVEL_DEBUG, error->message);
        lane->lanes->wait_ticks = REOPEN_TICKS;
        close_lane(lane);
        return;
    }
    lane->state = LANE_IDLE;
}

static void broke(void *owner, struct libvirt_connection *connection, const char *reason)
{
    (void)connection;
    struct lane *lane = owner;
    say(lane->lanes, LOG_LEVEL_DEBUG, reason);
    close_lane(lane);
}

/* One to ask with and one to spare, as long as there is room. */
static void open_spare(struct lanes *lanes)
{
    static const struct libvirt_connection_listener listener = {.opened = opened, .lost = broke};
    struct host *host = lanes->host;
    struct lane *lane;
    while (count(lanes, LANE_OPENING) + count(lanes, LANE_IDLE) + count(lanes, LANE_BUSY) < 2 &&
           (lane = first(lanes, LANE_CLOSED)) != NULL) {
        if (host->uri.one_world) {
            lane->connection = host->roles[ROLE_WATCH].connection;
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
    if (!stats_read(conn, &call->stats, &call->error)) {
        call->is_broken = libvirt_connection_is_broken(conn, &call->error);
    }
}

static struct lane *lane_of(struct lanes *lanes, const struct lane_call *call)
{
    for (int i = 0; i < LANES; i++) {
        if (lanes->lanes[i].call == call) {
            return &lanes->lanes[i];
        }
    }
    return NULL;
}

/* What a lost call brings at last is old; what its lane had lost is back, or gone. */
static void lane_is_back(struct lane *lane, const struct lane_call *call)
{
    struct lanes *lanes = lane->lanes;
    bool was_lost = lane->state == LANE_LOST;
    uint64_t took_ms = loop_monotonic_ms() - call->sent_ms;
    lane->call = NULL;
    if (was_lost) {
        lanes->lost--;
        lane->state = LANE_IDLE;
        hung_look(lanes->host, true);
    } else {
        loop_timer_stop(lanes->deadline);
        lane->state = LANE_IDLE;
    }
    if (!was_lost) {
        lanes->usual_ms = (lanes->usual_ms * 7 + took_ms) / 8;
    } else if (call->error.kind == LODGE_ERROR_NONE && lanes->host->stuck_seen_ms < call->sent_ms) {
        /* Nobody hung: the calls have become slower here, and get twice the time. */
        lanes->usual_ms = call->deadline_ms / 2;
    }
    if (count(lanes, LANE_IDLE) + count(lanes, LANE_BUSY) + count(lanes, LANE_OPENING) > 2) {
        close_lane(lane);
    }
    if (call->error.kind != LODGE_ERROR_NONE) {
        say(lanes, LOG_LEVEL_WARNING, call->error.message);
    } else if (!was_lost) {
        stats_tell(lanes->host, &call->stats);
    }
}

static void deliver_lane(struct letter *letter)
{
    struct lane_call *call = (struct lane_call *)letter;
    struct lanes *lanes = call->lanes;
    struct lane *lane = lanes->ended ? NULL : lane_of(lanes, call);
    if (lane != NULL && call->is_broken) {
        say(lanes, LOG_LEVEL_DEBUG, call->error.message);
        close_lane(lane);
    } else if (lane != NULL) {
        lane_is_back(lane, call);
    }
    libvirt_connection_release(call->connection);
    stats_free(&call->stats);
    free(call);
    unref(lanes);
}

static void ask_guests(struct lane *lane)
{
    struct lanes *lanes = lane->lanes;
    struct lane_call *call = xcalloc(1, sizeof *call);
    uint64_t deadline_ms = lanes->usual_ms * 4;
    if (deadline_ms < lanes->host->options.stats_deadline_ms) {
        deadline_ms = lanes->host->options.stats_deadline_ms;
    }
    lanes->refs++;
    call->job.run = run_lane;
    call->job.letter.deliver = deliver_lane;
    call->lanes = lanes;
    call->connection = lane->connection;
    call->sent_ms = loop_monotonic_ms();
    call->deadline_ms = deadline_ms;
    lane->call = call;
    lane->state = LANE_BUSY;
    libvirt_connection_use(call->connection);
    loop_timer_start(lanes->deadline, deadline_ms, 0);
    workers_submit(lanes->workers, &call->job);
}

/* Each guest that hangs costs one lane. What holds up more of them is something else, like a guest
 * that is being destroyed, which is locked until it is dead: another lane would be lost as well. */
static bool may_ask(const struct lanes *lanes)
{
    return lanes->lost <= lanes->host->stuck + 1;
}

static void name_culprits(const struct lanes *lanes)
{
    char names[CULPRITS_NAMED] = "";
    size_t used = 0;
    for (const struct domain *domain = lanes->host->domains.first;
         domain != NULL && used < sizeof names; domain = domain->next) {
        if (domain->hung) {
            int length = snprintf(names + used, sizeof names - used, "%s%s", used == 0 ? "" : ", ",
                                  domain->name);
            used += length > 0 ? (size_t)length : 0;
        }
    }
    log_with(LOG_LEVEL_ERROR, LOG_HOST, &(struct log_fields){.host = lanes->host->name},
             "%s: every stats lane is lost; of memory and devices nothing is known until these "
             "guests are stopped by force: %s",
             lanes->host->name, names);
}

static void deadline_passed(void *owner)
{
    struct lanes *lanes = owner;
    struct lane *lane = first(lanes, LANE_BUSY);
    if (lane == NULL) {
        return;
    }
    lane->state = LANE_LOST;
    lanes->lost++;
    say(lanes, LOG_LEVEL_INFO, "a call for the guests' counters does not return");
    struct lane *spare = first(lanes, LANE_IDLE);
    if (spare != NULL && may_ask(lanes)) {
        ask_guests(spare);
    }
    open_spare(lanes);
    hung_look(lanes->host, true);
    if (lanes->lost == LANES) {
        name_culprits(lanes);
    }
}

static void run_without(struct host_call *call, virConnectPtr conn)
{
    struct without_call *without = (struct without_call *)call;
    if (!stats_read_without_monitor(conn, &without->stats, &call->error)) {
        assert(call->error.kind != LODGE_ERROR_NONE);
    }
}

static void without_done(struct host_call *call, bool fresh)
{
    struct without_call *without = (struct without_call *)call;
    if (call->host->lanes != NULL) {
        call->host->lanes->without_out = false;
    }
    if (fresh && call->error.kind == LODGE_ERROR_NONE) {
        stats_tell(call->host, &without->stats);
    }
    stats_free(&without->stats);
}

static void go_without(struct lanes *lanes)
{
    if (lanes->without_out) {
        return;
    }
    lanes->without_out = true;
    struct without_call *without = xcalloc(1, sizeof *without);
    without->call.run = run_without;
    without->call.done = without_done;
    role_submit(lanes->host, ROLE_SYNC, &without->call);
}

static void run_node(struct job *job)
{
    struct node_call *call = (struct node_call *)job;
    node_counters_read(libvirt_connection_get(call->connection), call->is_local, &call->counters);
}

static void deliver_node(struct letter *letter)
{
    struct node_call *call = (struct node_call *)letter;
    struct lanes *lanes = call->lanes;
    if (!lanes->ended) {
        struct host *host = lanes->host;
        struct host_sample sample = node_sample(&lanes->node, &call->counters);
        lanes->node = call->counters;
        lanes->node_out = false;
        host->listener->samples(host->owner, host->name, loop_wall_ms(), NULL, 0, &sample);
    }
    libvirt_connection_release(call->connection);
    free(call);
    unref(lanes);
}

/* On the connection of a lane, by a worker of its own: it must not hold up the guests' samples. */
static void ask_node(struct lanes *lanes)
{
    struct lane *lane = first(lanes, LANE_IDLE);
    if (lanes->node_out || lane == NULL) {
        return;
    }
    lanes->node_out = true;
    lanes->refs++;
    struct node_call *call = xcalloc(1, sizeof *call);
    call->job.run = run_node;
    call->job.letter.deliver = deliver_node;
    call->lanes = lanes;
    call->connection = lane->connection;
    call->is_local = host_traits(lanes->host).is_local;
    libvirt_connection_use(call->connection);
    workers_submit(lanes->node_workers, &call->job);
}

static void tick(void *owner)
{
    struct lanes *lanes = owner;
    struct host *host = lanes->host;
    if (lanes->lost > 0 || host->stuck > 0) {
        hung_look(host, lanes->lost > host->stuck);
    }
    if (lanes->wait_ticks > 0) {
        lanes->wait_ticks--;
    } else {
        open_spare(lanes);
    }
    ask_node(lanes);
    struct lane *lane = first(lanes, LANE_IDLE);
    if (lanes->lost == LANES) {
        go_without(lanes);
    } else if (lane != NULL && count(lanes, LANE_BUSY) == 0 && may_ask(lanes)) {
        ask_guests(lane);
    }
}

void lanes_start(struct host *host)
{
    if (!abilities_have_stats(&host->uri) || host->lanes != NULL) {
        return;
    }
    struct lanes *lanes = xcalloc(1, sizeof *lanes);
    lanes->host = host;
    lanes->refs = 1;
    host_ref(host);
    for (int i = 0; i < LANES; i++) {
        lanes->lanes[i].lanes = lanes;
    }
    lanes->workers = workers_new(host->loop, "lane", LANES, WORKER_IDLE_MS);
    lanes->node_workers = workers_new(host->loop, "node", 1, WORKER_IDLE_MS);
    lanes->tick = loop_timer_new(host->loop, tick, lanes);
    lanes->deadline = loop_timer_new(host->loop, deadline_passed, lanes);
    loop_timer_start(lanes->tick, host->options.stats_interval_ms, host->options.stats_interval_ms);
    host->lanes = lanes;
    open_spare(lanes);
}

void lanes_stop(struct host *host)
{
    struct lanes *lanes = TAKE(host->lanes);
    if (lanes == NULL) {
        return;
    }
    lanes->ended = true;
    loop_timer_free(lanes->tick);
    loop_timer_free(lanes->deadline);
    workers_free(lanes->workers);
    workers_free(lanes->node_workers);
    for (int i = 0; i < LANES; i++) {
        close_lane(&lanes->lanes[i]);
    }
    unref(lanes);
}

unsigned lanes_lost(const struct host *host)
{
    return host->lanes == NULL ? 0 : host->lanes->lost;
}
