/*
 * qemu_img: a run of the tool by posix_spawn(): a list of words, the file as its descriptor 3, and
 * memory files for what it says.
 *
 * The calling worker waits for its end. One that is cancelled is killed and waited for as well, so
 * that nothing writes to the file any more when the function returns. Nothing is kept between runs.
 */
#include "host/qemu_img.h"
#include "memory.h"
#include "scope.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* The file is the tool's descriptor 3, and this is its name there. */
#define THE_FILE "/proc/self/fd/3"

enum {
    THE_FILE_FD = 3,
    LOOK_MS = 100,
    MOST_OUTPUT = 64 * 1024,
};

extern char **environ;

/* One run of the tool. What it says goes into memory files: no pipe can fill up. */
struct run {
    int file; /* -1: none */
    int out, err;
    pid_t pid;
};

DEFINE_AUTO(json_object *, json_object_put, NULL);

static void run_done(struct run *run)
{
    if (run->out >= 0) {
        close(run->out);
    }
    if (run->err >= 0) {
        close(run->err);
    }
}

/* What is in a memory file; the caller frees. */
static char *said(int fd)
{
    char *text = xmalloc(MOST_OUTPUT);
    ssize_t length = pread(fd, text, MOST_OUTPUT - 1, 0);
    text[length < 0 ? 0 : length] = '\0';
    return text;
}

/* A worker's blocked signals, and SIGPIPE that lodged ignores, are not for the tool. */
static int spawn(struct run *run, const char *const *words)
{
    sigset_t none;
    sigset_t defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, run->out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, run->err, STDERR_FILENO);
    if (run->file >= 0) {
        posix_spawn_file_actions_adddup2(&files, run->file, THE_FILE_FD);
    }
    union {
        const char *const *words;
        char *const *argv; /* it changes none of them */
    } arguments = {.words = words};
    int why = posix_spawnp(&run->pid, words[0], &files, &attributes, arguments.argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return why;
}

/* Until it has ended; true when somebody cancelled it. The flag has no event that could wake us, so
 * it is looked at now and then while the copy runs. */
static bool wait_end(const struct run *run, const atomic_bool *cancelled, int *ret_status)
{
    bool stopped = false;
    AUTO(fd_close) int ends = (int)syscall(SYS_pidfd_open, run->pid, 0);
    while (ends >= 0 && cancelled != NULL && !stopped) {
        struct pollfd end = {.fd = ends, .events = POLLIN};
        if (poll(&end, 1, LOOK_MS) > 0) {
            break;
        }
        if (atomic_load(cancelled)) {
            kill(run->pid, SIGKILL);
            stopped = true;
        }
    }
    while (waitpid(run->pid, ret_status, 0) < 0 && errno == EINTR) {
    }
    return stopped;
}

static bool fail_by_output(const struct run *run, int status, struct lodge_error *err)
{
    static const char prefix[] = "qemu-img: ";
    if (WIFSIGNALED(status)) {
        return lodge_fail(err, LODGE_ERROR_HYPERVISOR, "qemu-img was ended by signal %d",
                          WTERMSIG(status));
    }
    AUTO(free) char *text = said(run->err);
    text[strcspn(text, "\n")] = '\0';
    const char *cause =
        strncmp(text, prefix, sizeof prefix - 1) == 0 ? text + sizeof prefix - 1 : text;
    static const char file[] = THE_FILE ": ";
    cause = strncmp(cause, file, sizeof file - 1) == 0 ? cause + sizeof file - 1 : cause;
    return lodge_fail(err, LODGE_ERROR_HYPERVISOR, "qemu-img: %s",
                      *cause == '\0' ? "it gave no reason" : cause);
}

