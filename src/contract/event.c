/*
 * event: the words for the topics and types of notifications, which the daemon writes and clients
 * read, and where a client finds what each topic tells.
 */
#include "lodge/event.h"

#include "contract/contract.h"
#include "scope.h"

static const char *const topic_words[] = {
    [LODGE_TOPIC_NONE] = NULL,         [LODGE_TOPIC_VM] = "vm", [LODGE_TOPIC_HOST] = "host",
    [LODGE_TOPIC_METRICS] = "metrics", [LODGE_TOPIC_OP] = "op", [LODGE_TOPIC_SESSION] = "session",
    [LODGE_TOPIC_QUOTA] = "quota",
};
_Static_assert(ARRAY_LENGTH(topic_words) == LODGE_TOPICS, "a word per topic");
const struct field_names lodge_topic_names = {topic_words, LODGE_TOPICS};

static const char *const type_words[] = {
    [LODGE_EVENT_NONE] = NULL,         [LODGE_EVENT_ADDED] = "added",
    [LODGE_EVENT_CHANGED] = "changed", [LODGE_EVENT_REMOVED] = "removed",
    [LODGE_EVENT_RESET] = "reset",     [LODGE_EVENT_READY] = "ready",
    [LODGE_EVENT_SAMPLE] = "sample",
};
_Static_assert(ARRAY_LENGTH(type_words) == LODGE_EVENT_TYPES, "a word per type");
const struct field_names lodge_event_type_names = {type_words, LODGE_EVENT_TYPES};

/* An event but for its sample, whose shape depends on what was sampled. The member of an object has
 * its topic's word for a name. */
#define AT(member) .offset = offsetof(struct lodge_event, member)
const struct field lodge_event_fields[] = {
    {"subscription", FIELD_INT, AT(subscription)},
    {"seq", FIELD_INT, AT(seq)},
    {"rev", FIELD_INT, AT(rev)},
    {"topic", FIELD_ENUM, AT(topic), .names = &lodge_topic_names},
    {"type", FIELD_ENUM, AT(type), .names = &lodge_event_type_names},
    {"incomplete", FIELD_STRINGS, AT(incomplete)},
    {"vm", FIELD_OBJECT, AT(vm), .fields = lodge_vm_fields},
    {"host", FIELD_OBJECT, AT(host), .fields = lodge_host_fields},
    {"op", FIELD_OBJECT, AT(op), .fields = lodge_op_fields},
    {"session", FIELD_OBJECT, AT(session), .fields = lodge_session_fields},
    {"quota", FIELD_OBJECT, AT(quota), .fields = lodge_quota_of_fields},
    {.type = FIELD_END},
};
#undef AT

const char *lodge_topic_name(enum lodge_topic topic)
{
    const char *word = field_names_word(&lodge_topic_names, topic);
    return word == NULL ? "none" : word;
}

const char *lodge_event_type_name(enum lodge_event_type type)
{
    const char *word = field_names_word(&lodge_event_type_names, type);
    return word == NULL ? "none" : word;
}
