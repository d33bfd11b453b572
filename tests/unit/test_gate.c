/* gate: in which order a request is looked at, and that no handler runs before all of it is so;
 * with a table of the test's own. */
#include "support/test.h"

#include "support/connection_world.h"
#include "support/registry_world.h"

#include "reads/audit.h"
#include "rpc/gate.h"
#include "rpc/method.h"

#include <json-c/json.h>

enum { KEPT = 8 };

struct try_params {
    char *vm;
    char *note;
    int64_t if_rev;
};

static struct viewer who;
static struct audit *audit;
static struct rpc_services services;
static int ran;
static const struct vm *ran_on;
static struct call *kept[KEPT]; /* what handlers have not answered */
static size_t kept_count;

static void try_run(struct call *call, const void *params)
{
    (void)params;
    ran++;
    call_reply_empty(call);
}

static void try_run_on(struct call *call, struct vm *vm, const void *params)
{
    ran_on = vm;
    try_run(call, params);
}

static void keep_run(struct call *call, const void *params)
{
    (void)params;
    ran++;
    kept[kept_count++] = call;
}

static void keep_run_on(struct call *call, struct vm *vm, const void *params)
{
    ran_on = vm;
    keep_run(call, params);
}

static bool note_check(const void *params, struct lodge_error *err)
{
    const struct try_params *asked = params;
    return asked->note == NULL || lodge_fail_param(err, "note", "this note is not sound");
}

#define AT(member) .offset = offsetof(struct try_params, member)
static const struct field try_params[] = {
    {"vm", FIELD_STRING, AT(vm), .min = 1, .max = 320},
    {"note", FIELD_STRING, AT(note), .min = 1, .max = 32},
    {"if_rev", FIELD_INT, AT(if_rev), .min = 0, .max = INT64_MAX},
    {.type = FIELD_END},
};
#undef AT

#define PARAMS .params = try_params, .params_size = sizeof(struct try_params), .help = "of a test"
#define ON_VM(word, who_may, need)                                                      \
    {                                                                                   \
        .name = "on." word, .access = (who_may), .vm = "vm", .vm_need = (need), PARAMS, \
        .check = note_check, .run_on = try_run_on,                                      \
    }
static const struct method test_rows[] = {
    {.name = "do.any", .access = ACCESS_ANY, PARAMS, .run = try_run},
    {.name = "do.user", .access = ACCESS_USER, .mutates = true, PARAMS, .run = try_run},
    {.name = "do.admin", .access = ACCESS_ADMIN, PARAMS, .run = try_run},
    {.name = "do.keep", .access = ACCESS_ANY, PARAMS, .run = keep_run},
    {.name = "do.sit", .access = ACCESS_ANY, .seat = SEAT_STORE, PARAMS, .run = keep_run},
    {.name = "do.sit_on",
     .access = ACCESS_OWNER,
     .seat = SEAT_STORE,
     .vm = "vm",
     .vm_need = VM_DOMAIN,
     PARAMS,
     .run_on = keep_run_on},
    ON_VM("seen", ACCESS_SEE, VM_SEEN),
    ON_VM("domain", ACCESS_OWNER, VM_DOMAIN),
    ON_VM("managed", ACCESS_OWNER, VM_MANAGED),
    ON_VM("row", ACCESS_OWNER, VM_ROW),
    {0},
};
static const struct method *const test_tables[] = {test_rows, NULL};

static void pass_to_gate(struct connection_owner *mine, struct connection *from,
                         struct json_object *json, size_t bytes, bool in_batch)
{
    (void)mine;
    gate_run(&services, from, json, bytes, in_batch);
}

static void pass_plain_to_gate(struct connection_owner *mine, struct connection *from,
                               const struct jsonrpc_plain *plain)
{
    (void)mine;
    gate_run_plain(&services, from, plain);
}

static bool never_full(const struct connection_owner *mine, uid_t uid)
{
    (void)mine;
    (void)uid;
    return false;
}

static struct viewer as_who(const struct connection_owner *mine, const struct identity *identity)
{
    (void)mine;
    (void)identity;
    return who;
}

static void watch_nothing(struct connection_owner *mine)
{
    (void)mine;
}

/* alpha is up with a guest of SOME_UID's, one of nobody's, one of which only the row is left, and
 * one of OTHER_UID's; beta is down, with a row of SOME_UID's. */
static void make_guests(void)
{
    tell_up("alpha");
    tell_state("alpha", 1, "web", LODGE_VM_RUNNING);
    own("alpha", uuid_of(1), SOME_UID);
    tell_state("alpha", 2, "foreign", LODGE_VM_RUNNING);
    own("alpha", uuid_of(3), SOME_UID);
    tell_state("alpha", 4, "theirs", LODGE_VM_RUNNING);
    own("alpha", uuid_of(4), OTHER_UID);
    tell_connection("beta", LODGE_HOST_DOWN, "no route");
    own("beta", uuid_of(5), SOME_UID);
}

