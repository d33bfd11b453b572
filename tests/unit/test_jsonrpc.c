/* jsonrpc: what is a request, what is not, and what a client gets back for either. */
#include "support/test.h"

#include "jsonrpc.h"
#include "scope.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

DEFINE_AUTO(struct json_object *, json_object_put, NULL);
DEFINE_AUTO(struct jsonrpc_parser *, jsonrpc_parser_free, NULL);

static struct json_object *parse(const char *line, size_t length, struct lodge_error *err)
{
    AUTO(jsonrpc_parser_free) struct jsonrpc_parser *parser = jsonrpc_parser_new(0);
    assert_non_null(parser);
    return jsonrpc_parse(parser, line, length, err);
}

static void expect_no_json(const char *line, size_t length)
{
    struct lodge_error err = {0};
    AUTO(json_object_put) struct json_object *json = parse(line, length, &err);
    if (json != NULL || err.kind != LODGE_ERROR_PARSE) {
        fail_msg("'%s' was read, or refused as %s", line, lodge_error_kind_name(err.kind));
    }
}

static void only_json_is_json(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        " ",
        "{",
        "]",
        "nonsense",
        "nul",
        "{} x",
        "{}{}",
        "{'a':1}",
        "{a:1}",
        "{\"a\":1,}",
        "[1,]",
        "{\"a\" 1}",
        "{\"a\":01}",
        "{\"a\":-01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":1e}",
        "{\"a\":--1}",
        "{\"a\":1-2}",
        "{\"a\":0x10}",
        "{\"a\":NaN}",
        "{\"a\":nan}",
        "{\"a\":Infinity}",
        "{\"a\":-Infinity}",
        "{\"a\":TRUE}",
        "/* so */{}",
        "{} // so",
        "{\"a\":18446744073709551616}",
        "{\"a\":-9223372036854775809}",
        "{\"a\":\"\t\"}",
        "{\"a\":\"\x01\"}",
        "\"open",
        "\"open\\",
        "{\"a\":\"\\x\"}",
        "{\"a\\u0000b\":1}",
        "{\"a\":{\"\\u0000\" \t:1}}",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        expect_no_json(lines[i], strlen(lines[i]));
    }
    expect_no_json("{}\0{}", 5);
    expect_no_json("\0{}", 3);
    expect_no_json("{\"a\":\"\0\"}", 9);
}

static void only_utf8_is_read(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\xFF",
        "\x80",
        "\xC0\xAF",
        "\xC1\xBF",
        "\xED\xA0\x80",
        "\xE2\x82",
        "\xF4\x90\x80\x80",
        "\xF8\x88\x80\x80\x80",
        "\xE0\x9F\xBF",
        "\xF0\x8F\xBF\xBF",
    };
    char line[64];
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        expect_no_json(line, (size_t)snprintf(line, sizeof line, "{\"a\":\"%s\"}", texts[i]));
        expect_no_json(line, (size_t)snprintf(line, sizeof line, "{\"%s\":1}", texts[i]));
        expect_no_json(line, (size_t)snprintf(line, sizeof line, "%s{}", texts[i]));
    }
    struct lodge_error err = {0};
    const char *good = "{\"\xC3\xA4\":\"\xE2\x82\xAC\xF0\x9F\x98\x80\xEF\xBF\xBF\"}";
    AUTO(json_object_put) struct json_object *json = parse(good, strlen(good), &err);
    assert_non_null(json);
}

static void nest(char *line, int depth, const char *inner)
{
    memset(line, '[', (size_t)depth);
    memcpy(line + depth, inner, strlen(inner));
    memset(line + depth + strlen(inner), ']', (size_t)depth);
    line[2 * (size_t)depth + strlen(inner)] = '\0';
}

