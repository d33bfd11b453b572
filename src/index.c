/*
 * index: chains in a power of two of buckets, doubled when there are as many links as buckets.
 * Links lie in what they lead to; the index owns the buckets alone.
 */
#include "index.h"

#include "memory.h"

#include <stdlib.h>

enum { FIRST_BUCKETS = 64 };

void index_init(struct index *index)
{
    index->buckets = xcalloc(FIRST_BUCKETS, sizeof(struct index_link *));
    index->bucket_count = FIRST_BUCKETS;
    index->count = 0;
}

void index_done(struct index *index)
{
    free(index->buckets);
    *index = (struct index){0};
}

uint64_t index_hash(const char *first, const char *second)
{
    uint64_t hash = 0xcbf29ce484222325u;
    const char *texts[] = {first == NULL ? "" : first, second == NULL ? "" : second};
    for (int i = 0; i < 2; i++) {
        const unsigned char *byte = (const unsigned char *)texts[i];
        do {
            hash = (hash ^ *byte) * 0x100000001b3u;
        } while (*byte++ != '\0');
    }
    return hash;
}

static struct index_link **bucket(const struct index *index, uint64_t hash)
{
    return &index->buckets[hash & (index->bucket_count - 1)];
}

static void index_grow(struct index *index)
{
    struct index_link **old = index->buckets;
    size_t old_count = index->bucket_count;
    index->bucket_count *= 2;
    index->buckets = xcalloc(index->bucket_count, sizeof(struct index_link *));
    for (size_t i = 0; i < old_count; i++) {
        struct index_link *link = old[i];
        while (link != NULL) {
            struct index_link *next = link->next;
            struct index_link **place = bucket(index, link->hash);
            link->next = *place;
            *place = link;
            link = next;
        }
    }
    free(old);
}

void index_add(struct index *index, struct index_link *link, uint64_t hash)
{
    if (index->count >= index->bucket_count) {
        index_grow(index);
    }
    struct index_link **place = bucket(index, hash);
    link->hash = hash;
    link->next = *place;
    *place = link;
    index->count++;
}

void index_remove(struct index *index, struct index_link *link)
{
    struct index_link **place = bucket(index, link->hash);
    while (*place != NULL && *place != link) {
        place = &(*place)->next;
    }
    if (*place == link) {
        *place = link->next;
        index->count--;
    }
}

struct index_link *index_first(const struct index *index, uint64_t hash)
{
    struct index_link *link = *bucket(index, hash);
    while (link != NULL && link->hash != hash) {
        link = link->next;
    }
    return link;
}

struct index_link *index_next(const struct index_link *link)
{
    uint64_t hash = link->hash;
    struct index_link *next = link->next;
    while (next != NULL && next->hash != hash) {
        next = next->next;
    }
    return next;
}
