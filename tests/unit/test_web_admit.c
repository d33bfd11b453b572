/* What a browser says about itself: whose page, at which name, with which secret. Tickets as text.
 */
#include "support/test.h"

#include "console/ticket.h"
#include "console/web_admit.h"
#include "console/web_page.h"
#include "scope.h"

#include <string.h>

static char *host_items[] = {(char[]){"lodge.example.org"}, (char[]){"other.example.org:8443"}};
static char *origin_items[] = {(char[]){"https://panel.example.org"}};
static const struct lodge_strings hosts = {.items = host_items, .count = 2};
static const struct lodge_strings origins = {.items = origin_items, .count = 1};
static const struct web_names names = {&hosts, &origins, NULL};
static const struct web_names proxied = {&hosts, &origins, "https://vm.example.org"};

static void a_Host_is_loopback_configured_or_the_address_that_was_reached(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool ours;
    } rows[] = {
        {"127.0.0.1", true},
        {"127.0.0.1:6080", true},
        {"127.255.0.9:1", true},
        {"localhost", true},
        {"LOCALHOST:80", true},
        {"[::1]:6080", true},
        {"192.0.2.7:6080", true},
        {"192.0.2.7", true},
        {"lodge.example.org", true},
        {"Lodge.Example.org:99", true},
        {"other.example.org:8443", true},
        {"other.example.org", false},
        {"other.example.org:1", false},
        {"192.0.2.8", false},
        {"evil.example", false},
        {"localhost.evil.example", false},
        {"127.0.0.1.evil.example", false},
        {"", false},
        {":6080", false},
        {"localhost:", false},
        {"localhost:x", false},
        {"localhost:123456", false},
        {"[::1", false},
        {"[::1]x", false},
        {"::1", false},
        {"127.0.0.1:80:80", false},
        {"localhost ", false},
        {"0.0.0.0", false},
        {"2130706433", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (web_host_is_ours(rows[i].host, "192.0.2.7", &names) != rows[i].ours) {
            fail_msg("Host '%s' is %sours", rows[i].host, rows[i].ours ? "not " : "");
        }
    }
}

static void an_Origin_is_that_of_the_page_or_configured(void **state)
{
    (void)state;
    static const struct {
        const char *origin;
        bool ours;
    } rows[] = {
        {"http://localhost:6080", true},
        {"https://localhost:6080", true},
        {"https://panel.example.org", true},
        {"http://panel.example.org", false},
        {"https://panel.example.org:1", false},
        {"http://localhost", false},
        {"http://localhost:60801", false},
        {"http://localhost:6080.evil.example", false},
        {"http://evil.example@localhost:6080", false},
        {"null", false},
        {"", false},
        {"localhost:6080", false},
        {"ws://localhost:6080", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (web_origin_is_ours(rows[i].origin, "localhost:6080", &names) != rows[i].ours) {
            fail_msg("Origin '%s' is %sours", rows[i].origin, rows[i].ours ? "not " : "");
        }
    }
}

static void the_public_address_adds_its_own_name_and_Origin_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *origin;
        bool ours;
    } rows[] = {
        {"https://vm.example.org", true},
        {"HTTPS://VM.example.org", true},
        {"http://vm.example.org", false},
        {"https://vm.example.org:8443", false},
        {"https://vm.example.org/", false},
        {"https://vm.example.org.evil.example", false},
        {"https://xvm.example.org", false},
        {"https://evil.example", false},
        {"null", false},
        {"http://127.0.0.1:6080", true},
        {"http://127.0.0.1:6081", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (web_origin_is_ours(rows[i].origin, "127.0.0.1:6080", &proxied) != rows[i].ours) {
            fail_msg("Origin '%s' is %sours", rows[i].origin, rows[i].ours ? "not " : "");
        }
    }
    assert_false(web_origin_is_ours("https://vm.example.org", "127.0.0.1:6080", &names));
    assert_true(web_host_is_ours("VM.example.org:443", "192.0.2.7", &proxied));
    assert_false(web_host_is_ours("vm.example.org.evil.example", "192.0.2.7", &proxied));
    assert_false(web_host_is_ours("vm.example.org", "192.0.2.7", &names));
}

static void an_Origin_names_no_port_that_is_its_schemes_own(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"https://vm.example.org/", "https://vm.example.org"},
        {"https://vm.example.org:443/lodge/", "https://vm.example.org"},
        {"https://vm.example.org:80/", "https://vm.example.org:80"},
        {"http://vm.example.org:80/", "http://vm.example.org"},
        {"http://vm.example.org:8080/a/b/", "http://vm.example.org:8080"},
        {"https://[2001:db8::443]/", "https://[2001:db8::443]"},
        {"https://[2001:db8::1]:443/", "https://[2001:db8::1]"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO(free) char *origin = web_origin_of(rows[i][0]);
        assert_string_equal(origin, rows[i][1]);
    }
}

