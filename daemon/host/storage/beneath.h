/*
 * beneath: what lies beneath an open folder, opened by descriptor and without a way out of it.
 * Blocks: worker-only.
 */
#ifndef HOST_BENEATH_H
#define HOST_BENEATH_H

#include "lodge/error.h"

#include <stdbool.h>
#include <sys/stat.h>

/* Opens `path` beneath `folder`: a regular file to be read, anything else as a place only (O_PATH),
 * since to open a pipe or a device may do something. -1 with errno: EXDEV and ELOOP say that it
 * leads out, or in circles. */
int beneath_open(int folder, const char *path);

/* Where it is now, without symlinks; the caller frees; NULL when that cannot be told. */
char *beneath_path(int fd);

bool beneath_is_file(int fd, struct stat *ret_info);
bool beneath_is_folder(int fd);

/* A file that is to be given to a guest: UNSUPPORTED for what is no plain file, and for one with
 * two names, which may be anybody's and change under the other. */
bool beneath_take_file(int fd, struct stat *ret_info, struct lodge_error *err) LODGE_MUST_CHECK;

#endif
