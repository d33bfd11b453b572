/* index: things are found by hash among others, through growth and removal. */
#include "support/test.h"

#include "index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct thing {
    struct index_link link; /* first */
    char name[16];
};

enum { THINGS = 5000 };

static struct thing things[THINGS];

static struct thing *find(const struct index *index, const char *name)
{
    struct index_link *link = index_first(index, index_hash(name, NULL));
    while (link != NULL && strcmp(((struct thing *)link)->name, name) != 0) {
        link = index_next(link);
    }
    return (struct thing *)link;
}

static void thousands_are_found_and_removed(void **state)
{
    (void)state;
    struct index index;
    index_init(&index);
    for (int i = 0; i < THINGS; i++) {
        snprintf(things[i].name, sizeof things[i].name, "vm-%d", i);
        index_add(&index, &things[i].link, index_hash(things[i].name, NULL));
    }
    assert_int_equal(index.count, THINGS);
    for (int i = 0; i < THINGS; i++) {
        assert_ptr_equal(find(&index, things[i].name), &things[i]);
    }
    assert_null(find(&index, "vm-5000"));

    for (int i = 0; i < THINGS; i += 2) {
        index_remove(&index, &things[i].link);
    }

    assert_int_equal(index.count, THINGS / 2);
    for (int i = 0; i < THINGS; i++) {
        assert_ptr_equal(find(&index, things[i].name), i % 2 == 0 ? NULL : &things[i]);
    }
    index_remove(&index, &things[0].link); /* again: nothing happens */
    assert_int_equal(index.count, THINGS / 2);
    index_done(&index);
}

static void things_of_one_hash_are_all_given_out(void **state)
{
    (void)state;
    struct index index;
    index_init(&index);
    for (int i = 0; i < 10; i++) {
        index_add(&index, &things[i].link, 7);
        index_add(&index, &things[100 + i].link, 7 + 64); /* the same bucket, another hash */
    }

    int found = 0;
    for (struct index_link *link = index_first(&index, 7); link != NULL; link = index_next(link)) {
        assert_int_equal(link->hash, 7);
        found++;
    }

    assert_int_equal(found, 10);
    assert_null(index_first(&index, 7 + 128));
    index_done(&index);
}

static void two_texts_are_not_one(void **state)
{
    (void)state;
    assert_int_not_equal(index_hash("ab", "c"), index_hash("a", "bc"));
    assert_int_not_equal(index_hash("abc", NULL), index_hash(NULL, "abc"));
    assert_int_equal(index_hash(NULL, NULL), index_hash("", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(thousands_are_found_and_removed),
        TEST(things_of_one_hash_are_all_given_out),
        TEST(two_texts_are_not_one),
    };
    return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
