#include "host/guest/open_screen.h"
#include "host/host_conn.h"
#include "host/host_private.h"
#include "host/xml/domain_xml_read.h"
#include "scope.h"
#include "support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define UUID "00000000-0000-4000-8000-000000000001"

DEFINE_AUTO(virConnectPtr, virConnectClose, NULL);

static char folder[] = "/tmp/lodge-screen-XXXXXX";

/* Its port is chosen by the system; 0 when this machine has no such address. */
static int listen_at(int family, const char *address, int *ret_port)
{
    struct sockaddr_storage at = {.ss_family = (sa_family_t)family};
    socklen_t size = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    void *where = family == AF_INET ? (void *)&((struct sockaddr_in *)&at)->sin_addr
                                    : (void *)&((struct sockaddr_in6 *)&at)->sin6_addr;
    assert_int_equal(inet_pton(family, address, where), 1);
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) != 0) {
        assert_true(fd < 0 || close(fd) == 0);
        return -1;
    }
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *ret_port = ntohs(family == AF_INET ? ((struct sockaddr_in *)&at)->sin_port
                                        : ((struct sockaddr_in6 *)&at)->sin6_port);
    return fd;
}

static bool somebody_came(int fd)
{
    struct pollfd coming = {.fd = fd, .events = POLLIN};
    int guest = poll(&coming, 1, 0) == 1 ? accept(fd, NULL, NULL) : -1;
    return guest >= 0 && close(guest) == 0;
}

/* The screen of a guest of the test driver that has this element, as if its host were at `uri`. */
static int open_it(const char *uri, const char *graphics, struct lodge_error *err)
{
    char path[64];
    char opened[80];
    char name[] = "here";
    struct host host = {.name = name};
    (void)snprintf(path, sizeof path, "%s/node.xml", folder);
    (void)snprintf(opened, sizeof opened, "test://%s", path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file,
                  "<node><domain type='test'><name>a</name><uuid>" UUID "</uuid>"
                  "<memory>65536</memory><os><type>hvm</type></os><devices>%s</devices>"
                  "</domain></node>",
                  graphics);
    assert_int_equal(fclose(file), 0);
    AUTO(virConnectClose) virConnectPtr conn = virConnectOpen(opened);
    assert_non_null(conn);
    uri_read(&host.uri, uri);
    *err = (struct lodge_error){0};
    int fd = domain_open_screen(&(struct host_conn){.host = &host, .libvirt = conn}, UUID, err);
    uri_clear(&host.uri);
    return fd;
}

static void expect_ready(int fd, bool is_tcp)
{
    int no_delay = 0;
    socklen_t size = sizeof no_delay;
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    if (is_tcp) {
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size), 0);
        assert_true(no_delay != 0);
    }
    assert_int_equal(close(fd), 0);
}

static void a_guest_of_this_machine_is_connected_to_where_it_listens(void **state)
{
    (void)state;
    static const struct {
        int family;
        const char *bound, *listen;
    } rows[] = {
        {AF_INET, "127.0.0.1", "127.0.0.1"},
        {AF_INET, "127.0.0.2", "127.0.0.2"},
        {AF_INET, "127.0.0.1", "0.0.0.0"},
        {AF_INET, "127.0.0.1", "localhost"},
        {AF_INET6, "::1", "::1"},
        {AF_INET6, "::1", "::"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char graphics[128];
        struct lodge_error err;
        int port = 0;
        AUTO(fd_close) int server = listen_at(rows[i].family, rows[i].bound, &port);
        if (server < 0 && rows[i].family == AF_INET6) {
            print_message("no IPv6 on this machine: %s is not tried\n", rows[i].bound);
            continue;
        }
        (void)snprintf(graphics, sizeof graphics, "<graphics type='vnc' port='%d' listen='%s'/>",
                       port, rows[i].listen);
        int fd = open_it("test:///default", graphics, &err);
        if (fd < 0) {
            fail_msg("%s: %s", graphics, err.message);
        }
        assert_true(somebody_came(server));
        expect_ready(fd, true);
    }
}

static void a_guest_at_a_Unix_socket_is_connected_to(void **state)
{
    (void)state;
    char graphics[256];
    struct lodge_error err;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s/vnc", folder);
    AUTO(fd_close) int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(server, 8), 0);
    (void)snprintf(graphics, sizeof graphics,
                   "<graphics type='vnc'><listen type='socket' socket='%s'/></graphics>",
                   at.sun_path);
    int fd = open_it("test:///default", graphics, &err);
    if (fd < 0) {
        fail_msg("%s", err.message);
    }
    assert_true(somebody_came(server));
    expect_ready(fd, false);
    assert_int_equal(unlink(at.sun_path), 0);
}

