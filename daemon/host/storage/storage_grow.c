/*
 * storage_grow: a volume that no guest uses becomes larger, by one descriptor and by the format
 * that our record says. Worker-only.
 *
 * A raw disk holds what its guest wrote: nothing in it is read. A qcow2 file's header is QEMU's,
 * and no guest of ours can write it; that it still is what lodge made (no file behind it, no key)
 * is looked at before qemu-img opens it, since that would open what the header names.
 */
#include "host/storage/qemu_img.h"
#include "host/storage/storage_private.h"
#include "scope.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* docs/interop/qcow2.txt; what comes after HEAD_OF_2 is there from version 3 on. */
enum { HEAD_OF_2 = 72, HEAD_BYTES = 80, EXTERNAL_DATA_FILE = 4 };

static uint32_t number_at(const unsigned char *head, size_t offset)
{
    uint32_t number;
    memcpy(&number, head + offset, sizeof number);
    return be32toh(number);
}

static uint64_t long_number_at(const unsigned char *head, size_t offset)
{
    return (uint64_t)number_at(head, offset) << 32 | number_at(head, offset + 4);
}

static bool qcow2_bytes(int fd, int64_t *ret_bytes, struct lodge_error *err)
{
    unsigned char head[HEAD_BYTES] = {0};
    ssize_t length = pread(fd, head, sizeof head, 0);
    if (length < HEAD_OF_2 || memcmp(head, "QFI\xfb", 4) != 0) {
        return lodge_fail(err, LODGE_ERROR_CONFLICT,
                          "it is no qcow2 file any more, as lodge made it: it is left alone");
    }
    bool has_backing = long_number_at(head, 8) != 0;
    bool has_key = number_at(head, 32) != 0;
    bool has_data_file =
        number_at(head, 4) >= 3 && (long_number_at(head, HEAD_OF_2) & EXTERNAL_DATA_FILE) != 0;
    uint64_t bytes = long_number_at(head, 24);
    if (has_backing || has_key || has_data_file || bytes > INT64_MAX) {
        return lodge_fail(err, LODGE_ERROR_CONFLICT,
                          "its header names %s, which lodge did not write: it is left alone",
                          has_backing     ? "a file that it rests on"
                          : has_data_file ? "another file for its data"
                          : has_key       ? "a key"
                                          : "a size that no disk has");
    }
    *ret_bytes = (int64_t)bytes;
    return true;
}

static bool raw_bytes(int fd, int64_t *ret_bytes, struct lodge_error *err)
{
    struct stat file;
    if (fstat(fd, &file) < 0) {
        return lodge_fail(err, LODGE_ERROR_HYPERVISOR, "cannot ask its size: %s", strerror(errno));
    }
    *ret_bytes = file.st_size;
    return true;
}

/* fallocate() never makes a file smaller, whoever else grows it at this moment; of what it
 * allocates one block is asked for. Not every file system has it. */
static bool raw_extend(int fd, int64_t bytes, struct lodge_error *err)
{
    int failed = fallocate(fd, 0, bytes - 1, 1);
    if (failed != 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) {
        failed = ftruncate(fd, bytes);
    }
    return failed == 0 ||
           lodge_fail(err, LODGE_ERROR_HYPERVISOR, "cannot make it larger: %s", strerror(errno));
}

static bool file_grow(int fd, const struct volume_growth *growth, int64_t *ret_bytes,
                      struct lodge_error *err)
{
    bool is_qcow2 = strcmp(growth->format, "qcow2") == 0;
    bool (*bytes_of)(int, int64_t *, struct lodge_error *) = is_qcow2 ? qcow2_bytes : raw_bytes;
    int64_t wanted = growth->size_gib * STORAGE_GIB;
    if (!is_qcow2 && strcmp(growth->format, "raw") != 0) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "lodge makes no disks of format '%.20s'",
                          growth->format);
    }
    if (!bytes_of(fd, ret_bytes, err)) {
        return false;
    }
    if (*ret_bytes < wanted && !(is_qcow2 ? qemu_img_resize(fd, "qcow2", growth->size_gib, err)
                                          : raw_extend(fd, wanted, err))) {
        return false;
    }
    if (fsync(fd) < 0) {
        return lodge_fail(err, LODGE_ERROR_HYPERVISOR, "cannot sync it to disk: %s",
                          strerror(errno));
    }
    return bytes_of(fd, ret_bytes, err) &&
           (*ret_bytes >= wanted || lodge_fail(err, LODGE_ERROR_HYPERVISOR,
                                               "it has %lld bytes still", (long long)*ret_bytes));
}

bool storage_file_grow(const struct storage_place *place, const struct volume_growth *growth,
                       int64_t *ret_bytes, struct lodge_error *err)
{
    struct lodge_error why = {0};
    AUTO(fd_close) int folder = open(place->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int cause = errno;
    if (folder < 0) {
        return lodge_fail(err, cause == EACCES ? LODGE_ERROR_DENIED : LODGE_ERROR_HYPERVISOR,
                          "cannot open the folder %s: %s", place->dir, strerror(cause));
    }
    AUTO(fd_close) int fd = storage_file_open(folder, growth->name, O_RDWR, &why);
    cause = errno;
    if (fd < 0) {
        why.kind = cause == EACCES || cause == EPERM ? LODGE_ERROR_DENIED : why.kind;
        *err = why;
        return false;
    }
    return file_grow(fd, growth, ret_bytes, err);
}
