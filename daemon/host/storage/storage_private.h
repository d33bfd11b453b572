/*
 * storage_private: what the back ends of storage.h share. For storage*.c only.
 *
 * storage.c        which back end, names
 * storage_place.c  where volumes are
 * storage_file.c   what is asked of every file
 * storage_pool.c   volumes in libvirt's pools
 * pool.c           such a pool itself
 * storage_dir.c    a plain directory
 * storage_refresh.c has a pool look anew
 * storage_removal.c what is asked before a file goes
 * storage_grow.c   making a file larger that lodged may open
 * storage_upload.c filling a volume that only libvirtd may write
 * storage_offers.c what pools and networks there are
 */
#ifndef HOST_STORAGE_PRIVATE_H
#define HOST_STORAGE_PRIVATE_H

#include "host/host_conn.h"
#include "host/storage/storage.h"

#include <stddef.h>

struct storage_backend {
    bool (*prepare)(struct host_conn *conn, const struct storage_place *place,
                    struct lodge_error *err);
    bool (*make)(struct host_conn *conn, const struct storage_place *place,
                 const struct volume *volume, const atomic_bool *cancelled,
                 struct lodge_error *err);
    bool (*remove)(struct host_conn *conn, const struct storage_place *place, const char *name,
                   struct storage_removal *removal, struct lodge_error *err);
    bool (*grow)(struct host_conn *conn, const struct storage_place *place,
                 const struct volume_growth *growth, int64_t *ret_bytes, struct lodge_error *err);
    bool (*list)(struct host_conn *conn, const struct storage_place *place,
                 struct lodge_strings *ret_names, int64_t *ret_free_bytes, struct lodge_error *err);
};
extern const struct storage_backend storage_pool_backend;
extern const struct storage_backend storage_dir_backend;

/* pool.c. *ret_pool is NULL when there is none of that name. */
bool pool_find(struct host_conn *conn, const char *name, virStoragePoolPtr *ret_pool,
               struct lodge_error *err) LODGE_MUST_CHECK;
bool pool_start(virStoragePoolPtr pool, const char *name, struct lodge_error *err) LODGE_MUST_CHECK;

/* Whether its folder is nothing but a folder: of any other type, starting it is what fills it. */
bool pool_is_plain(virStoragePoolPtr pool, const char *name, bool *ret_plain,
                   struct lodge_error *err) LODGE_MUST_CHECK;

/* Active; *ret_pool NULL when there is none. */
bool pool_open(struct host_conn *conn, const struct storage_place *place,
               virStoragePoolPtr *ret_pool, struct lodge_error *err) LODGE_MUST_CHECK;

/* The same; NOT_FOUND when there is none. */
bool pool_must_open(struct host_conn *conn, const struct storage_place *place,
                    virStoragePoolPtr *ret_pool, struct lodge_error *err) LODGE_MUST_CHECK;

/* storage_prepare() of this back end. */
bool pool_prepare(struct host_conn *conn, const struct storage_place *place,
                  struct lodge_error *err) LODGE_MUST_CHECK;

/* Can the files of this host's volumes be looked at from here? */
bool storage_sees_files(const struct host_conn *conn);

/* What a name in a directory stands for, without following it. */
enum storage_file {
    STORAGE_FILE_ABSENT,
    STORAGE_FILE_VOLUME,  /* a regular file with one link */
    STORAGE_FILE_STRANGE, /* a symlink, a directory, a file that has another name too, … */
    STORAGE_FILE_HIDDEN,  /* this account may not look */
};

/* `folder` as for fstatat(). */
bool storage_file_look(int folder, const char *name, enum storage_file *ret_file,
                       struct lodge_error *err) LODGE_MUST_CHECK;

/* EXISTS when something is there, whatever it is; what is hidden is the driver's to find. */
bool storage_file_must_be_absent(int folder, const char *name, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* CONFLICT when it is there and no volume of ours could look like that. */
bool storage_file_must_not_be_strange(int folder, const char *name, enum storage_file *ret_file,
                                      struct lodge_error *err) LODGE_MUST_CHECK;

/* Opens a volume that is there, without following it; -1 with the error, errno being the cause. */
int storage_file_open(int folder, const char *name, int flags, struct lodge_error *err);

struct use_target;

/* Does nobody use it, as far as removal->uses know? Else removal->end says KEPT or ASKS. */
bool storage_removal_allows(const struct host_conn *conn, struct storage_removal *removal,
                            const struct use_target *target);

/* Deletes a file beneath the open folder (O_PATH is enough) that is DIR/NAME, `path`. CONFLICT for
 * what is no volume; HIDDEN as removal->end when this account may not. */
bool storage_file_remove(const struct host_conn *conn, int folder, const char *name,
                         const char *path, struct storage_removal *removal, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* One refresh at a time for each pool. BUSY while one of its volumes is being filled. */
bool storage_refresh(struct host_conn *conn, const char *name, virStoragePoolPtr pool,
                     struct lodge_error *err) LODGE_MUST_CHECK;

/* storage_grow() for both back ends, of files on this machine. */
bool storage_file_grow(const struct storage_place *place, const struct volume_growth *growth,
                       int64_t *ret_bytes, struct lodge_error *err) LODGE_MUST_CHECK;

/* Makes a name that came or went last through a power cut, as far as this account can. */
bool storage_folder_sync(const char *dir, struct lodge_error *err) LODGE_MUST_CHECK;

/* A disk of a guest that lodge cannot write itself: by libvirt's stream, holes left out. `fd` is
 * the whole file that the volume is to be. */
bool storage_upload(struct host_conn *conn, virStorageVolPtr volume, int fd,
                    const atomic_bool *cancelled, struct lodge_error *err) LODGE_MUST_CHECK;

void storage_add_name(struct lodge_strings *names, const char *name);

enum { STORAGE_MIB = 1024 * 1024 };
#define STORAGE_GIB (INT64_C(1024) * STORAGE_MIB)

#endif
