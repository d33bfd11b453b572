/*
 * tool: a program of another house, run on the open files that it is given. Blocks: worker-only.
 *
 * It has a bound on its time, its memory and its words, and where the kernel knows Landlock (5.13)
 * it can open no file but these and what programs are made of: what a file says to it leads
 * nowhere. It ends with lodged. What it has started itself is killed when it has ended.
 */
#ifndef HOST_TOOL_H
#define HOST_TOOL_H

#include "lodge/error.h"

#include <stdatomic.h>
#include <stddef.h>

struct tool {
    const char *const *words; /* its name, to be found in PATH, and its arguments, and NULL */
    const int *reads;         /* descriptors; it finds them as /proc/self/fd/N */
    size_t read_count;
    int writes;                   /* the same, -1: none */
    int64_t seconds;              /* after these it is killed */
    const atomic_bool *cancelled; /* the same, when this is set; or NULL */
};

enum tool_end { TOOL_ENDED, TOOL_CANCELLED, TOOL_LATE };

struct tool_result {
    enum tool_end end;
    int status;    /* as of waitpid() */
    bool confined; /* no file but these could be opened */
    char *out;     /* what it said, as far as there is room */
    char *err;
};

/* False when it could not be started: UNSUPPORTED when there is no such program. */
bool tool_run(const struct tool *tool, struct tool_result *ret_result, struct lodge_error *err)
    LODGE_MUST_CHECK;
void tool_result_clear(struct tool_result *result);

#endif
