/*
 * again: each session of a page that has ended leaves a `rest`, the newest first, so many of a
 * user. One that is opened again is a new session, which its page knows by the number of its first;
 * its rest is gone then, and it leaves another.
 *
 * What is asked for is in the audit before it is begun. The session is there meanwhile, with its
 * viewer and without a server: whatever ends sessions ends it too. Loop-only.
 */
#include "console/again.h"

#include "memory.h"
#include "ops/ops.h"
#include "reads/audit.h"
#include "registry/told.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { START_WAIT_MS = 30000, TOLD_MAX = 200 };

struct rest {
    struct list_link link; /* in console.rests */
    int64_t page;
    struct ticket secret;
    struct identity who;
    enum lodge_session_mode mode;
    char *host;
    char *uuid;
    char *vm;
    enum front_end how;
    char told[TOLD_MAX];
    uint64_t until;
    uint64_t since;
    unsigned times;
};

static void rest_free(struct rest *rest)
{
    free(rest->who.groups);
    free(rest->host);
    free(rest->uuid);
    free(rest->vm);
    explicit_bzero(&rest->secret, sizeof rest->secret);
    free(rest);
}

static void drop_rest(struct console *console, struct rest *rest)
{
    list_remove(&console->rests, &rest->link);
    rest_free(rest);
}

/* Those whose time is over, and all but the newest of that user. */
static void make_place(struct console *console, uid_t uid)
{
    uint64_t now = loop_monotonic_ms();
    unsigned count = 0;
    LIST_EACH (struct rest, rest, &console->rests, link) {
        count += rest->who.uid == uid;
        if (rest->until <= now || (rest->who.uid == uid && count >= AGAIN_PER_USER)) {
            drop_rest(console, rest);
        }
    }
}

static uint64_t until_of(const struct session *session)
{
    const struct console_limits *limits = &session->console->limits;
    uint64_t now = loop_monotonic_ms();
    uint64_t until = now + AGAIN_MS;
    uint64_t idle = now + (uint64_t)limits->idle_s * 1000;
    uint64_t most = session->since + (uint64_t)limits->max_s * 1000;
    until = limits->idle_s != 0 && idle < until ? idle : until;
    return limits->max_s != 0 && most < until ? most : until;
}

void again_keep(struct session *session, enum front_end how, const char *told)
{
    struct console *console = session->console;
    make_place(console, session->who.uid);
    struct rest *rest = xcalloc(1, sizeof *rest);
    rest->page = session->page;
    rest->secret = session->secret;
    session_copy_identity(&rest->who, &session->who);
    rest->mode = session->mode;
    rest->host = xstrdup(session->host);
    rest->uuid = xstrdup(session->uuid);
    rest->vm = xstrdup(session->vm);
    rest->how = how;
    (void)snprintf(rest->told, sizeof rest->told, "%s", told);
    rest->until = until_of(session);
    rest->since = session->since;
    rest->times = session->times;
    list_prepend(&console->rests, &rest->link);
}

void again_clear(struct console *console)
{
    LIST_EACH (struct rest, rest, &console->rests, link) {
        drop_rest(console, rest);
    }
}

static struct rest *find_rest(struct console *console, int64_t page, const struct ticket *secret)
{
    uint64_t now = loop_monotonic_ms();
    LIST_EACH (struct rest, rest, &console->rests, link) {
        if (rest->page == page && rest->until > now && ticket_is(&rest->secret, secret)) {
            return rest;
        }
    }
    return NULL;
}

bool console_remembers(struct console *console, int64_t page, const struct ticket *secret)
{
    return find_rest(console, page, secret) != NULL;
}

/* Whether it may be done */

static bool vm_may_run(const struct vm *vm, struct lodge_error *err)
{
    const struct lodge_host *host = &vm->host->facts;
    if (host->state != LODGE_HOST_UP || !vm->present || vm_phase(vm) == VM_PHASE_CREATING ||
        vm_phase(vm) == VM_PHASE_DELETING) {
        return lodge_fail(err, LODGE_ERROR_BAD_STATE, "its host does not have it now");
    }
    return vm->facts.unresponsive == 0 ||
           lodge_fail(err, LODGE_ERROR_UNRESPONSIVE, "its QEMU does not answer");
}

