/*
 * qcow2: what the header of a qcow2 image says, read by our own code and with every number
 * distrusted, so that no other program has to be pointed at a file to find that out. Blocks:
 * worker-only.
 */
#ifndef HOST_QCOW2_H
#define HOST_QCOW2_H

#include "lodge/error.h"

#include <stdint.h>

struct qcow2 {
    int64_t bytes;        /* what a guest sees */
    char *backing;        /* what it is based on, in the image's own words; NULL: on nothing */
    char *backing_format; /* of that, as the image says; NULL: it does not say */

    /* where its tables are */
    int64_t file_bytes;
    uint64_t l1_offset;
    uint32_t l1_entries; /* those that are needed for `bytes` */
    unsigned cluster_bits;
    bool has_wide_entries; /* two words for each cluster, the second about its parts */
};

/* UNSUPPORTED for what is no whole header of a version that is known, and for an image that is
 * encrypted, damaged, or keeps its data in another file. `file_bytes` is the file's size. */
bool qcow2_read(int fd, int64_t file_bytes, struct qcow2 *ret_qcow2, struct lodge_error *err)
    LODGE_MUST_CHECK;
void qcow2_clear(struct qcow2 *qcow2);

/* Walks the tables: UNSUPPORTED when the file ends before what they name. *ret_data_bytes: how much
 * of what a guest sees is in this file. The work is bounded, whatever the tables say. */
bool qcow2_is_whole(int fd, const struct qcow2 *qcow2, int64_t *ret_data_bytes,
                    struct lodge_error *err) LODGE_MUST_CHECK;

#endif
