/*
 * storage: volumes, behind one interface for libvirt's pools (storage_pool.c) and for plain
 * directories of embedded hosts (storage_dir.c). Worker-only.
 *
 * libvirt writes through dangling symlinks and deletes disks in use without a word (libvirt.md 7):
 * what keeps a stranger's file safe is done here, on machines whose files lodged can see.
 */
#ifndef HOST_STORAGE_H
#define HOST_STORAGE_H

#include "host/storage/chain.h"
#include "host/task.h"

#include <stdatomic.h>

/* Where volumes go: `[host NAME] pool, dir`. Filled with defaults by storage_place(). */
struct storage_place {
    char *pool; /* "lodge"; "" for a plain directory */
    char *dir;  /* absolute */
};

/* The place that is configured (`pool`, `dir` may be NULL) or follows from the host:
 * /var/lib/libvirt/images/lodge on a system host, the user's data folder on a session host,
 * ROOT/disks on an embedded one. Any thread. */
void storage_place(const struct host *host, const char *pool, const char *dir,
                   struct storage_place *ret_place);
void storage_place_clear(struct storage_place *place);

struct volume {
    const char *name; /* <vm uuid>-<n>.<format>, or another name of ours in the same directory */
    const char *format;
    int64_t size_gib;
    const struct chain *image; /* to copy from, open; or NULL: blank */
};

/* Makes the place if it is not there: a pool of type dir that is built, started and set to
 * autostart, or a directory (0711). */
bool storage_prepare(struct host_conn *conn, const struct storage_place *place,
                     struct lodge_error *err) LODGE_MUST_CHECK;

/* Whether its folder is seen to be there; false too where lodged cannot look. On a worker. */
bool storage_is_seen(const struct host_conn *conn, const struct storage_place *place);

/* DIR/NAME. The caller frees. Any thread. */
char *storage_path(const struct storage_place *place, const char *name);

/* What a volume's file is like now, by which it is seen later whether somebody has written to it:
 * its inode and birth, size and time of the last write. The caller frees; NULL where it is not
 * there, or cannot be seen. On a worker. */
char *storage_seal(const struct host_conn *conn, const struct storage_place *place,
                   const char *name);

/* Whether it is the same file, and somebody has written to it. Any thread. */
bool storage_seal_is_broken(const char *before, const char *now);

/* Makes a volume: EXISTS if anything of that name is there, a symlink too. Copies are grown to
 * size_gib and synced to disk. Looks at `cancelled` while it copies (CANCELLED). What a failure
 * leaves behind is removed by storage_remove(). */
bool storage_make(struct host_conn *conn, const struct storage_place *place,
                  const struct volume *volume, const atomic_bool *cancelled,
                  struct lodge_error *err) LODGE_MUST_CHECK;

struct uses;

enum storage_removed {
    STORAGE_ABSENT,
    STORAGE_REMOVED,
    STORAGE_KEPT,   /* somebody uses it: `why` */
    STORAGE_ASKS,   /* it is there; who uses it must be asked, or asked anew (uses.h) */
    STORAGE_HIDDEN, /* between the back ends: lodged may not do it itself */
};

/* A deletion: what is known, and what became of it. */
struct storage_removal {
    const struct uses *uses; /* NULL: not asked yet */
    bool is_own;         /* read by this job, for this: whatever changes meanwhile comes too late */
    bool is_log;         /* no pool is started for it: where it is not seen it is not there */
    bool was_made;       /* for certain: a folder that is not there may come back, with it */
    int64_t least_age_s; /* one that was written to later is kept, where its time can be seen */
    bool is_allowed;     /* the back ends': nobody uses it */
    enum storage_removed end;
    char why[256];
};

/* Deletes exactly this volume if it is there, a regular file with one link, and nobody uses it; a
 * symlink, a directory or a second link is CONFLICT and stays. BUSY while libvirt still fills it. A
 * pool is started only where nothing else can tell, or delete it: files lodged looks at itself. */
bool storage_remove(struct host_conn *conn, const struct storage_place *place, const char *name,
                    struct storage_removal *removal, struct lodge_error *err) LODGE_MUST_CHECK;

/* Is it called as only lodge calls files: UUID-N.qcow2, UUID-N.raw, UUID-serial.log and what
 * virtlogd makes of that (UUID-serial.log.N)? Any thread. */
bool storage_is_our_name(const char *name);

/* Grows a volume that no guest uses to `size_gib`, by descriptor and by `format` (qcow2, raw),
 * which is our record's: neither the file nor libvirt is asked for it. One that is larger is left
 * so; *ret_bytes is what a guest will see, as it was found afterwards. DENIED where this account
 * may not open the file, or it is another machine's: libvirt is not asked in our place, since it
 * goes by what it takes the content for. CONFLICT as above, and for a qcow2 file that rests on
 * another file. */
struct volume_growth {
    const char *name;
    const char *format;
    int64_t size_gib;
};
bool storage_grow(struct host_conn *conn, const struct storage_place *place,
                  const struct volume_growth *growth, int64_t *ret_bytes, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* The names of all volumes in it, and bytes free (LODGE_UNKNOWN if nobody can say). A place that is
 * not there has none. */
bool storage_list(struct host_conn *conn, const struct storage_place *place,
                  struct lodge_strings *ret_names, int64_t *ret_free_bytes, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* What may be the matter when libvirt does not answer about pools. */
#define STORAGE_LATE_HINT                                                            \
    "a pool may be on a file server that does not answer, or be read anew just now " \
    "(virsh pool-list, pool-refresh)"

/* Pools and networks of a host, told one by one; `capacity_gib` and `free_gib` LODGE_UNKNOWN where
 * that is not known. The embedded driver has the plain directory and the network "user". */
typedef void storage_pool_fn(void *data, const char *name, const char *kind, bool active,
                             int64_t capacity_gib, int64_t free_gib);
bool storage_list_pools(struct host_conn *conn, const struct storage_place *place,
                        storage_pool_fn *each, void *data, struct lodge_error *err)
    LODGE_MUST_CHECK;
typedef void storage_network_fn(void *data, const char *name, const char *kind, bool active);
bool storage_list_networks(struct host_conn *conn, storage_network_fn *each, void *data,
                           struct lodge_error *err) LODGE_MUST_CHECK;

#endif
