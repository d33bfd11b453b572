/* fields: one table reads strictly, reads leniently, writes, clears and describes. */
#include "support/test.h"

#include "fields.h"
#include "lodge/vm.h"
#include "scope.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

DEFINE_AUTO(struct json_object *, json_object_put, NULL);

struct disk {
    char *target;
    int64_t size;
};

struct guest {
    char *name;
    char uuid[9];
    int64_t vcpus;
    double load;
    bool managed;
    enum lodge_flag autostart;
    int64_t since;
    enum lodge_vm_state state;
    struct lodge_strings tags;
    bool wanted[3];
    struct disk root;
    struct {
        struct disk *items;
        size_t count;
    } disks;
    int64_t free_int;
};

static const char *const state_words[] = {NULL, "running", "paused"};
static const struct field_names state_names = {state_words, 3};

#define AT(member) .offset = offsetof(struct disk, member)
static const struct field disk_fields[] = {
    {"target", FIELD_STRING, AT(target), .required = true, .help = "vda"},
    {"size", FIELD_INT, AT(size), .min = 1, .max = 65536, .help = "GiB"},
    {.type = FIELD_END},
};
#undef AT

#define AT(member) .offset = offsetof(struct guest, member)
static const struct field guest_fields[] = {
    {"name", FIELD_STRING, AT(name), .required = true, .min = 1, .max = 8, .help = "its name"},
    {"uuid", FIELD_TEXT, AT(uuid), .size = 9},
    {"vcpus", FIELD_INT, AT(vcpus), .min = 1, .max = 512},
    {"load", FIELD_NUMBER, AT(load), .decimals = 1},
    {"managed", FIELD_BOOL, AT(managed)},
    {"autostart", FIELD_FLAG, AT(autostart)},
    {"since", FIELD_TIME, AT(since), .nullable = true},
    {"state", FIELD_ENUM, AT(state), .names = &state_names},
    {"tags", FIELD_STRINGS, AT(tags), .max = 3},
    {"wanted", FIELD_ENUMS, AT(wanted), .names = &state_names},
    {"root", FIELD_OBJECT, AT(root), .fields = disk_fields},
    {"disks", FIELD_OBJECTS, AT(disks), .size = sizeof(struct disk), .fields = disk_fields,
     .max = 2},
    {"free_int", FIELD_INT, AT(free_int)},
    {.type = FIELD_END},
};
#undef AT

static bool read_mode(const char *json, enum fields_mode mode, struct guest *guest,
                      struct lodge_error *err)
{
    AUTO(json_object_put) struct json_object *object = json_tokener_parse(json);
    assert_non_null(object);
    return fields_read(object, guest_fields, mode, guest, err);
}

static void expect_refusal(const char *json, const char *param, const char *message)
{
    struct guest guest;
    struct lodge_error err = {0};
    if (read_mode(json, FIELDS_STRICT, &guest, &err)) {
        fail_msg("%s was taken", json);
    }
    assert_int_equal(err.kind, LODGE_ERROR_PARAMS);
    assert_string_equal(err.param, param);
    if (strstr(err.message, message) == NULL) {
        fail_msg("expected '%s' in '%s'", message, err.message);
    }
    assert_null(guest.name); /* clear, with nothing to free */
    assert_null(guest.tags.items);
    assert_null(guest.disks.items);
}

