/* What lodged says in the contract's words is said in the command line's. */
#include "support/test.h"

#include "cli/terms.h"
#include "cli/verb_table.h"
#include "scope.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DEFINE_AUTO(FILE *, fclose, NULL);

enum { EVERY = FLAG_CPUS | FLAG_MEMORY | FLAG_START | FLAG_OWNER | FLAG_HOST };

static const struct {
    const char *said;
    int64_t op;
    uint64_t taken;
    const char *words;
} rows[] = {
    {"no VM 'wbe'; vm.list names those there are", 0, 0,
     "no VM 'wbe'; lodge ls names those there are"},
    {"lodge did not make 'web': adopt it first (vm.adopt)", 0, 0,
     "lodge did not make 'web': adopt it first (lodge adopt)"},
    {"'web' is busy with vm.start: wait for it to end, or cancel it (op.cancel)", 7, 0,
     "'web' is busy with start: wait for it to end, or cancel it (lodge ops 7 --cancel)"},
    {"'web' is busy with vm.create: cancel it (op.cancel)", 0, 0,
     "'web' is busy with create: cancel it (lodge ops N --cancel)"},
    {"'web' did not answer vm.shutdown within 90 s: it is running", 3, 0,
     "'web' did not answer shutdown within 90 s: it is running"},
    {"vm.create of 'web' was cancelled", 3, 0, "create of 'web' was cancelled"},
    {"name one of network.list (user is QEMU's own)", 0, 0,
     "name one of lodge call network.list (user is QEMU's own)"},
    {"'memory_mib' must be from 16 to 1048576", 0, EVERY, "--memory must be from 16M to 1T"},
    {"'memory_mib' must be a number", 0, EVERY, "--memory (in MiB) must be a number"},
    {"web: 'vcpus' must be from 1 to 8", 0, EVERY, "web: --cpus must be from 1 to 8"},
    {"missing parameter 'owner'", 0, EVERY, "missing parameter --owner"},
    {"'web' is shutoff: start it first (vm.start), or with `start`", 0, EVERY,
     "'web' is shutoff: start it first (lodge start), or with --start"},
    /* of a verb that takes no such flag */
    {"'memory_mib' must be from 0", 0, 0, "'memory_mib' must be from 0"},
    {"or with `start`", 0, FLAG_CPUS, "or with `start`"},
    {"name one of network.list (user is QEMU's own); `network: null` says that it is to have none",
     0, TERMS_ANY_FLAG,
     "name one of lodge call network.list (user is QEMU's own); --network none says that it is to "
     "have none"},
    {"'boot' may name disk, cdrom and network", 0, TERMS_ANY_FLAG,
     "--boot may name disk, cdrom and network"},
    {"'boot' names disk twice", 0, TERMS_ANY_FLAG, "--boot names disk twice"},
    {"`network: ", 0, TERMS_ANY_FLAG, "`network: "},
    {"`network:`", 0, TERMS_ANY_FLAG, "--network"},
    {"`colour: null`", 0, TERMS_ANY_FLAG, "`colour: null`"},
    {"start it with `virsh net-start default`", 0, EVERY,
     "start it with `virsh net-start default`"},
    /* names and others' words */
    {"no VM 'vm.list'; vm.list names those there are", 0, 0,
     "no VM 'vm.list'; lodge ls names those there are"},
    {"no user 'user' on this machine", 0, EVERY | FLAG_USER, "no user 'user' on this machine"},
    {"'vcpus' is busy with vm.stop", 0, EVERY, "'vcpus' is busy with stop"},
    {"vm.web: no VM 'vm.web'", 0, 0, "vm.web: no VM 'vm.web'"},
    {"vm.list: no VM 'vm.list'", 0, 0, "vm.list: no VM 'vm.list'"},
    {"db.host.example: it is busy", 0, 0, "db.host.example: it is busy"},
    {"Could not resolve hostname host.lan", 0, 0, "Could not resolve hostname host.lan"},
    {"-drive file=/srv/vm.qcow2,/vm.list", 0, 0, "-drive file=/srv/vm.qcow2,/vm.list"},
    {"systemctl restart network.service", 0, 0, "systemctl restart network.service"},
    {"mail user.list@host.list.example", 0, 0, "mail user.list@host.list.example"},
    {"lodge's and 'it''s vm.list' stay", 0, 0, "lodge's and 'it''s vm.list' stay"},
    {"an 'open quote vm.start", 0, 0, "an 'open quote lodge start"},
    {"a `backquote vm.start", 0, EVERY, "a `backquote lodge start"},
    {"firm.start, vm., vm.", 0, 0, "firm.start, vm., vm."},
    {"", 0, 0, ""},
};

