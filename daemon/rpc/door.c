/*
 * door: takes clients in and has them in a list: so many in all, so many of one user, some places
 * for admins only. Whoever is turned away is in it too, until the refusal has gone out.
 *
 * While anything is unsent or half closed a timer looks every CHECK_MS who does not take it
 * (connection_check). Connections free themselves and leave the list; the door outlives them.
 */
#include "rpc/door.h"

#include "jsonrpc.h"
#include "log.h"
#include "memory.h"
#include "reads/audit.h"
#include "rpc/account.h"
#include "rpc/connection.h"
#include "rpc/gate.h"
#include "scope.h"

#include <stdlib.h>

enum { CHECK_MS = 1000 };

/* Clients that come in one turn of the loop: whoever comes and goes all the time holds it up no
 * more than that. */
enum { KNOCKS_PER_TURN = 64 };

struct door {
    struct connection_owner owner; /* first */
    uv_pipe_t pipe;
    const struct rpc_services *services;
    struct connection_link connections; /* head */
    uint64_t turn;                      /* of the loop … */
    unsigned taken;                     /* … in which so many were let in, or turned away */
    struct loop_later knock;            /* the next one waits for another turn */
    struct loop_timer *check;
    bool closing;
};

/* How many are in, of everybody and of one user. Those who have gone count until the loop hears of
 * it, so before somebody is turned away they are looked for: with a system call each, but whoever
 * is found gone counts no more for those who come next. */
struct attendance {
    unsigned all;
    unsigned same_uid;
};

static struct attendance count_connections(const struct door *door, uid_t uid, bool look)
{
    struct attendance attendance = {0};
    for (struct connection_link *link = door->connections.next; link != &door->connections;
         link = link->next) {
        struct connection *connection = connection_of(link);
        if (look ? connection_is_alive(connection) : !connection_is_closing(connection)) {
            attendance.all++;
            attendance.same_uid += connection_identity(connection)->uid == uid;
        }
    }
    return attendance;
}

static bool may_enter(const struct door *door, const struct connection *newcomer,
                      struct lodge_error *err)
{
    const struct identity *identity = connection_identity(newcomer);
    struct viewer viewer = connection_viewer(newcomer);
    if (viewer.role == ROLE_NONE) {
        return lodge_fail(err, LODGE_ERROR_DENIED,
                          "this lodged has no role for uid %u: ask its admin",
                          (unsigned)identity->uid);
    }
    unsigned limit = DOOR_CONNECTIONS;
    if (viewer.role != ROLE_ADMIN) {
        limit -= DOOR_KEPT_FOR_ADMINS;
    }
    struct attendance in = count_connections(door, identity->uid, false);
    if (in.all >= limit || in.same_uid >= DOOR_PER_UID) {
        in = count_connections(door, identity->uid, true);
    }
    if (in.all >= limit) {
        return lodge_fail(err, LODGE_ERROR_TOO_MANY, "%u connections are open, no more are let in",
                          in.all);
    }
    if (in.same_uid >= DOOR_PER_UID) {
        return lodge_fail(err, LODGE_ERROR_TOO_MANY,
                          "uid %u has %u connections open, no more are let in",
                          (unsigned)identity->uid, in.same_uid);
    }
    return true;
}

static void take_client(void *owner)
{
    struct door *door = owner;
    struct connection *connection = connection_accept(&door->owner, (uv_stream_t *)&door->pipe);
    if (connection == NULL) {
        return;
    }
    struct lodge_error err = {0};
    bool welcome = may_enter(door, connection, &err);

    struct connection_link *link = connection_link(connection);
    link->prev = door->connections.prev;
    link->next = &door->connections;
    link->prev->next = link;
    door->connections.prev = link;
    if (welcome) {
        connection_start(connection);
    } else {
        connection_refuse(connection, &err);
    }
}

/* libuv has taken one, and takes the next when this one was accepted. */
static void someone_knocks(uv_stream_t *server, int status)
{
    struct door *door = server->data;
    uint64_t turn = loop_turn_number(door->services->loop);
    if (status < 0) {
        log_warning(LOG_RPC, "a connection could not be taken: %s", uv_strerror(status));
        return;
    }
    door->taken = door->turn == turn ? door->taken + 1 : 1;
    door->turn = turn;
    if (door->taken > KNOCKS_PER_TURN) {
        loop_later(door->services->loop, &door->knock);
    } else {
        take_client(door);
    }
}

