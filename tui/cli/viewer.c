/*
 * viewer: listens in a private folder, shows the ticket at lodged's door, starts the viewer when
 * that was taken, and hands on bytes between the two. Socket and folder go at the end, also when a
 * signal is the end. One thread, which waits.
 */
#include "cli/viewer.h"

#include "cli/browser.h"
#include "cli/program.h"
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

enum { VIEWER_MS = 20000, END_MS = 2000, LINE_MAX_BYTES = 256 };

/* Its version, the security type, ClientInit and one FramebufferUpdateRequest (RFC 6143): who has
 * sent less has shown nothing. */
enum { LEAST_SENT = 12 + 1 + 1 + 10 };

/* Seen to open a VNC server on a Unix socket, with a guest's screen and keys (Debian 12); the last
 * is TigerVNC's as others call it. Tried and not here: remote-viewer 11 takes vnc+unix://PATH and
 * connects to nothing, xtightvncviewer 1.3 knows names and ports alone, remmina 1.4 ends by a
 * signal. */
static const char *const viewers[] = {"xtigervncviewer", "gvncviewer", "ssvncviewer", "vncviewer"};

/* The command, NULL where there is none. */
static const char *find_viewer(void)
{
    const char *wanted = getenv("LODGE_VIEWER");
    if (wanted != NULL && wanted[strspn(wanted, " ")] != '\0') {
        return wanted;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(viewers); i++) {
        if (program_exists(viewers[i])) {
            return viewers[i];
        }
    }
    return NULL;
}

bool viewer_is_there(struct lodge_error *err)
{
    return find_viewer() != NULL ||
           lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                      "no VNC viewer is installed: install tigervnc-viewer, gvncviewer or ssvnc, "
                      "or name one in $LODGE_VIEWER");
}

static bool viewer_fail(struct lodge_error *err, const char *what)
{
    return lodge_fail(err, LODGE_ERROR_INTERNAL, "%s: %s", what, strerror(errno));
}

static bool viewer_address(const char *path, struct sockaddr_un *ret_address,
                           struct lodge_error *err)
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
    struct timeval patience = {.tv_sec = VIEWER_MS / 1000};
    AUTO(free) char *words = xasprintf("%s\n", ticket);
    AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!viewer_address(door, &address, err)) {
        return -1;
    }
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        send(fd, words, strlen(words), MSG_NOSIGNAL) != (ssize_t)strlen(words)) {
        (void)viewer_fail(err, door);
        return -1;
    }
    while (length < sizeof line - 1 && read(fd, line + length, 1) == 1 && line[length] != '\n') {
        length++;
    }
    line[length] = '\0';
    if (strcmp(line, "ok") != 0) {
        (void)lodge_fail(err, LODGE_ERROR_DENIED, "%s",
                         length == 0 ? "lodged gave no answer" : line);
        return -1;
    }
    int entered = fd;
    fd = -1;
    return entered;
}

/* The command's first word: what its user knows it by. The caller frees. */
static char *first_word(const char *command)
{
    command += strspn(command, " ");
    return xstrndup(command, strcspn(command, " "));
}

static bool ended_early(const char *command, const struct program *program, const char *before,
                        struct lodge_error *err)
{
    AUTO(free) char *name = first_word(command);
    AUTO(free) char *last = program_last_line(program);
    return lodge_fail(err, LODGE_ERROR_INTERNAL, "%s ended before it %s%s%s", name, before,
                      last[0] == '\0' ? ", and said nothing" : ": ", last);
}

/* Until the viewer has connected; -1 when it does not. */
static int await_viewer(int listening, const char *command, struct program *program,
                        struct lodge_error *err)
{
    struct pollfd waits[] = {{.fd = listening, .events = POLLIN},
                             {.fd = program->end, .events = POLLIN}};
    int ready = poll(waits, ARRAY_LENGTH(waits), VIEWER_MS);
    if (ready > 0 && waits[0].revents != 0) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            (void)viewer_fail(err, "the viewer's connection");
        }
        return fd;
    }
    if (ready > 0 && program_has_ended(program, 0)) {
        (void)ended_early(command, program, "had connected", err);
        return -1;
    }
    AUTO(free) char *name = first_word(command);
    (void)lodge_fail(err, LODGE_ERROR_TIMEOUT, "%s did not connect within %d s", name,
                     VIEWER_MS / 1000);
    return -1;
}

static bool hand_bytes_on(int listening, int entered, const char *command, struct program *program,
                          struct lodge_error *err)
{
    AUTO(fd_close) int viewer = await_viewer(listening, command, program, err);
    if (viewer < 0) {
        return false;
    }
    bool showed = relay_run(viewer, entered) >= LEAST_SENT;
    return showed || !program_has_ended(program, END_MS) ||
           ended_early(command, program, "showed the screen", err);
}

static bool serve_viewer(int listening, const char *path, const char *door, const char *ticket,
                         struct lodge_error *err)
{
    const char *command = find_viewer();
    struct program program;
    AUTO(fd_close) int entered = enter(door, ticket, err);
    if (entered < 0 || !program_start_on(command, path, &program, err)) {
        return false;
    }
    bool good = hand_bytes_on(listening, entered, command, &program, err);
    program_forget(&program);
    return good;
}

bool viewer_run(const char *door, const char *ticket, struct lodge_error *err)
{
    struct sockaddr_un address;
    AUTO(free) char *folder = private_folder();
    if (folder == NULL) {
        return viewer_fail(err, "a private folder for the viewer's socket");
    }
    AUTO(free) char *path = xasprintf("%s/vnc", folder);
    remove_at_signal(path);
    AUTO(fd_close) int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = viewer_address(path, &address, err);
    if (good &&
        (listening < 0 || bind(listening, (const struct sockaddr *)&address, sizeof address) != 0 ||
         listen(listening, 1) != 0)) {
        good = viewer_fail(err, path);
    }
    good = good && serve_viewer(listening, path, door, ticket, err);
    (void)unlink(path);
    (void)rmdir(folder);
    return good;
}
