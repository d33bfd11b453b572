/* records: a copy stands alone, whatever becomes of what it was made from. */
#include "support/test.h"

#include "records.h"

#include <stdlib.h>
#include <string.h>

static void a_copy_owns_all_but_the_macs(void **state)
{
    (void)state;
    char texts[][16] = {"kvm1", "uuid", "name", "vda", "pool", "vda.qcow2", "/d/vda", "qcow2"};
    const char *macs[] = {"52:54:00:00:00:01"};
    struct disk_row disks[] = {
        {.target = texts[3],
         .pool = texts[4],
         .volume = texts[5],
         .path = texts[6],
         .format = texts[7],
         .size_gib = 3,
         .ours = true},
        {.target = "vdb", .path = "/else"},
    };
    struct vm_row row = {.host = texts[0],
                         .uuid = texts[1],
                         .name = texts[2],
                         .owner = 7,
                         .phase = VM_PHASE_DELETING,
                         .vcpus = 2,
                         .memory_mib = 64,
                         .disk_gib = 3,
                         .disks = disks,
                         .disk_count = 2,
                         .macs = macs,
                         .mac_count = 1,
                         .serial_log = texts[5]};
    struct vm_row *copy = vm_row_copy(&row);
    memset(texts, 'x', sizeof texts);
    memset(disks, 0, sizeof disks);
    memset(&row, 0, sizeof row);

    assert_string_equal(copy->host, "kvm1");
    assert_string_equal(copy->uuid, "uuid");
    assert_string_equal(copy->name, "name");
    assert_string_equal(copy->serial_log, "vda.qcow2");
    assert_int_equal(copy->owner, 7);
    assert_int_equal(copy->phase, VM_PHASE_DELETING);
    assert_int_equal(copy->vcpus, 2);
    assert_int_equal(copy->memory_mib, 64);
    assert_int_equal(copy->disk_gib, 3);
    assert_int_equal(copy->mac_count, 0);
    assert_null(copy->macs);
    assert_int_equal(copy->disk_count, 2);
    assert_string_equal(copy->disks[0].target, "vda");
    assert_string_equal(copy->disks[0].pool, "pool");
    assert_string_equal(copy->disks[0].volume, "vda.qcow2");
    assert_string_equal(copy->disks[0].path, "/d/vda");
    assert_string_equal(copy->disks[0].format, "qcow2");
    assert_int_equal(copy->disks[0].size_gib, 3);
    assert_true(copy->disks[0].ours);
    assert_string_equal(copy->disks[1].path, "/else");
    assert_null(copy->disks[1].pool);
    assert_false(copy->disks[1].ours);
    free(copy);
}

static void a_row_without_anything_is_copied_too(void **state)
{
    (void)state;
    struct vm_row *copy = vm_row_copy(&(struct vm_row){.vcpus = 1});
    assert_null(copy->name);
    assert_null(copy->serial_log);
    assert_int_equal(copy->disk_count, 0);
    assert_int_equal(copy->vcpus, 1);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_owns_all_but_the_macs),
        cmocka_unit_test(a_row_without_anything_is_copied_too),
    };
    return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
