/*
 * op: the contract's operation: words for its states, and the fields by which the daemon writes and
 * clients read.
 */
#include "lodge/op.h"

#include "contract/contract.h"
#include "scope.h"

static const char *const state_words[] = {
    [LODGE_OP_UNKNOWN] = NULL,          [LODGE_OP_RUNNING] = "running",
    [LODGE_OP_WAITING] = "waiting",     [LODGE_OP_UNDOING] = "undoing",
    [LODGE_OP_DONE] = "done",           [LODGE_OP_FAILED] = "failed",
    [LODGE_OP_CANCELLED] = "cancelled",
};
_Static_assert(ARRAY_LENGTH(state_words) == LODGE_OP_STATES, "a word per state");
const struct field_names lodge_op_state_names = {state_words, LODGE_OP_STATES};

#define AT(member) .offset = offsetof(struct lodge_op_step, member)
static const struct field step_fields[] = {
    {"name", FIELD_STRING, AT(name), .help = "of its recipe"},
    {"at", FIELD_TIME, AT(at), .help = "when it began"},
    {.type = FIELD_END},
};
#undef AT

#define AT(member) .offset = offsetof(struct lodge_op_error, member)
static const struct field error_fields[] = {
    {"kind", FIELD_STRING, AT(kind), .help = "as data.kind of an error"},
    {"message", FIELD_STRING, AT(message), .help = "for people"},
    {.type = FIELD_END},
};
#undef AT

#define AT(member) .offset = offsetof(struct lodge_op_progress, member)
static const struct field progress_fields[] = {
    {"done", FIELD_INT, AT(done), .help = "so far"},
    {"total", FIELD_INT, AT(total), .help = "in all"},
    {"unit", FIELD_STRING, AT(unit), .help = "what is counted"},
    {.type = FIELD_END},
};
#undef AT

#define AT(member) .offset = offsetof(struct lodge_op, member)
const struct field lodge_op_fields[] = {
    {"id", FIELD_INT, AT(id), .help = "its number"},
    {"kind", FIELD_STRING, AT(kind), .help = "the method that asked for it"},
    {"host", FIELD_STRING, AT(host), .help = "of its VM"},
    {"uuid", FIELD_TEXT, AT(uuid), .size = 37, .help = "its VM's"},
    {"vm", FIELD_STRING, AT(vm), .help = "its VM's name when it began"},
    {"user", FIELD_STRING, AT(user), .help = "who asked"},
    {"state", FIELD_ENUM, AT(state), .names = &lodge_op_state_names, .help = "where it stands"},
    {"step", FIELD_STRING, AT(step), .help = "the one that began last"},
    {"steps", FIELD_OBJECTS, AT(steps), .size = sizeof(struct lodge_op_step), .fields = step_fields,
     .help = "those that began, in order"},
    {"progress", FIELD_OBJECT, AT(progress), .fields = progress_fields, .help = "how far it is"},
    {"can_cancel", FIELD_FLAG, AT(can_cancel),
     .help = "whether op.cancel would stop it, or give it up"},
    {"error", FIELD_OBJECT, AT(error), .fields = error_fields, .help = "why it failed"},
    {"reason", FIELD_STRING, AT(reason),
     .help = "while it is waiting, or undoing and cannot go on: for what, or what went wrong and "
             "when"},
    {"notes", FIELD_STRINGS, AT(notes), .help = "what whoever asked should know, in words"},
    {"started_at", FIELD_TIME, AT(started_at), .help = "when it was recorded"},
    {"ended_at", FIELD_TIME, AT(ended_at), .help = "when it ended"},
    {.type = FIELD_END},
};
#undef AT

const char *lodge_op_state_name(enum lodge_op_state state)
{
    const char *word = field_names_word(&lodge_op_state_names, state);
    return word == NULL ? "unknown" : word;
}
