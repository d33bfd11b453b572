/* index: a hash table of things that carry their own links. One thread's, as what it holds. For
 * programs: without memory it aborts. */
#ifndef INDEX_H
#define INDEX_H

#include <stddef.h>
#include <stdint.h>

struct index_link {
    struct index_link *next;
    uint64_t hash;
};

struct index {
    struct index_link **buckets; /* a power of two of them */
    size_t bucket_count;
    size_t count;
};

void index_init(struct index *index);
void index_done(struct index *index); /* frees the buckets; what hangs in them is its owner's */

/* FNV-1a over the texts, each with its closing zero; NULL counts as "". */
uint64_t index_hash(const char *first, const char *second);

void index_add(struct index *index, struct index_link *link, uint64_t hash);
void index_remove(struct index *index, struct index_link *link);

/* The first link of this hash, and the next after one: the caller compares keys. NULL at the end.
 */
struct index_link *index_first(const struct index *index, uint64_t hash);
struct index_link *index_next(const struct index_link *link);

#endif
