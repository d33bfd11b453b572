/* screen: see the header. */
#include "support/screen.h"

#include "support/joined.h"
#include "support/test.h"
#include "utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <vterm.h>

#define DEADLINE_MS 30000
#define KEPT_BYTES (1 << 20)

/* While we wait for something that no byte announces (an end, a stop) we look this often. */
#define LOOK_MS 20

/* So long a program may take to leave before it is killed. */
#define LEAVES_MS 5000

/* Files that are kept beside the screen when a wait fails. */
static struct {
    char name[32];
    char path[108];
} beside[4];

static long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void become_program(int terminal, const char *const *argv, const char *const *env)
{
    struct rlimit none = {0, 0};

    if (setsid() < 0 || ioctl(terminal, TIOCSCTTY, 0) != 0) {
        _exit(126); /* no key would be a signal */
    }
    dup2(terminal, STDIN_FILENO);
    dup2(terminal, STDOUT_FILENO);
    dup2(terminal, STDERR_FILENO);
    setrlimit(RLIMIT_CORE, &none); /* crashes are part of the test */
    for (; *env != NULL; env++) {
        char name[64];
        const char *value = strchr(*env, '=');
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(*env, "="), *env);
        if (value == NULL) {
            unsetenv(name);
        } else {
            setenv(name, value + 1, 1);
        }
    }
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

struct screen *screen_start(int width, int height, const char *const *argv, const char *const *env)
{
    struct screen *screen = calloc(1, sizeof(*screen));
    struct winsize size = {.ws_row = (unsigned short)height, .ws_col = (unsigned short)width};

    assert_non_null(screen);
    screen->width = width;
    screen->height = height;
    assert_int_equal(openpty(&screen->terminal, &screen->program, NULL, NULL, &size), 0);
    fcntl(screen->terminal, F_SETFD, FD_CLOEXEC);
    fcntl(screen->program, F_SETFD, FD_CLOEXEC);
    assert_int_equal(tcgetattr(screen->program, &screen->before), 0);
    screen->vterm = vterm_new(height, width);
    vterm_set_utf8(screen->vterm, 1);
    screen->cells = vterm_obtain_screen(screen->vterm);
    vterm_screen_enable_altscreen(screen->cells, 1);
    vterm_screen_reset(screen->cells, 1);
    screen->pid = fork();
    assert_int_not_equal(screen->pid, -1);
    if (screen->pid == 0) {
        become_program(screen->program, argv, env);
    }
    return screen;
}

/* Who is killed writes down no counts: for ./test --coverage it may leave, if it does so soon. */
static void end_program(pid_t pid)
{
    if (getenv("COVERAGE") != NULL) {
        struct pollfd ends = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
        kill(pid, SIGTERM);
        poll(&ends, 1, LEAVES_MS);
        close(ends.fd);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

void screen_stop(struct screen *screen)
{
    if (screen->pid != 0) {
        end_program(screen->pid);
    }
    close(screen->terminal);
    close(screen->program);
    vterm_free(screen->vterm);
    free(screen->bytes);
    free(screen);
}

static void keep_bytes(struct screen *screen, const char *bytes, size_t length)
{
    if (screen->length + length + 1 > screen->capacity) {
        screen->capacity = (screen->length + length + 1) * 2;
        screen->bytes = realloc(screen->bytes, screen->capacity);
        assert_non_null(screen->bytes);
    }
    memcpy(screen->bytes + screen->length, bytes, length);
    screen->length += length;
}

/* Takes in what comes within `timeout_ms`, and answers what the terminal was asked. */
static void take_in(struct screen *screen, int timeout_ms)
{
    struct pollfd wait = {.fd = screen->terminal, .events = POLLIN};
    char bytes[65536];
    char answer[256];

    if (poll(&wait, 1, timeout_ms) <= 0) {
        return;
    }
    ssize_t length = read(screen->terminal, bytes, sizeof(bytes));
    if (length <= 0) {
        return;
    }
    keep_bytes(screen, bytes, (size_t)length);
    vterm_input_write(screen->vterm, bytes, (size_t)length);
    size_t answered = vterm_output_read(screen->vterm, answer, sizeof(answer));
    if (answered > 0) {
        assert_int_equal(write(screen->terminal, answer, answered), answered);
    }
}

static size_t encode_cell(const struct screen *screen, int x, int y, char *out)
{
    VTermScreenCell cell;
    size_t length = 0;

    vterm_screen_get_cell(screen->cells, (VTermPos){.row = y, .col = x}, &cell);
    if (cell.chars[0] == 0) {
        out[0] = ' ';
        return 1;
    }
    if (cell.chars[0] == UINT32_MAX) {
        return 0; /* the right half of a wide one */
    }
    for (size_t i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i] != 0; i++) {
        length += utf8_encode(cell.chars[i], out + length);
    }
    return length;
}

char *screen_text(struct screen *screen)
{
    size_t cells = (size_t)screen->width * (size_t)screen->height;
    char *text = malloc(cells * UTF8_MAX * VTERM_MAX_CHARS_PER_CELL + (size_t)screen->height + 1);
    size_t length = 0;

    assert_non_null(text);
    for (int y = 0; y < screen->height; y++) {
        size_t start = length;
        for (int x = 0; x < screen->width; x++) {
            length += encode_cell(screen, x, y, text + length);
        }
        while (length > start && text[length - 1] == ' ') {
            length--;
        }
        text[length++] = '\n';
    }
    text[length] = '\0';
    return text;
}

void screen_keep_too(const char *name, const char *path)
{
    for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
        if (beside[i].name[0] == '\0' || strcmp(beside[i].name, name) == 0) {
            snprintf(beside[i].name, sizeof(beside[i].name), "%s", name);
            snprintf(beside[i].path, sizeof(beside[i].path), "%s", path);
            return;
        }
    }
    fail_msg("no more than %zu files are kept", sizeof(beside) / sizeof(beside[0]));
}

