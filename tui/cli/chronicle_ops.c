/*
 * chronicle_ops: operations begin and end in a line each, and the line of the end says what they
 * changed of their VM: of what an operation of its kind is for, what was held meanwhile.
 */
#include "cli/chronicle_private.h"
#include "cli/terms.h"
#include "cli/vm_words.h"
#include "memory.h"
#include "scope.h"
#include "units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    UPDATE_PARTS = VM_PART_NAME | VM_PART_SIZE | VM_PART_AUTOSTART | VM_PART_TAGS | VM_PART_PENDING,
};

/* What an operation is for; another change of that time is not its. */
static const struct purpose {
    const char *kind;
    unsigned parts;
    enum lodge_vm_state state; /* that it brings the VM into; UNKNOWN: whichever */
    bool makes, removes;
} purposes[] = {
    {.kind = "vm.create", .parts = VM_PARTS & ~VM_PART_REASON, .makes = true},
    {.kind = "vm.delete", .parts = VM_PARTS, .removes = true},
    {.kind = "vm.forget", .parts = VM_PARTS, .removes = true},
    {.kind = "vm.start", .parts = VM_PART_STATE, .state = LODGE_VM_RUNNING},
    {.kind = "vm.resume", .parts = VM_PART_STATE, .state = LODGE_VM_RUNNING},
    {.kind = "vm.pause", .parts = VM_PART_STATE, .state = LODGE_VM_PAUSED},
    {.kind = "vm.stop", .parts = VM_PART_STATE, .state = LODGE_VM_SHUTOFF},
    {.kind = "vm.shutdown", .parts = VM_PART_STATE, .state = LODGE_VM_SHUTOFF},
    {.kind = "vm.save", .parts = VM_PART_STATE, .state = LODGE_VM_SHUTOFF},
    {.kind = "vm.update", .parts = UPDATE_PARTS},
    {.kind = "vm.media", .parts = VM_PART_PENDING},
    {.kind = "vm.adopt", .parts = VM_PART_OWNER},
};

static const struct purpose *purpose_of(const char *kind)
{
    static const struct purpose none = {.kind = ""};
    for (size_t i = 0; kind != NULL && i < ARRAY_LENGTH(purposes); i++) {
        if (strcmp(purposes[i].kind, kind) == 0) {
            return &purposes[i];
        }
    }
    return &none;
}

static bool op_has_ended(const struct lodge_op *op)
{
    return op->ended_at != 0 || op->state == LODGE_OP_DONE || op->state == LODGE_OP_FAILED ||
           op->state == LODGE_OP_CANCELLED;
}

static struct known_op *find_op(const struct chronicle *chronicle, int64_t id)
{
    for (size_t i = 0; i < chronicle->op_count; i++) {
        if (chronicle->ops[i].id == id) {
            return &chronicle->ops[i];
        }
    }
    return NULL;
}

static struct known_op *add_op(struct chronicle *chronicle, const struct lodge_op *op)
{
    struct known_op *known = ARRAY_GROW(chronicle->ops, chronicle->op_count);
    *known = (struct known_op){.id = op->id, .host = xstrdup_or_null(op->host)};
    memcpy(known->uuid, op->uuid, sizeof known->uuid);
    return known;
}

static void remove_op(struct chronicle *chronicle, struct known_op *known)
{
    free(known->host);
    *known = chronicle->ops[--chronicle->op_count];
}

/* "by root, 0.8 s". The caller frees. */
static char *who_and_how_long(const struct lodge_op *op)
{
    char span[UNIT_TEXT];
    int64_t ms = op->ended_at - op->started_at;
    const char *user = op->user == NULL ? "?" : op->user;
    if (op->ended_at == 0 || op->started_at == 0 || ms < 0) {
        return xasprintf("by %s", user);
    }
    if (ms < 100000) {
        return xasprintf("by %s, %" PRId64 ".%" PRId64 " s", user, ms / 1000, ms % 1000 / 100);
    }
    return xasprintf("by %s, %s", user, duration_text(span, ms / 1000));
}

/* What of the VM the operation has made other; NULL: nothing that is known. `ret_told` are the
 * parts that are in the words. The caller frees. */
