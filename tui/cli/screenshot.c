/* screenshot: `lodge screenshot VM FILE`, a guest's screen in a file that is there whole or not at
 * all; `-` is standard output. */
#include "cli/command.h"
#include "cli/shot.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static bool cannot_write(const char *path, struct lodge_error *err)
{
    return lodge_fail(err, LODGE_ERROR_INTERNAL, "cannot write %s: %s", path, strerror(errno));
}

static bool must_not_be_terminal(int fd, struct lodge_error *err)
{
    return !isatty(fd) ||
           lodge_fail(err, LODGE_ERROR_INVALID,
                      "a picture is not for a terminal: name a file, or send it into a pipe");
}

static bool write_png(int fd, const struct buffer *bytes)
{
    for (size_t at = 0; at < bytes->length;) {
        ssize_t wrote = write(fd, bytes->data + at, bytes->length - at);
        if (wrote < 0 && errno != EINTR) {
            return false;
        }
        at += wrote > 0 ? (size_t)wrote : 0;
    }
    return true;
}

/* Into what is there and no file: a pipe, /dev/null. */
static bool write_into(const char *path, const struct buffer *png, struct lodge_error *err)
{
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return cannot_write(path, err);
    }
    return must_not_be_terminal(fd, err) && (write_png(fd, png) || cannot_write(path, err));
}

/* Under another name beside it first: a full disk or an interruption leaves the old picture. */
static bool replace(const char *path, const struct buffer *png, struct lodge_error *err)
{
    unsigned random = 0;
    if (getrandom(&random, sizeof random, 0) != sizeof random) {
        abort(); /* never fails once the kernel is up (getrandom(2)) */
    }
    AUTO(free) char *beside = xasprintf("%s.%08x.new", path, random);
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        return cannot_write(path, err);
    }
    bool good = write_png(fd, png) && fsync(fd) == 0;
    good = (close(fd) == 0 && good && rename(beside, path) == 0) || cannot_write(path, err);
    if (!good) {
        (void)unlink(beside);
    }
    return good;
}

static bool write_file(const char *path, const struct buffer *png, struct lodge_error *err)
{
    struct stat there;
    if (stat(path, &there) < 0) {
        return replace(path, png, err);
    }
    if (!S_ISREG(there.st_mode)) {
        return write_into(path, png, err);
    }
    /* What a link points to is what was meant. */
    AUTO(free) char *target = realpath(path, NULL);
    return target == NULL ? cannot_write(path, err) : replace(target, png, err);
}

/* As JSON where it went, and the answer itself when that is asked for on standard output. */
static bool say_where(const struct command *command, const char *path, size_t size,
                      struct lodge_error *err)
{
    if (!command->json) {
        return true;
    }
    struct buffer line = {0};
    buffer_add_text(&line, "{\"mime\":\"image/png\",\"path\":");
    buffer_add_json_string(&line, path);
    buffer_add_format(&line, ",\"size\":%zu}", size);
    AUTO(free) char *text = buffer_take(&line);
    return text == NULL ? lodge_fail(err, LODGE_ERROR_INTERNAL, "out of memory")
                        : command->output->vm(text, err);
}

static char *ask_screenshot(const struct command *command, struct lodge_error *err)
{
    struct buffer params = {0};
    buffer_add_text(&params, "{\"vm\":");
    buffer_add_json_string(&params, command->argv[0]);
    buffer_add_char(&params, '}');
    AUTO(free) char *request = buffer_take(&params);
    AUTO(lodge_client_close) struct lodge_client *client = command_connect(command, err);
    return client == NULL
               ? NULL
               : lodge_client_call_wait(client, command->method, request, COMMAND_ANSWER_MS, err);
}

bool run_screenshot(const struct command *command, struct lodge_error *err)
{
    const char *path = command->argv[1];
    bool to_stdout = strcmp(path, "-") == 0;
    if (to_stdout && !command->json && !must_not_be_terminal(STDOUT_FILENO, err)) {
        return false;
    }
    AUTO(free) char *result = ask_screenshot(command, err);
    if (result == NULL) {
        return false;
    }
    if (to_stdout && command->json) {
        return command->output->vm(result, err);
    }
    AUTO(buffer_free) struct buffer png = {0};
    bool good = shot_read(result, &png, err);
    if (good && to_stdout) {
        (void)fwrite(png.data, 1, png.length, stdout); /* verbs.c looks whether that went well */
    } else if (good) {
        good = write_file(path, &png, err) && say_where(command, path, png.length, err);
    }
    return good;
}
