/*
 * fuzz_query: any text is a query or is refused with a place and a reason; a query means the same
 * each time, and turned round it means the opposite.
 */
#include "query.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void match_both_ways(const char *text, const struct query *query, const struct lodge_vm *vm)
{
    char opposite[64];
    struct lodge_error err = {0};
    bool is_match = query_matches(query, vm);
    must(is_match == query_matches(query, vm));
    bool is_one_term = text[0] != '\0' && text[0] != '!' && strpbrk(text, " \t\r\n") == NULL;
    if (!is_one_term || strlen(text) + 2 > sizeof opposite) {
        return;
    }
    snprintf(opposite, sizeof opposite, "!%s", text);
    struct query *turned = query_parse(opposite, &err);
    must(turned != NULL && query_matches(turned, vm) != is_match);
    query_free(turned);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char name[] = "web-01";
    static char host[] = "h1";
    static char owner[] = "bob";
    char *text = strndup((const char *)data, size);
    must(text != NULL);
    struct lodge_error err = {0};
    struct query *query = query_parse(text, &err);
    if (query == NULL) {
        must(err.kind == LODGE_ERROR_INVALID && err.message[0] != '\0');
        must(err.column >= 1 && (size_t)err.column <= strlen(text) + 1);
    } else {
        struct lodge_vm vm;
        lodge_vm_init(&vm);
        must(query_sample_column(query) <= (int)strlen(text));
        match_both_ways(text, query, &vm);
        vm.name = name;
        vm.host = host;
        vm.owner = owner;
        vm.state = LODGE_VM_RUNNING;
        vm.vcpus = 4;
        vm.memory_mib = 4096;
        vm.stats.cpu_percent = 50;
        match_both_ways(text, query, &vm);
    }
    query_free(query);
    free(text);
    return 0;
}
