/* qcow2.c: docs/interop/qcow2.txt of QEMU, as far as a copy of the image has to be sure of it. */
#include "host/storage/qcow2.h"

#include "host/storage/magic.h"
#include "memory.h"
#include "scope.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* As it is in the file, big-endian. What follows `snapshots_offset` is there since version 3. */
struct head {
    uint32_t magic, version;
    uint64_t backing_offset;
    uint32_t backing_bytes, cluster_bits;
    uint64_t bytes;
    uint32_t encryption, l1_entries;
    uint64_t l1_offset, refcount_offset;
    uint32_t refcount_clusters, snapshots;
    uint64_t snapshots_offset;
    uint64_t incompatible, compatible, autoclear;
    uint32_t refcount_order, length;
} __attribute__((packed));

struct extension {
    uint32_t type, length;
};

enum {
    HEAD_OF_2 = 72,
    HEAD_OF_3 = sizeof(struct head),
    LEAST_CLUSTER_BITS = 9,
    MOST_CLUSTER_BITS = 21,
    MOST_L1_ENTRIES = (32 << 20) / 8, /* as QEMU has it */
    LONGEST_BACKING = 1023,           /* the same */
    LONGEST_FORMAT = 15,              /* the same */
    READ_AT_ONCE = 4096,              /* entries of a table */
    SECTOR = 512,
};
#define BACKING_FORMAT UINT32_C(0xe2792aca) /* the type of that extension */

/* Incompatible features. */
enum { DIRTY = 1, CORRUPT = 2, DATA_FILE = 4, COMPRESSION = 8, WIDE_ENTRIES = 16 };

/* What all tables together may have: those of 8 TiB in clusters of the usual size. */
#define MOST_TABLE_BYTES (INT64_C(1) << 30)

/* Entries of the tables. */
#define PLACE UINT64_C(0x00fffffffffffe00)
#define IS_COMPRESSED (UINT64_C(1) << 62)
#define IS_ZEROES UINT64_C(1)

static bool refuse_image(struct lodge_error *err, const char *why)
{
    return lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "%s", why);
}

static const char cut_off[] =
    "it ends before its data does: it was not fetched or copied to its end";

/* To its end: QEMU writes tables whole, and of data what a guest can see. */
static bool is_in_file(const struct qcow2 *qcow2, uint64_t offset, uint64_t length)
{
    uint64_t file = (uint64_t)qcow2->file_bytes;
    return offset <= file && length <= file - offset;
}

/* --- the header ------------------------------------------------------------------------------- */

static bool check_features(const struct head *head, struct lodge_error *err)
{
    uint64_t features = be32toh(head->version) < 3 ? 0 : be64toh(head->incompatible);
    if (be32toh(head->encryption) != 0) {
        return refuse_image(err, "it is encrypted: convert it with its key into one that is not");
    }
    if ((features & DATA_FILE) != 0) {
        return refuse_image(err,
                            "it keeps its data in another file: copy it with qemu-img convert");
    }
    if ((features & CORRUPT) != 0) {
        return refuse_image(err, "it is marked as damaged: qemu-img check -r all may mend it");
    }
    if ((features & ~(uint64_t)(DIRTY | COMPRESSION | WIDE_ENTRIES)) != 0) {
        return refuse_image(err, "it has features that lodge does not know");
    }
    return true;
}

/* The first table has an entry for each table of clusters. */
static bool take_sizes(const struct head *head, struct qcow2 *qcow2, struct lodge_error *err)
{
    unsigned bits = be32toh(head->cluster_bits);
    uint64_t bytes = be64toh(head->bytes);
    uint64_t entries = be32toh(head->l1_entries);
    uint64_t features = be32toh(head->version) < 3 ? 0 : be64toh(head->incompatible);
    if (bits < LEAST_CLUSTER_BITS || bits > MOST_CLUSTER_BITS || bytes > INT64_MAX) {
        return refuse_image(err, "its header has sizes that cannot be");
    }
    qcow2->bytes = (int64_t)bytes;
    qcow2->cluster_bits = bits;
    qcow2->has_wide_entries = (features & WIDE_ENTRIES) != 0;
    qcow2->l1_offset = be64toh(head->l1_offset);
    unsigned table_bits = bits + bits - (qcow2->has_wide_entries ? 4 : 3);
    uint64_t wanted = (bytes >> table_bits) + ((bytes & ((UINT64_C(1) << table_bits) - 1)) != 0);
    if (entries > MOST_L1_ENTRIES || wanted > entries) {
        return refuse_image(err, "its first table does not go with its size");
    }
    qcow2->l1_entries = (uint32_t)wanted;
    if (!is_in_file(qcow2, qcow2->l1_offset, wanted * sizeof(uint64_t)) && wanted > 0) {
        return refuse_image(err, cut_off);
    }
    uint64_t counts = (uint64_t)be32toh(head->refcount_clusters) << bits;
    return is_in_file(qcow2, be64toh(head->refcount_offset), counts > 0 ? counts : 1) ||
           refuse_image(err, cut_off);
}

