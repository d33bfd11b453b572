/* contract: each noun goes out by its table and comes back the same; unknown stays absent. */
#include "support/test.h"

#include "contract/contract.h"
#include "scope.h"

#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

DEFINE_AUTO(struct json_object *, json_object_put, NULL);

/* Sets every member of any table to something that says where it is. */
static void fill(const struct field *table, void *out, int *count)
{
    for (const struct field *field = table; field->type != FIELD_END; field++) {
        void *member = (char *)out + field->offset;
        int number = ++*count;
        switch (field->type) {
        case FIELD_STRING:
            *(char **)member = strdup(field->name);
            break;
        case FIELD_JSON:
            *(char **)member = strdup("{\"vcpus\":2}");
            break;
        case FIELD_TEXT:
            memset(member, 'a', field->size - 1);
            ((char *)member)[field->size - 1] = '\0';
            break;
        case FIELD_INT:
            *(int64_t *)member = number;
            break;
        case FIELD_NUMBER:
            *(double *)member = number + 0.5;
            break;
        case FIELD_BOOL:
            *(bool *)member = true;
            break;
        case FIELD_FLAG:
            *(enum lodge_flag *)member = LODGE_FLAG_YES;
            break;
        case FIELD_TIME:
            *(int64_t *)member = INT64_C(1700000000000) + number;
            break;
        case FIELD_ENUM:
            *(unsigned *)member = (unsigned)field->names->count - 1;
            break;
        case FIELD_STRINGS:
            assert_true(lodge_strings_add(member, field->name));
            assert_true(lodge_strings_add(member, "two"));
            break;
        case FIELD_OBJECT:
            fill(field->fields, member, count);
            break;
        case FIELD_OBJECTS: {
            struct {
                char *items;
                size_t count;
            } *list = member;
            list->items = calloc(2, field->size);
            list->count = 2;
            for (size_t i = 0; i < 2; i++) {
                fields_init(field->fields, list->items + i * field->size);
                fill(field->fields, list->items + i * field->size, count);
            }
            break;
        }
        case FIELD_ENUMS:
        case FIELD_END:
            fail_msg("no noun has such a member");
        }
    }
}

static void expect_round_trip(const struct field *table, size_t size)
{
    AUTO(free) void *in = calloc(1, size);
    AUTO(free) void *back = calloc(1, size);
    struct buffer first = {0};
    struct buffer second = {0};
    struct lodge_error err = {0};
    int count = 0;
    fields_init(table, in);
    fill(table, in, &count);

    fields_write(&first, table, FIELD_MASK_ALL, in);
    assert_true(fields_read_text(buffer_text(&first), table, back, &err));
    fields_write(&second, table, FIELD_MASK_ALL, back);

    assert_string_equal(buffer_text(&first), buffer_text(&second));
    for (const struct field *field = table; field->type != FIELD_END; field++) {
        assert_non_null(field->help);
        assert_non_null(strstr(buffer_text(&first), field->name));
        for (const struct field *other = table; other < field; other++) {
            assert_string_not_equal(field->name, other->name);
        }
    }
    fields_clear(table, in);
    fields_clear(table, back);
    buffer_free(&first);
    buffer_free(&second);
}

static void a_vm_comes_back_as_it_was(void **state)
{
    (void)state;
    expect_round_trip(lodge_vm_fields, sizeof(struct lodge_vm));
    expect_round_trip(lodge_vm_stats_fields, sizeof(struct lodge_vm_stats));
}

static void a_host_comes_back_as_it_was(void **state)
{
    (void)state;
    expect_round_trip(lodge_host_fields, sizeof(struct lodge_host));
    expect_round_trip(lodge_host_stats_fields, sizeof(struct lodge_host_stats));
}

static void a_session_comes_back_as_it_was(void **state)
{
    (void)state;
    expect_round_trip(lodge_session_fields, sizeof(struct lodge_session));
}

/* The round trip fills each enum with its last word, which several have at the same number. */
static void each_word_of_a_session_has_its_own_member(void **state)
{
    (void)state;
    struct lodge_session session;
    struct lodge_error err = {0};

    assert_true(fields_read_text("{\"kind\":\"vnc\",\"mode\":\"ro\",\"door\":\"web\","
                                 "\"state\":\"away\"}",
                                 lodge_session_fields, &session, &err));

    assert_int_equal(session.kind, LODGE_SESSION_VNC);
    assert_int_equal(session.mode, LODGE_SESSION_RO);
    assert_int_equal(session.door, LODGE_SESSION_WEB);
    assert_int_equal(session.state, LODGE_SESSION_AWAY);
    fields_clear(lodge_session_fields, &session);
}

static void what_is_not_known_of_a_session_is_absent(void **state)
{
    (void)state;
    struct lodge_session session;
    struct buffer out = {0};
    fields_init(lodge_session_fields, &session);
    session.session = 7;
    session.bytes = 0;

    fields_write(&out, lodge_session_fields, FIELD_MASK_ALL, &session);

    assert_null(strstr(buffer_text(&out), "idle_s")); /* nobody is there who could be idle */
    assert_null(strstr(buffer_text(&out), "peer"));
    assert_non_null(strstr(buffer_text(&out), "\"session\":7"));
    assert_non_null(strstr(buffer_text(&out), "\"bytes\":0"));
    buffer_free(&out);
}

