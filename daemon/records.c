/*
 * records: a copy is one block: the row, its disks, and behind them all texts, so that whoever has
 * it lets go of everything with one free(). Any thread.
 */
#include "records.h"

#include "memory.h"

#include <string.h>

struct block {
    struct vm_row row;
    struct disk_row disks[];
};

static size_t text_size(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static size_t texts_size(const struct vm_row *row)
{
    size_t size = text_size(row->host) + text_size(row->uuid) + text_size(row->name) +
                  text_size(row->serial_log);
    for (size_t i = 0; i < row->disk_count; i++) {
        const struct disk_row *disk = &row->disks[i];
        size += text_size(disk->target) + text_size(disk->pool) + text_size(disk->volume) +
                text_size(disk->path) + text_size(disk->format);
    }
    return size;
}

/* Puts a copy of `text` at *end, and *end behind it. */
static const char *put(char **end, const char *text)
{
    char *copy = *end;
    size_t size = text_size(text);
    if (size == 0) {
        return NULL;
    }
    memcpy(copy, text, size);
    *end += size;
    return copy;
}

struct vm_row *vm_row_copy(const struct vm_row *row)
{
    size_t size = sizeof(struct block) + row->disk_count * sizeof(struct disk_row);
    struct block *block = xmalloc(size + texts_size(row));
    char *end = (char *)block + size;
    for (size_t i = 0; i < row->disk_count; i++) {
        const struct disk_row *disk = &row->disks[i];
        block->disks[i] = (struct disk_row){
            .target = put(&end, disk->target),
            .pool = put(&end, disk->pool),
            .volume = put(&end, disk->volume),
            .path = put(&end, disk->path),
            .format = put(&end, disk->format),
            .size_gib = disk->size_gib,
            .ours = disk->ours,
        };
    }
    block->row = *row;
    block->row.host = put(&end, row->host);
    block->row.uuid = put(&end, row->uuid);
    block->row.name = put(&end, row->name);
    block->row.disks = block->disks;
    block->row.macs = NULL;
    block->row.mac_count = 0;
    block->row.serial_log = put(&end, row->serial_log);
    return &block->row;
}
