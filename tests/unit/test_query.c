#include "query.h"
#include "scope.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

static char *tags[] = {(char[]){"ci"}, (char[]){"hot"}};
static char *waits[] = {(char[]){"memory_mib"}, (char[]){"newer"}};
static char name[] = "Web-01";
static char host[] = "h1";
static char owner[] = "bob";

/* A VM of which everything is known. */
static struct lodge_vm web(void)
{
    struct lodge_vm vm;
    lodge_vm_init(&vm);
    memcpy(vm.uuid, "9c1e0a77-0000-4000-8000-0000000077ab", sizeof vm.uuid);
    vm.name = name;
    vm.host = host;
    vm.state = LODGE_VM_RUNNING;
    vm.owner = owner;
    vm.vcpus = 4;
    vm.memory_mib = 4096;
    vm.tags = (struct lodge_strings){tags, 2};
    vm.pending = (struct lodge_strings){waits, 2};
    vm.stats.cpu_percent = 62.5;
    vm.stats.memory_used_mib = 3891; /* 94.99 % */
    return vm;
}

static bool matches(const char *text, const struct lodge_vm *vm)
{
    struct lodge_error err = {0};
    struct query *query = query_parse(text, &err);
    if (query == NULL) {
        fail_msg("'%s' is refused: %s", text, err.message);
    }
    bool is_match = query_matches(query, vm);
    query_free(query);
    return is_match;
}

static void expect_match(const char *text, bool expected, const struct lodge_vm *vm)
{
    if (matches(text, vm) != expected) {
        fail_msg("'%s' must %smatch", text, expected ? "" : "not ");
    }
}

static const struct {
    const char *text;
    bool matches;
} rows[] = {
    {"", true},
    {"  \t ", true},
    {"web", true},
    {"WEB-0", true},
    {"web 01", true},
    {"web 02", false},
    {"!web", false},
    {"!mail", true},
    {"web*", true},
    {"*01", true},
    {"*0", false},
    {"web-?1", true},
    {"state:running", true},
    {"state:paused", false},
    {"state:*ed", false},
    {"state:r*", true},
    {"!state:shutoff", true},
    {"owner:bob", true},
    {"owner:Bob", false},
    {"owner:b*", true},
    {"owner:bo", false},
    {"host:h1", true},
    {"host:h?", true},
    {"host:h2", false},
    {"tag:ci", true},
    {"tag:h*t", true},
    {"tag:c", false},
    {"!tag:old", true},
    {"!tag:hot", false},
    {"pending:*", true},
    {"pending:memory_mib", true},
    {"pending:memory", true},
    {"pending:v*", false},
    {"!pending:*", false},
    {"!pending:boot", true},
    {"name:Web*", true},
    {"name:web*", false},
    {"name:Web-01", true},
    {"name:Web", false},
    {"uuid:9c1e*", true},
    {"uuid:9C1E0A77-0000-4000-8000-0000000077AB", true},
    {"uuid:9c1e", false},
    {"cpu>50", true},
    {"cpu>62.5", false},
    {"cpu>=62.5", true},
    {"cpu=62.5", true},
    {"cpu<62.5", false},
    {"cpu<=62.5%", true},
    {"!cpu>50", false},
    {"mem%>90", true},
    {"mem%>=95", false},
    {"mem=4096", true},
    {"mem=4G", true},
    {"mem>=4g", true},
    {"mem>4GiB", false},
    {"mem<8192M", true},
    {"vcpus=4", true},
    {"vcpus<4", false},
    {"state:running owner:bob host:h1 tag:ci cpu>50 mem%>90 name:Web* !tag:old", true},
    {"state:running owner:bob host:h1 tag:ci cpu>50 mem%>90 name:Web* tag:old", false},
};

static void terms_match_what_they_say(void **state)
{
    (void)state;
    struct lodge_vm vm = web();

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        expect_match(rows[i].text, rows[i].matches, &vm);
    }
}

static void what_is_unknown_matches_no_comparison(void **state)
{
    (void)state;
    static const char *const all[] = {
        "state:*", "owner:*", "host:*", "tag:*",    "name:*", "uuid:*",  "cpu>=0", "cpu<0",
        "cpu=0",   "mem%>=0", "mem>=0", "vcpus>=0", "x",      "vcpus<9", "*",      "pending:*"};
    struct lodge_vm vm;
    lodge_vm_init(&vm);

    for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
        char opposite[32];
        snprintf(opposite, sizeof opposite, "!%s", all[i]);
        expect_match(all[i], false, &vm);
        expect_match(opposite, true, &vm);
    }
}

static void mem_percent_needs_both_numbers(void **state)
{
    (void)state;
    struct lodge_vm vm = web();

    vm.memory_mib = LODGE_UNKNOWN;
    expect_match("mem%>=0", false, &vm);
    vm = web();
    vm.stats.memory_used_mib = LODGE_UNKNOWN;
    expect_match("mem%<=100", false, &vm);
    vm = web();
    vm.memory_mib = 0;
    expect_match("mem%>=0", false, &vm);
}

