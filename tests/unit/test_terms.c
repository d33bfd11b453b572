/* What lodged says in the contract's words is said in the command line's. */
#include "support/test.h"

#include "cli/terms.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *said;
    const char *param;
    int64_t op;
    const char *words;
} rows[] = {
    {"no VM 'wbe'; vm.list names those there are", NULL, 0,
     "no VM 'wbe'; lodge ls names those there are"},
    {"lodge did not make 'web': adopt it first (vm.adopt)", NULL, 0,
     "lodge did not make 'web': adopt it first (lodge adopt)"},
    {"'web' is busy with vm.start: wait for it to end, or cancel it (op.cancel)", NULL, 7,
     "'web' is busy with start: wait for it to end, or cancel it (lodge ops 7 --cancel)"},
    {"'web' is busy with vm.create: cancel it (op.cancel)", NULL, 0,
     "'web' is busy with create: cancel it (lodge ops N --cancel)"},
    {"'web' did not answer vm.shutdown within 90 s: it is running", NULL, 3,
     "'web' did not answer shutdown within 90 s: it is running"},
    {"vm.create of 'web' was cancelled", NULL, 3, "create of 'web' was cancelled"},
    {"name one of network.list (user is QEMU's own)", NULL, 0,
     "name one of lodge call network.list (user is QEMU's own)"},
    {"'memory_mib' must be from 16 to 1048576", "memory_mib", 0,
     "--memory (in MiB) must be from 16 to 1048576"},
    {"'web' is shutoff: start it first (vm.start), or with `start`", NULL, 0,
     "'web' is shutoff: start it first (lodge start), or with --start"},
    {"start it with `virsh net-start default`", NULL, 0, "start it with `virsh net-start default`"},
    /* names are somebody's own */
    {"no VM 'vm.list'; vm.list names those there are", NULL, 0,
     "no VM 'vm.list'; lodge ls names those there are"},
    {"no VM 'memory_mib'", "vm", 0, "no VM 'memory_mib'"},
    {"'vcpus' is busy with vm.stop", NULL, 0, "'vcpus' is busy with stop"},
    {"lodge's and 'it''s vm.list' stay", NULL, 0, "lodge's and 'it''s vm.list' stay"},
    {"an 'open quote vm.start", NULL, 0, "an 'open quote lodge start"},
    {"a `backquote vm.start", NULL, 0, "a `backquote lodge start"},
    {"firm.start, vm., vm.", NULL, 0, "firm.start, vm., vm."},
    {"", NULL, 0, ""},
};

static void the_contract_s_words_become_the_command_line_s(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO(free) char *words = terms_for_people(rows[i].said, rows[i].param, rows[i].op);
        assert_string_equal(words, rows[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_contract_s_words_become_the_command_line_s),
    };
    return cmocka_run_group_tests_name("terms", tests, NULL, NULL);
}
