/*
 * browser: the link is written into a page of a new private folder, and the browser is started on
 * that file.
 *
 * The file is the caller's to forget; `doomed` is one that a signal removes, set before its handler
 * is.
 */
#include "cli/browser.h"

#include "buffer.h"
#include "memory.h"
#include "scope.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* NULL also for one that is empty. */
static const char *value_of(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

static bool is_set(const char *name)
{
    return value_of(name) != NULL;
}

bool browser_is_there(void)
{
    return is_set("BROWSER") ||
           ((is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")) && program_exists("xdg-open"));
}

static bool start_any(const char *address, struct program *ret_program, struct lodge_error *err)
{
    AUTO(free) char *commands = xstrdup(is_set("BROWSER") ? getenv("BROWSER") : "xdg-open");
    char *rest = commands;
    struct lodge_error last = {0}; /* of no interest once one could be started */
    for (char *command; (command = strsep(&rest, ":")) != NULL;) {
        struct lodge_error failure = {0};
        if (command[0] != '\0' && program_start_on(command, address, ret_program, &failure)) {
            return true;
        }
        last = command[0] == '\0' ? last : failure;
    }
    if (last.kind == LODGE_ERROR_NONE) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "$BROWSER names no program");
    }
    *err = last;
    return false;
}

/* The file */

static void add_html(struct buffer *buffer, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (strchr("&<>\"'", *at) != NULL) {
            buffer_add_format(buffer, "&#%d;", *at);
        } else {
            buffer_add_char(buffer, *at);
        }
    }
}

static char *write_page(const char *url)
{
    struct buffer page = {0};
    buffer_add_text(&page, "<!doctype html>\n<meta charset=\"utf-8\">\n<title>lodge</title>\n"
                           "<meta name=\"referrer\" content=\"no-referrer\">\n"
                           "<meta http-equiv=\"refresh\" content=\"0;url=");
    add_html(&page, url);
    buffer_add_text(&page, "\">\n<p><a href=\"");
    add_html(&page, url);
    buffer_add_text(&page, "\">To the screen</a>, once and within half a minute.</p>\n");
    return buffer_take(&page);
}

/* A path as the address of its file (RFC 8089). */
static char *file_url(const char *path)
{
    struct buffer url = {0};
    buffer_add_text(&url, "file://");
    buffer_add_encoded(&url, path, "/");
    return buffer_take(&url);
}

char *private_folder(void)
{
    const char *runtime = value_of("XDG_RUNTIME_DIR");
    const char *temporary = value_of("TMPDIR");
    bool usable = runtime != NULL && access(runtime, W_OK) == 0;
    const char *base = usable ? runtime : temporary != NULL ? temporary : "/tmp";
    char *folder = xasprintf("%s/lodge-XXXXXX", base);
    if (mkdtemp(folder) == NULL) { /* 0700 */
        free(folder);
        return NULL;
    }
    return folder;
}

static bool fill_page(const char *file, const char *text)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    size_t length = strlen(text);
    bool good = fd >= 0 && write(fd, text, length) == (ssize_t)length;
    return (fd < 0 || close(fd) == 0) && good;
}

char *browser_file(struct lodge_error *err)
{
    AUTO(free) char *folder = private_folder();
    if (folder == NULL) {
        (void)lodge_fail(err, LODGE_ERROR_INTERNAL, "no folder for the link: %s", strerror(errno));
        return NULL;
    }
    return xasprintf("%s/screen.html", folder);
}

bool browser_open(const char *url, const char *file, struct program *ret_program,
                  struct lodge_error *err)
{
    AUTO(free) char *page = write_page(url);
    AUTO(free) char *address = file_url(file);
    if (page == NULL || address == NULL) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "out of memory");
    }
    if (!fill_page(file, page)) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "%s: %s", file, strerror(errno));
    }
    return start_any(address, ret_program, err);
}

void browser_forget(char *file)
{
    if (file == NULL) {
        return;
    }
    (void)unlink(file);
    *strrchr(file, '/') = '\0';
    (void)rmdir(file);
    free(file);
}

/* A path that a signal takes away: set before, and removed with its folder by the handler, which
 * may call little else (signal-safety(7)). */
static char doomed[PATH_MAX];

static void on_end(int number)
{
    (void)unlink(doomed);
    *strrchr(doomed, '/') = '\0';
    (void)rmdir(doomed);
    (void)raise(number); /* SA_RESETHAND: it ends us now */
}

void remove_at_signal(const char *file)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_end, .sa_flags = (int)SA_RESETHAND};
    (void)snprintf(doomed, sizeof doomed, "%s", file);
    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
        (void)sigaction(numbers[i], &action, NULL);
    }
}

/* Far away */

/* Of this machine, with a port to be led to: lodged writes it so, and [console] public_url names
 * whatever stands before it. */
static bool is_own_machine(const char *authority)
{
    struct in_addr address;
    size_t length = strcspn(authority, ":");
    AUTO(free) char *host = xstrndup(authority, length);
    return strncmp(authority, "[::1]:", 6) == 0 ||
           (authority[length] == ':' &&
            (strcasecmp(host, "localhost") == 0 ||
             (inet_pton(AF_INET, host, &address) == 1 && strncmp(host, "127.", 4) == 0)));
}

char *browser_tunnel(const char *url)
{
    const char *authority = strstr(url, "://") == NULL ? url : strstr(url, "://") + 3;
    size_t length = strcspn(authority, "/#");
    AUTO(free) char *address = xstrndup(authority, length);
    if (!is_own_machine(address)) {
        return NULL;
    }
    const char *colon = strrchr(address, ':');
    const char *ssh = getenv("SSH_CONNECTION"); /* client, its port, this machine, its port */
    const struct passwd *user = getpwuid(getuid());
    char here[HOST_NAME_MAX + 1] = "";
    char there[64] = "";
    (void)gethostname(here, sizeof here - 1);
    if (ssh != NULL) {
        (void)sscanf(ssh, "%*s %*s %63s", there);
    }
    return xasprintf("ssh -L %s:%s %s@%s", colon == NULL ? "6080" : colon + 1, address,
                     user == NULL ? "USER" : user->pw_name, there[0] != '\0' ? there : here);
}
