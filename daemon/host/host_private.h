/*
 * host_private: what a host is made of. For the files of this folder; the rooms within ask by
 * host_conn.h if they can. Everything here is the loop's.
 *
 * host.c          up, down, connecting
 * channels.c         connections by risk, calls on them
 * refresh.c       who is to be asked again, alone
 * states.c        domains' states, asked so
 * domain_report.c what is told of a domain
 * fresh.c         who waits for one to be read anew
 * definitions.c   XML, alone or in a sync's batches
 * sync.c          everything, after each connect
 * recheck.c        lists by state that must find nothing
 * stats.c         the counters of running guests
 * hung.c          whose QEMU does not answer
 * abilities.c     what the driver can do
 * reading.c       what is told to all who ask for it, off the way of all else
 */
#ifndef HOST_HOST_PRIVATE_H
#define HOST_HOST_PRIVATE_H

#include "host/ask_queue.h"
#include "host/connection.h"
#include "host/domains.h"
#include "host/host.h"
#include "host/task.h"
#include "host/uri.h"
#include "loop/workers.h"

#include <pthread.h>
#include <stdatomic.h>

struct fresh;
struct host_call;
struct host_reading;
struct host_stats;
struct uses_desk;

/* Connections by risk: `watch` has events and calls that libvirtd answers even when all its workers
 * are stuck, `sync` those that can wait there for long. */
/* `ops` is for what operations change, `rescue` for virDomainDestroy alone, which holds a priority
 * worker of libvirtd up to 17 s and is the way out of a hung guest. Any call of `read` (reading.h)
 * and `screen` (pictures of guests) may hang, so each has a connection of its own: beside one that
 * is stuck, others on its connection are sometimes sent only when libvirtd pings, every 5 s, and a
 * stream does not end (libvirt 9.0). */
enum channel_name {
    CHANNEL_WATCH,
    CHANNEL_SYNC,
    CHANNEL_OPS,
    CHANNEL_RESCUE,
    CHANNEL_READ,
    CHANNEL_READ_LAST = CHANNEL_READ + HOST_READ_CALLS - 1,
    CHANNEL_SCREEN,
    CHANNEL_SCREEN_LAST = CHANNEL_SCREEN + HOST_SCREEN_CALLS - 1,
    CHANNELS,
};

struct channel {
    struct host *host;
    struct libvirt_connection *connection; /* opening or open; the watch's own where all share */
    bool is_open;
    struct workers *pool;                      /* while open: a connection's calls and no other's */
    struct host_call *waiting, **last_waiting; /* for it to open */
    unsigned out;                              /* calls submitted and not yet delivered */
    struct loop_timer *idle;                   /* it is closed a minute after its last call */
};

/* What is read for who asks (reading.c). */
struct host_readings {
    struct host_reading *first, *last; /* somebody waits for it, or its call is out */
    unsigned out;                      /* calls … */
    unsigned of_pools;                 /* … and of them those that a pool may keep */
    struct loop_later look;            /* the only place where one begins: in turn */
    bool is_looking;
    struct loop_timer *timer; /* the first whose patience ends */
};

/* What host.c is told by files of this folder, which do not know it. */
struct host_hooks {
    /* The connection with events is gone, or one that cannot be done without: down, and again. */
    void (*lost)(struct host *host, const char *reason);
    /* A connection apart is gone. What was out on it may come back, or not. */
    void (*channel_lost)(struct host *host, enum channel_name channel);
    /* A domain is told of for the first time. */
    void (*domain_found)(struct host *host, const struct domain *domain);
};

struct host {
    struct loop *loop;
    char *name;
    struct uri uri;
    struct host_options options; /* the numbers; its strings are `name` and `uri` */
    const struct host_listener *listener;
    void *owner;
    const struct host_hooks *hooks;
    bool ended;      /* host_free() was called: nothing is reported any more */
    char *virt_type; /* kvm_probe_virt_type()'s answer; under virt_lock, the only part of a host
                        that workers touch */
    pthread_mutex_t virt_lock;
    unsigned refs; /* its owner and each call that is out */

    enum lodge_host_state state;
    uint64_t generation; /* of the connection: answers to an older one's calls are nothing */
    uint64_t serial;     /* of the last event or difference */
    uint64_t last_gone;  /* the serial when a domain was last removed */
    struct channel channels[CHANNELS];
    struct libvirt_connection *pulse; /* has keepalive, makes no calls; NULL where all share */
    bool has_pulse;                   /* it is open */
    struct loop_timer *retry;
    struct loop_timer *slow;    /* the open that hangs: said, not waited for */
    struct loop_timer *silence; /* of `watch`, while `pulse` is not open */
    unsigned failures;          /* opens in a row, and syncs */

    struct domains domains;
    struct ask_queue states;
    struct ask_queue definitions;
    struct ask_queue unsettled; /* seen in the middle of a start or an end */
    struct loop_later ask;

    uint64_t round; /* comparisons of lists with what is known */
    bool syncing;
    bool listed;    /* the list of this connection has come */
    bool synced;    /* and everything on it */
    size_t lacking; /* domains that lack state or definition since it came */

    struct loop_timer *recheck;
    struct loop_timer *doubt;
    struct loop_timer *reread;
    struct domain *reread_next; /* whose turn it is; NULL: the first's */
    unsigned char reread_last[UUID_SIZE];
    bool reread_gave_way;                /* to a round of the recheck */
    struct loop_timer *autodestroy;      /* active while a throw-away guest is known */
    struct recheck_round *recheck_round; /* that is out */
    struct ask_queue doubts;
    uint64_t doubts_serial;

    struct host_readings readings;
    struct fresh *fresh; /* who waits for a domain to be read anew, the oldest first */
    struct loop_timer *fresh_timer;
    struct uses_desk *uses_desk; /* who uses which files is asked there */
    atomic_ullong defined;    /* counts what may have named new files. Counted by the loop, compared
                                 by a worker right before it deletes one: a letter would come
                                 when that is done */
    bool hung_out;            /* a question who hangs */
    size_t stuck;             /* guests that did when it was answered */
    uint64_t stuck_seen_ms;   /* monotonic: when there was one last */
    struct host_stats *stats; /* NULL where the driver has no counters */
    struct host_counts counts;
};

void host_ref(struct host *host);
void host_unref(struct host *host);

/* Tries again, later each time, what is missing: a connection, or a sync that failed. */
void host_retry_later(struct host *host);

#endif