static bool may_be_opened(const struct rest *rest)
{
    return rest->how == FRONT_OFF || rest->how == FRONT_AGAIN;
}

static bool may_ask_again(struct console *console, const struct rest *rest, struct lodge_error *err)
{
    struct viewer viewer = console_viewer(console, &rest->who);
    if (!may_be_opened(rest)) {
        return lodge_fail(err, LODGE_ERROR_DENIED, "%s", rest->told);
    }
    if (rest->times >= AGAIN_MOST) {
        return lodge_fail(err, LODGE_ERROR_TOO_MANY,
                          "this page has opened it %d times: ask for a new link", AGAIN_MOST);
    }
    if (audit_is_full(console->audit, rest->who.uid)) {
        return lodge_fail(err, LODGE_ERROR_TOO_MANY, "too much of yours waits to be written down");
    }
    return ops_may_begin(console->ops, &viewer, err);
}

static bool may_open(struct console *console, const struct rest *rest, struct vm *vm,
                     enum again_wish wish, struct lodge_error *err)
{
    if (vm == NULL || !console_may_use(console, &rest->who, vm)) {
        return lodge_fail(err, LODGE_ERROR_NOT_FOUND, "'%s' is not there for you any more",
                          rest->vm);
    }
    if (!may_ask_again(console, rest, err) || !vm_may_run(vm, err)) {
        return false;
    }
    if (vm->live == LODGE_VM_SHUTOFF && wish != AGAIN_START) {
        return lodge_fail(err, LODGE_ERROR_BAD_STATE, "'%s' is off", rest->vm);
    }
    if (vm->live == LODGE_VM_SHUTOFF && rest->mode != LODGE_SESSION_RW) {
        return lodge_fail(err, LODGE_ERROR_DENIED, "'%s' is not started by who may only look",
                          rest->vm);
    }
    struct console_ask ask = {vm, &rest->who, LODGE_SESSION_WEB, rest->mode};
    return console_has_room(console, &ask, err);
}

/* Doing it */

struct asked_again {
    struct console *console;
    int64_t id;
};

static struct session *take_asked(struct asked_again *asked)
{
    struct session *session = console_find(asked->console, asked->id);
    free(asked);
    return session;
}

static struct asked_again *ask_again(const struct session *session)
{
    struct asked_again *asked = xcalloc(1, sizeof *asked);
    *asked = (struct asked_again){session->console, session_id(session)};
    return asked;
}

static struct vm *vm_of_session(const struct session *session)
{
    return registry_find_vm(session->console->registry, session->host, session->uuid);
}

/* `target` is borrowed. */
static struct audit_call audit_call_of(const struct identity *who, const char *method,
                                       const char *target)
{
    return (struct audit_call){
        .uid = who->uid, .pid = who->pid, .method = method, .target = target};
}

/* What has begun has its row; what was refused gets it here, as a method's call does. */
static void note_refused_start(const struct session *session, const struct op_answer *answer)
{
    AUTO(free) char *target = xasprintf("%s/%s", session->host, session->vm);
    struct audit_call call = audit_call_of(&session->who, "vm.start", target);
    if (!answer->began) {
        audit_refused(session->console->audit, &call, answer->error);
    }
}

/* Nothing is waited for any more but the guest's server. */
static void ask_for_screen(struct session *session)
{
    const struct vm *vm = vm_of_session(session);
    struct lodge_error said = {0}; /* to the viewer, by then */
    session->is_starting = false;
    session->is_asking = false;
    session->starts = vm == NULL ? 0 : vm->starts;
    if (session_goes_on(session, &said) && session->front != NULL) {
        session_ask(session);
    }
}

static void again_started(void *data, const struct op_answer *answer)
{
    struct session *session = take_asked(data);
    const struct lodge_error *error = answer->error;
    if (session == NULL) {
        return;
    }
    if (error == NULL || error->kind == LODGE_ERROR_NONE) {
        ask_for_screen(session);
        return;
    }
    session->is_starting = false;
    session->is_asking = false;
    note_refused_start(session, answer);
    session_fail(session, FRONT_OFF, error);
}