static int make_gate(void **state)
{
    make_registry(state);
    make_guests();
    audit = audit_new(loop);
    services = (struct rpc_services){
        .loop = loop, .methods = test_tables, .registry = registry, .audit = audit};
    its_owner = (struct connection_owner){
        .loop = loop,
        .parser = jsonrpc_parser_new(JSONRPC_VALUES),
        .request = pass_to_gate,
        .request_plain = pass_plain_to_gate,
        .is_full = never_full,
        .viewer = as_who,
        .watch = watch_nothing,
        .closed = count_gone,
    };
    who = (struct viewer){SOME_UID, ROLE_USER};
    ran = 0;
    ran_on = NULL;
    kept_count = 0;
    open_client();
    connection_start(connection);
    return 0;
}

static void answer_kept(void)
{
    while (kept_count > 0) {
        call_reply_empty(kept[--kept_count]);
    }
}

static int end_gate(void **state)
{
    close_client();
    answer_kept();
    end_client();
    jsonrpc_parser_free(its_owner.parser);
    (void)audit_finish(audit);
    loop_turn();
    audit_free(audit);
    return end_registry(state);
}

#define AT_GATE(function) cmocka_unit_test_setup_teardown(function, make_gate, end_gate)

static void request(const char *method, const char *params)
{
    static char line[1024];
    snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}\n",
             method, params);
    say(line);
}

static void expect_done(void)
{
    expect_heard("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
}

static void expect_refused(const char *why)
{
    const char *answer = hear();
    assert_non_null(answer);
    if (strstr(answer, "\"error\":") == NULL || strstr(answer, why) == NULL) {
        fail_msg("not \"%s\": %s", why, answer);
    }
}

static const char web[] = "{\"vm\":\"web\"}";

/* Each row breaks two rules: what is said is the one that is looked at first. */
static const struct {
    enum user_role role;
    const char *method, *params, *why;
} refusals[] = {
    {ROLE_NONE, "no.such", "{}", "no method 'no.such'; rpc.discover lists those there are"},
    {ROLE_NONE, "do.any", "{\"x\":1}", "this lodged has no role for you: ask its admin"},
    {ROLE_USER, "do.admin", "{\"x\":1}", "do.admin is for admins, your role is user"},
    {ROLE_VIEWER, "do.user", "{\"x\":1}", "do.user changes something, your role is viewer"},
    {ROLE_VIEWER, "on.domain", "{\"vm\":\"none\"}",
     "on.domain is for a VM's owner and admins, your role is viewer"},
    {ROLE_USER, "on.domain", "{\"vm\":\"none\",\"x\":1}", "'x'"},
    {ROLE_USER, "on.domain", "{\"vm\":\"none\",\"note\":\"n\"}", "this note is not sound"},
    {ROLE_USER, "on.domain", "{\"vm\":\"none\",\"if_rev\":0}",
     "no VM 'none'; vm.list names those there are"},
    {ROLE_USER, "on.domain", "{\"vm\":\"theirs\",\"if_rev\":0}",
     "no VM 'theirs'; vm.list names those there are"},
    {ROLE_USER, "on.seen", "{\"vm\":\"theirs\"}", "no VM 'theirs'; vm.list names those there are"},
    {ROLE_ADMIN, "on.managed", "{\"vm\":\"foreign\",\"if_rev\":0}",
     "'foreign' has changed since: its rev is"},
    {ROLE_ADMIN, "on.managed", "{\"vm\":\"foreign\"}",
     "lodge did not make 'foreign': adopt it first (vm.adopt)"},
    {ROLE_ADMIN, "on.row", "{\"vm\":\"foreign\"}", "lodge did not make 'foreign'"},
    {ROLE_USER, "on.managed", "{\"vm\":\"beta/of-a-row\"}", "host 'beta'"},
    {ROLE_USER, "on.domain", "{\"vm\":\"alpha/of-a-row\"}",
     "host 'alpha' has no domain of 'of-a-row' any more"},
};

static void what_is_looked_at_first_is_said_and_nothing_runs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(refusals); i++) {
        who.role = refusals[i].role;
        request(refusals[i].method, refusals[i].params);
        expect_refused(refusals[i].why);
    }
    assert_int_equal(ran, 0);
}

