/*
 * program: a child in a session of its own, watched by a pidfd. What it says goes into a file in
 * memory that is sealed at its full size: one that writes for ever is refused, fills nothing and
 * waits for nobody. Why it could not be run comes through a pipe that a successful exec closes.
 *
 * Descriptors are the struct's, until program_forget(). One thread.
 */
#include "cli/program.h"

#include "memory.h"
#include "scope.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 32, EXEC_MS = 10000, END_MS = 1000 };

bool program_exists(const char *name)
{
    AUTO(free) char *path = xstrdup(getenv("PATH") == NULL ? "/usr/bin:/bin" : getenv("PATH"));
    char *rest = path;
    if (strchr(name, '/') != NULL) {
        return access(name, X_OK) == 0;
    }
    for (char *folder; (folder = strsep(&rest, ":")) != NULL;) {
        AUTO(free) char *file = xasprintf("%s/%s", folder, name);
        if (access(file, X_OK) == 0) {
            return true;
        }
    }
    return false;
}

static int open_said(void)
{
    AUTO(fd_close) int fd = memfd_create("what a program says", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    bool good = fd >= 0 && ftruncate(fd, PROGRAM_SAID) == 0 &&
                fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0;
    int made = good ? fd : -1;
    fd = good ? -1 : fd;
    return made;
}

/* In the child. The TUI blocks signals to read them elsewhere; a program must hear its own. */
static _Noreturn void turn_into(char *const *words, int said, int trouble)
{
    int null = open("/dev/null", O_RDONLY);
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)setsid();
    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(said, STDOUT_FILENO) >= 0 &&
        dup2(said, STDERR_FILENO) >= 0) {
        execvp(words[0], words);
    }
    int why = errno;
    ssize_t wrote = write(trouble, &why, sizeof why);
    _exit(wrote < 0 ? 126 : 127);
}

/* 0, or why the child could not become the program: a folder of $PATH may hang. */
static int hear_trouble(int fd)
{
    struct pollfd trouble = {.fd = fd, .events = POLLIN};
    int why = 0;
    ssize_t got;
    if (poll(&trouble, 1, EXEC_MS) != 1) {
        return ETIMEDOUT;
    }
    do {
        got = read(fd, &why, sizeof why);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof why ? why : 0;
}

static void reap(struct program *program)
{
    int status = 0;
    pid_t got;
    do {
        got = waitpid(program->pid, &status, 0);
    } while (got < 0 && errno == EINTR);
    program->has_ended = true;
    program->went_well = got == program->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool program_start(char *const *words, struct program *ret_program, struct lodge_error *err)
{
    int trouble[2];
    AUTO(fd_close) int said = open_said();
    if (said < 0 || pipe2(trouble, O_CLOEXEC) != 0) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "%s cannot be started: %s", words[0],
                          strerror(errno));
    }
    struct program program = {.pid = fork(), .end = -1, .said = -1};
    if (program.pid == 0) {
        turn_into(words, said, trouble[1]);
    }
    int why = program.pid < 0 ? errno : 0;
    close(trouble[1]);
    if (program.pid > 0) {
        why = hear_trouble(trouble[0]);
        program.end = (int)syscall(SYS_pidfd_open, program.pid, 0);
        why = why == 0 && program.end < 0 ? errno : why;
    }
    close(trouble[0]);
    if (why != 0) {
        if (program.pid > 0) {
            (void)kill(program.pid, SIGKILL);
            (void)waitpid(program.pid, NULL, why == ETIMEDOUT ? WNOHANG : 0);
        }
        program_forget(&program);
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "%s cannot be started: %s", words[0],
                          strerror(why));
    }
    program.said = said;
    said = -1;
    *ret_program = program;
    return true;
}

/* A word with the address in place of its %s, if it has one. */
static char *placed_word(const char *word, const char *address, bool *placed)
{
    const char *place = strstr(word, "%s");
    *placed |= place != NULL;
    return place == NULL ? xstrdup(word)
                         : xasprintf("%.*s%s%s", (int)(place - word), word, address, place + 2);
}

bool program_start_on(const char *command, const char *address, struct program *ret_program,
                      struct lodge_error *err)
{
    AUTO(free) char *copy = xstrdup(command);
    char *rest = copy;
    char *words[WORDS_MAX + 2];
    size_t count = 0;
    bool placed = false;
    for (char *word; count < WORDS_MAX && (word = strsep(&rest, " ")) != NULL;) {
        if (word[0] != '\0') {
            words[count++] = placed_word(word, address, &placed);
        }
    }
    bool is_whole = count > 0 && rest == NULL;
    if (!placed) {
        words[count++] = xstrdup(address);
    }
    words[count] = NULL;
    bool good = is_whole ? program_start(words, ret_program, err)
                         : lodge_fail(err, LODGE_ERROR_INVALID,
                                      "'%.80s' is no command: it has no word, or more than %d",
                                      command, WORDS_MAX);
    for (size_t i = 0; i < count; i++) {
        free(words[i]);
    }
    return good;
}

bool program_has_ended(struct program *program, int timeout_ms)
{
    struct pollfd end = {.fd = program->end, .events = POLLIN};
    if (!program->has_ended && poll(&end, 1, timeout_ms) == 1) {
        reap(program);
    }
    return program->has_ended;
}

char *program_said(const struct program *program)
{
    off_t length = lseek(program->said, 0, SEEK_CUR); /* the place is shared by all who write */
    size_t size = length < 0 ? 0 : length > PROGRAM_SAID ? PROGRAM_SAID : (size_t)length;
    char *text = xcalloc(size + 1, 1);
    ssize_t got = pread(program->said, text, size, 0);
    text[got < 0 ? 0 : got] = '\0';
    return text;
}

char *program_last_line(const struct program *program)
{
    AUTO(free) char *said = program_said(program);
    char *rest = said;
    const char *last = "";
    for (char *line; (line = strsep(&rest, "\r\n")) != NULL;) {
        line += strspn(line, " \t");
        last = line[0] == '\0' ? last : line;
    }
    char *visible = text_visible(last);
    return visible == NULL ? xstrdup("") : visible;
}

void program_kill(struct program *program)
{
    if (!program->has_ended) {
        (void)kill(-program->pid, SIGKILL);       /* it leads its group, since setsid() */
        (void)program_has_ended(program, END_MS); /* one that hangs in the kernel is left to init */
    }
}

void program_forget(struct program *program)
{
    fd_close(program->end);
    fd_close(program->said);
    *program = (struct program){.end = -1, .said = -1};
}
