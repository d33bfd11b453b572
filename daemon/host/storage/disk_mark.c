/* disk_mark.c: a table of marks, and the one format that has a text for a mark. */
#include "host/storage/disk_mark.h"

#include "scope.h"

#include <string.h>
#include <unistd.h>

static const char convert[] = "convert it with qemu-img convert -O qcow2";
static const char unpack[] = "unpack it first";
static const char decrypt[] = "convert it with its key into one that is not encrypted";
static const char fetch[] = "fetch it again";

struct mark {
    int64_t at; /* from the end when negative */
    size_t length;
    const char *bytes;
    const char *what;
    const char *advice;
};

#define MARK(at, bytes, what, advice)              \
    {                                              \
        at, sizeof(bytes) - 1, bytes, what, advice \
    }
static const struct mark marks[] = {
    MARK(0, "KDMV", "a VMDK image", convert),
    MARK(0, "COWD", "a VMDK image", convert),
    MARK(0, "\xbe\xba\xfe\xca\0\0\0\0", "a VMDK image", convert),
    MARK(0, "vhdxfile", "a VHDX image", convert),
    MARK(0, "conectix", "a VHD image", convert),
    MARK(-512, "conectix", "a VHD image", convert),
    MARK(-511, "conectix", "a VHD image", convert),
    MARK(64, "\x7f\x10\xda\xbe", "a VDI image", convert),
    MARK(0, "QED\0", "a QED image", convert),
    MARK(0, "WithoutFreeSpace", "a Parallels image", convert),
    MARK(0, "WithouFreSpacExt", "a Parallels image", convert),
    MARK(0, "Bochs Virtual HD Image", "a Bochs image", convert),
    MARK(0, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop", "a cloop image", convert),
    MARK(-512, "koly", "a DMG image", convert),
    MARK(0, "LUKS\xba\xbe", "encrypted (LUKS)", decrypt),
    MARK(0, "SKUL\xba\xbe", "encrypted (LUKS)", decrypt),
    MARK(0, "\x3a\xff\x26\xed", "a sparse image of Android's", unpack),
    MARK(0, "\x1f\x8b\x08", "compressed (gzip)", unpack),
    MARK(0, "\xfd\x37zXZ\0", "compressed (xz)", unpack),
    MARK(0, "\x28\xb5\x2f\xfd", "compressed (zstd)", unpack),
    MARK(0, "BZh", "compressed (bzip2)", unpack),
    MARK(0, "\x04\x22\x4d\x18", "compressed (lz4)", unpack),
    MARK(0, "LZIP\1", "compressed (lzip)", unpack),
    MARK(0, "]\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff", "compressed (lzma)", unpack),
    MARK(0, "7z\xbc\xaf\x27\x1c", "an archive (7z)", unpack),
    MARK(0, "PK\3\4", "an archive (zip)", unpack),
    MARK(0, "Rar!\x1a\7", "an archive (rar)", unpack),
    MARK(257, "ustar", "an archive (tar, OVA)", unpack),
    MARK(0, "<!DOCTYPE ", "a web page", fetch),
    MARK(0, "<!doctype ", "a web page", fetch),
    MARK(0, "<html", "a web page", fetch),
};
#undef MARK

enum { LONGEST_MARK = 64, TEXT_BYTES = 2048 };

static bool mark_is_at(const struct mark *mark, int fd, int64_t size)
{
    char bytes[LONGEST_MARK];
    int64_t at = mark->at < 0 ? size + mark->at : mark->at;
    return at >= 0 && pread(fd, bytes, mark->length, at) == (ssize_t)mark->length &&
           memcmp(bytes, mark->bytes, mark->length) == 0;
}

/* A VMDK's descriptor is a text: comments and empty lines, then its version. QEMU goes by that. */
static bool is_vmdk_text(int fd)
{
    char text[TEXT_BYTES + 1];
    ssize_t length = pread(fd, text, TEXT_BYTES, 0);
    text[length < 0 ? 0 : length] = '\0';
    const char *at = text;
    while (*at == '#' || *at == ' ' || *at == '\r' || *at == '\n') {
        at += *at == '#' ? strcspn(at, "\n") : 1;
    }
    return strncmp(at, "version=", 8) == 0 || strncmp(text, "# Disk DescriptorFile", 21) == 0;
}

bool disk_mark_is_qcow2(int fd)
{
    char bytes[4];
    return pread(fd, bytes, sizeof bytes, 0) == sizeof bytes &&
           memcmp(bytes, "QFI\xfb", sizeof bytes) == 0;
}

const char *disk_mark_read(int fd, int64_t size, const char **ret_advice)
{
    for (size_t i = 0; i < ARRAY_LENGTH(marks); i++) {
        if (mark_is_at(&marks[i], fd, size)) {
            *ret_advice = marks[i].advice;
            return marks[i].what;
        }
    }
    *ret_advice = convert;
    return is_vmdk_text(fd) ? "a VMDK image" : NULL;
}
