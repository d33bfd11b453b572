/*
 * nth_allocation: liblodge never ends its host. Whatever allocation of it fails, it says so by the
 * way that the function has for errors, and what was asked is answered exactly once.
 *
 * One life of a client (opened, asking, subscribed, told, closed) and of what reads the contract is
 * lived with the first allocation failing, with the second, and so on until none fails any more.
 * json-c's own are not counted: they are not made by liblodge.
 */
#include "support/test.h"

#include "lodge/lodge.h"
#include "query.h"
#include "scope.h"
#include "support/peer.h"

#include <stdlib.h>

enum { MOST_ALLOCATIONS = 500, NONE_FAILS = -1 };

/* --- the C library, of which one call fails -----------------------------------------------------
 */

void *malloc_for_real(size_t size) __asm__("__real_malloc");
void *malloc_or_fail(size_t size) __asm__("__wrap_malloc");
void *calloc_for_real(size_t count, size_t size) __asm__("__real_calloc");
void *calloc_or_fail(size_t count, size_t size) __asm__("__wrap_calloc");
void *realloc_for_real(void *old, size_t size) __asm__("__real_realloc");
void *realloc_or_fail(void *old, size_t size) __asm__("__wrap_realloc");
char *strdup_for_real(const char *text) __asm__("__real_strdup");
char *strdup_or_fail(const char *text) __asm__("__wrap_strdup");

static int allocations_left = NONE_FAILS; /* so many go well until one fails */
static bool has_failed;

static bool fails_now(void)
{
    if (allocations_left == NONE_FAILS || allocations_left-- > 0) {
        return false;
    }
    allocations_left = NONE_FAILS;
    has_failed = true;
    return true;
}

void *malloc_or_fail(size_t size)
{
    return fails_now() ? NULL : malloc_for_real(size);
}

void *calloc_or_fail(size_t count, size_t size)
{
    return fails_now() ? NULL : calloc_for_real(count, size);
}

void *realloc_or_fail(void *old, size_t size)
{
    return fails_now() ? NULL : realloc_for_real(old, size);
}

char *strdup_or_fail(const char *text)
{
    return fails_now() ? NULL : strdup_for_real(text);
}

/* --- one life -----------------------------------------------------------------------------------
 */

#define VM                                                                                    \
    "{\"uuid\":\"7b2ab29e-0000-4000-8000-000000000001\",\"name\":\"web\",\"host\":\"h1\","    \
    "\"state\":\"running\",\"owner\":\"bob\",\"tags\":[\"a\",\"b\"],\"pending\":[\"vcpus\"]," \
    "\"disks\":[{\"target\":\"vda\",\"path\":\"/srv/"                                         \
    "a\",\"format\":\"raw\"},{\"target\":\"vdb\"}],"                                          \
    "\"nics\":[{\"mac\":\"52:54:00:00:00:01\",\"network\":\"default\"}],"                     \
    "\"stats\":{\"cpu_percent\":1.5}}"
#define HOST                                                                        \
    "{\"name\":\"h1\",\"uri\":\"test:///default\",\"state\":\"up\",\"error\":\"\"," \
    "\"features\":[\"vnc\"],\"pool\":\"lodge\"}"
#define EVENT(seq, what)                                                                    \
    "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"subscription\":7,\"seq\":" seq \
    ",\"rev\":" seq "," what "}}\n"

static const char told[] =
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"subscription\":7,\"rev\":3}}\n" EVENT(
        "1", "\"topic\":\"vm\",\"type\":\"added\",\"vm\":" VM)
        EVENT("2", "\"topic\":\"host\",\"type\":\"added\",\"host\":" HOST)
            EVENT("3", "\"topic\":\"metrics\",\"type\":\"sample\",\"metrics\":{\"host\":\"h1\","
                       "\"stats\":{\"cpu_percent\":1}}")
                EVENT("4", "\"topic\":\"op\",\"type\":\"added\","
                           "\"op\":{\"id\":1,\"kind\":\"vm.start\","
                           "\"state\":\"running\"}")
                    EVENT("6", "\"type\":\"ready\"") /* one is missing: it subscribes anew */
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"a\":[1,2,3]}}\n"
    "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32001,\"message\":\"no\",\"data\":{}}}\n";

struct life {
    bool has_complained;
    int calls, answers, events;
};

static bool say_of(struct life *life, bool good, const struct lodge_error *err)
{
    if (!good) {
        assert_int_not_equal(err->kind, LODGE_ERROR_NONE);
        assert_string_not_equal(err->message, "");
        life->has_complained = true;
    }
    return good;
}

