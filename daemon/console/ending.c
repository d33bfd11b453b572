/*
 * ending: libvirt says what became of a guest, and an operation of lodge's that is under way at it,
 * or was a moment ago, who wanted that. Whoever it was, is told to those only who see the
 * operation. Words name the VM in quotes, by which told.h knows it. No state. Loop-only.
 */
#include "console/ending.h"

#include "scope.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>

enum {
    JUST_NOW_MS = 10000, /* an operation ends with the event that ends the session, or before */
    NAME_MAX_BYTES = 80,
};

struct stop {
    const char *reason; /* libvirt's */
    const char *words;
    const char *kind; /* of the operation that does so; NULL: none */
    enum front_end how;
};

static const struct stop stops[] = {
    {"shutdown", "was shut down", "vm.shutdown", FRONT_OFF},
    {"destroyed", "was forced off", "vm.stop", FRONT_OFF},
    {"crashed", "has crashed", NULL, FRONT_OFF},
    {"migrated", "has moved to another host", NULL, FRONT_OVER},
    {"saved", "was saved", "vm.save", FRONT_OFF},
    {"failed", "has failed: its QEMU ended", NULL, FRONT_OFF},
};

/* So much of a text as is whole characters, as a close frame must be (RFC 6455 5.5.1). */
static int whole_bytes(const char *text, size_t most)
{
    size_t length = 0;
    for (size_t more; text[length] != '\0'; length += more) {
        more = utf8_length(text + length, strlen(text + length));
        more = more == 0 ? 1 : more;
        if (length + more > most) {
            break;
        }
    }
    return (int)length;
}

/* " by NAME" of the operation of that kind, or "". */
static void add_who(const struct session *session, const char *kind, char *words, size_t size)
{
    struct registry *registry = session->console->registry;
    const struct viewer viewer = console_viewer(session->console, &session->who);
    const struct registry_op *op =
        kind == NULL ? NULL : registry_last_op(registry, session->host, session->uuid, kind);
    size_t length = strlen(words);
    bool is_its = op != NULL && registry_op_is_visible(op, &viewer) &&
                  op->facts.state != LODGE_OP_FAILED && op->facts.state != LODGE_OP_CANCELLED &&
                  (op->facts.ended_at == 0 || loop_wall_ms() - op->facts.ended_at < JUST_NOW_MS);
    if (is_its && op->facts.user != NULL) {
        (void)snprintf(words + length, size - length, " by %.*s",
                       whole_bytes(op->facts.user, NAME_MAX_BYTES / 2), op->facts.user);
    }
}

static void ending_say(const struct session *session, const char *words, const char *kind,
                       enum front_end how, struct ending *ret_ending)
{
    ret_ending->how = how;
    (void)snprintf(ret_ending->words, sizeof ret_ending->words, "'%.*s' %s",
                   whole_bytes(session->vm, NAME_MAX_BYTES), session->vm, words);
    add_who(session, kind, ret_ending->words, sizeof ret_ending->words);
}

static void say_stop(const struct session *session, const struct vm *vm, struct ending *ret_ending)
{
    for (size_t i = 0; vm->live_reason != NULL && i < ARRAY_LENGTH(stops); i++) {
        if (strcmp(stops[i].reason, vm->live_reason) == 0) {
            ending_say(session, stops[i].words, stops[i].kind, stops[i].how, ret_ending);
            return;
        }
    }
    ending_say(session, "is not running any more", NULL, FRONT_OFF, ret_ending);
}

bool ending_find(const struct session *session, struct ending *ret_ending)
{
    const struct vm *vm =
        registry_find_vm(session->console->registry, session->host, session->uuid);
    bool is_gone = vm == NULL || (vm->host->facts.synced_at != 0 && !vm->present);
    bool goes_on = !session->is_starting; /* else it is off as yet */
    if (vm != NULL && !console_may_use(session->console, &session->who, vm)) {
        ret_ending->how = FRONT_OVER;
        (void)snprintf(ret_ending->words, sizeof ret_ending->words, "%s",
                       "access to the VM was taken away");
    } else if (vm != NULL && vm_phase(vm) == VM_PHASE_DELETING) {
        ending_say(session, "was deleted", "vm.delete", FRONT_OVER, ret_ending);
    } else if (is_gone) {
        ending_say(session, "is gone", NULL, FRONT_OVER, ret_ending);
    } else if (goes_on && vm->present && vm->live == LODGE_VM_SHUTOFF) {
        say_stop(session, vm, ret_ending);
    } else if (goes_on && vm->starts != session->starts && vm_is_active(vm)) {
        ending_say(session, "was stopped and started again", NULL, FRONT_AGAIN, ret_ending);
    } else {
        return false;
    }
    return true;
}

void ending_of_server(const struct session *session, struct ending *ret_ending)
{
    const char *reason = rfb_reason(&session->relay.rfb);
    ret_ending->how = FRONT_AGAIN;
    (void)snprintf(ret_ending->words, sizeof ret_ending->words, "%s",
                   reason != NULL ? reason : "the guest's VNC server closed the connection");
}

/* libvirt pauses a guest for a moment by itself for much that it does. */
static const char *pause_words(const struct vm *vm)
{
    const char *reason = vm->live_reason == NULL ? "" : vm->live_reason;
    if (strcmp(reason, "I/O error") == 0) {
        return "paused: a disk of it failed, or has no room";
    }
    if (strcmp(reason, "watchdog") == 0) {
        return "paused by its watchdog";
    }
    return strcmp(reason, "user") == 0 || reason[0] == '\0' ? "paused" : NULL;
}

static const char *pause_of(const struct session *session)
{
    const struct vm *vm =
        registry_find_vm(session->console->registry, session->host, session->uuid);
    return vm == NULL || !vm->present || vm->live != LODGE_VM_PAUSED ? NULL : pause_words(vm);
}

bool ending_is_paused(const struct session *session)
{
    return pause_of(session) != NULL;
}

void ending_pause(const struct session *session, char *ret_words, size_t size)
{
    const char *words = pause_of(session);
    (void)snprintf(ret_words, size, "%s", words == NULL ? "" : words);
    if (words != NULL && strcmp(words, "paused") == 0) {
        add_who(session, "vm.pause", ret_words, size);
    }
}