static void everything_is_read(void **state)
{
    (void)state;
    struct guest guest;
    struct lodge_error err = {0};

    assert_true(read_mode("{\"name\":\"web\",\"uuid\":\"abcdefgh\",\"vcpus\":512,\"load\":1,"
                          "\"managed\":true,\"autostart\":false,"
                          "\"since\":\"1970-01-01T00:00:01.500Z\",\"state\":\"paused\","
                          "\"tags\":[\"a\",\"b\"],\"wanted\":[\"paused\",\"paused\"],"
                          "\"root\":{\"target\":\"vda\",\"size\":3},"
                          "\"disks\":[{\"target\":\"vdb\"},{\"target\":\"vdc\",\"size\":1}],"
                          "\"free_int\":-5}",
                          FIELDS_STRICT, &guest, &err));

    assert_string_equal(guest.name, "web");
    assert_string_equal(guest.uuid, "abcdefgh");
    assert_int_equal(guest.vcpus, 512);
    assert_true(guest.load == 1.0);
    assert_true(guest.managed);
    assert_int_equal(guest.autostart, LODGE_FLAG_NO);
    assert_int_equal(guest.since, 1500);
    assert_int_equal(guest.state, 2);
    assert_int_equal(guest.tags.count, 2);
    assert_true(guest.wanted[2] && !guest.wanted[1]);
    assert_int_equal(guest.root.size, 3);
    assert_int_equal(guest.disks.count, 2);
    assert_int_equal(guest.disks.items[0].size, LODGE_UNKNOWN);
    assert_string_equal(guest.disks.items[1].target, "vdc");
    assert_int_equal(guest.free_int, -5);
    fields_clear(guest_fields, &guest);
    assert_null(guest.disks.items);
    fields_clear(guest_fields, &guest); /* twice is harmless */
}

static void what_is_absent_is_unknown(void **state)
{
    (void)state;
    struct guest guest;
    struct lodge_error err = {0};

    assert_true(read_mode("{\"name\":\"web\",\"since\":null}", FIELDS_STRICT, &guest, &err));

    assert_string_equal(guest.uuid, "");
    assert_int_equal(guest.vcpus, LODGE_UNKNOWN);
    assert_true(isnan(guest.load));
    assert_int_equal(guest.autostart, LODGE_FLAG_UNKNOWN);
    assert_int_equal(guest.state, 0);
    assert_null(guest.tags.items);
    assert_null(guest.root.target);
    struct buffer out = {0};
    fields_write(&out, guest_fields, FIELD_MASK_ALL, &guest);
    assert_string_equal(buffer_text(&out), "{\"name\":\"web\",\"managed\":false,\"since\":null,"
                                           "\"wanted\":[]}");
    buffer_free(&out);
    fields_clear(guest_fields, &guest);
}

static void an_empty_list_is_not_an_absent_one(void **state)
{
    (void)state;
    struct guest guest;
    struct lodge_error err = {0};

    assert_true(
        read_mode("{\"name\":\"w\",\"tags\":[],\"disks\":[]}", FIELDS_STRICT, &guest, &err));

    assert_non_null(guest.tags.items);
    assert_int_equal(guest.tags.count, 0);
    assert_int_equal(guest.disks.count, 0);
    fields_clear(guest_fields, &guest);
}

