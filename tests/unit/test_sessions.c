/* sessions: who looks is told to whom it concerns, and counted at the VM. */
#include "support/test.h"

#include "support/registry_world.h"

#include "registry/subscriber.h"

#include <pwd.h>
#include <unistd.h>

/* A subscriber of the topic; what it is told as "TYPE OBJECT" lines. */
static struct ear {
    struct sink sink; /* first */
    struct viewer viewer;
    char told[2000];
} ear;

static struct subscriber *subscriber;

static bool always(struct sink *sink)
{
    (void)sink;
    return true;
}

static void nothing(struct sink *sink)
{
    (void)sink;
}

static bool never(struct sink *sink)
{
    (void)sink;
    return false;
}

static struct viewer ears_viewer(struct sink *sink)
{
    return ((struct ear *)sink)->viewer;
}

/* `"type":"added","session":{…}}}` as `added {…}`; what is of no topic is passed over. */
static void hear(struct sink *sink, struct buffer *line)
{
    struct ear *heard = (struct ear *)sink;
    const char *type = strstr(buffer_text(line), "\"type\":\"") + strlen("\"type\":\"");
    const char *object = strstr(buffer_text(line), ",\"session\":");
    size_t used = strlen(heard->told);
    if (object != NULL) {
        object += strlen(",\"session\":");
        int written = snprintf(heard->told + used, sizeof heard->told - used, "%.*s %.*s\n",
                               (int)strcspn(type, "\""), type, (int)(strlen(object) - 3), object);
        assert_in_range(written, 1, sizeof heard->told - used - 1);
    }
}

static void listen_as(uid_t uid, enum user_role role)
{
    struct subscriber_options options = {
        .topics = {[LODGE_TOPIC_SESSION] = true},
        .choice = RENDER_ALL,
        .snapshot = true,
    };
    ear = (struct ear){.sink = {always, hear, ears_viewer, always, never, nothing},
                       .viewer = {uid, role}};
    subscriber = subscriber_new(registry, 1, &options, &ear.sink);
    subscriber_begin(subscriber);
}

static void let_tell(void)
{
    for (int i = 0; i < 5; i++) {
        loop_turn();
    }
}

static void expect_told(const char *lines)
{
    let_tell();
    assert_string_equal(ear.told, lines);
    ear.told[0] = '\0';
}

static int leave(void **state)
{
    subscriber_free(subscriber);
    subscriber = NULL;
    return end_registry(state);
}
#define LISTENING(function) cmocka_unit_test_setup_teardown(function, make_registry, leave)

static struct registry_session *add(int64_t number, uid_t uid, uid_t owner)
{
    struct registry_session *session = registry_add_session(registry);
    session->uid = uid;
    session->owner = owner;
    session->facts.session = number;
    session->facts.state = LODGE_SESSION_WAITS;
    return session;
}

static void a_session_is_told_from_its_ticket_to_its_end(void **state)
{
    (void)state;
    listen_as(0, ROLE_ADMIN);
    struct registry_session *session = add(4, SOME_UID, VM_NO_OWNER);
    session->facts.vm = xstrdup("web");
    session->facts.mode = LODGE_SESSION_RO;
    expect_told("added {\"session\":4,\"vm\":\"web\",\"mode\":\"ro\",\"state\":\"waits\"}\n");

    session->facts.state = LODGE_SESSION_OPEN;
    session->facts.bytes = 12;
    registry_session_changed(registry, session);
    expect_told(
        "changed {\"session\":4,\"vm\":\"web\",\"mode\":\"ro\",\"state\":\"open\",\"bytes\":12}\n");

    registry_remove_session(registry, session, "its viewer has left");
    expect_told("removed {\"session\":4,\"reason\":\"its viewer has left\"}\n");
}

static void why_it_ended_is_cut_for_who_is_no_admin(void **state)
{
    (void)state;
    struct registry_session *session = add(5, SOME_UID, VM_NO_OWNER);
    session->facts.host = xstrdup("h");
    session->facts.vm = xstrdup("web");
    listen_as(SOME_UID, ROLE_USER);
    expect_told("added {\"session\":5,\"vm\":\"web\",\"host\":\"h\",\"state\":\"waits\"}\n");

    registry_remove_session(registry, session, "cannot connect to /run/secret/vnc.sock");
    let_tell();
    assert_null(strstr(ear.told, "secret"));
    assert_non_null(strstr(ear.told, "\"reason\":\"cannot connect to "));
}

