/*
 * session: the contract's session: words for its kind, mode, door and state, and the fields by
 * which the daemon writes and clients read.
 */
#include "lodge/session.h"

#include "contract/contract.h"
#include "scope.h"

static const char *const kind_words[] = {[LODGE_SESSION_NONE] = NULL, [LODGE_SESSION_VNC] = "vnc"};
_Static_assert(ARRAY_LENGTH(kind_words) == LODGE_SESSION_KINDS, "a word per kind");
const struct field_names lodge_session_kind_names = {kind_words, LODGE_SESSION_KINDS};

static const char *const mode_words[] = {
    [LODGE_SESSION_NO_MODE] = NULL, [LODGE_SESSION_RW] = "rw", [LODGE_SESSION_RO] = "ro"};
_Static_assert(ARRAY_LENGTH(mode_words) == LODGE_SESSION_MODES, "a word per mode");
const struct field_names lodge_session_mode_names = {mode_words, LODGE_SESSION_MODES};

static const char *const door_words[] = {
    [LODGE_SESSION_NO_DOOR] = NULL, [LODGE_SESSION_WEB] = "web", [LODGE_SESSION_STREAM] = "stream"};
_Static_assert(ARRAY_LENGTH(door_words) == LODGE_SESSION_DOORS, "a word per door");
const struct field_names lodge_session_door_names = {door_words, LODGE_SESSION_DOORS};

static const char *const state_words[] = {
    [LODGE_SESSION_UNKNOWN] = NULL,
    [LODGE_SESSION_WAITS] = "waits",
    [LODGE_SESSION_OPEN] = "open",
    [LODGE_SESSION_AWAY] = "away",
};
_Static_assert(ARRAY_LENGTH(state_words) == LODGE_SESSION_STATES, "a word per state");
const struct field_names lodge_session_state_names = {state_words, LODGE_SESSION_STATES};

#define AT(member) .offset = offsetof(struct lodge_session, member)
const struct field lodge_session_fields[] = {
    {"session", FIELD_INT, AT(session), .help = "its number"},
    {"vm", FIELD_STRING, AT(vm), .help = "whose screen it is, by its name then"},
    {"host", FIELD_STRING, AT(host), .help = "of the VM"},
    {"uuid", FIELD_TEXT, AT(uuid), .size = 37, .help = "the VM's"},
    {"user", FIELD_STRING, AT(user), .help = "who opened it"},
    {"peer", FIELD_STRING, AT(peer), .help = "where the viewer is: ADDRESS:PORT, or pid N"},
    {"kind", FIELD_ENUM, AT(kind), .names = &lodge_session_kind_names, .help = "vnc"},
    {"mode", FIELD_ENUM, AT(mode), .names = &lodge_session_mode_names,
     .help = "ro looks only, rw types too"},
    {"door", FIELD_ENUM, AT(door), .names = &lodge_session_door_names, .help = "web or stream"},
    {"state", FIELD_ENUM, AT(state), .names = &lodge_session_state_names,
     .help = "waits for its ticket to be shown, open, or away for at most a minute"},
    {"started_at", FIELD_TIME, AT(started_at), .help = "when its viewer came in"},
    {"idle_s", FIELD_INT, AT(idle_s), .help = "since something was typed or clicked"},
    {"bytes", FIELD_INT, AT(bytes), .help = "both ways; a subscription hears of it now and then"},
    {"reason", FIELD_STRING, AT(reason), .help = "why it ended, where a subscription hears that"},
    {.type = FIELD_END},
};
#undef AT

const char *lodge_session_state_name(enum lodge_session_state state)
{
    const char *word = field_names_word(&lodge_session_state_names, state);
    return word == NULL ? "unknown" : word;
}

const char *lodge_session_mode_name(enum lodge_session_mode mode)
{
    const char *word = field_names_word(&lodge_session_mode_names, mode);
    return word == NULL ? "unknown" : word;
}
