/*
 * uses: which files the domains of a host use, as they were defined at one moment.
 *
 * Before a file is removed, all definitions of its host are read again, there and then: live and
 * inactive ones, snapshots', checkpoints' and saved guests' (uses_reading.c). Every name in them is
 * looked up, every disk followed to what it is based on (uses_follow.c). A reading is made once for
 * all who asked before it began; then it is never changed, so that workers may read it at the same
 * time. In doubt a file is in use.
 *
 * What is believed, and for what:
 * - A disk's format is what its definition says, without a format raw. A raw disk's header is its
 *   guest's and is not looked at: a guest names nobody's disk.
 * - A header, and libvirt's own belief about a volume (asked where lodged may not open the file),
 *   only add files that are in use. So somebody who can write a header can keep a file from being
 *   deleted, never have one deleted.
 * - A volume that no definition names (an overlay somebody put into a pool, a clone that is not
 *   defined) has nobody to say its format: its header is looked at, and what it is based on stays.
 *   No guest writes it now; what a former guest can have left there is a name that it would have to
 *   guess, and who asked is told which volume it is. Lodge's own raw volumes are known by their
 *   names, and left out.
 * - A name that cannot be looked up (another machine's, a folder that lodged may not enter, a URL,
 *   QEMU's arguments) means a file if its last part is the file's: lodge's names have a random uuid
 *   in them.
 */
#ifndef HOST_USES_H
#define HOST_USES_H

#include "host/host.h"
#include "host/storage/storage.h"

#include <sys/types.h>

struct uses;

/* The file in question. */
struct use_target {
    const char *path; /* absolute */
    bool is_seen;     /* lodged could look at it: it is known by these two */
    dev_t device;
    ino_t inode;
};

/* As it is now, without following a symlink; `path` is borrowed. On a worker. */
struct use_target use_target_at(const char *path);

enum use_kind {
    USE_NONE,
    USE_DOMAIN, /* `who` is its name */
    USE_VOLUME, /* a volume that no domain has is based on it; `who` is its path */
    USE_DOUBT,  /* `who` says what could not be found out */
};

struct use {
    enum use_kind kind;
    const char *who; /* lives as long as the uses */
};

/* Who uses it, but for the domain `except` (a uuid, or NULL). Any thread. */
struct use uses_find(const struct uses *uses, const struct use_target *target, const char *except);

/* "VM 'web' uses it": other people's VMs and files by name. It is for admins and the store; who
 * else reads it hears "another VM uses it" (registry/told.h), which knows these words. */
void use_say(const struct use *use, char *ret_text, size_t size);

/* Reads them. `answer` comes exactly once, on the loop, with uses that are held only for the call,
 * or NULL with the error (HOST_DOWN, CANCELLED, or what libvirt said). */
typedef void uses_fn(void *data, struct uses *uses, const struct lodge_error *error);
void host_ask_uses(struct host *host, const struct storage_place *place, uses_fn *answer,
                   void *data);

/* On a worker: reads them here and now. The caller's, who gives it back with uses_release(); NULL
 * with the error, HOST_DOWN or what libvirt said. */
struct uses *uses_read_now(struct host_conn *conn, const struct storage_place *place,
                           struct lodge_error *err);

/* Loop-only, where they are shared. NULL is fine. */
struct uses *uses_hold(struct uses *uses);
void uses_release(struct uses *uses);

/* On a worker: whether a domain was defined since the reading began, as far as libvirt has told, or
 * it ended too long ago. What is left between this and a removal are the moments until libvirt's
 * event has come and the file is gone, and what changes without an event (`virsh attach-disk
 * --config`): that is seen up to the reading alone, at most USES_MOST_AGE_MS ago. */
enum { USES_MOST_AGE_MS = 10000 };
bool uses_are_old(const struct uses *uses, const struct host_conn *conn);

/* The same without what libvirt has told since: it ended too long ago. */
bool uses_are_aged(const struct uses *uses);

#endif
