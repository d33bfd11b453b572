/* serial_logs: the logs of guests' serial ports on embedded hosts are looked at once a second, and
 * cut when they have grown. Loop-only. */
#ifndef READS_SERIAL_LOGS_H
#define READS_SERIAL_LOGS_H

struct fleet;
struct serial_logs;

struct serial_logs *serial_logs_new(struct fleet *fleet);
void serial_logs_free(struct serial_logs *logs); /* NULL is fine */

#endif