static void the_contract_s_words_become_the_command_line_s(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO(free) char *words = terms_for_people(rows[i].said, rows[i].op, rows[i].taken);
        assert_string_equal(words, rows[i].words);
    }
}

static const char verbs_of_keys[] = "what key_of() is handed";

static const char *key_of(const void *data, const char *verb)
{
    assert_ptr_equal(data, verbs_of_keys);
    return strcmp(verb, "start") == 0 ? "s" : strcmp(verb, "hosts") == 0 ? "2" : NULL;
}

static void in_the_tui_they_become_its_keys(void **state)
{
    (void)state;
    static const char *const said[][2] = {
        {"'web' is shutoff: start it first (vm.start), or with `start`",
         "'web' is shutoff: start it first (key s), or with start"},
        {"no host 'x'; host.list names those there are",
         "no host 'x'; key 2 names those there are"},
        {"'web' is busy with vm.start: cancel it (op.cancel)",
         "'web' is busy with start: cancel it (lodge ops 7 --cancel)"},
        {"`network: null` says that it is to have none",
         "network none says that it is to have none"},
        {"'memory_mib' must be from 16 to 32", "memory must be from 16M to 32M"},
        {"lodge did not make 'vm.start': adopt it (vm.adopt)",
         "lodge did not make 'vm.start': adopt it (lodge adopt)"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(said); i++) {
        AUTO(free) char *words = terms_for_keys(said[i][0], 7, key_of, verbs_of_keys);
        assert_string_equal(words, said[i][1]);
    }
}

static void a_kind_is_called_as_its_verb(void **state)
{
    (void)state;
    assert_string_equal(terms_verb("vm.create"), "create");
    assert_string_equal(terms_verb("vm.delete"), "rm");
    assert_string_equal(terms_verb("vm.fly"), "vm.fly");
    assert_string_equal(terms_verb(NULL), "");
}

/* Every text that lodged may say, tests/data/messages.txt: whatever of it reaches a person names
 * verbs. A text's %s is left as it is: it stands for somebody's name. */
static void no_text_of_lodged_s_names_a_method(void **state)
{
    (void)state;
    char path[512];
    char line[2048];
    bool is_lodged_s = false;
    unsigned texts = 0;
    regex_t method;
    assert_non_null(getenv("LODGE_TEST_DATA"));
    snprintf(path, sizeof path, "%s/messages.txt", getenv("LODGE_TEST_DATA"));
    assert_int_equal(regcomp(&method,
                             "(^|[ (])(server|vm|host|quota|user|audit|op|image|pool|network|"
                             "orphan|console|event|session|rpc)\\.[a-z_]+([ ),;:]|$)",
                             REG_EXTENDED | REG_NOSUB),
                     0);
    AUTO(fclose) FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        is_lodged_s = line[0] == '[' ? strncmp(line, "[tui", 4) != 0 : is_lodged_s;
        line[strcspn(line, "\n")] = '\0';
        if (!is_lodged_s || line[0] != ' ') {
            continue;
        }
        AUTO(free) char *words = terms_for_people(line + 4, 7, EVERY);
        for (char *call = words; (call = strstr(call, "lodge call ")) != NULL;) {
            call[strlen("lodge call")] = '/'; /* the one verb that takes a method's name */
        }
        if (regexec(&method, words, 0, NULL, 0) == 0) {
            fail_msg("people are told: %s", words);
        }
        texts++;
    }
    regfree(&method);
    assert_in_range(texts, 500, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kind_is_called_as_its_verb),
        cmocka_unit_test(in_the_tui_they_become_its_keys),
        cmocka_unit_test(no_text_of_lodged_s_names_a_method),
        cmocka_unit_test(the_contract_s_words_become_the_command_line_s),
    };
    return cmocka_run_group_tests_name("terms", tests, NULL, NULL);
}
