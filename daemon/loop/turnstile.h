/*
 * turnstile: for work of workers that takes a processor and nothing else, where hundreds may come
 * at once: no more go through at a time than there are processors. Hundreds that run would hold up
 * the loop, by their number and by the locks of malloc that they are interrupted in.
 *
 * Never around what may wait for somebody: a libvirtd, a disk, a guest. Any thread but the loop's.
 */
#ifndef LOOP_TURNSTILE_H
#define LOOP_TURNSTILE_H

void turnstile_enter(void);
void turnstile_leave(void);

#endif