/* The format of what it is based on. The last one counts, as for QEMU. */
static bool take_extensions(const char *first, size_t from, size_t end, struct qcow2 *qcow2,
                            struct lodge_error *err)
{
    struct extension extension;
    while (from + sizeof extension <= end) {
        memcpy(&extension, first + from, sizeof extension);
        uint32_t type = be32toh(extension.type);
        size_t length = be32toh(extension.length);
        from += sizeof extension;
        if (type == 0) {
            break;
        }
        if (length > end - from || (type == BACKING_FORMAT && length > LONGEST_FORMAT)) {
            return refuse_image(err, "its header says more than it has room for");
        }
        if (type == BACKING_FORMAT) {
            free(qcow2->backing_format);
            qcow2->backing_format = xstrndup(first + from, length);
        }
        from += (length + 7) & ~(size_t)7;
    }
    return true;
}

static bool take_backing(const struct head *head, const char *first, size_t size,
                         struct qcow2 *qcow2, struct lodge_error *err)
{
    uint64_t offset = be64toh(head->backing_offset);
    size_t length = be32toh(head->backing_bytes);
    bool is_3 = be32toh(head->version) >= 3;
    size_t start = is_3 ? be32toh(head->length) : HEAD_OF_2;
    if (offset != 0 && (length > LONGEST_BACKING || offset > size || length > size - offset)) {
        return refuse_image(err, "its header says more than it has room for");
    }
    if (offset != 0 && memchr(first + offset, '\0', length) != NULL) {
        return refuse_image(err, "the name of what it is based on has a zero byte");
    }
    if (is_3 && (start < HEAD_OF_3 || start > size)) {
        return refuse_image(err, "its header has a length that cannot be");
    }
    if (offset != 0 && length > 0) {
        qcow2->backing = xstrndup(first + offset, length);
    }
    return take_extensions(first, start, offset != 0 ? (size_t)offset : size, qcow2, err);
}

/* All that the header says is in the first cluster. */
static bool read_first(int fd, struct qcow2 *qcow2, struct lodge_error *err)
{
    struct head head = {0};
    ssize_t got = pread(fd, &head, sizeof head, 0);
    if (got < HEAD_OF_2 || !magic_is_qcow2(fd)) {
        return refuse_image(err, "it is no qcow2 image, or the first bytes of one");
    }
    if (be32toh(head.version) != 2 && be32toh(head.version) != 3) {
        return refuse_image(err, "it is a QCOW image of a version that lodge does not know");
    }
    if (be32toh(head.version) == 3 && got < HEAD_OF_3) {
        return refuse_image(err, cut_off);
    }
    if (!check_features(&head, err) || !take_sizes(&head, qcow2, err)) {
        return false;
    }
    size_t size = (size_t)1 << qcow2->cluster_bits;
    AUTO(free) char *first = xcalloc(1, size);
    return (pread(fd, first, size, 0) >= got || refuse_image(err, cut_off)) &&
           take_backing(&head, first, size, qcow2, err);
}

bool qcow2_read(int fd, int64_t file_bytes, struct qcow2 *ret_qcow2, struct lodge_error *err)
{
    struct qcow2 qcow2 = {.file_bytes = file_bytes};
    if (!read_first(fd, &qcow2, err)) {
        qcow2_clear(&qcow2);
        return false;
    }
    *ret_qcow2 = qcow2;
    return true;
}

void qcow2_clear(struct qcow2 *qcow2)
{
    free(qcow2->backing);
    free(qcow2->backing_format);
    *qcow2 = (struct qcow2){0};
}

/* --- the tables ------------------------------------------------------------------------------- */

struct walk {
    int fd;
    const struct qcow2 *qcow2;
    uint64_t first; /* the guest's cluster that this table begins with */
    uint64_t wide;  /* an entry whose parts come with the next word, and which word it was */
    uint64_t wide_index;
    int64_t table_bytes; /* read so far */
    int64_t data_bytes;
    struct lodge_error *err;
};

