/* What flags say becomes parameters, whatever is in a name; what became of a size is noted. */
#include "support/test.h"

#include "cli/wish.h"

#include <string.h>

/* The params of one flag, or the error's message. */
static void expect(bool (*add)(const struct command *, struct wish *, struct lodge_error *),
                   const char *flag, const char *value, const char *wanted, const char *note)
{
    struct command command = {.options = {{flag, value}}, .option_count = 1};
    struct lodge_error err = {0};
    struct wish wish;
    wish_init(&wish);
    bool good = add(&command, &wish, &err);
    const char *json = json_object_to_json_string_ext(wish.params, JSON_C_TO_STRING_PLAIN);
    assert_string_equal(good ? json : err.message, wanted);
    assert_int_equal(wish.notes.count, note != NULL);
    if (note != NULL) {
        assert_string_equal(wish.notes.items[0], note);
    }
    wish_done(&wish);
}

static void a_disk_is_a_size_and_words(void **state)
{
    (void)state;
    static const struct {
        const char *text, *params;
    } rows[] = {
        {"10G", "{\"disks\":[{\"size_gib\":10}]}"},
        {"1T,image=a.qcow2,format=raw,pool=p", "{\"disks\":[{\"size_gib\":1024,\"image\":\"a."
                                               "qcow2\",\"format\":\"raw\",\"pool\":\"p\"}]}"},
        {"image=a.qcow2,format=raw", "{\"disks\":[{\"image\":\"a.qcow2\",\"format\":\"raw\"}]}"},
        {"1G,image=a,b=c.qcow2", "{\"disks\":[{\"size_gib\":1,\"image\":\"a,b=c.qcow2\"}]}"},
        {"1G,image=a,,b.qcow2", "{\"disks\":[{\"size_gib\":1,\"image\":\"a,b.qcow2\"}]}"},
        {"1G,image=a,,format=raw,format=qcow2",
         "{\"disks\":[{\"size_gib\":1,\"image\":\"a,format=raw\",\"format\":\"qcow2\"}]}"},
        {"1G,image=a,,,,b,,,pool=p,,",
         "{\"disks\":[{\"size_gib\":1,\"image\":\"a,,b,\",\"pool\":\"p,\"}]}"},
        {"1G,image==", "{\"disks\":[{\"size_gib\":1,\"image\":\"=\"}]}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(wish_disks, "--disk", rows[i].text, rows[i].params, NULL);
    }
    expect(wish_growth, "--disk", "vda=40G", "{\"disks\":[{\"target\":\"vda\",\"size_gib\":40}]}",
           NULL);
}

static void what_is_no_disk_is_refused(void **state)
{
    (void)state;
    expect(wish_disks, "--disk", "big", "--disk big: expected a size, or image=NAME, first: 10G",
           NULL);
    expect(wish_disks, "--disk", "0", "--disk 0: expected a size, or image=NAME, first: 10G", NULL);
    expect(wish_disks, "--disk", "1G,",
           "--disk 1G,: after the size may stand image=, format= and pool=", NULL);
    expect(wish_disks, "--disk", "1G,size=2",
           "--disk 1G,size=2: after the size may stand image=, format= and pool=", NULL);
    expect(wish_growth, "--disk", "vda", "--disk vda: expected DISK=SIZE: vda=40G", NULL);
}

static void what_is_rounded_is_noted(void **state)
{
    (void)state;
    expect(wish_disks, "--disk", "1500M", "{\"disks\":[{\"size_gib\":2}]}",
           "a disk of 1500M is 2 GiB: disks are whole GiB");
    expect(wish_growth, "--disk", "vda=0.5G", "{\"disks\":[{\"target\":\"vda\",\"size_gib\":1}]}",
           "a disk of 0.5G is 1 GiB: disks are whole GiB");
    expect(wish_amounts, "--memory", "1025K", "{\"memory_mib\":1}",
           "--memory 1025K is 1 MiB: memory is whole MiB");
    expect(wish_amounts, "--memory", "1.5G", "{\"memory_mib\":1536}", NULL);
    expect(wish_amounts, "--cpus", "2", "{\"vcpus\":2}", NULL);
    expect(wish_amounts, "--cpus", "2.5", "--cpus 2.5: expected a number", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_disk_is_a_size_and_words),
        TEST(what_is_no_disk_is_refused),
        TEST(what_is_rounded_is_noted),
    };
    return cmocka_run_group_tests_name("wish", tests, NULL, NULL);
}
