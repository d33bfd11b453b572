/* storage_upload: the bytes of a volume that only libvirtd may write, through its stream. */
#include "host/libvirt_error.h"
#include "host/storage/storage_private.h"
#include "scope.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <unistd.h>

/* The empty image that is there has its tables here; a hole would leave them as they are. */
enum { NO_HOLES_BELOW = STORAGE_MIB };

struct upload {
    int fd;
    const atomic_bool *cancelled;
    bool stopped;
};

DEFINE_AUTO(virStreamPtr, virStreamFree, NULL);

static int next_bytes(virStreamPtr stream, char *bytes, size_t size, void *data)
{
    (void)stream;
    struct upload *upload = data;
    if (upload->cancelled != NULL && atomic_load(upload->cancelled)) {
        upload->stopped = true;
        errno = ECANCELED;
        return -1;
    }
    return (int)read(upload->fd, bytes, size);
}

/* What begins here: data, or a hole, and how long it is. */
static int upload_next_part(virStreamPtr stream, int *is_data, long long *length, void *data)
{
    (void)stream;
    const struct upload *upload = data;
    off_t here = lseek(upload->fd, 0, SEEK_CUR);
    off_t end = lseek(upload->fd, 0, SEEK_END);
    off_t first = lseek(upload->fd, here, SEEK_DATA);
    if (here < 0 || end < 0 || (first < 0 && errno != ENXIO)) {
        return -1;
    }
    first = first < 0 ? end : first;
    off_t until = first;
    *is_data = first == here && here < end;
    if (here < NO_HOLES_BELOW && here < end) {
        *is_data = 1;
        until = end < NO_HOLES_BELOW ? end : NO_HOLES_BELOW;
    } else if (*is_data) {
        until = lseek(upload->fd, here, SEEK_HOLE);
    }
    if (until < 0 || lseek(upload->fd, here, SEEK_SET) < 0) {
        return -1;
    }
    *length = until - here;
    return 0;
}

static int skip_hole(virStreamPtr stream, long long length, void *data)
{
    (void)stream;
    const struct upload *upload = data;
    return lseek(upload->fd, length, SEEK_CUR) < 0 ? -1 : 0;
}

bool storage_upload(struct host_conn *conn, virStorageVolPtr volume, int fd,
                    const atomic_bool *cancelled, struct lodge_error *err)
{
    struct upload upload = {.fd = fd, .cancelled = cancelled};
    AUTO(virStreamFree) virStreamPtr stream = virStreamNew(conn->libvirt, 0);
    if (stream == NULL) {
        return libvirt_fail(err, "making a stream");
    }
    if (lseek(fd, 0, SEEK_SET) < 0) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "cannot read the copy: %s", strerror(errno));
    }
    if (virStorageVolUpload(volume, stream, 0, 0, VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM) < 0) {
        return libvirt_fail(err, "filling it");
    }
    if (virStreamSparseSendAll(stream, next_bytes, upload_next_part, skip_hole, &upload) < 0) {
        bool good = upload.stopped
                        ? lodge_fail(err, LODGE_ERROR_CANCELLED, "the copy was cancelled")
                        : libvirt_fail(err, "filling it");
        virStreamAbort(stream);
        return good;
    }
    return virStreamFinish(stream) == 0 || libvirt_fail(err, "filling it");
}
