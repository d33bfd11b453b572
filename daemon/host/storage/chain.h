/*
 * chain: a disk image of the library with all that it is based on, each opened once and read by our
 * own code before any other program gets to see it. Blocks: worker-only.
 *
 * What an image says of the one below (its name, its format) decides what a copy reads, so it is
 * believed only when it was seen to be true: the name leads to a file beneath the library, and the
 * format is qcow2 or raw and the one that the file has. What is copied is these descriptors, in
 * these formats: no name is looked up a second time, and nothing in a file is followed by others.
 */
#ifndef HOST_CHAIN_H
#define HOST_CHAIN_H

#include "lodge/error.h"
#include "lodge/strings.h"

#include <sys/stat.h>

enum { CHAIN_MOST = 9 }; /* an image, and eight below it */

struct chain_link {
    int fd;
    bool is_qcow2; /* else raw */
    char *path;    /* for people */
    struct stat as_found;
};

struct chain {
    struct chain_link links[CHAIN_MOST]; /* the image first */
    size_t count;
    int64_t bytes;      /* what a guest sees */
    int64_t data_bytes; /* no more of it is in the files: what a copy has to move at most, by
                         * their blocks on the disk and not by their own word */
};

/* Opens the file at `path`, which is absolute and has no symlink in it, beneath one of the
 * library's directories; -1 with errno, EXDEV when it is beneath none. */
int chain_open_file(const struct lodge_strings *dirs, const char *path);

/* Reads the image that is open as `fd`, which it takes; UNSUPPORTED with the reason for one that
 * cannot be used. `listing`: what was found out about a file's tables before, and the file has not
 * changed, may do. */
bool chain_read(const struct lodge_strings *dirs, int fd, bool listing, struct chain *ret_chain,
                struct lodge_error *err) LODGE_MUST_CHECK;
void chain_close(struct chain *chain);

/* QEMU's description of exactly these files, by the numbers of their descriptors. The caller frees.
 */
char *chain_describe(const struct chain *chain);

/* CONFLICT when a file has changed since it was read. `any`: also in its inode alone. */
bool chain_is_as_found(const struct chain *chain, bool any, struct lodge_error *err)
    LODGE_MUST_CHECK;

#endif