static void thirty_two_levels_are_read_and_thirty_three_are_not(void **state)
{
    (void)state;
    static const char *const inners[] = {"", "1", "\"[[[[\"", "true"};
    for (size_t i = 0; i < ARRAY_LENGTH(inners); i++) {
        char line[128];
        struct lodge_error err = {0};
        nest(line, 32, inners[i]);
        AUTO(json_object_put) struct json_object *json = parse(line, strlen(line), &err);
        if (json == NULL) {
            fail_msg("32 levels around '%s': %s", inners[i], err.message);
        }
        nest(line, 33, inners[i]);
        expect_no_json(line, strlen(line));
    }
    const char *flat = "[[],[],{},[[]],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
                       "[],[],[],[],[],[],[],[],[],[],[]]";
    struct lodge_error err = {0};
    AUTO(json_object_put) struct json_object *json = parse(flat, strlen(flat), &err);
    assert_non_null(json);
}

static void a_parser_is_as_new_after_each_line(void **state)
{
    (void)state;
    AUTO(jsonrpc_parser_free) struct jsonrpc_parser *parser = jsonrpc_parser_new(0);
    for (int i = 0; i < 3; i++) {
        struct lodge_error err = {0};
        assert_null(jsonrpc_parse(parser, "{\"a\":[1,", 8, &err));
        err = (struct lodge_error){0};
        assert_null(jsonrpc_parse(parser, "null", 4, &err));
        assert_int_equal(err.kind, LODGE_ERROR_REQUEST);
        err = (struct lodge_error){0};
        AUTO(json_object_put) struct json_object *json = jsonrpc_parse(parser, " {} ", 4, &err);
        assert_non_null(json);
    }
}

/* `count` values in all: an array of what `value` is, which is one, and of what it holds. */
static bool is_taken(const char *value, size_t count, size_t most)
{
    AUTO(jsonrpc_parser_free) struct jsonrpc_parser *parser = jsonrpc_parser_new(most);
    struct buffer line = {0};
    struct lodge_error err = {0};
    buffer_add_char(&line, '[');
    for (size_t i = 0; i < count; i++) {
        buffer_add_text(&line, i == 0 ? "" : ", ");
        buffer_add_text(&line, value);
    }
    buffer_add_char(&line, ']');
    AUTO(json_object_put)
    struct json_object *json = jsonrpc_parse(parser, buffer_text(&line), line.length, &err);
    assert_true(json != NULL || err.kind == LODGE_ERROR_REQUEST);
    buffer_free(&line);
    return json != NULL;
}

static void values_are_counted_before_they_are_built(void **state)
{
    static const char *const ones[] = {"{}", "[]", "true", "false", "null", "-1.5e3", "\"a:,[\""};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ones); i++) {
        assert_true(is_taken(ones[i], 99, 100));
        assert_false(is_taken(ones[i], 100, 100));
        assert_true(is_taken(ones[i], 100, 0)); /* 0: no limit */
    }
    assert_true(is_taken("{\"name\": 1, \"other\": \"text\"}", 33, 100)); /* names are none */
    assert_false(is_taken("{\"name\": 1, \"other\": \"text\"}", 34, 100));
}

static void expect_cut(const char *line, size_t count, const char *last)
{
    struct jsonrpc_batch batch;
    struct lodge_error err = {0};
    AUTO(free) char *copy = strdup(line);
    assert_true(jsonrpc_is_batch(copy));
    assert_true(jsonrpc_cut(copy, &batch, &err));
    assert_int_equal(batch.count, count);
    assert_string_equal(batch.entries[count - 1], last);
    assert_int_equal(batch.lengths[count - 1], strlen(last));
}

static void expect_uncut(const char *line, enum lodge_error_kind kind)
{
    struct jsonrpc_batch batch;
    struct lodge_error err = {0};
    AUTO(free) char *copy = strdup(line);
    assert_false(jsonrpc_cut(copy, &batch, &err));
    assert_int_equal(err.kind, kind);
}

