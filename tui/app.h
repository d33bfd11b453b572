/*
 * app: the TUI's loop: terminal, source, signals and deadlines become changes of the ui, and
 * changes become pictures, at most ten a second but for those that a key asked for.
 */
#ifndef TUI_APP_H
#define TUI_APP_H

#include "source.h"

/* Runs until the user quits or a signal says so; returns the exit status (2: there can be no
 * TUI here, said on standard error). Call setlocale(LC_ALL, "") first. */
int app_run(const struct source_options *options);

#endif