static void wrong_parameters_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *json, *param, *message;
    } rows[] = {
        {"{}", "name", "missing parameter 'name'"},
        {"{\"name\":\"w\",\"nmae\":1}", "nmae", "unknown parameter 'nmae'"},
        {"{\"name\":null}", "name", "'name' must be a string"},
        {"{\"name\":\"\"}", "name", "'name' must have 1 to 8 bytes"},
        {"{\"name\":\"123456789\"}", "name", "'name' must have 1 to 8 bytes"},
        {"{\"name\":\"a\\u0000b\"}", "name", "'name' must be without a zero byte"},
        {"{\"name\":\"w\",\"uuid\":\"1\\u0000\"}", "uuid", "without a zero byte"},
        {"{\"name\":\"w\",\"tags\":[\"a\",\"b\\u0000c\"]}", "tags", "without a zero byte"},
        {"{\"name\":\"w\",\"state\":\"paused\\u0000!\"}", "state", "without a zero byte"},
        {"{\"name\":\"w\",\"wanted\":[\"paused\\u0000\"]}", "wanted", "without a zero byte"},
        {"{\"name\":\"w\",\"since\":\"2026-01-31T12:00:00Z\\u0000\"}", "since", "zero byte"},
        {"{\"name\":\"w\",\"disks\":[{\"target\":\"vda\\u0000\"}]}", "target", "zero byte"},
        {"{\"name\":\"w\",\"uuid\":\"123456789\"}", "uuid", "'uuid' must be shorter"},
        {"{\"name\":\"w\",\"vcpus\":0}", "vcpus", "'vcpus' must be from 1 to 512"},
        {"{\"name\":\"w\",\"vcpus\":513}", "vcpus", "'vcpus' must be from 1 to 512"},
        {"{\"name\":\"w\",\"vcpus\":-1}", "vcpus", "'vcpus' must be from 1 to 512"},
        {"{\"name\":\"w\",\"vcpus\":1.5}", "vcpus", "'vcpus' must be an integer"},
        {"{\"name\":\"w\",\"vcpus\":\"1\"}", "vcpus", "'vcpus' must be an integer"},
        {"{\"name\":\"w\",\"vcpus\":18446744073709551615}", "vcpus", "from 1 to 512"},
        {"{\"name\":\"w\",\"free_int\":9223372036854775808}", "free_int", "'free_int' must be"},
        {"{\"name\":\"w\",\"load\":\"1\"}", "load", "'load' must be a number"},
        {"{\"name\":\"w\",\"load\":1e400}", "load", "'load' must be a number"},
        {"{\"name\":\"w\",\"managed\":1}", "managed", "'managed' must be true or false"},
        {"{\"name\":\"w\",\"managed\":null}", "managed", "'managed' must be true or false"},
        {"{\"name\":\"w\",\"since\":\"yesterday\"}", "since", "'since' must be a time"},
        {"{\"name\":\"w\",\"state\":\"tired\"}", "state",
         "'state' must be one of: running, paused"},
        {"{\"name\":\"w\",\"state\":\"\"}", "state", "'state' must be one of"},
        {"{\"name\":\"w\",\"tags\":\"a\"}", "tags", "'tags' must be a list"},
        {"{\"name\":\"w\",\"tags\":[1]}", "tags", "'tags' must be a list of strings"},
        {"{\"name\":\"w\",\"tags\":[\"a\",\"b\",\"c\",\"d\"]}", "tags", "at most 3 entries"},
        {"{\"name\":\"w\",\"wanted\":[\"running\",\"tired\"]}", "wanted", "must be one of"},
        {"{\"name\":\"w\",\"root\":[]}", "root", "'root' must be an object"},
        {"{\"name\":\"w\",\"root\":{}}", "target", "missing parameter 'target'"},
        {"{\"name\":\"w\",\"disks\":[{\"target\":\"a\"},1]}", "disks", "a list of objects"},
        {"{\"name\":\"w\",\"disks\":[{\"target\":\"a\"},{\"target\":\"b\",\"size\":0}]}", "size",
         "'size' must be from 1 to 65536"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        expect_refusal(rows[i].json, rows[i].param, rows[i].message);
    }
    expect_refusal("[1]", "", "must be given by name");
}

static void an_unknown_name_that_is_long_or_odd_is_cut_soundly(void **state)
{
    (void)state;
    struct guest guest;
    struct lodge_error err = {0};
    AUTO(free) char *json = malloc(20000);
    snprintf(json, 20000, "{\"%0*d\":1}", 10000, 7);

    assert_false(read_mode(json, FIELDS_STRICT, &guest, &err));

    assert_int_equal(strlen(err.param), sizeof err.param - 1);
}

static void no_object_at_all_is_an_empty_one(void **state)
{
    (void)state;
    struct disk disk;
    static const struct field none[] = {{.type = FIELD_END}};
    struct lodge_error err = {0};

    assert_true(fields_read(NULL, none, FIELDS_STRICT, &disk, &err));
    assert_false(fields_read(NULL, disk_fields, FIELDS_STRICT, &disk, &err));
    assert_string_equal(err.param, "target");
}

static void a_client_skips_what_a_newer_daemon_says(void **state)
{
    (void)state;
    struct guest guest;
    struct lodge_error err = {0};

    assert_true(read_mode("{\"future\":{\"x\":[1]},\"state\":\"hibernating\",\"vcpus\":9999,"
                          "\"name\":null,\"load\":null,\"wanted\":[\"tired\",\"running\"],"
                          "\"tags\":[\"a\",\"b\",\"c\",\"d\"],\"disks\":[{\"new\":1}]}",
                          FIELDS_LENIENT, &guest, &err));

    assert_null(guest.name);
    assert_int_equal(guest.state, 0);
    assert_int_equal(guest.vcpus, 9999);
    assert_int_equal(guest.tags.count, 4);
    assert_true(guest.wanted[1]);
    assert_int_equal(guest.disks.count, 1);
    fields_clear(guest_fields, &guest);

    struct guest other;
    assert_false(fields_read_text("no json", guest_fields, &other, &err));
    assert_int_equal(err.kind, LODGE_ERROR_INTERNAL);
    assert_null(other.name);
}

