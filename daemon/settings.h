/*
 * settings: what the configuration says to a room, in the one struct that both have: config.h holds
 * it, wiring.c hands it over whole, the room reads it. Plain numbers, any thread.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

/* [sync] and [stats], for each host. */
struct host_settings {
    unsigned sync_parallel;   /* XML calls in flight, 1 to 4 */
    unsigned sync_interval_s; /* of the recheck */
    unsigned stats_interval_ms;
    unsigned stats_deadline_ms; /* the least a lane's call is given */
};

/* [console], can be reloaded. 0 is off, but for the ticket's time. */
struct console_limits {
    unsigned ticket_ttl_s;
    unsigned idle_s; /* without input, of sessions that may write */
    unsigned max_s;
    unsigned per_user;
    unsigned per_vm;
};

#endif
