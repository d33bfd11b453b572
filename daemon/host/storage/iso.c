/*
 * iso.c: magic bytes, and of ISO 9660 (ECMA-119) the first volume descriptor, which says how many
 * blocks there are. The file is the caller's, nothing is kept. Blocks: worker-only.
 */
#include "host/storage/iso.h"

#include "host/storage/beneath.h"
#include "host/storage/magic.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What is wanted of it, as it is in the file: numbers stand there both ways, little-endian first.
 */
struct descriptor {
    uint8_t type;
    char magic[5];
    char names[74];
    uint32_t blocks, blocks_other_way;
    char sets[40];
    uint16_t block_bytes;
} __attribute__((packed));

enum { DESCRIPTOR_AT = 32768, PRIMARY = 1 };

static bool refuse_iso(struct lodge_error *err, const char *why)
{
    return lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "%s", why);
}

static bool iso_is_whole(int fd, const struct stat *file, struct lodge_error *err)
{
    struct descriptor is = {0};
    ssize_t got = pread(fd, &is, sizeof is, DESCRIPTOR_AT);
    if (got < 0) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "it cannot be read: %s", strerror(errno));
    }
    if (is.type != PRIMARY || memcmp(is.magic, "CD001", sizeof is.magic) != 0) {
        return true;
    }
    uint64_t bytes = (uint64_t)le32toh(is.blocks) * le16toh(is.block_bytes);
    return ((size_t)got == sizeof is && bytes <= (uint64_t)file->st_size) ||
           refuse_iso(err, "it ends before its data does: it was not fetched or copied to its end");
}

bool iso_check(int fd, struct lodge_error *err)
{
    struct stat file;
    const char *advice = NULL;
    if (!beneath_take_file(fd, &file, err)) {
        return false;
    }
    if (file.st_size == 0) {
        return refuse_iso(err, "it is empty");
    }
    if (magic_is_qcow2(fd)) {
        return refuse_iso(err, "it is a qcow2 image: the name of a disk ends in .qcow2");
    }
    const char *magic = magic_read(fd, file.st_size, &advice);
    if (magic != NULL) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "it is %s: %s", magic, advice);
    }
    return iso_is_whole(fd, &file, err);
}
