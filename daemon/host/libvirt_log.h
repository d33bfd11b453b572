/*
 * libvirt_log: libvirt's own messages, to our log and never to a terminal.
 *
 * libvirt can log to stderr, files, syslog and journald, but not to a function; so it is given a
 * pipe as its file, and a thread of ours reads lines from it.
 */
#ifndef HOST_LIBVIRT_LOG_H
#define HOST_LIBVIRT_LOG_H

#include <stdbool.h>

/* Before any thread exists, since it sets an environment variable; and before libvirt is
 * initialised, which reads it. Somebody's own LIBVIRT_LOG_OUTPUTS is left alone. */
void libvirt_log_prepare(void);

/* Starts the reading thread, if there is something to read. */
bool libvirt_log_start(void);

#endif
