/*
 * disk_header: qcow2's, QED's and VMDK's words for other files, out of the first 64 KiB.
 *
 * Every number comes from whoever wrote the image: each is compared with what was read before it is
 * used. Nothing is owned but the list that the caller gave. Any thread; it reads a file.
 */
#include "host/storage/disk_header.h"
#include "memory.h"
#include "scope.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    HEAD = 64 * 1024,
    LONGEST_NAME = 1023, /* QEMU takes no longer one */
    MOST_EXTENSIONS = 64,
    MOST_QUOTED = 256,
    SECTOR = 512,
};

struct head {
    int fd;
    const unsigned char *bytes;
    size_t length;
};

static uint64_t big(const struct head *head, size_t at, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number = number << 8 | (at + i < head->length ? head->bytes[at + i] : 0);
    }
    return number;
}

static uint64_t little(const struct head *head, size_t at, size_t size)
{
    uint64_t number = 0;
    for (size_t i = size; i-- > 0;) {
        number = number << 8 | (at + i < head->length ? head->bytes[at + i] : 0);
    }
    return number;
}

static bool head_begins(const struct head *head, const char *magic, size_t length)
{
    return head->length >= length && memcmp(head->bytes, magic, length) == 0;
}

static void header_add(struct header_names *names, const char *text, size_t length,
                       bool may_name_others)
{
    if (length == 0 || length > LONGEST_NAME) {
        return;
    }
    names->items = xrealloc(names->items, (names->count + 1) * sizeof *names->items);
    names->items[names->count++] =
        (struct header_name){.text = xstrndup(text, length), .may_name_others = may_name_others};
}

/* What stands in quotes: of a VMDK's descriptor, or of QEMU's json: names, whose members have many
 * shapes. `\"` and `\/` are JSON's; a path with more than that in it is not understood. */
static void header_add_quoted(struct header_names *names, const char *text, size_t length)
{
    char name[LONGEST_NAME + 1];
    size_t count = 0;
    for (size_t at = 0; at < length && count < MOST_QUOTED; at++) {
        if (text[at] != '"') {
            continue;
        }
        size_t used = 0;
        for (at++; at < length && text[at] != '"'; at++) {
            at += text[at] == '\\' && at + 1 < length;
            if (used < LONGEST_NAME) {
                name[used++] = text[at];
            }
        }
        count++;
        if (at < length && memchr(name, '\0', used) == NULL) {
            header_add(names, name, used, true);
        }
    }
}

/* --- qcow, qcow2 ------------------------------------------------------------------------------ */

enum {
    QCOW_BACKING_AT = 8,
    QCOW_BACKING_SIZE_AT = 16,
    QCOW_HEADER_LENGTH_AT = 100,
    QCOW_V2_LENGTH = 72,
};
#define QCOW_BACKING_FORMAT UINT32_C(0xe2792aca)
#define QCOW_DATA_FILE UINT32_C(0x44415441)

/* Formats and external data files stand in extensions behind the header of version 2 and later. */
static void read_extensions(const struct head *head, struct header_names *names, bool *ret_raw)
{
    uint64_t version = big(head, 4, 4);
    size_t at = version == 2 ? QCOW_V2_LENGTH : big(head, QCOW_HEADER_LENGTH_AT, 4);
    for (int i = 0; version >= 2 && i < MOST_EXTENSIONS && at + 8 <= head->length; i++) {
        uint64_t type = big(head, at, 4);
        uint64_t length = big(head, at + 4, 4);
        at += 8;
        if (type == 0 || length > head->length - at) {
            return;
        }
        const char *text = (const char *)head->bytes + at;
        if (type == QCOW_BACKING_FORMAT) {
            *ret_raw = length == 3 && memcmp(text, "raw", 3) == 0;
        } else if (type == QCOW_DATA_FILE) {
            header_add(names, text, strnlen(text, length), false);
        }
        at += (length + 7) / 8 * 8;
    }
}

static bool add_at(const struct head *head, uint64_t offset, uint64_t length, bool may_name_others,
                   struct header_names *names)
{
    char name[LONGEST_NAME + 1];
    if (length == 0 || length > LONGEST_NAME || offset > INT64_MAX - LONGEST_NAME) {
        return true; /* no such image is opened by anybody */
    }
    ssize_t got = pread(head->fd, name, length, (off_t)offset);
    if (got < 0) {
        return false;
    }
    size_t used = strnlen(name, (size_t)got);
    static const char json[] = "json:";
    if (used >= sizeof json - 1 && memcmp(name, json, sizeof json - 1) == 0) {
        header_add_quoted(names, name, used);
    }
    header_add(names, name, used, may_name_others);
    return true;
}

static bool read_qcow(const struct head *head, struct header_names *names)
{
    bool is_raw = false;
    read_extensions(head, names, &is_raw);
    return add_at(head, big(head, QCOW_BACKING_AT, 8), big(head, QCOW_BACKING_SIZE_AT, 4), !is_raw,
                  names);
}

/* --- the others ------------------------------------------------------------------------------- */

enum { QED_NAME_AT = 56, QED_NAME_SIZE_AT = 60, VMDK_DESCRIPTOR_AT = 28 };

static bool read_qed(const struct head *head, struct header_names *names)
{
    return add_at(head, little(head, QED_NAME_AT, 4), little(head, QED_NAME_SIZE_AT, 4), true,
                  names);
}

/* parentFileNameHint="…", and the extents' names: all that is quoted in the descriptor, which is a
 * file of its own or lies in the first one. */
static void read_vmdk(const struct head *head, bool is_sparse, struct header_names *names)
{
    uint64_t sector = is_sparse ? little(head, VMDK_DESCRIPTOR_AT, 8) : 0;
    uint64_t from = sector < HEAD / SECTOR ? sector * SECTOR : head->length;
    if (from < head->length) {
        header_add_quoted(names, (const char *)head->bytes + from, head->length - from);
    }
}

bool disk_header_read(int fd, struct header_names *names)
{
    static const char descriptor[] = "# Disk DescriptorFile";
    AUTO(free) unsigned char *bytes = xmalloc(HEAD);
    ssize_t got = pread(fd, bytes, HEAD, 0);
    if (got < 0) {
        return false;
    }
    struct head head = {.fd = fd, .bytes = bytes, .length = (size_t)got};
    if (head_begins(&head, "QFI\xfb", 4)) {
        return read_qcow(&head, names);
    }
    if (head_begins(&head, "QED", 4)) { /* with its closing zero */
        return read_qed(&head, names);
    }
    bool is_sparse = head_begins(&head, "KDMV", 4);
    if (is_sparse || head_begins(&head, descriptor, sizeof descriptor - 1)) {
        read_vmdk(&head, is_sparse, names);
    }
    return true;
}

void header_names_clear(struct header_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i].text);
    }
    free(names->items);
    *names = (struct header_names){0};
}
