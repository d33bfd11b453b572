/*
 * viewer: a local VNC viewer on a guest's screen: it connects to a Unix socket of ours in a private
 * folder, and we hand its bytes on to lodged's stream door, which wants the ticket first.
 */
#ifndef TUI_CLI_VIEWER_H
#define TUI_CLI_VIEWER_H

#include "lodge/error.h"

/* Whether there is one to start: $LODGE_VIEWER, or one of those that can open a Unix socket. */
bool viewer_is_there(struct lodge_error *err) LODGE_MUST_CHECK;

/* Starts it and hands bytes on until one side ends. A viewer that ends before it has shown anything
 * is an error, with the last line that it said. */
bool viewer_run(const char *door, const char *ticket, struct lodge_error *err) LODGE_MUST_CHECK;

#endif
