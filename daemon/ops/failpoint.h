/*
 * failpoint: places where a test may make an operation fail, wait, or lodged die. Any thread.
 *
 * In test builds (-Dfailpoints=true) $LODGED_FAILPOINT names them: `create.define:kill`, with
 * `kill`, `error`, `delay=MS` or `hold=FIFO`, several with commas between. A step has four:
 * `create.define` when it is journalled and has not acted, `create.define.done` when it has, and
 * the same two of its undo, `create.define.undo` and `create.define.undo.done`. In other builds
 * there are none.
 */
#ifndef OPS_FAILPOINT_H
#define OPS_FAILPOINT_H

#include "lodge/error.h"

#ifdef LODGE_FAILPOINTS
/* False, with INTERNAL, where the operation is to fail. */
bool fail_point(const char *kind, const char *step, const char *moment, struct lodge_error *err)
    LODGE_MUST_CHECK;
#else
static inline LODGE_MUST_CHECK bool fail_point(const char *kind, const char *step,
                                               const char *moment, struct lodge_error *err)
{
    (void)kind;
    (void)step;
    (void)moment;
    (void)err;
    return true;
}
#endif

#endif
