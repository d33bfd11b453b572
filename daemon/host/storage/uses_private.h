/*
 * uses_private: what uses are made of. For uses*.c and leavings.c only.
 *
 * uses.c          who uses a file
 * uses_follow.c   what names mean: files, volumes, what they are based on
 * uses_devices.c  what block devices are made of
 * uses_parts.c    what libvirt has of a domain
 * uses_now.c      all definitions of a host, read by the job that is to act
 * uses_reading.c  all definitions of a host, shared by those who ask
 */
#ifndef HOST_USES_PRIVATE_H
#define HOST_USES_PRIVATE_H

#include "host/host_conn.h"
#include "host/storage/uses.h"
#include "host/xml/domain_xml_files.h"
#include "index.h"

/* A file that was named. It is here once for each clean path. */
struct uses_file {
    struct index_link by_path, by_inode;
    size_t place; /* in uses.files */
    char *path;   /* absolute, without empty parts */
    bool is_seen;
    dev_t device;
    ino_t inode;
    bool may_name_others;
    bool is_followed; /* its header was read, or libvirt asked for what it is based on … */
    bool is_unknown;  /* … and neither could tell */
    bool waits;       /* … or would be, if anything said that it may name others */
    bool is_alone;    /* a volume that no definition names */
    size_t *below;    /* the files that it names, by their places in uses.files */
    size_t below_count;
    struct lodge_strings texts; /* what it names and is no path */
};

struct uses_user {
    char uuid[37];
    char *name;
};

/* What a domain's definition says. */
struct uses_said {
    size_t user;
    enum named_as as;
    ssize_t file; /* its place; -1: … */
    char *text;   /* … no path */
};

/* A volume by pool and name, until somebody looks up where it is. */
struct uses_volume {
    size_t user;
    struct named_file named;
};

struct uses {
    unsigned holders; /* the loop's */
    uint64_t began_ms;
    uint64_t took_ms; /* the reading */
    uint64_t defined; /* host.defined when it began */
    struct uses_file **files;
    size_t file_count;
    struct index by_path, by_inode;
    struct uses_user *users;
    size_t user_count;
    struct uses_said *said;
    size_t said_count;
    struct uses_volume *volumes;
    size_t volume_count;
    struct lodge_strings doubts;
};

/* Held once, empty: nobody uses anything. */
struct uses *uses_new(void);

/* A domain and what its definition names; takes what the files own. */
void uses_add_domain(struct uses *uses, const char *uuid, const char *name,
                     struct named_files *files);
void uses_add_doubt(struct uses *uses, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The place of the file with that path, which is made if there is none yet; -1 for what is no path.
 */
ssize_t uses_add_file(struct uses *uses, const char *path, bool may_name_others);
void uses_add_said(struct uses *uses, size_t user, enum named_as as, const char *path,
                   const char *text, bool may_name_others);

/* `below` is a path or, if that is NULL, `text`. */
void uses_add_below(struct uses *uses, struct uses_file *file, const char *below, const char *text,
                    bool may_name_others);

/* It was looked at; the first one seen with that inode, if that is another. */
struct uses_file *uses_see(struct uses *uses, struct uses_file *file, dev_t device, ino_t inode);

/* A block device: adds what it is made of. On a worker. */
void uses_follow_device(struct uses *uses, struct uses_file *file, dev_t device);

bool uses_is(const struct uses_file *file, const struct use_target *target);

/* Looks at all files and follows them. `place` NULL: volumes that nobody names are left out. On a
 * worker. False with HOST_DOWN alone. */
bool uses_follow(struct uses *uses, struct host_conn *conn, const struct storage_place *place,
                 struct lodge_error *err) LODGE_MUST_CHECK;

/* What libvirt has of one domain, read anew: */
enum uses_part { USES_XML, USES_SNAPSHOTS, USES_CHECKPOINTS, USES_SAVE };

/* The domains that have it: all, or few. What the driver does not know, none has. The caller frees
 * domains and array. On a worker. */
bool uses_list_part(virConnectPtr conn, enum uses_part part, virDomainPtr **ret_domains,
                    size_t *ret_count, struct lodge_error *err) LODGE_MUST_CHECK;

/* Adds what it names; nothing, if the driver does not know that part. On a worker. False with the
 * error; NOT_FOUND for a domain that is not there. */
bool uses_read_part(virDomainPtr domain, enum uses_part part, struct named_files *files,
                    struct lodge_error *err) LODGE_MUST_CHECK;

/* What became of that: a domain that is gone uses nothing, what else could not be read is a doubt.
 * Takes what the files own. */
void uses_take_part(struct uses *uses, virDomainPtr domain, struct named_files *files,
                    const struct lodge_error *error);

#endif