static void start_guest(struct session *session, const struct vm *vm)
{
    struct plan plan;
    plan_init(&plan);
    plan.name = xstrdup(session->vm);
    plan.owner = vm->owner;
    ops_ask(session->console->ops, &(struct op_ask){
                                       .kind = "vm.start",
                                       .host = session->host,
                                       .uuid = session->uuid,
                                       .viewer = console_viewer(session->console, &session->who),
                                       .pid = session->who.pid,
                                       .plan = &plan,
                                       .wait = true,
                                       .timeout_ms = START_WAIT_MS,
                                       .answer = again_started,
                                       .data = ask_again(session),
                                   });
}

/* The audit has it. The guest may have been started, or be off again, meanwhile. */
static void again_noted(void *data)
{
    struct session *session = take_asked(data);
    if (session == NULL) {
        return;
    }
    const struct vm *vm = vm_of_session(session);
    if (session->is_starting && vm != NULL && vm->live == LODGE_VM_SHUTOFF) {
        start_guest(session, vm);
    } else {
        ask_for_screen(session);
    }
}

/* The rest's session goes on in a new one, at `front`. */
static void open_again(struct console *console, struct rest *rest, struct vm *vm,
                       struct front *front, const char *peer)
{
    struct console_ask ask = {vm, &rest->who, LODGE_SESSION_WEB, rest->mode};
    struct session *session = console_add(console, &ask);
    AUTO(free) char *target = xasprintf("%s/%s", rest->host, rest->vm);
    struct audit_call call = audit_call_of(&rest->who, "console.open", target);
    session->page = rest->page;
    session->secret = rest->secret;
    session->has_secret = true;
    session->since = rest->since;
    session->times = rest->times + 1;
    session->is_starting = vm->live == LODGE_VM_SHUTOFF;
    session->is_asking = true; /* when the audit has it */
    ops_count(console->ops, rest->who.uid);
    session_join(session, front, peer, NULL);
    audit_done(console->audit, &call, again_noted, ask_again(session));
}

/* Out of the list: whoever makes room for it leaves a rest too, and that takes a place. */
static struct rest *take_rest(struct console *console, int64_t page, const struct ticket *secret)
{
    struct rest *rest = find_rest(console, page, secret);
    if (rest != NULL) {
        list_remove(&console->rests, &rest->link);
    }
    return rest;
}

static void refuse_again(struct console *console, const struct rest *rest, const struct vm *vm,
                         const struct lodge_error *err, struct front *front)
{
    AUTO(free) char *target = xasprintf("%s/%s", rest->host, rest->vm);
    struct audit_call call = audit_call_of(&rest->who, "console.open", target);
    struct viewer viewer = console_viewer(console, &rest->who);
    struct told_about about = {rest->host, rest->uuid, rest->vm, false};
    struct lodge_error told;
    bool is_off = vm != NULL && vm->present && vm->live == LODGE_VM_SHUTOFF;
    enum front_end how = is_off ? FRONT_OFF : FRONT_AGAIN;
    audit_refused(console->audit, &call, err);
    told_error(console->registry, &viewer, &about, err, &told);
    if (err->kind == LODGE_ERROR_NOT_FOUND || !may_be_opened(rest)) {
        how = FRONT_OVER;
    }
    front->kind->end(front, how, told.message);
}

void console_again(struct console *console, int64_t page, const struct ticket *secret,
                   enum again_wish wish, struct front *front, const char *peer)
{
    struct lodge_error err = {0};
    struct rest *rest = take_rest(console, page, secret);
    if (rest == NULL) {
        front->kind->end(front, FRONT_OVER, "it is too late to come back to this session");
        return;
    }
    struct vm *vm = registry_find_vm(console->registry, rest->host, rest->uuid);
    if (wish != AGAIN_TOLD && may_open(console, rest, vm, wish, &err)) {
        open_again(console, rest, vm, front, peer);
        rest_free(rest);
        return;
    }
    list_prepend(&console->rests, &rest->link);
    if (wish == AGAIN_TOLD) {
        front->kind->end(front, rest->how, rest->told);
    } else {
        refuse_again(console, rest, vm, &err, front);
    }
}