static char *deeds(const struct chronicle *chronicle, const struct purpose *purpose,
                   const struct known_vm *known, unsigned *ret_told)
{
    unsigned parts = purpose->parts;
    if (purpose->state != LODGE_VM_UNKNOWN && known->vm.state != purpose->state) {
        parts &= ~(unsigned)VM_PART_STATE;
    }
    *ret_told = VM_PARTS;
    if (known->is_gone && (purpose->removes || chronicle->query != NULL)) {
        return xstrdup(purpose->removes ? "is gone" : "no longer matches");
    }
    if (known->is_new && !known->is_gone && (purpose->makes || chronicle->query != NULL)) {
        AUTO(free) char *words = vm_words_new(&known->vm);
        return xasprintf("%s%s", purpose->makes ? "" : "matches now: ", words);
    }
    *ret_told = parts | ((parts & VM_PART_STATE) != 0 ? (unsigned)VM_PART_REASON : 0);
    return known->is_gone || known->is_new ? NULL
                                           : vm_words_changes(&known->base, &known->vm, parts);
}

static void tell_notes(struct chronicle *chronicle, const struct lodge_op *op, const char *label)
{
    for (size_t i = 0; i < op->notes.count; i++) {
        AUTO(free) char *words = terms_for_people(op->notes.items[i], op->id, 0);
        chronicle_say(chronicle, "%s  %s: %s", label, terms_verb(op->kind), words);
    }
}

static void tell_done(struct chronicle *chronicle, const struct lodge_op *op,
                      struct known_vm *known, const char *label)
{
    unsigned told = 0;
    bool has_news = known != NULL && known->is_held;
    AUTO(free) char *by = who_and_how_long(op);
    AUTO(free)
    char *words = has_news ? deeds(chronicle, purpose_of(op->kind), known, &told) : NULL;
    if (words != NULL) {
        chronicle_say(chronicle, "%s  %s: %s (%s)", label, terms_verb(op->kind), words, by);
    } else {
        chronicle_say(chronicle, "%s  %s done (%s)", label, terms_verb(op->kind), by);
    }
    tell_notes(chronicle, op, label);
    if (has_news) {
        chronicle_tell_vm(chronicle, known, words == NULL ? 0 : told);
    }
}

/* What is held of the VM is said when everything has been heard. */
static void tell_failed(struct chronicle *chronicle, const struct lodge_op *op, const char *label)
{
    const char *message = op->error.message == NULL ? "" : op->error.message;
    AUTO(free) char *words = terms_for_people(message, op->id, 0);
    AUTO(free) char *by = who_and_how_long(op);
    chronicle_say(chronicle, "%s  %s %s (%s)%s%s", label, terms_verb(op->kind),
                  lodge_op_state_name(op->state), by, *words == '\0' ? "" : ": ", words);
    tell_notes(chronicle, op, label);
}

static void tell_op(struct chronicle *chronicle, const struct lodge_op *op)
{
    struct known_vm *known = chronicle_find_vm(chronicle, op->host, op->uuid);
    bool knows_name = known != NULL && known->is_held && known->base.name != NULL;
    AUTO(free)
    char *label = chronicle_label(chronicle, op->host,
                                  op->vm == NULL && knows_name ? known->base.name : op->vm);
    if (op->state == LODGE_OP_DONE) {
        tell_done(chronicle, op, known, label);
    } else if (op_has_ended(op)) {
        tell_failed(chronicle, op, label);
    } else {
        chronicle_say(chronicle, "%s  %s begun by %s", label, terms_verb(op->kind),
                      op->user == NULL ? "?" : op->user);
    }
}

void chronicle_hear_op(struct chronicle *chronicle, const struct lodge_op *op,
                       enum lodge_event_type type)
{
    struct known_op *known = find_op(chronicle, op->id);
    if (type == LODGE_EVENT_REMOVED) {
        if (known != NULL) {
            remove_op(chronicle, known);
        }
        return;
    }
    bool is_new = known == NULL;
    bool has_ended = op_has_ended(op);
    known = is_new ? add_op(chronicle, op) : known;
    bool is_news = is_new || (has_ended && !known->has_ended);
    known->has_ended = has_ended;
    known->telling = chronicle->telling;
    if (chronicle->is_ready && is_news && chronicle_concerns(chronicle, op->host, op->uuid)) {
        tell_op(chronicle, op);
    }
}

/* What the daemon no longer shows has ended: how, nobody says any more. */
void chronicle_sweep_ops(struct chronicle *chronicle)
{
    for (size_t i = chronicle->op_count; i-- > 0;) {
        if (chronicle->ops[i].telling != chronicle->telling) {
            remove_op(chronicle, &chronicle->ops[i]);
        }
    }
}

void chronicle_forget_ops(struct chronicle *chronicle)
{
    while (chronicle->op_count > 0) {
        remove_op(chronicle, &chronicle->ops[0]);
    }
    free(chronicle->ops);
    chronicle->ops = NULL;
}