/* Fed in pieces of every length a line is what it is in one. */
static void a_line_in_pieces_is_read_as_in_one(void **state)
{
    static const char *const lines[] = {
        "{\"a\":[1,2,{\"b\":\"x\\\"y\\u00e9\"}],\"c\":-1.5e3}  ",
        "[[],{},null,true]",
        "{\"\xc3\xa9\":\"\xe6\x97\xa5\xf0\x9f\x98\x80\"}",
        " 17 ",
        "{\"a\":",
        "{} {}",
        "nul",
        "{\"a\":1}}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        size_t length = strlen(lines[i]);
        struct lodge_error whole_err = {0};
        AUTO(json_object_put) struct json_object *whole = parse(lines[i], length, &whole_err);
        for (size_t piece = 1; piece <= length; piece++) {
            AUTO(jsonrpc_parser_free) struct jsonrpc_parser *parser = jsonrpc_parser_new(0);
            struct json_object *json = NULL;
            struct lodge_error err = {0};
            bool ended = false;
            for (size_t at = 0; !ended; at += piece) {
                size_t left = length - at;
                assert_true(at < length);
                ended = jsonrpc_feed(parser, lines[i], length, at, left < piece ? left : piece,
                                     &json, &err);
            }
            assert_int_equal(err.kind, whole_err.kind);
            assert_true(json_object_equal(json, whole));
            json_object_put(json);
        }
    }
}

static void a_batch_is_cut_at_its_own_commas(void **state)
{
    (void)state;
    expect_cut("[1]", 1, "1");
    expect_cut(" [ {\"a\":[1,2]} , {\"b\":\"],\\\",[\"} ] ", 2, " {\"b\":\"],\\\",[\"} ");
    expect_cut("[[[]],{},\"\\\\\"]", 3, "\"\\\\\"");
    expect_cut("[,]", 2, ""); /* an entry that is no JSON is the parser's to refuse */
    expect_uncut("[]", LODGE_ERROR_REQUEST);
    expect_uncut("[", LODGE_ERROR_PARSE);
    expect_uncut("[1", LODGE_ERROR_PARSE);
    expect_uncut("[1}", LODGE_ERROR_PARSE);
    expect_uncut("[{]}", LODGE_ERROR_PARSE);
    expect_uncut("[1]2", LODGE_ERROR_PARSE);
    expect_uncut("[\"\\\"]", LODGE_ERROR_PARSE);
    assert_false(jsonrpc_is_batch(" {\"a\":[]}"));
    char line[2 * JSONRPC_BATCH + 4] = "";
    memset(line, '1', sizeof line - 1);
    for (int i = 0; i <= JSONRPC_BATCH; i++) {
        line[2 * i] = i == 0 ? '[' : ',';
    }
    line[2 * JSONRPC_BATCH] = ']';
    line[2 * JSONRPC_BATCH + 1] = '\0';
    expect_cut(line, JSONRPC_BATCH, "1");
    memcpy(line + 2 * JSONRPC_BATCH, ",1]", 3);
    expect_uncut(line, LODGE_ERROR_REQUEST);
}

static bool read_line(const char *line, struct jsonrpc_request *request, struct json_object **json,
                      struct lodge_error *err)
{
    *json = parse(line, strlen(line), err);
    if (*json == NULL) {
        fail_msg("'%s': %s", line, err->message);
    }
    return jsonrpc_read_request(*json, request, err);
}

static void ids_come_back_as_they_were(void **state)
{
    (void)state;
    static const char *const ids[] = {
        "1",
        "0",
        "-7",
        "1.5",
        "1e3",
        "-0.25",
        "9007199254740993",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "\"x\"",
        "\"\"",
        "\"\\u0000\"",
        "null",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
        char line[128];
        snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":%s}", ids[i]);
        AUTO(json_object_put) struct json_object *json = NULL;
        struct jsonrpc_request request;
        struct lodge_error err = {0};
        assert_true(read_line(line, &request, &json, &err));
        assert_true(request.wants_answer);
        assert_string_equal(
            request.id == NULL ? "null"
                               : json_object_to_json_string_ext(request.id, JSON_C_TO_STRING_PLAIN),
            ids[i]);
    }
}

