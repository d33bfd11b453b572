/* A real loop, a real host, libvirt's test driver inside this process, and a listener that keeps
 * what it is told. `test:///default` is one world for all connections of a process, so what a
 * second one changes there comes to the host as an event. */
#include "host/host.h"
#include "scope.h"
#include "support/host_world.h"
#include "support/test.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static virConnectPtr other;
static virDomainPtr test_guest(void)
{
    virDomainPtr guest = virDomainLookupByName(other, "test");
    assert_non_null(guest);
    return guest;
}

static bool test_is(enum lodge_vm_state state)
{
    const struct guest *guest = guest_by(NULL, "test");
    return guest != NULL && guest->state == state;
}

static bool test_is_paused(void)
{
    return test_is(LODGE_VM_PAUSED);
}

static bool test_is_running(void)
{
    return test_is(LODGE_VM_RUNNING);
}

static bool knows_abilities(void)
{
    return world.cpus > 0;
}

static void a_host_is_told_with_its_guests(void **state)
{
    (void)state;
    open_host("test:///default");
    assert_int_equal(world.state, LODGE_HOST_CONNECTING);

    WAIT_FOR(is_synced);
    WAIT_FOR(knows_abilities);

    assert_int_equal(world.state, LODGE_HOST_UP);
    assert_int_equal(world.cpus, 16);
    assert_true(world.has_events);
    assert_int_equal(world.count, 1);
    assert_string_equal(world.guests[0].name, "test");
    assert_int_equal(world.guests[0].state, LODGE_VM_RUNNING);
    assert_int_equal(world.guests[0].autostart, LODGE_FLAG_NO);
    assert_true(world.guests[0].persistent);
    assert_false(world.guests[0].seen_change);
    assert_int_equal(world.guests[0].memory_mib, 8192);
}

static void what_others_do_comes_as_an_event(void **state)
{
    (void)state;
    open_host("test:///default");
    WAIT_FOR(is_synced);
    virDomainPtr guest = test_guest();

    assert_int_equal(virDomainSuspend(guest), 0);
    WAIT_FOR(test_is_paused);
    assert_true(world.guests[0].seen_change);
    assert_int_equal(virDomainResume(guest), 0);
    WAIT_FOR(test_is_running);

    virDomainFree(guest);
    assert_int_equal(host_counts(world.host).repaired, 0);
}

static bool new_is_complete(void)
{
    const struct guest *guest = guest_by(NULL, "new");
    return guest != NULL && guest->state == LODGE_VM_SHUTOFF && guest->facts > 0;
}

static bool new_is_redefined(void)
{
    return guest_by(NULL, "new")->memory_mib == 128;
}

static bool new_is_gone(void)
{
    return guest_by(NULL, "new") == NULL;
}

static virDomainPtr define_new(int memory_mib)
{
    char xml[512];
    (void)snprintf(xml, sizeof xml,
                   "<domain type='test'><name>new</name>"
                   "<uuid>11111111-2222-4333-8444-555555555555</uuid>"
                   "<memory unit='MiB'>%d</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>",
                   memory_mib);
    virDomainPtr guest = virDomainDefineXML(other, xml);
    assert_non_null(guest);
    return guest;
}

static void a_guest_comes_changes_and_goes(void **state)
{
    (void)state;
    open_host("test:///default");
    WAIT_FOR(is_synced);

    virDomainPtr guest = define_new(64);
    WAIT_FOR(new_is_complete);
    assert_int_equal(guest_by(NULL, "new")->memory_mib, 64);
    virDomainFree(guest);
    guest = define_new(128);
    WAIT_FOR(new_is_redefined);
    assert_int_equal(virDomainUndefine(guest), 0);
    WAIT_FOR(new_is_gone);

    virDomainFree(guest);
    assert_int_equal(world.count, 1);
}

static void a_storm_of_events_ends_in_the_truth(void **state)
{
    (void)state;
    open_host("test:///default");
    WAIT_FOR(is_synced);
    virDomainPtr guest = test_guest();

    for (int i = 0; i < 500; i++) {
        assert_int_equal(virDomainSuspend(guest), 0);
        assert_int_equal(virDomainResume(guest), 0);
    }
    assert_int_equal(virDomainSuspend(guest), 0);
    WAIT_FOR(test_is_paused);
    assert_int_equal(virDomainResume(guest), 0);
    WAIT_FOR(test_is_running);

    virDomainFree(guest);
    assert_int_equal(host_counts(world.host).repaired, 0);
}

static bool autostart_is_seen(void)
{
    return guest_by(NULL, "test")->autostart == LODGE_FLAG_YES;
}

static bool looked_twice(void)
{
    return host_counts(world.host).rechecks >= 2;
}

static void autostart_has_no_event_and_is_no_repair(void **state)
{
    (void)state;
    open_host("test:///default");
    WAIT_FOR(is_synced);
    virDomainPtr guest = test_guest();

    assert_int_equal(virDomainSetAutostart(guest, 1), 0);
    WAIT_FOR(autostart_is_seen);

    assert_int_equal(virDomainSetAutostart(guest, 0), 0);
    virDomainFree(guest);
    assert_int_equal(host_counts(world.host).repaired, 0);
}