/* Whoever listens at that port here is another guest, or no guest at all. */
static void a_guest_elsewhere_is_never_looked_for_on_this_machine(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *listen;
    } rows[] = {
        {"qemu+ssh://far/system", "127.0.0.1"},
        {"qemu+ssh://far/system", "127.0.0.2"},
        {"qemu+ssh://far/system", "::1"},
        {"qemu+ssh://far/system", "localhost"},
        {"qemu+ssh://far/system", "::ffff:127.0.0.1"},
        {"qemu+ssh://far/system", "0"},
        {"qemu+ssh://far/system", "::0"},
        {"qemu+ssh://127.0.0.1:22/system", "0.0.0.0"},
        {"qemu+ssh://localhost/system", "0.0.0.0"},
    };
    int port = 0;
    AUTO(fd_close) int server = listen_at(AF_INET, "0.0.0.0", &port);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char graphics[128];
        struct lodge_error err;
        (void)snprintf(graphics, sizeof graphics, "<graphics type='vnc' port='%d' listen='%s'/>",
                       port, rows[i].listen);
        int fd = open_it(rows[i].uri, graphics, &err);
        if (fd >= 0 || err.kind != LODGE_ERROR_UNSUPPORTED || somebody_came(server)) {
            fail_msg("%s, %s: %d, %s", rows[i].uri, rows[i].listen, fd, err.message);
        }
        assert_non_null(strstr(err.message, "listen type='address'"));
    }
}

/* Linux refuses TCP to a multicast address itself, nothing is sent: the error says who was asked.
 */
static void a_guest_elsewhere_that_listens_everywhere_is_at_the_name_in_the_uri(void **state)
{
    (void)state;
    static const char *const everywhere[] = {"0.0.0.0", "::"};
    for (size_t i = 0; i < ARRAY_LENGTH(everywhere); i++) {
        char graphics[128];
        struct lodge_error err;
        (void)snprintf(graphics, sizeof graphics, "<graphics type='vnc' port='5900' listen='%s'/>",
                       everywhere[i]);
        uint64_t begun = loop_monotonic_ms();
        int fd = open_it("qemu+ssh://u@224.0.0.1:22/system", graphics, &err);
        assert_true(loop_monotonic_ms() - begun < 2000);
        if (fd >= 0 || err.kind != LODGE_ERROR_HYPERVISOR ||
            strstr(err.message, "224.0.0.1 port 5900") == NULL) {
            fail_msg("%d, %s", fd, err.message);
        }
    }
}

static void one_that_cannot_be_reached_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *graphics, *says;
        enum lodge_error_kind kind;
    } rows[] = {
        {"", "no VNC screen", LODGE_ERROR_UNSUPPORTED},
        {"<graphics type='spice'/>", "no VNC screen", LODGE_ERROR_UNSUPPORTED},
        {"<graphics type='vnc'><listen type='none'/></graphics>", "cannot be reached",
         LODGE_ERROR_UNSUPPORTED},
        {"<graphics type='vnc' port='1' listen='127.0.0.1'/>", "127.0.0.1 port 1: Connection",
         LODGE_ERROR_HYPERVISOR},
        {"<graphics type='vnc'><listen type='socket' socket='/nowhere'/></graphics>",
         "at /nowhere: No such file", LODGE_ERROR_HYPERVISOR},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct lodge_error err;
        int fd = open_it("test:///default", rows[i].graphics, &err);
        if (fd >= 0 || err.kind != rows[i].kind || strstr(err.message, rows[i].says) == NULL) {
            fail_msg("%s: %d, %s", rows[i].graphics, fd, err.message);
        }
    }
}

static int make_folder(void **state)
{
    (void)state;
    domain_xml_start();
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char path[64];
    (void)snprintf(path, sizeof path, "%s/node.xml", folder);
    return unlink(path) != 0 || rmdir(folder) != 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_guest_of_this_machine_is_connected_to_where_it_listens),
        TEST(a_guest_at_a_Unix_socket_is_connected_to),
        TEST(a_guest_elsewhere_is_never_looked_for_on_this_machine),
        TEST(a_guest_elsewhere_that_listens_everywhere_is_at_the_name_in_the_uri),
        TEST(one_that_cannot_be_reached_says_why),
    };
    return cmocka_run_group_tests_name("open_screen", tests, make_folder, remove_folder);
}
