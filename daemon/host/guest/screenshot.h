/* screenshot: a guest's screen, asked of its QEMU. For HOST_CHANNEL_SCREEN: a QEMU that hangs keeps
 * the call. */
#ifndef HOST_SCREENSHOT_H
#define HOST_SCREENSHOT_H

#include "buffer.h"
#include "host/guest/domain.h"

/* Its first screen as a PNG, the caller's. UNRESPONSIVE as for what else needs the guest's monitor,
 * BAD_STATE when it does not run, UNSUPPORTED when it has no screen or one that is too large. */
bool domain_screenshot(struct host_conn *conn, const char *uuid, struct buffer *ret_png,
                       struct lodge_error *err) LODGE_MUST_CHECK;

#endif
