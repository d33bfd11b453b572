/*
 * browser: a link with a ticket on its way into a browser, and to nobody else.
 *
 * Everybody may read command lines, so the browser is given the name of a file that leads on to the
 * link: of mode 0600, in a folder of mode 0700. One thread.
 */
#ifndef TUI_CLI_BROWSER_H
#define TUI_CLI_BROWSER_H

#include "cli/program.h"
#include "lodge/error.h"

#include <stdbool.h>

/* Whether there is one to start: $BROWSER, or a desktop with xdg-open. */
bool browser_is_there(void);

/* Where a link can be written, in a folder of its own; for browser_forget(). NULL with the error.
 */
char *browser_file(struct lodge_error *err);

/* Writes the link into `file` and starts a browser on it; does not wait. The program is the
 * caller's to watch and to forget: one that fails has opened nothing. */
bool browser_open(const char *url, const char *file, struct program *ret_program,
                  struct lodge_error *err) LODGE_MUST_CHECK;

/* Removes the file, and its folder, and frees its name. NULL is fine. */
void browser_forget(char *file);

/* A new folder that only we can enter, below $XDG_RUNTIME_DIR, $TMPDIR or /tmp. The caller frees
 * its name; NULL with errno. */
char *private_folder(void);

/* For a verb that waits: if a signal ends the program, `file` and its folder go before. */
void remove_at_signal(const char *file);

/* "ssh -L 6080:127.0.0.1:6080 alice@host01": what makes `url` work at the other end of an ssh. The
 * caller frees; NULL for one that is not the loopback's. */
char *browser_tunnel(const char *url);

#endif