static const struct {
    enum user_role role;
    const char *method, *params, *on;
} passes[] = {
    {ROLE_VIEWER, "do.any", "{}", NULL},
    {ROLE_USER, "do.user", "{}", NULL},
    {ROLE_ADMIN, "do.admin", "{}", NULL},
    {ROLE_USER, "on.domain", web, "web"},
    {ROLE_USER, "on.managed", web, "web"},
    {ROLE_USER, "on.row", "{\"vm\":\"beta/of-a-row\"}", "beta/of-a-row"},
    {ROLE_USER, "on.row", "{\"vm\":\"alpha/of-a-row\"}", "alpha/of-a-row"},
    {ROLE_ADMIN, "on.domain", "{\"vm\":\"foreign\"}", "foreign"},
    {ROLE_ADMIN, "on.domain", "{\"vm\":\"theirs\"}", "theirs"},
    {ROLE_VIEWER, "on.seen", "{\"vm\":\"theirs\"}", "theirs"},
    {ROLE_USER, "on.seen", "{}", NULL},
};

static void who_passes_has_the_vm_that_was_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(passes); i++) {
        ran_on = NULL;
        who.role = passes[i].role;
        request(passes[i].method, passes[i].params);
        expect_done();
        assert_int_equal(ran, i + 1);
        assert_ptr_equal(ran_on, passes[i].on == NULL ? NULL : get_well(passes[i].on));
    }
}

static void the_revision_that_was_meant_passes(void **state)
{
    (void)state;
    char params[64];
    snprintf(params, sizeof params, "{\"vm\":\"web\",\"if_rev\":%lld}",
             (long long)get_well("web")->facts.rev);

    request("on.domain", params);

    expect_done();
}

static void a_notification_runs_and_is_not_answered(void **state)
{
    (void)state;

    say("{\"jsonrpc\":\"2.0\",\"method\":\"do.any\",\"params\":{}}\n");

    expect_silence();
    assert_int_equal(ran, 1);
}

/* A plain request is read by its text alone: the same checks. */
static void a_plain_request_passes_the_same_gate(void **state)
{
    (void)state;

    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"do.any\"}\n");
    expect_done();
    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"do.admin\"}\n");
    expect_refused("do.admin is for admins, your role is user");

    assert_int_equal(ran, 1);
}

static void expect_kept(size_t count)
{
    loop_turn();
    loop_turn();
    assert_int_equal(kept_count, count);
}

static void the_third_who_wants_a_seat_waits_for_one(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        request("do.sit", "{}");
    }
    expect_kept(2);

    call_reply_empty(kept[--kept_count]);

    expect_done();
    expect_kept(2);
}

static void stand_in_line_on_web(void)
{
    request("do.sit", "{}");
    request("do.sit", "{}");
    request("do.sit_on", web);
    expect_kept(2);
}

static void a_vm_is_looked_at_when_its_handler_runs(void **state)
{
    (void)state;
    stand_in_line_on_web();

    tell_connection("alpha", LODGE_HOST_DOWN, "no route");
    call_reply_empty(kept[--kept_count]);

    expect_done();
    expect_refused("host 'alpha'");
    assert_int_equal(ran, 2);
}

static void a_role_that_was_taken_away_while_a_call_stood_in_line_is_gone(void **state)
{
    (void)state;
    stand_in_line_on_web();

    who.role = ROLE_VIEWER;
    call_reply_empty(kept[--kept_count]);

    expect_done();
    expect_refused("do.sit_on is for a VM's owner and admins, your role is viewer");
    assert_int_equal(ran, 2);
}

static void one_who_stands_in_line_leaves_it_with_its_client(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        request("do.sit", "{}");
    }
    expect_kept(2);

    hang_up();
    assert_true(loop_until(is_gone));
    answer_kept();
    loop_turn();

    assert_int_equal(ran, 2);
}

static void more_than_256_unanswered_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < CONNECTION_CALLS_MAX; i++) {
        request("do.sit", "{}");
    }

    request("do.any", "{}");

    expect_refused("256 requests of this connection are unanswered: wait for some answers");
    assert_int_equal(ran, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_GATE(what_is_looked_at_first_is_said_and_nothing_runs),
        AT_GATE(who_passes_has_the_vm_that_was_named),
        AT_GATE(the_revision_that_was_meant_passes),
        AT_GATE(a_notification_runs_and_is_not_answered),
        AT_GATE(a_plain_request_passes_the_same_gate),
        AT_GATE(the_third_who_wants_a_seat_waits_for_one),
        AT_GATE(a_vm_is_looked_at_when_its_handler_runs),
        AT_GATE(a_role_that_was_taken_away_while_a_call_stood_in_line_is_gone),
        AT_GATE(one_who_stands_in_line_leaves_it_with_its_client),
        AT_GATE(more_than_256_unanswered_are_refused),
    };
    return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