static void what_is_not_known_of_a_vm_is_absent(void **state)
{
    (void)state;
    struct lodge_vm vm;
    struct buffer out = {0};
    struct lodge_error err = {0};
    lodge_vm_init(&vm);

    fields_write(&out, lodge_vm_fields, lodge_vm_list_mask(), &vm);

    assert_string_equal(buffer_text(&out),
                        "{\"managed\":false,\"tags\":[],\"unresponsive\":null,\"stale\":null}");
    struct lodge_vm back;
    assert_true(lodge_vm_from_json(buffer_text(&out), &back, &err));
    assert_int_equal(back.vcpus, LODGE_UNKNOWN);
    assert_int_equal(back.state, LODGE_VM_UNKNOWN);
    assert_true(isnan(back.stats.cpu_percent));
    assert_int_equal(back.stale, 0);
    lodge_vm_clear(&back);
    buffer_free(&out);
}

static void what_is_not_known_of_a_host_is_absent(void **state)
{
    (void)state;
    struct lodge_host host;
    struct buffer out = {0};
    lodge_host_init(&host);

    fields_write(&out, lodge_host_fields, FIELD_MASK_ALL, &host);

    assert_string_equal(buffer_text(&out), "{\"synced_at\":null,\"features\":[]}");
    buffer_free(&out);
}

static void zero_is_a_value_and_not_unknown(void **state)
{
    (void)state;
    struct lodge_vm vm;
    struct buffer out = {0};
    lodge_vm_init(&vm);
    vm.stats.cpu_percent = 0;
    vm.stats.disk_read_bps = 0;

    fields_write(&out, lodge_vm_fields, fields_bit(lodge_vm_fields, "stats"), &vm);

    assert_string_equal(buffer_text(&out), "{\"stats\":{\"cpu_percent\":0.0,\"disk_read_bps\":0}}");
    buffer_free(&out);
}

static void a_list_shows_all_but_what_only_get_tells(void **state)
{
    (void)state;
    static const char *const detail[] = {"disks", "nics", "boot", "firmware", "kernel", "xml"};
    field_mask mask = lodge_vm_list_mask();
    for (const struct field *field = lodge_vm_fields; field->type != FIELD_END; field++) {
        bool is_detail = false;
        for (size_t i = 0; i < ARRAY_LENGTH(detail); i++) {
            is_detail = is_detail || strcmp(field->name, detail[i]) == 0;
        }
        bool listed = (mask & fields_bit(lodge_vm_fields, field->name)) != 0;
        assert_int_equal(listed, !is_detail);
    }
}

static void every_word_comes_back_as_its_value(void **state)
{
    (void)state;
    for (int i = 1; i < LODGE_VM_STATES; i++) {
        const char *word = lodge_vm_state_name((enum lodge_vm_state)i);
        assert_int_equal(lodge_vm_state_from_name(word), i);
    }
    assert_string_equal(lodge_vm_state_name(LODGE_VM_UNKNOWN), "unknown");
    assert_string_equal(lodge_vm_state_name((enum lodge_vm_state)99), "unknown");
    assert_int_equal(lodge_vm_state_from_name("unknown"), LODGE_VM_UNKNOWN);
    for (int i = 1; i < LODGE_TOPICS; i++) {
        const char *word = lodge_topic_name((enum lodge_topic)i);
        assert_int_equal(field_names_value(&lodge_topic_names, word), i);
    }
    for (int i = 1; i < LODGE_EVENT_TYPES; i++) {
        const char *word = lodge_event_type_name((enum lodge_event_type)i);
        assert_int_equal(field_names_value(&lodge_event_type_names, word), i);
    }
    assert_string_equal(lodge_host_state_name(LODGE_HOST_UP), "up");
    assert_string_equal(lodge_host_state_name(LODGE_HOST_UNKNOWN), "unknown");
    assert_string_equal(lodge_topic_name(LODGE_TOPIC_NONE), "none");
    assert_string_equal(lodge_topic_name(LODGE_TOPIC_SESSION), "session");
    assert_string_equal(lodge_session_state_name(LODGE_SESSION_WAITS), "waits");
    assert_string_equal(lodge_session_state_name(LODGE_SESSION_OPEN), "open");
    assert_string_equal(lodge_session_state_name(LODGE_SESSION_AWAY), "away");
    assert_string_equal(lodge_session_state_name((enum lodge_session_state)99), "unknown");
    assert_string_equal(lodge_session_mode_name(LODGE_SESSION_RW), "rw");
    assert_string_equal(lodge_session_mode_name(LODGE_SESSION_RO), "ro");
    assert_string_equal(lodge_event_type_name(LODGE_EVENT_NONE), "none");
}

static void what_is_no_vm_is_refused_and_leaves_it_unknown(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "[]",
                                        "1",
                                        "null",
                                        "{\"name\":1}",
                                        "{\"uuid\":\"0123456789012345678901234567890123456\"}",
                                        "{\"name\":\"a\",\"tags\":[\"b\",1]}",
                                        "{\"disks\":[{\"target\":\"a\"},{\"target\":1}]}"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct lodge_vm vm;
        struct lodge_error err = {0};
        if (lodge_vm_from_json(texts[i], &vm, &err)) {
            fail_msg("'%s' was taken", texts[i]);
        }
        assert_null(vm.name);
        assert_null(vm.tags.items);
        assert_null(vm.disks.items);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_vm_comes_back_as_it_was),
        TEST(a_host_comes_back_as_it_was),
        TEST(a_session_comes_back_as_it_was),
        TEST(each_word_of_a_session_has_its_own_member),
        TEST(what_is_not_known_of_a_session_is_absent),
        TEST(what_is_not_known_of_a_vm_is_absent),
        TEST(what_is_not_known_of_a_host_is_absent),
        TEST(zero_is_a_value_and_not_unknown),
        TEST(a_list_shows_all_but_what_only_get_tells),
        TEST(every_word_comes_back_as_its_value),
        TEST(what_is_no_vm_is_refused_and_leaves_it_unknown),
    };
    return cmocka_run_group_tests_name("contract", tests, NULL, NULL);
}