static void keep(const char *folder, const char *name, const char *bytes, size_t length)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof(path), "%s/%.40s", folder, name);
    FILE *file = fopen(path, "w");
    if (file != NULL) {
        fwrite(bytes, 1, length, file);
        fclose(file);
    }
}

static void keep_file(const char *folder, const char *name, const char *path)
{
    char *bytes = malloc(KEPT_BYTES);
    FILE *file = fopen(path, "r");

    if (file != NULL && bytes != NULL) {
        if (fseek(file, -KEPT_BYTES, SEEK_END) != 0) {
            rewind(file); /* it is shorter */
        }
        keep(folder, name, bytes, fread(bytes, 1, KEPT_BYTES, file));
    }
    if (file != NULL) {
        fclose(file);
    }
    free(bytes);
}

/* Fails the test: says what was waited for, and leaves the screen, all that was written to it, what
 * the kernel says of the program (its signals), and what was named by screen_keep_too() in a folder
 * that the output names. */
static void give_up(struct screen *screen, const char *what)
{
    const char *place = getenv("LODGE_FAILED");
    char *picture = screen_text(screen);
    char folder[PATH_MAX];

    print_error("%s; there is:\n%s", what, picture);
    snprintf(folder, sizeof(folder), "%s", place != NULL ? place : "failed");
    mkdir(folder, 0755);
    snprintf(folder, sizeof(folder), "%s/%s.%d", place != NULL ? place : "failed",
             program_invocation_short_name, getpid());
    mkdir(folder, 0755);
    keep(folder, "screen.txt", picture, strlen(picture));
    keep(folder, "bytes", screen->bytes, screen->length);
    if (screen->pid != 0) {
        char status[64];
        snprintf(status, sizeof(status), "/proc/%d/status", screen->pid);
        keep_file(folder, "status", status);
    }
    for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]) && beside[i].name[0] != '\0'; i++) {
        keep_file(folder, beside[i].name, beside[i].path);
    }
    print_error("kept: %s\n", folder);
    free(picture);
    fail();
}

static bool line_has(const char *picture, const char *start, const char *text)
{
    while (*picture != '\0') {
        size_t length = strcspn(picture, "\n");
        char line[4096];
        snprintf(line, sizeof(line), "%.*s", (int)length, picture);
        if (strncmp(line, start, strlen(start)) == 0 && strstr(line, text) != NULL) {
            return true;
        }
        picture += length + (picture[length] == '\n');
    }
    return false;
}

static bool has_whole(char *picture, const char *text)
{
    join_lines(picture);
    return strstr(picture, text) != NULL;
}

/* Waits until a line with that start and text is there, or is not; start NULL: until the text is,
 * over however many lines. */
