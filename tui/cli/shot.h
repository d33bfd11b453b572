/* shot: what vm.screenshot answers, for TUI and verbs alike. One thread. */
#ifndef TUI_CLI_SHOT_H
#define TUI_CLI_SHOT_H

#include "buffer.h"
#include "lodge/error.h"

/* Adds the picture in an answer, a PNG, to `png`; false when there is none in it. */
bool shot_read(const char *answer, struct buffer *png, struct lodge_error *err) LODGE_MUST_CHECK;

#endif
