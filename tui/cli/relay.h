/* relay: bytes between two connected sockets, both ways at once. One thread. */
#ifndef TUI_CLI_RELAY_H
#define TUI_CLI_RELAY_H

#include <stdint.h>

/* Returns when either end has hung up and what it had sent is handed on, or cannot be. Both become
 * non-blocking and stay the caller's. How many bytes came from `one`. */
uint64_t relay_run(int one, int other);

#endif
