/* Whoever looks at a screen has a line, whatever is known of them. */
#include "support/test.h"

#include "scope.h"
#include "view/canvas.h"
#include "view/view.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = 100, ONE_MINUTE_MS = 60000 };

static char vm[] = "web1";
static char user[] = "bob";
static char peer[] = "10.0.0.7:4711";
static struct lodge_session sessions[] = {
    {.session = 1,
     .vm = vm,
     .user = user,
     .peer = peer,
     .mode = LODGE_SESSION_RW,
     .state = LODGE_SESSION_OPEN,
     .started_at = ONE_MINUTE_MS,
     .idle_s = 120,
     .bytes = 3 << 20},
    {.session = 2,
     .mode = LODGE_SESSION_RO,
     .state = LODGE_SESSION_WAITS,
     .started_at = ONE_MINUTE_MS,
     .idle_s = LODGE_UNKNOWN,
     .bytes = LODGE_UNKNOWN},
};

/* The picture of so many lines; the caller frees it. */
static char *draw(size_t count, size_t cursor, int lines)
{
    const struct model model = {
        .sessions = sessions, .session_count = count, .now_ms = 11 * (int64_t)ONE_MINUTE_MS};
    const struct view_state state = {.session_cursor = cursor};
    struct canvas canvas;
    canvas_init(&canvas, WIDTH, lines, GLYPHS_DOTS);
    sessions_draw(&model, &state, &canvas, canvas_area(&canvas));
    char *text = canvas_to_text(&canvas);
    canvas_done(&canvas);
    return text;
}

static void a_session_says_who_looks_how_since_when_and_from_where(void **state)
{
    (void)state;
    AUTO(free) char *text = draw(2, 1, 3);
    static const char *const words[] = {"VM",  "USER", "FROM", "web1",          "bob", "rw",
                                        "10m", "2m",   "open", "10.0.0.7:4711", "ro",  "waits"};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strstr(text, words[i]) == NULL) {
            fail_msg("no '%s' in\n%s", words[i], text);
        }
    }
    assert_non_null(strstr(text, "\n>")); /* the cursor is on the second */
}

static void what_does_not_fit_is_scrolled_to_the_cursor(void **state)
{
    (void)state;
    AUTO(free) char *first = draw(2, 0, 2);
    AUTO(free) char *second = draw(2, 1, 2);
    assert_non_null(strstr(first, "web1"));
    assert_null(strstr(second, "web1"));
    assert_non_null(strstr(second, "waits"));
}

static void nobody_is_said_in_words(void **state)
{
    (void)state;
    AUTO(free) char *text = draw(0, 0, 3);
    assert_non_null(strstr(text, "Nobody looks at a screen."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_says_who_looks_how_since_when_and_from_where),
        TEST(what_does_not_fit_is_scrolled_to_the_cursor),
        TEST(nobody_is_said_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
