/*
 * screenshot: virDomainScreenshot's stream, read to its end into a picture_maker; a picture that is
 * refused on the way aborts the stream. On a worker; the PNG is the caller's.
 */
#include "host/guest/screenshot.h"

#include "host/guest/domain_private.h"
#include "host/guest/edge.h"
#include "host/guest/picture.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "memory.h"
#include "scope.h"

#include <libvirt/virterror.h>
#include <stdlib.h>

enum { RECEIVE_SIZE = 256 * 1024 }; /* libvirt's stream packets have up to 256 KiB */

DEFINE_AUTO(virStreamPtr, virStreamFree, NULL);
DEFINE_AUTO(struct picture_maker *, picture_maker_free, NULL);

/* Of a running guest OPERATION_INVALID means "no screens to take screenshot from": libvirt says it
 * in the language of its daemon, so the guest's state tells. */
static bool refused(struct host_conn *conn, virDomainPtr domain, struct lodge_error *err)
{
    (void)domain_fail(conn, "there is no picture of its screen", domain, err);
    if (err->libvirt.code == VIR_ERR_OPERATION_INVALID && virDomainIsActive(domain) == 1) {
        err->kind = LODGE_ERROR_UNSUPPORTED;
    }
    return false;
}

static bool receive(virStreamPtr stream, struct buffer *ret_png, struct lodge_error *err)
{
    AUTO(picture_maker_free) struct picture_maker *maker = picture_maker_new();
    AUTO(free) char *bytes = xmalloc(RECEIVE_SIZE);
    int got;
    while ((got = virStreamRecv(stream, bytes, RECEIVE_SIZE)) > 0) {
        if (!picture_maker_add(maker, bytes, (size_t)got, err)) {
            virStreamAbort(stream);
            return false;
        }
    }
    if (got < 0 || virStreamFinish(stream) < 0) {
        return libvirt_fail(err, "the picture of its screen did not come through");
    }
    return picture_maker_end(maker, ret_png, err);
}

static bool take_picture(struct host_conn *conn, const char *uuid, struct buffer *ret_png,
                         struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = domain_reach(conn, uuid, err);
    if (domain == NULL) {
        return false;
    }
    AUTO(virStreamFree) virStreamPtr stream = virStreamNew(conn->libvirt, 0);
    if (stream == NULL) {
        return libvirt_fail(err, "making a stream");
    }
    /* What it claims to be is not asked: the first bytes tell. */
    AUTO(free) char *mime = virDomainScreenshot(domain, stream, 0, 0);
    return mime == NULL ? refused(conn, domain, err) : receive(stream, ret_png, err);
}

bool domain_screenshot(struct host_conn *conn, const char *uuid, struct buffer *ret_png,
                       struct lodge_error *err)
{
    bool good = take_picture(conn, uuid, ret_png, err);
    if (!good) {
        edge_tell(conn, uuid, err);
    }
    return good;
}
