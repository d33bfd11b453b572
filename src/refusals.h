/*
 * refusals: what several rooms refuse, in the same words. Each fills `err`, which must hold no
 * error yet, and returns false, as lodge_fail does. Names are said as they are given. Any thread.
 */
#ifndef LODGE_REFUSALS_H
#define LODGE_REFUSALS_H

#include "lodge/error.h"

/* Why whoever waits is sent away when lodged stops: CANCELLED, and the end of a session. */
#define REFUSED_STOPPING "lodged is stopping: try again when it is back"

/* CANCELLED. */
bool refuse_stopping(struct lodge_error *err);

/* NOT_FOUND: no host of this name is configured. */
bool refuse_unknown_host(struct lodge_error *err, const char *name);

/* HOST_DOWN. `why`: the host's own error, or NULL. */
bool refuse_host_down(struct lodge_error *err, const char *name, const char *why);

/* NOT_FOUND: no VM, or none that whoever asks may see, has this name or uuid. */
bool refuse_unknown_vm(struct lodge_error *err, const char *name);

/* EXISTS: names are unique on a host. */
bool refuse_taken_name(struct lodge_error *err, const char *host, const char *name);

#endif