static bool run_to_end(struct run *run, const char *const *words, const atomic_bool *cancelled,
                       struct lodge_error *err)
{
    run->out = memfd_create("qemu-img out", MFD_CLOEXEC);
    run->err = memfd_create("qemu-img err", MFD_CLOEXEC);
    if (run->out < 0 || run->err < 0) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "no room for the words of qemu-img: %s",
                          strerror(errno));
    }
    int why = spawn(run, words);
    if (why == ENOENT) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                          "this machine has no qemu-img: apt install qemu-utils");
    }
    if (why != 0) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "cannot start qemu-img: %s", strerror(why));
    }
    int status = 0;
    if (wait_end(run, cancelled, &status)) {
        return lodge_fail(err, LODGE_ERROR_CANCELLED, "the copy was cancelled");
    }
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) || fail_by_output(run, status, err);
}

static bool run_on(int fd, const char *const *words, const atomic_bool *cancelled,
                   struct lodge_error *err)
{
    struct run run = {.file = fd, .out = -1, .err = -1};
    bool good = run_to_end(&run, words, cancelled, err);
    run_done(&run);
    return good;
}

bool qemu_img_create(int fd, const char *format, int64_t size_gib, struct lodge_error *err)
{
    char size[32];
    (void)snprintf(size, sizeof size, "%" PRId64 "G", size_gib);
    const char *const words[] = {"qemu-img", "create", "-q", "-f", format, THE_FILE, size, NULL};
    return run_on(fd, words, NULL, err);
}

bool qemu_img_fill(int fd, const char *format, const char *source, const char *source_format,
                   const atomic_bool *cancelled, struct lodge_error *err)
{
    if (cancelled != NULL && atomic_load(cancelled)) {
        return lodge_fail(err, LODGE_ERROR_CANCELLED, "the copy was cancelled");
    }
    const char *const words[] = {"qemu-img", "convert",     "-n",     "--target-is-zero",
                                 "-f",       source_format, "-O",     format,
                                 "--",       source,        THE_FILE, NULL};
    return run_on(fd, words, cancelled, err);
}

bool qemu_img_resize(int fd, const char *format, int64_t size_gib, struct lodge_error *err)
{
    char size[32];
    (void)snprintf(size, sizeof size, "%" PRId64 "G", size_gib);
    const char *const words[] = {"qemu-img", "resize", "-q", "-f", format, THE_FILE, size, NULL};
    return run_on(fd, words, NULL, err);
}

static char *text_member(json_object *object, const char *name)
{
    json_object *member = NULL;
    return json_object_object_get_ex(object, name, &member) &&
                   json_object_is_type(member, json_type_string)
               ? xstrdup(json_object_get_string(member))
               : NULL;
}

static bool read_info(const char *text, struct qemu_img_info *ret_info, struct lodge_error *err)
{
    AUTO(json_object_put) json_object *info = json_tokener_parse(text);
    json_object *bytes = NULL;
    AUTO(free) char *format = text_member(info, "format");
    if (format == NULL || !json_object_object_get_ex(info, "virtual-size", &bytes)) {
        return lodge_fail(err, LODGE_ERROR_HYPERVISOR, "qemu-img said nothing that is understood");
    }
    *ret_info = (struct qemu_img_info){
        .format = TAKE(format),
        .bytes = json_object_get_int64(bytes),
        .backing = text_member(info, "backing-filename"),
    };
    return true;
}

bool qemu_img_info(int fd, const char *format, struct qemu_img_info *ret_info,
                   struct lodge_error *err)
{
    const char *by_content[] = {"qemu-img", "info", "-U", "--output=json", THE_FILE, NULL};
    const char *as_told[] = {"qemu-img", "info", "-U",     "--output=json",
                             "-f",       format, THE_FILE, NULL};
    struct run run = {.file = fd, .out = -1, .err = -1};
    bool good = run_to_end(&run, format == NULL ? by_content : as_told, NULL, err);
    if (good) {
        AUTO(free) char *text = said(run.out);
        good = read_info(text, ret_info, err);
    }
    run_done(&run);
    return good;
}

void qemu_img_info_clear(struct qemu_img_info *info)
{
    free(info->format);
    free(info->backing);
    *info = (struct qemu_img_info){0};
}