static void wait_until(struct screen *screen, const char *start, const char *text, bool there)
{
    long deadline = now_ms() + DEADLINE_MS;

    for (;;) {
        char *picture = screen_text(screen);
        bool is_there = start == NULL ? has_whole(picture, text) : line_has(picture, start, text);
        if (is_there == there) {
            free(picture);
            return;
        }
        free(picture);
        if (now_ms() >= deadline) {
            char what[256];
            snprintf(what, sizeof(what), "waited for '%s%s' to %s", start == NULL ? "" : start,
                     text, there ? "appear" : "go");
            give_up(screen, what);
        }
        take_in(screen, (int)(deadline - now_ms()));
    }
}

void screen_wait(struct screen *screen, const char *text)
{
    wait_until(screen, "", text, true);
}

void screen_wait_whole(struct screen *screen, const char *text)
{
    wait_until(screen, NULL, text, true);
}

void screen_wait_gone(struct screen *screen, const char *text)
{
    wait_until(screen, "", text, false);
}

void screen_wait_line(struct screen *screen, const char *start, const char *text)
{
    wait_until(screen, start, text, true);
}

void screen_type(struct screen *screen, const char *keys)
{
    assert_int_equal(write(screen->terminal, keys, strlen(keys)), strlen(keys));
}

void screen_send(struct screen *screen, const char *bytes, size_t length)
{
    long deadline = now_ms() + DEADLINE_MS;

    while (length > 0) {
        struct pollfd wait = {.fd = screen->terminal, .events = POLLIN | POLLOUT};
        if (now_ms() >= deadline || poll(&wait, 1, (int)(deadline - now_ms())) <= 0) {
            give_up(screen, "what was sent was not read");
        }
        if (wait.revents & POLLIN) {
            take_in(screen, 0);
        } else if (wait.revents & POLLOUT) {
            ssize_t sent = write(screen->terminal, bytes, length < 512 ? length : 512);
            assert_true(sent > 0);
            bytes += sent;
            length -= (size_t)sent;
        }
    }
}

void screen_resize(struct screen *screen, int width, int height)
{
    struct winsize size = {.ws_row = (unsigned short)height, .ws_col = (unsigned short)width};

    screen->width = width;
    screen->height = height;
    vterm_set_size(screen->vterm, height, width);
    assert_int_equal(ioctl(screen->terminal, TIOCSWINSZ, &size), 0);
}

void screen_signal(struct screen *screen, int number)
{
    assert_int_equal(kill(screen->pid, number), 0);
}

/* Waits for a change of the program's state while reading what it writes. */
static void wait_for_child(struct screen *screen, int options)
{
    long deadline = now_ms() + DEADLINE_MS;

    while (waitpid(screen->pid, &screen->status, options | WNOHANG) == 0) {
        if (now_ms() >= deadline) {
            give_up(screen, "the program neither ended nor stopped");
        }
        take_in(screen, LOOK_MS);
    }
    take_in(screen, 0); /* its last words */
}

int screen_wait_end(struct screen *screen)
{
    wait_for_child(screen, 0);
    screen->pid = 0;
    return WIFSIGNALED(screen->status) ? 128 + WTERMSIG(screen->status)
                                       : WEXITSTATUS(screen->status);
}

void screen_wait_stopped(struct screen *screen)
{
    wait_for_child(screen, WUNTRACED);
    assert_true(WIFSTOPPED(screen->status));
}

bool screen_wrote(const struct screen *screen, const char *bytes)
{
    return screen->length > 0 &&
           memmem(screen->bytes, screen->length, bytes, strlen(bytes)) != NULL;
}

void screen_wait_bytes(struct screen *screen, const char *bytes)
{
    long deadline = now_ms() + DEADLINE_MS;

    while (!screen_wrote(screen, bytes)) {
        if (now_ms() >= deadline) {
            give_up(screen, "bytes that were waited for were not written");
        }
        take_in(screen, LOOK_MS);
    }
}

void screen_forget_bytes(struct screen *screen)
{
    screen->length = 0;
}

bool screen_modes_are_restored(const struct screen *screen)
{
    struct termios now;

    return tcgetattr(screen->program, &now) == 0 && now.c_lflag == screen->before.c_lflag &&
           now.c_iflag == screen->before.c_iflag && now.c_oflag == screen->before.c_oflag;
}