static void whoever_comes_later_is_told_of_those_that_are_there(void **state)
{
    (void)state;
    struct registry_session *ended = add(1, 0, VM_NO_OWNER);
    (void)add(2, 0, VM_NO_OWNER);
    registry_remove_session(registry, ended, "it is over");

    listen_as(0, ROLE_ADMIN);

    expect_told("added {\"session\":2,\"state\":\"waits\"}\n");
}

static void a_session_is_shown_to_those_it_concerns(void **state)
{
    (void)state;
    const struct registry_session *session = add(1, SOME_UID, OTHER_UID);
    static const struct {
        struct viewer viewer;
        bool sees;
    } rows[] = {
        {{SOME_UID, ROLE_USER}, true},  /* opened it */
        {{OTHER_UID, ROLE_USER}, true}, /* owns the VM */
        {{OTHER_UID + 1, ROLE_USER}, false}, {{OTHER_UID + 1, ROLE_VIEWER}, true},
        {{OTHER_UID + 1, ROLE_ADMIN}, true}, {{SOME_UID, ROLE_NONE}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(registry_session_is_visible(session, &rows[i].viewer), rows[i].sees);
    }
}

static void a_user_hears_of_no_sessions_of_others(void **state)
{
    (void)state;
    struct registry_session *foreign = add(1, OTHER_UID, VM_NO_OWNER);
    (void)add(2, OTHER_UID, SOME_UID);
    listen_as(SOME_UID, ROLE_USER);
    expect_told("added {\"session\":2,\"state\":\"waits\"}\n");

    registry_session_changed(registry, foreign);
    registry_remove_session(registry, foreign, "it is over");
    expect_told("");
}

static bool is_named(void)
{
    return ear.told[0] != '\0';
}

static void a_name_that_comes_late_is_put_in(void **state)
{
    (void)state;
    struct passwd *self = getpwuid(getuid());
    if (self == NULL) {
        skip();
    }
    listen_as(0, ROLE_ADMIN);
    struct registry_session *session = add(3, getuid(), VM_NO_OWNER);
    session->facts.user = xstrdup(people_name(people, getuid()));
    assert_string_not_equal(session->facts.user, self->pw_name); /* it is being looked up */
    for (int i = 0; i < 5; i++) {
        loop_turn();
    }
    bool named = strcmp(session->facts.user, self->pw_name) == 0; /* it came meanwhile */
    ear.told[0] = named ? ear.told[0] : '\0';

    assert_true(named || loop_until(is_named));

    assert_string_equal(session->facts.user, self->pw_name);
    assert_non_null(strstr(ear.told, self->pw_name));
}

static void nobody_looks_at_a_VM_until_somebody_does(void **state)
{
    (void)state;
    tell_state("alpha", 1, "web", LODGE_VM_RUNNING);
    assert_int_equal(get_well("web")->facts.viewers, 0);
    int64_t rev = get_well("web")->facts.rev;

    registry_set_viewers(registry, "alpha", uuid_of(1), 0);
    assert_int_equal(get_well("web")->facts.rev, rev); /* nothing has changed */

    registry_set_viewers(registry, "alpha", uuid_of(1), 2);
    assert_int_equal(get_well("web")->facts.viewers, 2);
    assert_true(get_well("web")->facts.rev > rev);

    rev = get_well("web")->facts.rev;
    registry_set_viewers(registry, "alpha", uuid_of(1), 2);
    registry_set_viewers(registry, "alpha", uuid_of(2), 1); /* gone before its viewers */
    registry_set_viewers(registry, "nowhere", uuid_of(1), 1);
    assert_int_equal(get_well("web")->facts.rev, rev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LISTENING(a_session_is_told_from_its_ticket_to_its_end),
        LISTENING(why_it_ended_is_cut_for_who_is_no_admin),
        LISTENING(whoever_comes_later_is_told_of_those_that_are_there),
        LISTENING(a_session_is_shown_to_those_it_concerns),
        LISTENING(a_user_hears_of_no_sessions_of_others),
        LISTENING(a_name_that_comes_late_is_put_in),
        LISTENING(nobody_looks_at_a_VM_until_somebody_does),
    };
    return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
