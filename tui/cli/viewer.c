/*
 * viewer: listens in a private folder, shows the ticket at lodged's door, starts the viewer when
 * that was taken, and hands on bytes between the two. Socket and folder go at the end, also when a
 * signal is the end. One thread, which waits.
 */
#include "cli/viewer.h"

#include "cli/browser.h"
#include "cli/relay.h"
#include "memory.h"
#include "scope.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { VIEWER_MS = 20000, LINE_MAX_BYTES = 256 };

struct program {
    const char *name;
    const char *address; /* with %s for the socket's path */
};

static const struct program programs[] = {{"remote-viewer", "vnc+unix://%s"}, {"vncviewer", "%s"}};

static const struct program *find_program(void)
{
    static struct program wanted = {NULL, "%s"};
    wanted.name = getenv("LODGE_VIEWER");
    if (wanted.name != NULL && wanted.name[0] != '\0') {
        return &wanted;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(programs); i++) {
        if (program_exists(programs[i].name)) {
            return &programs[i];
        }
    }
    return NULL;
}

bool viewer_is_there(struct lodge_error *err)
{
    return find_program() != NULL ||
           lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                      "no VNC viewer is installed: install virt-viewer (remote-viewer) or "
                      "tigervnc-viewer, or name one in $LODGE_VIEWER");
}

static bool fail(struct lodge_error *err, const char *what)
{
    return lodge_fail(err, LODGE_ERROR_INTERNAL, "%s: %s", what, strerror(errno));
}

static bool address_of(const char *path, struct sockaddr_un *ret_address, struct lodge_error *err)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof ret_address->sun_path) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "the path of a socket is too long: %s", path);
    }
    memcpy(ret_address->sun_path, path, strlen(path) + 1);
    return true;
}

/* The daemon's end, the ticket accepted. */
static int enter(const char *door, const char *ticket, struct lodge_error *err)
{
    struct sockaddr_un address;
    char line[LINE_MAX_BYTES];
    size_t length = 0;
    AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!address_of(door, &address, err)) {
        return -1;
    }
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        dprintf(fd, "%s\n", ticket) < 0) {
        (void)fail(err, door);
        return -1;
    }
    while (length < sizeof line - 1 && read(fd, line + length, 1) == 1 && line[length] != '\n') {
        length++;
    }
    line[length] = '\0';
    if (strcmp(line, "ok") != 0) {
        (void)lodge_fail(err, LODGE_ERROR_DENIED, "%s", length == 0 ? "lodged hung up" : line);
        return -1;
    }
    int entered = fd;
    fd = -1;
    return entered;
}

/* Until the viewer has connected; -1 when it does not. */
static int await_viewer(int listening, const char *name, struct lodge_error *err)
{
    struct pollfd knock = {.fd = listening, .events = POLLIN};
    if (poll(&knock, 1, VIEWER_MS) != 1) {
        (void)lodge_fail(err, LODGE_ERROR_TIMEOUT, "%s did not connect within %d s", name,
                         VIEWER_MS / 1000);
        return -1;
    }
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        (void)fail(err, "the viewer's connection");
    }
    return fd;
}

static bool start_viewer(const struct program *program, const char *path, struct lodge_error *err)
{
    const char *place = strstr(program->address, "%s");
    AUTO(free)
    char *address = xasprintf("%.*s%s", (int)(place - program->address), program->address, path);
    AUTO(free) char *name = xstrdup(program->name);
    char *words[] = {name, address, NULL};
    return start_program(words, err);
}

static bool serve(int listening, const char *path, const char *door, const char *ticket,
                  struct lodge_error *err)
{
    const struct program *program = find_program();
    AUTO(fd_close) int entered = enter(door, ticket, err);
    if (entered < 0 || !start_viewer(program, path, err)) {
        return false;
    }
    AUTO(fd_close) int viewer = await_viewer(listening, program->name, err);
    if (viewer < 0) {
        return false;
    }
    relay_run(viewer, entered);
    return true;
}

bool viewer_run(const char *door, const char *ticket, struct lodge_error *err)
{
    struct sockaddr_un address;
    AUTO(free) char *folder = private_folder();
    if (folder == NULL) {
        return fail(err, "a private folder for the viewer's socket");
    }
    AUTO(free) char *path = xasprintf("%s/vnc", folder);
    remove_at_signal(path);
    AUTO(fd_close) int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = address_of(path, &address, err);
    if (good &&
        (listening < 0 || bind(listening, (const struct sockaddr *)&address, sizeof address) != 0 ||
         listen(listening, 1) != 0)) {
        good = fail(err, path);
    }
    good = good && serve(listening, path, door, ticket, err);
    (void)unlink(path);
    (void)rmdir(folder);
    return good;
}