static void a_request_without_an_id_is_a_notification(void **state)
{
    (void)state;
    AUTO(json_object_put) struct json_object *json = NULL;
    struct jsonrpc_request request;
    struct lodge_error err = {0};

    assert_true(read_line("{\"jsonrpc\":\"2.0\",\"method\":\"update\",\"params\":[1,2]}", &request,
                          &json, &err));

    assert_false(request.wants_answer);
    assert_null(request.id);
    assert_string_equal(request.method, "update");
    assert_true(json_object_is_type(request.params, json_type_array));
}

/* The specification's own, and their neighbours; `id` is what the error must carry. */
static void invalid_requests_are_refused_with_their_id(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *id;
    } rows[] = {
        {"{\"jsonrpc\":\"2.0\",\"method\":1,\"params\":\"bar\"}", NULL},
        {"1", NULL},
        {"\"a\"", NULL},
        {"[1]", NULL},
        {"{}", NULL},
        {"{\"foo\":\"boo\"}", NULL},
        {"{\"method\":\"m\",\"id\":7}", "7"},
        {"{\"jsonrpc\":2.0,\"method\":\"m\",\"id\":7}", "7"},
        {"{\"jsonrpc\":\"1.0\",\"method\":\"m\",\"id\":7}", "7"},
        {"{\"jsonrpc\":\"2.0\\u0000\",\"method\":\"m\",\"id\":7}", "7"},
        {"{\"jsonrpc\":null,\"method\":\"m\",\"id\":\"a\"}", "\"a\""},
        {"{\"jsonrpc\":\"2.0\",\"id\":7}", "7"},
        {"{\"jsonrpc\":\"2.0\",\"method\":null,\"id\":7}", "7"},
        {"{\"jsonrpc\":\"2.0\",\"method\":{},\"id\":7}", "7"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":\"bar\",\"id\":7}", "7"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":null,\"id\":7}", "7"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":1,\"id\":7}", "7"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":{}}", NULL},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":[1]}", NULL},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":true}", NULL},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1e400}", NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO(json_object_put) struct json_object *json = NULL;
        struct jsonrpc_request request;
        struct lodge_error err = {0};
        if (read_line(rows[i].line, &request, &json, &err)) {
            fail_msg("%s was taken", rows[i].line);
        }
        assert_int_equal(err.kind, LODGE_ERROR_REQUEST);
        assert_true(request.wants_answer);
        assert_string_equal(request.id == NULL ? "none" : json_object_to_json_string(request.id),
                            rows[i].id == NULL ? "none" : rows[i].id);
    }
    struct lodge_error err = {0};
    struct jsonrpc_request request;
    assert_false(jsonrpc_read_request(NULL, &request, &err)); /* null in a batch */
}

static void a_zero_byte_hides_nothing_in_a_method(void **state)
{
    (void)state;
    AUTO(json_object_put) struct json_object *json = NULL;
    struct jsonrpc_request request;
    struct lodge_error err = {0};

    assert_true(read_line("{\"jsonrpc\":\"2.0\",\"method\":\"server.ping\\u0000x\",\"id\":1}",
                          &request, &json, &err));

    assert_string_equal(request.method, "");
}

static void answers_are_one_envelope(void **state)
{
    (void)state;
    struct buffer result = {0};
    struct buffer out = {0};
    buffer_add_text(&result, "{\"a\":1}");

    jsonrpc_write_result(&out, "\"x\"", &result);

    assert_string_equal(buffer_text(&out),
                        "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{\"a\":1}}");
    buffer_free(&out);
    buffer_free(&result);
}

