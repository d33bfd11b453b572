/*
 * demo: a simulated fleet, told as a daemon would tell it. For first looks, tests and pictures.
 *
 * The same count and seed always make the same fleet living the same life; time comes from the
 * caller alone. One thread.
 */
#ifndef TUI_DEMO_H
#define TUI_DEMO_H

#include "lodge/event.h"

#define DEMO_MOST 10000

typedef void demo_event_fn(void *data, const struct lodge_event *event);

struct demo;

/* A fleet of `count` guests (0 to DEMO_MOST) that has been running for a while at `now_ms`. */
struct demo *demo_new(int count, int64_t now_ms);
void demo_free(struct demo *demo);

/* Tells all there is, with a minute of samples, and `ready`. */
void demo_tell(struct demo *demo, int64_t now_ms, demo_event_fn *tell, void *data);

/* A second passes: samples, and now and then something happens. */
void demo_tick(struct demo *demo, int64_t now_ms, demo_event_fn *tell, void *data);

/* What vm.get would tell; false if there is no such guest. The caller clears `ret_vm`. */
bool demo_get(struct demo *demo, const char *host, const char *uuid, struct lodge_vm *ret_vm);

#endif
