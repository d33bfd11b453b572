/* Things in a row that carry their own links. */
#include "support/test.h"

#include "list.h"

#include <string.h>

struct thing {
    char letter;
    struct list_link link;
};

static struct thing things[4];
static struct list list;

static int set_up(void **state)
{
    (void)state;
    list = (struct list){0};
    for (int i = 0; i < 4; i++) {
        things[i] = (struct thing){.letter = (char)('a' + i)};
    }
    return 0;
}

/* Forwards and backwards. */
static void expect_order(const struct list *of, const char *letters)
{
    size_t count = strlen(letters);
    size_t at = 0;
    LIST_EACH (struct thing, thing, of, link) {
        assert_true(at < count);
        assert_int_equal(thing->letter, letters[at++]);
    }
    assert_int_equal(at, count);
    for (struct list_link *link = of->last; link != NULL; link = link->before) {
        assert_true(at > 0);
        assert_int_equal(CONTAINER_OF(link, struct thing, link)->letter, letters[--at]);
    }
    assert_int_equal(at, 0);
}

static void what_is_zeroed_is_empty(void **state)
{
    (void)state;
    expect_order(&list, "");
    assert_null(LIST_FIRST(&list, struct thing, link));
    assert_null(LIST_TAKE_FIRST(&list, struct thing, link));
}

static void what_comes_last_or_first_stands_there(void **state)
{
    (void)state;
    list_append(&list, &things[1].link);
    list_append(&list, &things[2].link);
    list_prepend(&list, &things[0].link);
    expect_order(&list, "abc");
    list_insert(&list, &things[1].link, &things[3].link);
    expect_order(&list, "adbc");
}

static void each_can_be_taken_out_wherever_it_stands(void **state)
{
    (void)state;
    for (int gone = 0; gone < 3; gone++) {
        (void)set_up(NULL);
        for (int i = 0; i < 3; i++) {
            list_append(&list, &things[i].link);
        }
        list_remove(&list, &things[gone].link);
        expect_order(&list, gone == 0 ? "bc" : gone == 1 ? "ac" : "ab");
        list_append(&list, &things[gone].link);
        expect_order(&list, gone == 0 ? "bca" : gone == 1 ? "acb" : "abc");
    }
}

static void they_come_out_as_they_went_in(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        list_append(&list, &things[i].link);
    }
    struct list taken = list;
    list = (struct list){0};
    for (char letter = 'a'; letter < 'd'; letter++) {
        assert_int_equal(LIST_TAKE_FIRST(&taken, struct thing, link)->letter, letter);
    }
    expect_order(&taken, "");
    expect_order(&list, "");
}

static void who_is_looked_at_may_leave(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        list_append(&list, &things[i].link);
    }
    LIST_EACH (struct thing, thing, &list, link) {
        if (thing->letter != 'c') {
            list_remove(&list, &thing->link);
            memset(thing, 0, sizeof *thing);
        }
    }
    expect_order(&list, "c");
}

#define LIST_TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIST_TEST(what_is_zeroed_is_empty),
        LIST_TEST(what_comes_last_or_first_stands_there),
        LIST_TEST(each_can_be_taken_out_wherever_it_stands),
        LIST_TEST(they_come_out_as_they_went_in),
        LIST_TEST(who_is_looked_at_may_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