static void errors_say_what_is_known_and_nothing_else(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    (void)lodge_fail(&err, LODGE_ERROR_DENIED, "not \"you\"");
    struct buffer out = {0};
    jsonrpc_write_error(&out, NULL, &err);
    assert_string_equal(buffer_text(&out),
                        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32003,\"message\":"
                        "\"not \\\"you\\\"\",\"data\":{\"kind\":\"denied\"}}}");

    struct lodge_error rich = {.since_ms = 1000, .column = 3, .libvirt = {38, 10, "no\nmonitor"}};
    (void)lodge_fail_param(&rich, "query", "hm");
    buffer_clear(&out);
    jsonrpc_write_error(&out, "7", &rich);
    AUTO(json_object_put) struct json_object *json = json_tokener_parse(buffer_text(&out));
    assert_string_equal(
        json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN),
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32602,\"message\":\"hm\",\"data\":{"
        "\"kind\":\"invalid_params\",\"param\":\"query\",\"column\":3,"
        "\"since\":\"1970-01-01T00:00:01.000Z\","
        "\"libvirt\":{\"code\":38,\"domain\":10,\"text\":\"no\\nmonitor\"}}}}");
    buffer_free(&out);
}

static void a_plain_request_is_told_by_its_text(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *method; /* NULL: not plain, whether sound or not */
        const char *id;
    } rows[] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server.ping\"}", "server.ping", "1"},
        {" { \"method\" : \"a\" , \"id\" : \"x y\" , \"jsonrpc\" : \"2.0\" } ", "a", "\"x y\""},
        {"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"a\",\"params\":{ }}", "a", "0"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"a\"}", NULL, NULL},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"b\":1}}", NULL, NULL},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":[]}", NULL, NULL},
        {"{\"jsonrpc\":\"2.0\",\"id\":01,\"method\":\"a\"}", NULL, NULL},
        {"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"a\"}", NULL, NULL},
        {"{\"jsonrpc\":\"2.0\",\"id\":-1,\"method\":\"a\"}", NULL, NULL},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"a\"}", NULL, NULL},
        {"{\"jsonrpc\":\"2.0\",\"id\":1234567890123456789,\"method\":\"a\"}", NULL, NULL},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"a\"}", NULL, NULL},
        {"{\"jsonrpc\":\"2.1\",\"id\":1,\"method\":\"a\"}", NULL, NULL},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\\u0061\"}", NULL, NULL},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xC3\xA4\"}", NULL, NULL},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"", NULL, NULL},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",}", NULL, NULL},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"} x", NULL, NULL},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"more\":1}", NULL, NULL},
        {"[]", NULL, NULL},
        {"", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct jsonrpc_plain plain;
        bool is_plain = jsonrpc_read_plain(rows[i].line, strlen(rows[i].line), &plain);

        if (is_plain != (rows[i].method != NULL)) {
            fail_msg("%s is %s", rows[i].line, is_plain ? "plain" : "not plain");
        }
        if (is_plain) {
            assert_string_equal(plain.method, rows[i].method);
            assert_string_equal(plain.id, rows[i].id);
        }
        /* Every byte fewer is not plain, and nothing behind the end is read. */
        for (size_t length = 0; is_plain && length < strlen(rows[i].line); length++) {
            AUTO(free) char *part = strndup(rows[i].line, length);
            assert_true(!jsonrpc_read_plain(part, length, &plain) || strchr(part, '}') != NULL);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_plain_request_is_told_by_its_text),
        TEST(only_json_is_json),
        TEST(only_utf8_is_read),
        TEST(thirty_two_levels_are_read_and_thirty_three_are_not),
        TEST(a_parser_is_as_new_after_each_line),
        TEST(values_are_counted_before_they_are_built),
        TEST(a_line_in_pieces_is_read_as_in_one),
        TEST(a_batch_is_cut_at_its_own_commas),
        TEST(ids_come_back_as_they_were),
        TEST(a_request_without_an_id_is_a_notification),
        TEST(invalid_requests_are_refused_with_their_id),
        TEST(a_zero_byte_hides_nothing_in_a_method),
        TEST(answers_are_one_envelope),
        TEST(errors_say_what_is_known_and_nothing_else),
    };
    return cmocka_run_group_tests_name("jsonrpc", tests, NULL, NULL);
}