static void a_mask_names_rows(void **state)
{
    (void)state;
    struct lodge_strings names = {0};
    struct lodge_error err = {0};
    field_mask mask = 0;
    assert_true(lodge_strings_add(&names, "vcpus") && lodge_strings_add(&names, "name"));
    assert_true(fields_mask_of(guest_fields, &names, "fields", &mask, &err));
    assert_int_equal(mask, fields_bit(guest_fields, "name") | fields_bit(guest_fields, "vcpus"));

    struct guest guest;
    assert_true(
        read_mode("{\"name\":\"w\",\"vcpus\":2,\"free_int\":1}", FIELDS_STRICT, &guest, &err));
    struct buffer out = {0};
    fields_write(&out, guest_fields, mask, &guest);
    assert_string_equal(buffer_text(&out), "{\"name\":\"w\",\"vcpus\":2}");
    assert_true(fields_write_members(&out, guest_fields, 0, &guest, true));
    assert_false(fields_write_members(&out, guest_fields, 0, &guest, false));
    buffer_free(&out);
    fields_clear(guest_fields, &guest);

    assert_true(lodge_strings_contain(&names, "name"));
    assert_true(lodge_strings_add(&names, "nope"));
    assert_false(fields_mask_of(guest_fields, &names, "fields", &mask, &err));
    assert_string_equal(err.param, "fields");
    lodge_strings_clear(&names);
    assert_false(lodge_strings_contain(&names, "name"));
}

static void times_are_read_as_rfc_3339_says(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t time;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.001Z", 1},
        {"1970-01-01T00:00:00.0019999999999999Z", 1},
        {"1970-01-01T00:00:00.5Z", 500},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T23:30:00-00:30", 0},
        {"2026-11-23T18:14:00.007Z", INT64_C(1795457640007)},
        {"2024-02-29T12:00:00.000Z", INT64_C(1709208000000)},
    };
    static const char *const bad[] = {
        "",
        "now",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01 00:00:00Z",
        "1970-13-01T00:00:00Z",
        "1970-00-01T00:00:00Z",
        "1970-01-32T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:00Zx",
        "1970-01-01T00:00:00+1",
        "1970-01-01T00:00:00+01:00x",
        "1970-01-01T00:00:00z",
        "-013-11-23T18:14:00Z",
        " 970-01-01T00:00:00Z",
        "1970-01-01T00:00:00+-1:00",
    };
    int64_t time = -1;
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
        if (!time_from_text(good[i].text, &time)) {
            fail_msg("%s", good[i].text);
        }
        assert_int_equal(time, good[i].time);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        if (time_from_text(bad[i], &time)) {
            fail_msg("'%s' was read as a time", bad[i]);
        }
    }
}

static void the_schema_is_json_and_says_the_bounds(void **state)
{
    (void)state;
    struct buffer out = {0};

    fields_write_schema(&out, guest_fields);

    AUTO(json_object_put) struct json_object *json = json_tokener_parse(buffer_text(&out));
    assert_non_null(json);
    const char *text = buffer_text(&out);
    assert_non_null(strstr(text, "\"vcpus\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":512}"));
    assert_non_null(strstr(text, "\"enum\":[\"running\",\"paused\"]"));
    assert_non_null(strstr(text, "\"required\":[\"name\"]"));
    assert_non_null(strstr(text, "\"description\":\"its name\""));
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_is_read),
        TEST(what_is_absent_is_unknown),
        TEST(an_empty_list_is_not_an_absent_one),
        TEST(wrong_parameters_are_refused_by_name),
        TEST(an_unknown_name_that_is_long_or_odd_is_cut_soundly),
        TEST(no_object_at_all_is_an_empty_one),
        TEST(a_client_skips_what_a_newer_daemon_says),
        TEST(a_mask_names_rows),
        TEST(times_are_read_as_rfc_3339_says),
        TEST(the_schema_is_json_and_says_the_bounds),
    };
    return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
