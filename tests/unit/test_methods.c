/* methods: every row is whole, and rpc.discover says what the rows say. */
#include "support/test.h"

#include "rpc/method.h"
#include "rpc/openrpc.h"
#include "rpc/record.h"
#include "scope.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

DEFINE_AUTO(struct json_object *, json_object_put, NULL);

static void each_row(void (*look)(const struct method *method))
{
    for (size_t i = 0; method_tables[i] != NULL; i++) {
        for (const struct method *method = method_tables[i]; method->name != NULL; method++) {
            look(method);
        }
    }
}

static void expect_sound_fields(const struct field *table, size_t size)
{
    size_t rows = 0;
    for (const struct field *field = table; field->type != FIELD_END; field++, rows++) {
        assert_non_null(field->name);
        if (field->help == NULL) {
            fail_msg("'%s' has no help", field->name);
        }
        assert_true(field->offset < size);
        for (const struct field *other = table; other < field; other++) {
            assert_string_not_equal(field->name, other->name);
        }
    }
    assert_true(rows < 64); /* a bit each */
}

/* What a client may send is bounded, and a list of words is a list of known ones. */
static void expect_bounds(const struct method *method)
{
    for (const struct field *field = method->params; field->type != FIELD_END; field++) {
        bool wants_bound = field->type == FIELD_STRING || field->type == FIELD_INT ||
                           field->type == FIELD_STRINGS || field->type == FIELD_OBJECTS;
        if (wants_bound && field->max == 0) {
            fail_msg("%s: '%s' has no bound", method->name, field->name);
        }
    }
}

static void look_at_row(const struct method *method)
{
    const char *dot = strchr(method->name, '.');
    if (dot == NULL || dot == method->name || dot[1] == '\0') {
        fail_msg("%s is not noun.verb", method->name);
    }
    bool has_handler =
        method->vm == NULL || method->vm_is_late ? method->run != NULL : method->run_on != NULL;
    if (method->access == ACCESS_UNSET || method->help == NULL || method->help[0] == '\0' ||
        !has_handler) {
        fail_msg("%s lacks access, help or a handler", method->name);
    }
    assert_non_null(access_name(method->access));
    assert_ptr_equal(method_find(method_tables, method->name),
                     method); /* and no second of the name before it */
    assert_int_equal(method->params == NULL, method->params_size == 0);
    assert_true(method->params_size <= METHOD_PARAMS_MAX);
    if (method->params != NULL) {
        expect_sound_fields(method->params, method->params_size);
        expect_bounds(method);
    }
    if (method->result != NULL) {
        expect_sound_fields(method->result, SIZE_MAX);
    }
}

static void every_row_is_whole(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    each_row(look_at_row);
    assert_true(methods_check(method_tables, &err));
}

/* Promise: no secret of a caller's is in the audit. Members of lists and objects are kept whole, so
 * one that is called like a secret must not be in them; one of the call itself is left out. */
static void expect_no_secret(const struct method *method, const struct field *table, bool is_inner)
{
    for (const struct field *field = table; field != NULL && field->type != FIELD_END; field++) {
        if (is_inner && record_is_secret(field->name)) {
            fail_msg("%s: '%s' would be kept in the audit", method->name, field->name);
        }
        expect_no_secret(method, field->fields, true);
    }
}

static void look_for_secrets(const struct method *method)
{
    if (method->mutates) {
        expect_no_secret(method, method->params, false);
    }
}

static void the_audit_keeps_what_was_asked_without_manners_and_secrets(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"{\"vm\":\"web\",\"vcpus\":2,\"wait\":true,\"timeout_ms\":5,\"request_id\":\"r\"}",
         "{\"vm\":\"web\",\"vcpus\":2}"},
        {"{\"password\":\"a\",\"ticket\":\"b\",\"ssh_key\":\"c\",\"xml\":\"d\",\"network\":null}",
         "{\"network\":null}"},
        {"{\"wait\":true}", NULL},
        {"[1]", NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO(json_object_put) struct json_object *params = json_tokener_parse(rows[i][0]);
        AUTO(free) char *kept = record_make(params);
        if (rows[i][1] == NULL) {
            assert_null(kept);
        } else {
            assert_string_equal(kept, rows[i][1]);
        }
    }
    assert_null(record_make(NULL));
    each_row(look_for_secrets);
}

static void nothing_else_is_found(void **state)
{
    (void)state;
    static const char *const names[] = {"", "vm", "vm.", ".list", "VM.LIST", "vm.list ", "vm.lis"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        assert_null(method_find(method_tables, names[i]));
    }
}

static void only_what_changes_the_daemon_is_for_admins(void **state)
{
    (void)state;
    assert_int_equal(method_find(method_tables, "server.set_log_level")->access, ACCESS_ADMIN);
    assert_int_equal(method_find(method_tables, "vm.list")->access, ACCESS_SEE);
    assert_int_equal(method_find(method_tables, "vm.get")->access, ACCESS_SEE);
    assert_int_equal(method_find(method_tables, "event.subscribe")->access, ACCESS_SEE);
    assert_int_equal(method_find(method_tables, "server.info")->access, ACCESS_ANY);
    assert_int_equal(method_find(method_tables, "rpc.discover")->access, ACCESS_ANY);
}

static struct json_object *documented;
static size_t described;

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex(object, name, &value)) {
        fail_msg("no member '%s'", name);
    }
    return value;
}

static void expect_documented(const struct method *method)
{
    struct json_object *entry = json_object_array_get_idx(documented, described++);
    assert_string_equal(json_object_get_string(member(entry, "name")), method->name);
    assert_string_equal(json_object_get_string(member(entry, "summary")), method->help);
    assert_string_equal(json_object_get_string(member(entry, "x-access")),
                        access_name(method->access));
    assert_string_equal(json_object_get_string(member(entry, "paramStructure")), "by-name");
    struct json_object *params = member(entry, "params");
    size_t row = 0;
    for (const struct field *field = method->params; field != NULL && field->type != FIELD_END;
         field++, row++) {
        struct json_object *param = json_object_array_get_idx(params, row);
        assert_string_equal(json_object_get_string(member(param, "name")), field->name);
        assert_int_equal(json_object_get_boolean(member(param, "required")), field->required);
        assert_true(json_object_is_type(member(param, "schema"), json_type_object));
    }
    assert_int_equal(json_object_array_length(params), row);
    assert_true(json_object_is_type(member(member(entry, "result"), "schema"), json_type_object));
    assert_int_equal(json_object_array_length(member(entry, "errors")), 15);
}

static void the_document_is_json_and_has_every_row(void **state)
{
    (void)state;
    struct buffer out = {0};
    openrpc_write(&out, method_tables);
    AUTO(json_object_put) struct json_object *json = json_tokener_parse(buffer_text(&out));
    assert_non_null(json);
    assert_string_equal(json_object_get_string(member(json, "openrpc")), "1.2.6");
    documented = member(json, "methods");
    described = 0;

    each_row(expect_documented);

    assert_int_equal(json_object_array_length(documented), described);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_row_is_whole),
        TEST(nothing_else_is_found),
        TEST(the_audit_keeps_what_was_asked_without_manners_and_secrets),
        TEST(only_what_changes_the_daemon_is_for_admins),
        TEST(the_document_is_json_and_has_every_row),
    };
    return cmocka_run_group_tests_name("methods", tests, NULL, NULL);
}
