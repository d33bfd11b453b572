/*
 * fuzz_upgrade: whatever comes to the web door over TCP. Nobody has a session, so nobody gets in.
 *
 * The door is the real one, with libwebsockets in it; what it makes of Host, Origin and
 * subprotocols is also asked directly, with the same bytes.
 */
#include "console/web_admit.h"
#include "console/web_door.h"
#include "log.h"
#include "loop/loop.h"
#include "registry/registry.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURNS = 40, ANSWER_MAX = 16384 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop *loop;
static struct sockaddr_in address;

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static const char *no_trouble(void *owner)
{
    (void)owner;
    return NULL;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct lodge_error err = {0};
    static const struct console_limits limits = {.ticket_ttl_s = 30};
    static const struct lodge_strings none;
    struct web_options options = {
        .hosts = &none, .origins = &none, .novnc_dir = "/usr/share/novnc", .trouble = no_trouble};
    socklen_t length = sizeof address;
    int fd;
    must(log_set_levels("error", &err));
    loop = loop_new();
    struct people *people = people_new(loop);
    struct registry *registry = registry_new(loop, people, 1);
    struct console *console = console_new(loop, registry, NULL, NULL, NULL, &limits);
    must(web_door_bind("127.0.0.1:0", false, &fd, &err));
    must(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    must(web_door_new(loop, console, fd, &options, &err) != NULL);
    return 0;
}

/* What the door said, at most `room` bytes. */
static size_t talk(const uint8_t *data, size_t size, char *answer, size_t room)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t heard = 0;
    must(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    (void)!send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    for (int turn = 0; turn < TURNS; turn++) {
        (void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
        ssize_t got = recv(fd, answer + heard, room - heard, MSG_DONTWAIT);
        heard += got > 0 ? (size_t)got : 0;
        if (got == 0) {
            break;
        }
    }
    close(fd);
    (void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
    return heard;
}

/* The same bytes as headers, each a block of its own that ends where they end. */
static void ask_directly(const uint8_t *data, size_t size)
{
    static const struct lodge_strings none;
    const struct web_names names = {&none, &none, "https://lodge.example.org"};
    char *text = malloc(size + 1);
    struct web_offer offer;
    struct lodge_error err = {0};
    memcpy(text, data, size);
    text[size] = '\0';
    (void)web_host_is_ours(text, "127.0.0.1", &names);
    (void)web_origin_is_ours(text, "127.0.0.1:6080", &names);
    bool has_all = strstr(text, "binary") != NULL && strstr(text, "back.") != NULL;
    if (web_offer_read(text, &offer, &err)) {
        must(has_all || !offer.has_secret);
    } else {
        must(err.kind == LODGE_ERROR_DENIED);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char answer[ANSWER_MAX];
    size_t length = talk(data, size, answer, sizeof answer);
    must(length < 12 || memcmp(answer, "HTTP/1.1 101", 12) != 0);
    ask_directly(data, size);
    return 0;
}
