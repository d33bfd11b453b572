/*
 * watched: the VMs that sessions are at. What the registry tells of a VM is told to the sessions at
 * it alone: a change elsewhere costs a look at each watched VM, however many its sessions are. For
 * the console's own files. Loop-only.
 */
#ifndef CONSOLE_WATCHED_H
#define CONSOLE_WATCHED_H

#include "console/session.h"

/* What decides whether sessions go on, and what their viewers are told. That they are there changes
 * the VM too, which is nothing to them. */
struct watched_look {
    bool is_known;
    bool is_present;
    enum lodge_vm_state live;
    enum vm_phase phase;
    uid_t owner;
    uint64_t starts;
    uint64_t reason; /* a hash of the live one's */
    int64_t host_synced_at;
};

struct watched {
    struct list_link link; /* in console.watched */
    struct index_link by_vm;
    char *host;
    char uuid[37];
    struct list sessions; /* the oldest first */
    int64_t viewers;      /* of them, those that are open */
    struct watched_look seen;
};

/* Its VM has one session more, one less: the last takes it along. */
void watched_join(struct session *session);
void watched_leave(struct session *session);

/* Whether its sessions must be asked whether they go on; once for each change. */
bool watched_has_changed(struct watched *watched, struct registry *registry);

#endif
