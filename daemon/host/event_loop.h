/*
 * event_loop: libvirt's event implementation, on epoll and a thread of its own.
 *
 * Why not libvirt's own: each call of a remote connection takes the socket's watch away and gives
 * it back, and virEventRunDefaultImpl's thread must be woken for either; an epoll is changed under
 * a waiting thread. Reading the XML of 10,000 domains costs a third less.
 */
#ifndef HOST_EVENT_LOOP_H
#define HOST_EVENT_LOOP_H

#include <stdbool.h>

/* Once per process, before any connection is opened. False when the system has no thread or
 * descriptor to give. */
bool event_loop_start(void);

#endif
