/* chronicle_private: what the files of the chronicle share. */
#ifndef TUI_CLI_CHRONICLE_PRIVATE_H
#define TUI_CLI_CHRONICLE_PRIVATE_H

#include "cli/chronicle.h"
#include "index.h"

struct known_vm {
    struct index_link link; /* in chronicle.vms, by host and uuid */
    struct lodge_vm vm;     /* as it was told last */
    struct lodge_vm base;   /* … and as it was said last, while `is_held` */
    bool is_held;           /* in chronicle.held: something of it is not said yet */
    bool is_new;            /* nothing of it was said */
    bool is_gone;
    unsigned telling; /* that named it last */
    struct known_vm *next_held;
};

struct known_host {
    struct lodge_host told, said;
    bool is_read; /* was, once, and that was said: who is there before is no newcomer */
    bool is_new, is_gone;
    unsigned telling;
};

struct known_op {
    int64_t id;
    char *host;
    char uuid[37];
    bool has_ended;
    unsigned telling;
};

struct known_session {
    struct lodge_session facts;
    bool is_said; /* that it was opened */
    unsigned telling;
};

struct chronicle {
    const char *query;
    void (*say)(void *data, const char *line);
    void *data;
    int64_t now_ms;
    bool is_ready;     /* what was there at the beginning has been told */
    bool is_retelling; /* all is told anew, from a reset to its ready */
    unsigned telling;  /* counts resets */
    size_t said;       /* lines, since the last reset */
    struct index vms;
    struct known_vm *held, **last_held; /* in the order in which they changed */
    struct known_host *hosts;
    size_t host_count;
    struct known_op *ops; /* as many as the daemon shows */
    size_t op_count;
    struct known_session *sessions;
    size_t session_count;
};

/* chronicle_known.c */
void chronicle_say(struct chronicle *chronicle, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What a VM is called in a line: its host in front where there are several. The caller frees. */
char *chronicle_label(const struct chronicle *chronicle, const char *host, const char *name);

/* The VM that a link of chronicle.vms is in; NULL for NULL. */
struct known_vm *chronicle_vm_at(struct index_link *link);
struct known_vm *chronicle_find_vm(const struct chronicle *chronicle, const char *host,
                                   const char *uuid);

/* Whether a thing of that VM is to be told. */
bool chronicle_concerns(const struct chronicle *chronicle, const char *host, const char *uuid);

/* How many VMs a host has; the host itself; whether its VMs were read once, and that was said. */
size_t chronicle_vms_on(const struct chronicle *chronicle, const char *host);
struct known_host *chronicle_find_host(const struct chronicle *chronicle, const char *name);
bool chronicle_host_is_read(const struct chronicle *chronicle, const char *name);

/* Whether an operation on it has not ended. */
bool chronicle_is_worked_on(const struct chronicle *chronicle, const struct lodge_vm *vm);

/* chronicle_vms.c */

/* Says what of the VM has not been said, and forgets it if it is gone; not the parts that an
 * operation's line has told. */
void chronicle_tell_vm(struct chronicle *chronicle, struct known_vm *known, unsigned told);
void chronicle_hear_vm(struct chronicle *chronicle, const struct lodge_event *event);
void chronicle_sweep_vms(struct chronicle *chronicle); /* those not told again are gone */
void chronicle_forget_vms(struct chronicle *chronicle);

/* chronicle_ops.c */
void chronicle_hear_op(struct chronicle *chronicle, const struct lodge_op *op,
                       enum lodge_event_type type);
void chronicle_sweep_ops(struct chronicle *chronicle);
void chronicle_forget_ops(struct chronicle *chronicle);

/* chronicle_hosts.c, chronicle_sessions.c */
void chronicle_hear_host(struct chronicle *chronicle, const struct lodge_host *host,
                         enum lodge_event_type type);
void chronicle_settle_hosts(struct chronicle *chronicle);
void chronicle_hear_session(struct chronicle *chronicle, const struct lodge_session *session,
                            enum lodge_event_type type);
void chronicle_sweep_hosts(struct chronicle *chronicle);
void chronicle_forget_hosts(struct chronicle *chronicle);
void chronicle_sweep_sessions(struct chronicle *chronicle);
void chronicle_forget_sessions(struct chronicle *chronicle);

/* chronicle_summary.c */
void chronicle_summarize(struct chronicle *chronicle, const struct lodge_strings *incomplete);

#endif