static void door_check(void *owner)
{
    struct door *door = owner;
    uint64_t now = loop_monotonic_ms();
    bool again = false;
    struct connection_link *next;
    for (struct connection_link *link = door->connections.next; link != &door->connections;
         link = next) {
        next = link->next;
        again |= connection_check(connection_of(link), now);
    }
    if (!again) {
        loop_timer_stop(door->check);
    }
}

/* What a door is to its connections. */

static struct door *door_of(struct connection_owner *owner)
{
    return CONTAINER_OF(owner, struct door, owner);
}

static const struct rpc_services *services_of(const struct connection_owner *owner)
{
    return ((const struct door *)owner)->services;
}

static void pass_request(struct connection_owner *owner, struct connection *connection,
                         struct json_object *json, size_t bytes, bool in_batch)
{
    gate_run(services_of(owner), connection, json, bytes, in_batch);
}

static void pass_plain(struct connection_owner *owner, struct connection *connection,
                       const struct jsonrpc_plain *plain)
{
    gate_run_plain(services_of(owner), connection, plain);
}

static bool audit_is_filled(const struct connection_owner *owner, uid_t uid)
{
    return audit_is_full(services_of(owner)->audit, uid);
}

static struct viewer viewer_as_of_now(const struct connection_owner *owner,
                                      const struct identity *identity)
{
    const struct people *people = registry_people(services_of(owner)->registry);
    return (struct viewer){.uid = identity->uid, .role = people_role(people, identity)};
}

static void watch_connections(struct connection_owner *owner)
{
    struct door *door = door_of(owner);
    if (!door->closing && !loop_timer_is_active(door->check)) {
        loop_timer_start(door->check, CHECK_MS, CHECK_MS);
    }
}

static void forget_connection(struct connection_owner *owner, struct connection *connection)
{
    struct connection_link *link = connection_link(connection);
    (void)owner;
    link->prev->next = link->next;
    link->next->prev = link->prev;
}

/* Somebody who had filled the audit is read again. */
static void audit_has_room(void *owner)
{
    const struct door *door = owner;
    for (struct account *account = door->owner.accounts; account != NULL; account = account->next) {
        account_wake(account);
    }
}

struct door *door_new(const struct listening *listening, const struct rpc_services *services)
{
    struct door *door = xcalloc(1, sizeof *door);
    door->services = services;
    door->owner = (struct connection_owner){
        .loop = services->loop,
        .parser = jsonrpc_parser_new(JSONRPC_VALUES),
        .request = pass_request,
        .request_plain = pass_plain,
        .is_full = audit_is_filled,
        .viewer = viewer_as_of_now,
        .watch = watch_connections,
        .closed = forget_connection,
    };
    door->connections.prev = &door->connections;
    door->connections.next = &door->connections;
    audit_on_room(services->audit, audit_has_room, door);
    door->knock = (struct loop_later){.run = take_client, .owner = door};
    door->check = loop_timer_new(services->loop, door_check, door);
    uv_pipe_init(loop_uv(services->loop), &door->pipe, 0);
    door->pipe.data = door;
    int failed = uv_pipe_open(&door->pipe, listening->fd);
    if (failed == 0) {
        failed = uv_listen((uv_stream_t *)&door->pipe, LISTEN_BACKLOG, someone_knocks);
    }
    if (failed != 0 || door->owner.parser == NULL) {
        abort(); /* a descriptor that just was bound and listens: only memory can be wrong */
    }
    return door;
}

void door_close(struct door *door)
{
    if (door == NULL || door->closing) {
        return;
    }
    door->closing = true;
    loop_timer_free(TAKE(door->check));
    loop_later_cancel(door->services->loop, &door->knock);
    loop_close_handle((uv_handle_t *)&door->pipe, NULL);
    accounts_close(door->owner.accounts);
    struct connection_link *next;
    for (struct connection_link *link = door->connections.next; link != &door->connections;
         link = next) {
        next = link->next;
        connection_close(connection_of(link));
    }
}
