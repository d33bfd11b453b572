/*
 * iso: what may be put into a guest's drive: a file that is nothing else by its marks, and is there
 * to its end as far as it says where that is. Blocks: worker-only.
 */
#ifndef HOST_ISO_H
#define HOST_ISO_H

#include "lodge/error.h"

/* UNSUPPORTED with the reason for one that cannot be used. One that has no ISO 9660 on it (UDF
 * alone) is good. */
bool iso_check(int fd, struct lodge_error *err) LODGE_MUST_CHECK;

#endif