/* Calls `each` for the words of a table, until it says no. What the file does not have is zero. */
static bool walk_table(struct walk *walk, uint64_t offset, uint64_t words,
                       bool (*each)(struct walk *walk, uint64_t entry, uint64_t index))
{
    AUTO(free) uint64_t *part = xmalloc(READ_AT_ONCE * sizeof *part);
    walk->table_bytes += (int64_t)(words * sizeof *part);
    if (walk->table_bytes > MOST_TABLE_BYTES) {
        return refuse_image(walk->err, "its tables have more than lodge reads");
    }
    for (uint64_t done = 0; done < words; done += READ_AT_ONCE) {
        uint64_t count = words - done < READ_AT_ONCE ? words - done : READ_AT_ONCE;
        ssize_t got =
            pread(walk->fd, part, count * sizeof *part, (off_t)(offset + done * sizeof *part));
        if (got < 0) {
            return lodge_fail(walk->err, LODGE_ERROR_UNSUPPORTED, "its tables cannot be read: %s",
                              strerror(errno));
        }
        for (uint64_t i = 0; i < (uint64_t)got / sizeof *part; i++) {
            if (part[i] != 0 && !each(walk, be64toh(part[i]), done + i)) {
                return false;
            }
        }
    }
    return true;
}

/* How much of a cluster a guest can see: less of the one that has the disk's end. Of one that is
 * beyond, which nobody reads, it is enough that it begins. */
static uint64_t seen_of(const struct qcow2 *qcow2, uint64_t number)
{
    uint64_t cluster = UINT64_C(1) << qcow2->cluster_bits;
    uint64_t last = (uint64_t)(qcow2->bytes - 1) >> qcow2->cluster_bits;
    uint64_t in_last = (uint64_t)(qcow2->bytes - 1) % cluster + 1;
    return number < last ? cluster : number == last ? in_last : 1;
}

/* Its place is in the low bits, above them how many sectors more. It ends within the last of them,
 * and the file may end there too. */
static bool look_at_packed(struct walk *walk, uint64_t entry)
{
    unsigned bits = 62 - (walk->qcow2->cluster_bits - 8);
    uint64_t offset = entry & ((UINT64_C(1) << bits) - 1);
    uint64_t more = (entry & (IS_COMPRESSED - 1)) >> bits;
    uint64_t last = more == 0 ? offset : (offset & ~(uint64_t)(SECTOR - 1)) + more * SECTOR;
    walk->data_bytes += INT64_C(1) << walk->qcow2->cluster_bits;
    return is_in_file(walk->qcow2, last, 1) || refuse_image(walk->err, cut_off);
}

/* Of a cluster's parts those behind the last that has data need not be in the file. */
static bool look_at_parts(struct walk *walk, uint64_t parts, uint64_t number)
{
    uint64_t offset = walk->wide & PLACE;
    uint32_t with_data = (uint32_t)parts;
    if (offset == 0 || with_data == 0) {
        return true;
    }
    unsigned end = 32 - (unsigned)__builtin_clz(with_data);
    uint64_t length = end * (UINT64_C(1) << walk->qcow2->cluster_bits) / 32;
    uint64_t seen = seen_of(walk->qcow2, number);
    walk->data_bytes += (int64_t)length;
    return is_in_file(walk->qcow2, offset, length < seen ? length : seen) ||
           refuse_image(walk->err, cut_off);
}

static bool look_at_cluster(struct walk *walk, uint64_t entry, uint64_t index)
{
    const struct qcow2 *qcow2 = walk->qcow2;
    uint64_t offset = entry & PLACE;
    if (qcow2->has_wide_entries && index % 2 == 1) {
        return walk->wide_index != index - 1 || look_at_parts(walk, entry, walk->first + index / 2);
    }
    if ((entry & IS_COMPRESSED) != 0) {
        return look_at_packed(walk, entry);
    }
    if (qcow2->has_wide_entries) {
        walk->wide = entry;
        walk->wide_index = index;
        return true;
    }
    if (offset == 0 || (entry & IS_ZEROES) != 0) {
        return true;
    }
    walk->data_bytes += INT64_C(1) << qcow2->cluster_bits;
    return is_in_file(qcow2, offset, seen_of(qcow2, walk->first + index)) ||
           refuse_image(walk->err, cut_off);
}

/* Entries with two words each are half as many. */
static bool look_at_table(struct walk *walk, uint64_t entry, uint64_t index)
{
    uint64_t cluster = UINT64_C(1) << walk->qcow2->cluster_bits;
    uint64_t words = cluster / sizeof entry;
    uint64_t offset = entry & PLACE;
    if (offset == 0) {
        return true;
    }
    if (!is_in_file(walk->qcow2, offset, cluster)) {
        return refuse_image(walk->err, cut_off);
    }
    walk->first = index * (walk->qcow2->has_wide_entries ? words / 2 : words);
    walk->wide_index = UINT64_MAX;
    return walk_table(walk, offset, words, look_at_cluster);
}

bool qcow2_is_whole(int fd, const struct qcow2 *qcow2, int64_t *ret_data_bytes,
                    struct lodge_error *err)
{
    struct walk walk = {.fd = fd, .qcow2 = qcow2, .err = err};
    if (!walk_table(&walk, qcow2->l1_offset, qcow2->l1_entries, look_at_table)) {
        return false;
    }
    *ret_data_bytes = walk.data_bytes;
    return true;
}
