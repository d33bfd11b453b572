/* magic.c: a table of magic bytes, and the one format that has a text for one. */
#include "host/storage/magic.h"

#include "scope.h"

#include <string.h>
#include <unistd.h>

static const char convert[] = "convert it with qemu-img convert -O qcow2";
static const char unpack[] = "unpack it first";
static const char decrypt[] = "convert it with its key into one that is not encrypted";
static const char fetch[] = "fetch it again";

struct magic {
    int64_t at; /* from the end when negative */
    size_t length;
    const char *bytes;
    const char *what;
    const char *advice;
};

#define MAGIC(at, bytes, what, advice)             \
    {                                              \
        at, sizeof(bytes) - 1, bytes, what, advice \
    }
static const struct magic magics[] = {
    MAGIC(0, "KDMV", "a VMDK image", convert),
    MAGIC(0, "COWD", "a VMDK image", convert),
    MAGIC(0, "\xbe\xba\xfe\xca\0\0\0\0", "a VMDK image", convert),
    MAGIC(0, "vhdxfile", "a VHDX image", convert),
    MAGIC(0, "conectix", "a VHD image", convert),
    MAGIC(-512, "conectix", "a VHD image", convert),
    MAGIC(-511, "conectix", "a VHD image", convert),
    MAGIC(64, "\x7f\x10\xda\xbe", "a VDI image", convert),
    MAGIC(0, "QED\0", "a QED image", convert),
    MAGIC(0, "WithoutFreeSpace", "a Parallels image", convert),
    MAGIC(0, "WithouFreSpacExt", "a Parallels image", convert),
    MAGIC(0, "Bochs Virtual HD Image", "a Bochs image", convert),
    MAGIC(0, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop", "a cloop image", convert),
    MAGIC(-512, "koly", "a DMG image", convert),
    MAGIC(0, "LUKS\xba\xbe", "encrypted (LUKS)", decrypt),
    MAGIC(0, "SKUL\xba\xbe", "encrypted (LUKS)", decrypt),
    MAGIC(0, "\x3a\xff\x26\xed", "a sparse image of Android's", unpack),
    MAGIC(0, "\x1f\x8b\x08", "compressed (gzip)", unpack),
    MAGIC(0, "\xfd\x37zXZ\0", "compressed (xz)", unpack),
    MAGIC(0, "\x28\xb5\x2f\xfd", "compressed (zstd)", unpack),
    MAGIC(0, "BZh", "compressed (bzip2)", unpack),
    MAGIC(0, "\x04\x22\x4d\x18", "compressed (lz4)", unpack),
    MAGIC(0, "LZIP\1", "compressed (lzip)", unpack),
    MAGIC(0, "]\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff", "compressed (lzma)", unpack),
    MAGIC(0, "7z\xbc\xaf\x27\x1c", "an archive (7z)", unpack),
    MAGIC(0, "PK\3\4", "an archive (zip)", unpack),
    MAGIC(0, "Rar!\x1a\7", "an archive (rar)", unpack),
    MAGIC(257, "ustar", "an archive (tar, OVA)", unpack),
    MAGIC(0, "<!DOCTYPE ", "a web page", fetch),
    MAGIC(0, "<!doctype ", "a web page", fetch),
    MAGIC(0, "<html", "a web page", fetch),
};
#undef MAGIC

enum { LONGEST_MAGIC = 64, TEXT_BYTES = 2048 };

static bool magic_is_at(const struct magic *magic, int fd, int64_t size)
{
    char bytes[LONGEST_MAGIC];
    int64_t at = magic->at < 0 ? size + magic->at : magic->at;
    return at >= 0 && pread(fd, bytes, magic->length, at) == (ssize_t)magic->length &&
           memcmp(bytes, magic->bytes, magic->length) == 0;
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

bool magic_is_qcow2(int fd)
{
    char bytes[4];
    return pread(fd, bytes, sizeof bytes, 0) == sizeof bytes &&
           memcmp(bytes, "QFI\xfb", sizeof bytes) == 0;
}

const char *magic_read(int fd, int64_t size, const char **ret_advice)
{
    for (size_t i = 0; i < ARRAY_LENGTH(magics); i++) {
        if (magic_is_at(&magics[i], fd, size)) {
            *ret_advice = magics[i].advice;
            return magics[i].what;
        }
    }
    *ret_advice = convert;
    return is_vmdk_text(fd) ? "a VMDK image" : NULL;
}
