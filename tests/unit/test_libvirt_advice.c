#include "host/libvirt_error.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

/* libvirt 9.0's own words, as they were seen or stand in its source. */
static const struct {
    const char *uri;
    const char *text;
    const char *wanted; /* NULL: no advice */
} rows[] = {
    {"qemu:///system",
     "Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory",
     "is libvirtd running? try: systemctl start libvirtd"},
    {"qemu:///system",
     "Failed to connect socket to '/var/run/libvirt/libvirt-sock': Connection refused",
     "is libvirtd running?"},
    {"qemu:///system",
     "Failed to connect socket to '/var/run/libvirt/libvirt-sock': Permission denied",
     "let this account use libvirt: adduser"},
    {"qemu:///system",
     "authentication unavailable: no polkit agent available to authenticate action "
     "'org.libvirt.unix.manage'",
     "polkit does not let this account in: adduser"},
    {"qemu:///system", "authentication failed: access denied by policy",
     "polkit does not let this account in"},
    {"qemu:///system",
     "internal error: Unable to get system bus connection: Could not connect: No such file or "
     "directory",
     "cannot ask polkit: systemctl start dbus polkit"},
    {"qemu:///system", "Cannot recv data: Connection reset by peer",
     "try by hand: virsh -c URI list"},
    {"qemu+unix:///system?socket=/a/b", "Failed to connect socket to '/a/b': Connection refused",
     "is that the socket of a libvirtd that runs?"},
    {"qemu:///session",
     "Failed to connect socket to '/run/user/7/libvirt/libvirt-sock': Connection refused",
     "virsh -c qemu:///session list"},
    {"qemu+ssh://far/system", "Cannot recv data: Host key verification failed.",
     "virsh -c URI list"},
    {"qemu+tls://far/system", "authentication failed: Failed to verify peer's certificate",
     "virsh -c URI list"},
    {"strange:///system", "no connection driver available for strange:///system", "check the URI"},
    {"test:///default", "internal error: whatever it is", NULL},
};

static void a_hint_is_about_what_has_happened(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lodge_error error = {.kind = LODGE_ERROR_HOST_DOWN};
        (void)snprintf(error.libvirt.text, sizeof error.libvirt.text, "%s", rows[i].text);
        const char *advice = libvirt_advice(rows[i].uri, &error);
        bool good =
            rows[i].wanted == NULL ? advice[0] == '\0' : strstr(advice, rows[i].wanted) != NULL;
        if (!good) {
            print_error("%s: %s: '%s'\n", rows[i].uri, rows[i].text, advice);
        }
        assert_true(good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hint_is_about_what_has_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