static const struct {
    const char *text;
    int column;
    const char *message;
} refusals[] = {
    {"color:red", 1,
     "column 1: no key is called 'color'; there are state, owner, host, tag, pending, name, "
     "uuid, cpu, mem%, vcpus, mem"},
    {"web  !stat:x", 7,
     "column 7: no key is called 'stat'; there are state, owner, host, tag, pending, name, "
     "uuid, cpu, mem%, vcpus, mem"},
    {":x", 1,
     "column 1: no key is called ''; there are state, owner, host, tag, pending, name, "
     "uuid, cpu, mem%, vcpus, mem"},
    {"State:running", 1,
     "column 1: no key is called 'State'; there are state, owner, host, tag, pending, name, "
     "uuid, cpu, mem%, vcpus, mem"},
    {"!", 1, "column 1: '!' wants a term right behind it, as in !tag:old"},
    {"a ! b", 3, "column 3: '!' wants a term right behind it, as in !tag:old"},
    {"state:runing", 7,
     "column 7: no state is called 'runing'; there are running, paused, shutoff, crashed, "
     "suspended, creating, deleting, error"},
    {"x !state:z*", 10,
     "column 10: no state is called 'z*'; there are running, paused, shutoff, crashed, suspended, "
     "creating, deleting, error"},
    {"a pending:true", 11,
     "column 11: 'true' cannot wait for a boot; there are *, vcpus, memory_mib, disks, media, "
     "nics, "
     "boot, graphics, tags"},
    {"owner:", 7, "column 7: 'owner' wants a value, as in owner:bob"},
    {"owner=bob", 6, "column 6: 'owner' wants ':', as in owner:bob"},
    {"tag>1", 4, "column 4: 'tag' wants ':', as in tag:ci"},
    {"cpu:50", 4, "column 4: 'cpu' wants one of > >= < <= =, as in cpu>50"},
    {"cpu>", 5, "column 5: 'cpu' wants a value, as in cpu>50"},
    {"cpu>=", 6, "column 6: 'cpu' wants a value, as in cpu>50"},
    {"cpu>high", 5, "column 5: 'high' is no number for 'cpu'; write it as in cpu>50"},
    {"cpu==5", 5, "column 5: '=5' is no number for 'cpu'; write it as in cpu>50"},
    {"a mem%>-1", 8, "column 8: '-1' is no number for 'mem%'; write it as in mem%>90"},
    {"cpu>1e3", 5, "column 5: '1e3' is no number for 'cpu'; write it as in cpu>50"},
    {"cpu>nan", 5, "column 5: 'nan' is no number for 'cpu'; write it as in cpu>50"},
    {"vcpus>4G", 7, "column 7: '4G' is no number for 'vcpus'; write it as in vcpus>=4"},
    {"mem>4X", 5, "column 5: '4X' is no number for 'mem'; write it as in mem>=4G"},
};

static void refusals_point_at_the_column(void **state)
{
    (void)state;

    for (size_t i = 0; i < ARRAY_LENGTH(refusals); i++) {
        struct lodge_error err = {0};
        assert_null(query_parse(refusals[i].text, &err));
        assert_string_equal(err.message, refusals[i].message);
        assert_int_equal(err.column, refusals[i].column);
        assert_int_equal(err.kind, LODGE_ERROR_INVALID);
    }
}

static void a_query_is_bounded(void **state)
{
    (void)state;
    char text[1200];
    struct lodge_error err = {0};

    memset(text, 'x', sizeof text);
    text[1024] = '\0';
    query_free(query_parse(text, &err));
    assert_int_equal(err.kind, LODGE_ERROR_NONE);
    text[1024] = 'x';
    text[1025] = '\0';
    assert_null(query_parse(text, &err));
    assert_string_equal(err.message, "column 1025: a query has at most 1024 bytes");

    for (size_t i = 0; i < 65; i++) {
        memcpy(text + i * 2, "x ", 3);
    }
    err = (struct lodge_error){0};
    assert_null(query_parse(text, &err));
    assert_string_equal(err.message, "column 129: a query has at most 64 terms");
    assert_int_equal(err.column, 129);

    text[128] = '\0';
    err = (struct lodge_error){0};
    query_free(query_parse(text, &err));
    assert_int_equal(err.kind, LODGE_ERROR_NONE);
}

static int sample_column(const char *text)
{
    struct lodge_error err = {0};
    struct query *query = query_parse(text, &err);
    assert_non_null(query);
    int column = query_sample_column(query);
    query_free(query);
    return column;
}

static void samples_are_told_from_facts(void **state)
{
    (void)state;

    assert_int_equal(sample_column(""), 0);
    assert_int_equal(sample_column("cpu mem>1 vcpus=2 name:cpu"), 0);
    assert_int_equal(sample_column("cpu>50"), 1);
    assert_int_equal(sample_column("web !mem%>90 cpu>1"), 6);
}

static void globs_match_whole_texts(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *text;
        bool matches;
    } globs[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"**", "abc", true},
        {"a*c", "abbc", true},
        {"a*c", "abcd", false},
        {"?", "", false},
        {"a?c", "abc", true},
        {"*a*b", "xaxxb", true},
        {"*ab", "aab", true},
        {"a", "A", false},
        {"*?", "", false},
        {"a*b*c", "a-b-b-c", true},
        {"a*b*c", "a-c-b", false},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(globs); i++) {
        if (glob_matches(globs[i].pattern, globs[i].text) != globs[i].matches) {
            fail_msg("'%s' on '%s'", globs[i].pattern, globs[i].text);
        }
    }
}

/* With backtracking per star this would take longer than the universe has. */
static void many_stars_do_not_explode(void **state)
{
    (void)state;
    char pattern[512];
    char text[4096];
    for (size_t i = 0; i < sizeof pattern - 2; i += 2) {
        memcpy(pattern + i, "*a", 2);
    }
    memcpy(pattern + sizeof pattern - 2, "b", 2);
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';

    assert_false(glob_matches(pattern, text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(terms_match_what_they_say),
        TEST(what_is_unknown_matches_no_comparison),
        TEST(mem_percent_needs_both_numbers),
        TEST(refusals_point_at_the_column),
        TEST(a_query_is_bounded),
        TEST(samples_are_told_from_facts),
        TEST(globs_match_whole_texts),
        TEST(many_stars_do_not_explode),
    };
    return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
