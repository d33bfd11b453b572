/*
 * serial_log: what guests said on their serial ports, where nobody else keeps that small.
 *
 * libvirtd has virtlogd, which begins a new file in time. The embedded driver's QEMU appends for
 * ever, as fast as its guest talks. Worker-only.
 */
#ifndef HOST_SERIAL_LOG_H
#define HOST_SERIAL_LOG_H

/* Keeps the last words of the log `name` in the open folder `folder`, if it has grown past 1 MiB.
 * What is no plain file with one name is left alone. */
void serial_log_cut(int folder, const char *name);

/* All that are called as lodge calls such logs: also of a guest that no row is kept of any more,
 * and that runs on. */
void serial_logs_cut(int folder);

#endif