/* A file of the test driver with `count` guests, every third one running. */
static char *world_file(unsigned count)
{
    static char path[] = "/tmp/lodge-test-host-XXXXXX.xml";
    memcpy(path, "/tmp/lodge-test-host-XXXXXX.xml", sizeof path);
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    fputs("<node>", file);
    for (unsigned i = 0; i < count; i++) {
        fprintf(file,
                "<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
                "<name>g%u</name><uuid>00000000-0000-4000-8000-%012x</uuid>"
                "<memory unit='MiB'>%u</memory><vcpu>1</vcpu><os><type>hvm</type></os>"
                "<test:runstate>%u</test:runstate></domain>",
                i, i, 16 + i, i % 3 == 0 ? 1u : 5u);
    }
    fputs("</node>", file);
    fclose(file);
    return path;
}

static void a_thousand_guests_are_told_and_a_recheck_finds_nothing(void **state)
{
    (void)state;
    enum { GUESTS = 1000 };
    const char *path = world_file(GUESTS);
    char uri[128];
    (void)snprintf(uri, sizeof uri, "test://%s", path);
    open_host(uri);

    WAIT_FOR(is_synced);
    unlink(path);
    struct loop_timer *turn = loop_timer_new(loop, give_up, NULL);
    loop_timer_start(turn, 50, 50);
    while (!looked_twice()) {
        loop_run(loop);
    }
    loop_timer_free(turn);

    assert_int_equal(world.count, GUESTS);
    for (size_t i = 0; i < world.count; i++) {
        const struct guest *guest = &world.guests[i];
        unsigned number = (unsigned)strtoul(guest->name + 1, NULL, 10);
        assert_int_equal(guest->memory_mib, 16 + number);
        /* Of so many the run is read first, and then, once, what the next boot gets. */
        assert_int_equal(guest->facts - guest->whole, 1);
        assert_in_range(guest->whole, 0, 1);
        assert_int_equal(guest->state, number % 3 == 0 ? LODGE_VM_RUNNING : LODGE_VM_SHUTOFF);
    }
    assert_int_equal(host_counts(world.host).repaired, 0);
}

static bool was_down_twice(void)
{
    return world.downs >= 2;
}

static void a_host_that_cannot_be_opened_says_why_and_is_tried_again(void **state)
{
    (void)state;
    const char *path = world_file(3);
    char uri[128];
    (void)snprintf(uri, sizeof uri, "test://%s", path);
    char away[64];
    (void)snprintf(away, sizeof away, "%s.away", path);
    assert_int_equal(rename(path, away), 0);
    open_host(uri);

    WAIT_FOR(was_down_twice);
    assert_non_null(strstr(world.error, path));
    assert_int_equal(world.synced, 0);
    assert_int_equal(rename(away, path), 0);
    WAIT_FOR(is_synced);

    unlink(path);
    assert_int_equal(world.state, LODGE_HOST_UP);
    assert_int_equal(world.count, 3);
}

static void take_xml(void *data, const char *xml, const struct lodge_error *error)
{
    assert_ptr_equal(data, &world);
    world.xml = xml == NULL ? NULL : strdup(xml);
    world.xml_error = error == NULL ? LODGE_ERROR_NONE : error->kind;
    world.xml_answers++;
    look();
}

static bool has_answer(void)
{
    return world.xml_answers > 0;
}

static void xml_is_read_when_asked(void **state)
{
    (void)state;
    open_host("test:///default");
    WAIT_FOR(is_synced);

    host_read_xml(world.host, world.guests[0].uuid, false, take_xml, &world);
    WAIT_FOR(has_answer);
    assert_non_null(strstr(world.xml, "<name>test</name>"));
    free(TAKE(world.xml));

    world.xml_answers = 0;
    host_read_xml(world.host, "00000000-0000-4000-8000-00000000dead", false, take_xml, &world);
    WAIT_FOR(has_answer);
    assert_int_equal(world.xml_error, LODGE_ERROR_NOT_FOUND);
}

static void questions_to_a_host_that_is_away_or_leaves_are_answered_at_once(void **state)
{
    (void)state;
    open_host("test:///default");
    host_read_xml(world.host, "00000000-0000-4000-8000-00000000dead", false, take_xml, &world);
    assert_int_equal(world.xml_answers, 1);
    assert_int_equal(world.xml_error, LODGE_ERROR_HOST_DOWN);
    WAIT_FOR(is_synced);

    host_read_xml(world.host, world.guests[0].uuid, false, take_xml, &world);
    unsigned reports = world.reports;
    host_free(TAKE(world.host));

    assert_int_equal(world.xml_answers, 2);
    assert_int_equal(world.xml_error, LODGE_ERROR_CANCELLED);
    assert_int_equal(world.reports, reports + 1);
}

#define HOST_TEST(function) cmocka_unit_test_teardown(function, close_host)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_host_is_told_with_its_guests),
        HOST_TEST(what_others_do_comes_as_an_event),
        HOST_TEST(a_guest_comes_changes_and_goes),
        HOST_TEST(a_storm_of_events_ends_in_the_truth),
        HOST_TEST(autostart_has_no_event_and_is_no_repair),
        HOST_TEST(a_thousand_guests_are_told_and_a_recheck_finds_nothing),
        HOST_TEST(a_host_that_cannot_be_opened_says_why_and_is_tried_again),
        HOST_TEST(xml_is_read_when_asked),
        HOST_TEST(questions_to_a_host_that_is_away_or_leaves_are_answered_at_once),
    };
    struct lodge_error err = {0};
    host_layer_prepare();
    loop = loop_new();
    other = host_layer_start(loop, &err) ? virConnectOpen("test:///default") : NULL;
    if (other == NULL) {
        fprintf(stderr, "no test driver: %s\n", err.message);
        return 1;
    }
    return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
