/*
 * embedded: what qemu:///embed?root=DIR needs before libvirt is touched.
 *
 * The driver runs inside our own process and looks for its folders in the environment, which may
 * only be changed while there is one thread.
 */
#ifndef HOST_EMBEDDED_H
#define HOST_EMBEDDED_H

#include "lodge/error.h"

/* Before any thread exists; a URI of another driver needs nothing. Makes the root (0700) and its
 * qemu.conf if there is none, and points XDG_CACHE_HOME, XDG_CONFIG_HOME and XDG_RUNTIME_DIR into
 * it: what is derived from the old ones must have been derived by now. INVALID says what is in the
 * way and what to do. */
bool embedded_prepare(const char *uri, struct lodge_error *err) LODGE_MUST_CHECK;

#endif