static void on_answer(void *data, const char *result, const struct lodge_error *error)
{
    struct life *life = data;
    life->answers++;
    assert_true((result == NULL) != (error == NULL));
    if (error != NULL && error->kind != LODGE_ERROR_NOT_FOUND) {
        say_of(life, false, error);
    }
}

static void on_event(void *data, const struct lodge_event *event, const struct lodge_error *error)
{
    struct life *life = data;
    life->events += event != NULL;
    if (error != NULL) {
        say_of(life, false, error);
    }
}

static void ask(struct life *life, const char *method, const char *params)
{
    struct lodge_error err = {0};
    int64_t id = lodge_client_call(client, method, params, 0, on_answer, life, &err);
    life->calls += say_of(life, id > 0, &err);
}

static void live_with_a_daemon(struct life *life)
{
    struct lodge_error err = {0};
    const struct lodge_subscribe what = {
        .topics = {[LODGE_TOPIC_VM] = true, [LODGE_TOPIC_HOST] = true},
        .query = "name:\"web\"",
        .fields = (const char *const[]){"name", "state", NULL},
    };
    client = lodge_client_open(path, &err);
    if (!say_of(life, client != NULL, &err)) {
        return;
    }
    peer_accept();
    struct lodge_subscription *subscription =
        lodge_client_subscribe(client, &what, on_event, life, &err);
    if (say_of(life, subscription != NULL, &err)) {
        ask(life, "vm.get", "{\"vm\":\"a\"}");
        ask(life, "vm.get", NULL);
        assert_int_equal(send(peer, told, sizeof told - 1, MSG_NOSIGNAL), sizeof told - 1);
        err = (struct lodge_error){0};
        if (say_of(life, lodge_client_dispatch(client, &err), &err)) {
            lodge_subscription_end(subscription);
        }
    }
    lodge_client_close(TAKE(client));
    close(peer);
    assert_int_equal(life->answers, life->calls);
    assert_true(life->has_complained || life->events == 5); /* the gap is told as a reset */
}

static void read_the_contract(struct life *life)
{
    struct lodge_error err = {0};
    struct lodge_vm vm;
    struct lodge_host host;
    struct lodge_strings strings = {0};
    if (say_of(life, lodge_vm_from_json(VM, &vm, &err), &err)) {
        struct query *query = query_parse("!web* tag:a state:running vcpus>1", &err);
        if (say_of(life, query != NULL, &err)) {
            assert_false(query_matches(query, &vm));
        }
        query_free(query);
        lodge_vm_clear(&vm);
    }
    err = (struct lodge_error){0};
    if (say_of(life, lodge_host_from_json(HOST, &host, &err), &err)) {
        lodge_host_clear(&host);
    }
    life->has_complained |= !lodge_strings_add(&strings, "a") || !lodge_strings_add(&strings, "b");
    lodge_strings_clear(&strings);
    AUTO(free) char *socket_path = lodge_socket_path();
    life->has_complained |= socket_path == NULL;
}

/* --- lived with each of them failing ------------------------------------------------------------
 */

static int start(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/lodge-nth-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/lodged.sock", dir);
    setenv("LODGE_SOCKET", path, 1);
    peer_listen();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    close(listener);
    unlink(path);
    return rmdir(dir);
}

static void fail_at_each(void (*live)(struct life *life), int least)
{
    int n = 0;
    do {
        struct life life = {0};
        has_failed = false;
        allocations_left = n;
        live(&life);
        allocations_left = NONE_FAILS;
        if (has_failed != life.has_complained) {
            fail_msg("allocation %d %s, and it %s", n, has_failed ? "failed" : "went well",
                     life.has_complained ? "complains" : "says nothing");
        }
    } while (has_failed && ++n < MOST_ALLOCATIONS);
    print_message("# each of %d allocations failed\n", n);
    assert_in_range(n, least, MOST_ALLOCATIONS - 1);
}

static void a_client_whose_nth_allocation_fails_says_so_and_answers_once(void **state)
{
    (void)state;
    fail_at_each(live_with_a_daemon, 20);
}

static void what_reads_the_contract_says_when_its_nth_allocation_fails(void **state)
{
    (void)state;
    fail_at_each(read_the_contract, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_client_whose_nth_allocation_fails_says_so_and_answers_once),
        TEST(what_reads_the_contract_says_when_its_nth_allocation_fails),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