#define DIGITS "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void binary_is_offered_and_behind_it_one_secret_that_is_one(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        const char *trouble; /* NULL: it is good */
        bool has_secret;
        bool has_told;
    } rows[] = {
        {"binary, back." DIGITS ", told", NULL, true, true},
        {"binary, told", NULL, false, true},
        {"binary, Told, told.x", NULL, false, false},
        {"binary", NULL, false, false},
        {"chat, binary", NULL, false, false},
        {"chat,\tbinary ,x", NULL, false, false},
        {"binary, back." DIGITS, NULL, true, false},
        {"binary,back." DIGITS, NULL, true, false},
        {"a, binary, b, back." DIGITS ", c", NULL, true, false},
        {"binary, Back." DIGITS, NULL, false, false},
        {"binary, back", NULL, false, false},
        {"binary, xback." DIGITS, NULL, false, false},
        {"", "must be binary", false, false},
        {", ,", "must be binary", false, false},
        {"Binary", "must be binary", false, false},
        {"binary." DIGITS, "must be binary", false, false},
        {"back." DIGITS, "binary first", false, false},
        {"back." DIGITS ", binary", "binary first", false, false},
        {"binary, back.", "64 hexadecimal", false, false},
        {"binary, back.0", "64 hexadecimal", false, false},
        {"binary, back." DIGITS "0", "64 hexadecimal", false, false},
        {"binary, back." DIGITS DIGITS, "64 hexadecimal", false, false},
        {"binary, back.A123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
         "64 hexadecimal", false, false},
        {"binary, back.0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg",
         "64 hexadecimal", false, false},
        {"binary, back.0123456789abcdef0123456789abcdef, back." DIGITS, "64 hexadecimal", false,
         false},
        {"binary, back." DIGITS ", back." DIGITS, "two secrets", false, false},
        {"binary, back." DIGITS ", back.", "two secrets", false, false},
    };
    struct ticket secret;
    assert_true(ticket_read(DIGITS, TICKET_TEXT, &secret));
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO(free) char *header = strdup(rows[i].header);
        struct web_offer offer;
        struct lodge_error err = {0};
        bool good = web_offer_read(header, &offer, &err);
        if (good != (rows[i].trouble == NULL)) {
            fail_msg("'%s' is %s: %s", rows[i].header, good ? "taken" : "refused", err.message);
        }
        if (!good) {
            assert_int_equal(err.kind, LODGE_ERROR_DENIED);
            assert_non_null(strstr(err.message, rows[i].trouble));
        } else {
            assert_int_equal(offer.has_secret, rows[i].has_secret);
            assert_int_equal(offer.has_told, rows[i].has_told);
            assert_true(!offer.has_secret || ticket_is(&offer.secret, &secret));
        }
    }
}

static void a_ticket_is_64_small_hex_digits_and_no_other_text(void **state)
{
    (void)state;
    char text[TICKET_TEXT + 1];
    char other_text[TICKET_TEXT + 1];
    struct ticket ticket = ticket_make();
    struct ticket other = ticket_make();
    struct ticket read;
    ticket_write(&ticket, text);
    ticket_write(&other, other_text);
    assert_string_not_equal(text, other_text);
    assert_int_equal(strspn(text, "0123456789abcdef"), TICKET_TEXT);
    assert_true(ticket_read(text, TICKET_TEXT, &read));
    assert_true(ticket_is(&read, &ticket));
    assert_false(ticket_is(&other, &ticket));
    assert_false(ticket_read(text, TICKET_TEXT - 1, &read));
    for (size_t at = 0; at < TICKET_TEXT; at++) {
        char wrong[TICKET_TEXT + 1];
        memcpy(wrong, text, sizeof wrong);
        wrong[at] = at % 2 == 0 ? 'G' : 'A';
        assert_false(ticket_read(wrong, TICKET_TEXT, &read));
        wrong[at] = (char)(text[at] == '0' ? '1' : '0'); /* one digit is another ticket */
        assert_true(ticket_read(wrong, TICKET_TEXT, &read));
        assert_false(ticket_is(&read, &ticket));
    }
}

static void the_page_is_part_of_the_program(void **state)
{
    (void)state;
    assert_ptr_equal(web_page_find("/"), web_page_find("/index.html"));
    assert_non_null(web_page_find("/page.js"));
    assert_null(web_page_find("/../page.js"));
    assert_null(web_page_find("page.js"));
    assert_null(web_page_find(""));
    assert_string_equal(web_page_find("/page.js")->mime, "text/javascript; charset=utf-8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_Host_is_loopback_configured_or_the_address_that_was_reached),
        TEST(an_Origin_is_that_of_the_page_or_configured),
        TEST(the_public_address_adds_its_own_name_and_Origin_and_nothing_else),
        TEST(an_Origin_names_no_port_that_is_its_schemes_own),
        TEST(binary_is_offered_and_behind_it_one_secret_that_is_one),
        TEST(a_ticket_is_64_small_hex_digits_and_no_other_text),
        TEST(the_page_is_part_of_the_program),
    };
    return cmocka_run_group_tests_name("web_admit", tests, NULL, NULL);
}
