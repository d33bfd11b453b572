/* order: VMs that come, go and are renamed, beside the same VMs in a list that is sorted anew. */
#include "support/test.h"

#include "registry/order.h"
#include "registry/vm.h"

#include <stdio.h>
#include <stdlib.h>

enum { VMS = 3000, NAMES = 400 };

static struct order order;
static struct vm vms[VMS];
static char names[VMS][16];
static bool is_in[VMS];
static unsigned seed;

static unsigned dice(unsigned sides)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % sides;
}

static void rename_vm(int i)
{
    snprintf(names[i], sizeof names[i], "vm%u", dice(NAMES));
}

static void put(int i)
{
    rename_vm(i);
    order_put(&order, &vms[i]);
    is_in[i] = true;
}

static void take_out(int i)
{
    rename_vm(i); /* it may have another name by then */
    order_remove(&order, &vms[i]);
    is_in[i] = false;
}

static void change(int i)
{
    if (is_in[i] && dice(3) == 0) {
        take_out(i);
    } else {
        put(i);
    }
}

static int begin(void **state)
{
    static char hosts[3][8] = {"alpha", "beta", "gamma"};
    (void)state;
    seed = 7;
    order = (struct order){0};
    for (int i = 0; i < VMS; i++) {
        vms[i] = (struct vm){.facts = {.host = hosts[i % 3], .name = names[i]}};
        snprintf(vms[i].facts.uuid, sizeof vms[i].facts.uuid, "%036d", i);
        is_in[i] = false;
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    order_done(&order);
    return 0;
}

static int compare(const void *a, const void *b)
{
    return vm_compare(*(struct vm *const *)a, *(struct vm *const *)b);
}

/* From a key on, which may be of one that is not in it. */
static void expect_behind(const struct vm *key)
{
    static struct vm *sorted[VMS];
    size_t count = 0;
    for (int i = 0; i < VMS; i++) {
        if (is_in[i] && (key == NULL || vm_compare(&vms[i], key) > 0)) {
            sorted[count++] = &vms[i];
        }
    }
    qsort(sorted, count, sizeof *sorted, compare);
    struct order_walk walk = order_walk(&order, key);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(order_next(&walk), sorted[i]);
    }
    assert_null(order_next(&walk));
}

static void an_order_of_none_has_no_first(void **state)
{
    (void)state;
    expect_behind(NULL);
    expect_behind(&vms[1]);
    put(1);
    take_out(1);
    take_out(2); /* was never in it */
    expect_behind(NULL);
}

static void few_that_come_and_go_between_walks_are_where_they_belong(void **state)
{
    (void)state;
    for (int i = 0; i < VMS; i += 2) {
        put(i);
    }
    for (int round = 0; round < 300; round++) {
        for (unsigned changes = dice(30); changes > 0; changes--) {
            change((int)dice(VMS));
        }
        expect_behind(round % 3 == 0 ? NULL : &vms[dice(VMS)]);
    }
}

static void many_that_come_and_go_between_walks_are_where_they_belong(void **state)
{
    (void)state;
    for (int round = 0; round < 40; round++) {
        for (unsigned changes = dice(3 * VMS); changes > 0; changes--) {
            change((int)dice(VMS));
        }
        expect_behind(round % 3 == 0 ? NULL : &vms[dice(VMS)]);
    }
}

/* Each that comes goes to the end of the last block, or to the front of the first. */
static void those_that_come_in_order_are_where_they_belong(void **state)
{
    (void)state;
    for (int i = 0; i < VMS; i++) {
        snprintf(names[i], sizeof names[i], "vm%05d", i % 2 == 0 ? VMS - i : VMS + i);
        order_put(&order, &vms[i]);
        is_in[i] = true;
        if (i % 100 < 30) {
            expect_behind(NULL);
        }
    }
    expect_behind(NULL);
}

static void what_many_have_left_is_given_back(void **state)
{
    (void)state;
    for (int i = 0; i < VMS; i++) {
        put(i);
    }
    expect_behind(NULL);
    size_t blocks = order.block_count;
    for (int i = 0; i < VMS; i++) {
        if (i % 250 != 0) {
            take_out(i);
        }
    }
    expect_behind(NULL);
    assert_in_range(order.block_count, 1, blocks / 3);
}

#define ORDERED(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ORDERED(an_order_of_none_has_no_first),
        ORDERED(few_that_come_and_go_between_walks_are_where_they_belong),
        ORDERED(many_that_come_and_go_between_walks_are_where_they_belong),
        ORDERED(those_that_come_in_order_are_where_they_belong),
        ORDERED(what_many_have_left_is_given_back),
    };
    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
