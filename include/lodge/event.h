/* lodge_event: one notification of a subscription (RPC `event.subscribe`). */
#ifndef LODGE_EVENT_H
#define LODGE_EVENT_H

#include "lodge/host.h"
#include "lodge/op.h"
#include "lodge/quota.h"
#include "lodge/session.h"
#include "lodge/vm.h"

enum lodge_topic {
    LODGE_TOPIC_NONE,
    LODGE_TOPIC_VM,
    LODGE_TOPIC_HOST,
    LODGE_TOPIC_METRICS,
    LODGE_TOPIC_OP,
    LODGE_TOPIC_SESSION,
    LODGE_TOPIC_QUOTA,
    LODGE_TOPICS,
};

enum lodge_event_type {
    LODGE_EVENT_NONE,
    LODGE_EVENT_ADDED,
    LODGE_EVENT_CHANGED,
    LODGE_EVENT_REMOVED, /* carries the object's key only */
    LODGE_EVENT_RESET,   /* forget all that this subscription has told */
    LODGE_EVENT_READY, /* all that was there has been told; `incomplete` names hosts not yet read */
    LODGE_EVENT_SAMPLE,
    LODGE_EVENT_TYPES,
};

struct lodge_event {
    int64_t subscription; /* the daemon's number */
    int64_t seq;
    int64_t rev;
    enum lodge_topic topic; /* NONE for reset and ready */
    enum lodge_event_type type;
    struct lodge_strings incomplete; /* READY */
    /* Which of these holds is told by topic and type; both are whole structs, unknown unless told.
     * METRICS: `vm` with host, uuid, name and stats; or, for a host's own sample, `host` with name
     * and stats while vm.uuid is empty. */
    struct lodge_vm vm;
    struct lodge_host host;
    struct lodge_op op;
    struct lodge_session session;
    struct lodge_quota_of quota;
};

const char *lodge_topic_name(enum lodge_topic topic);
const char *lodge_event_type_name(enum lodge_event_type type);

#endif
