/*
 * qemu_img: a run of the tool (tool.h): a list of words, in which files are the numbers of open
 * descriptors, and a bound on its time.
 *
 * The calling worker waits for its end. One that is cancelled is killed and waited for as well, so
 * that nothing writes to the file any more when the function returns. Nothing is kept between runs.
 */
#include "host/storage/qemu_img.h"

#include "host/storage/chain.h"
#include "host/storage/tool.h"
#include "memory.h"
#include "scope.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum {
    SHORT_S = 120,      /* what reads and writes no more than headers and tables */
    COPY_S = 600,       /* … and copies */
    COPY_MIB_PER_S = 1, /* at least, on the slowest disk that is of use */
    COPY_MOST_S = 24 * 60 * 60,
};

/* Its first line without what everybody knows: who says it, and the descriptors of ours. */
static bool fail_by_words(const char *words, struct lodge_error *err)
{
    static const char who[] = "qemu-img: ";
    AUTO(free) char *line = xstrndup(words, strcspn(words, "\n"));
    const char *cause = strncmp(line, who, sizeof who - 1) == 0 ? line + sizeof who - 1 : line;
    const char *described = strstr(cause, "}': ");
    const char *named = strncmp(cause, "/proc/self/fd/", 14) == 0 ? strstr(cause, ": ") : NULL;
    cause = described != NULL ? described + 4 : named != NULL ? named + 2 : cause;
    return lodge_fail(err, LODGE_ERROR_HYPERVISOR, "qemu-img: %s",
                      *cause == '\0' ? "it gave no reason" : cause);
}

static bool qemu_img_ended_well(const struct tool *tool, const struct tool_result *result,
                                struct lodge_error *err)
{
    if (result->end == TOOL_CANCELLED) {
        return lodge_fail(err, LODGE_ERROR_CANCELLED, "the copy was cancelled");
    }
    if (result->end == TOOL_LATE) {
        return lodge_fail(err, LODGE_ERROR_HYPERVISOR, "qemu-img did not end within %" PRId64 " s",
                          tool->seconds);
    }
    if (WIFSIGNALED(result->status)) {
        return lodge_fail(err, LODGE_ERROR_HYPERVISOR, "qemu-img was ended by signal %d",
                          WTERMSIG(result->status));
    }
    return WEXITSTATUS(result->status) == 0 || fail_by_words(result->err, err);
}

static bool run_qemu_img(const struct tool *tool, struct tool_result *ret_result,
                         struct lodge_error *err)
{
    struct tool_result result = {0};
    if (!tool_run(tool, &result, err)) {
        return err->kind == LODGE_ERROR_UNSUPPORTED
                   ? lodge_fail_in(err, "apt install qemu-utils is wanted")
                   : false;
    }
    if (!qemu_img_ended_well(tool, &result, err)) {
        tool_result_clear(&result);
        return false;
    }
    *ret_result = result;
    return true;
}

static char *name_of_fd(int fd)
{
    return xasprintf("/proc/self/fd/%d", fd);
}

static bool run_on(int fd, const char *const *words, struct lodge_error *err)
{
    struct tool tool = {.words = words, .writes = fd, .seconds = SHORT_S};
    struct tool_result result = {0};
    bool good = run_qemu_img(&tool, &result, err);
    tool_result_clear(&result);
    return good;
}

bool qemu_img_create(int fd, const char *format, int64_t size_gib, struct lodge_error *err)
{
    char size[32];
    AUTO(free) char *file = name_of_fd(fd);
    (void)snprintf(size, sizeof size, "%" PRId64 "G", size_gib);
    const char *const words[] = {"qemu-img", "create", "-q", "-f", format, file, size, NULL};
    return run_on(fd, words, err);
}

int64_t qemu_img_patience(const struct chain *source)
{
    int64_t seconds = COPY_S + (source->data_bytes >> 20) / COPY_MIB_PER_S;
    return seconds < COPY_MOST_S ? seconds : COPY_MOST_S;
}

bool qemu_img_fill(int fd, const char *format, const struct chain *source,
                   const atomic_bool *cancelled, struct lodge_error *err)
{
    int reads[CHAIN_MOST];
    AUTO(free) char *file = name_of_fd(fd);
    AUTO(free) char *description = chain_describe(source);
    const char *const words[] = {"qemu-img", "convert", "-n", "--target-is-zero",
                                 "-O",       format,    "--", description,
                                 file,       NULL};
    for (size_t i = 0; i < source->count; i++) {
        reads[i] = source->links[i].fd;
    }
    struct tool tool = {
        .words = words,
        .reads = reads,
        .read_count = source->count,
        .writes = fd,
        .seconds = qemu_img_patience(source),
        .cancelled = cancelled,
    };
    struct tool_result result = {0};
    if (cancelled != NULL && atomic_load(cancelled)) {
        return lodge_fail(err, LODGE_ERROR_CANCELLED, "the copy was cancelled");
    }
    if (!run_qemu_img(&tool, &result, err)) {
        return false;
    }
    /* Unconfined, it could have read what a file said for a moment. */
    bool good = chain_is_as_found(source, !result.confined, err);
    tool_result_clear(&result);
    return good;
}

bool qemu_img_resize(int fd, const char *format, int64_t size_gib, struct lodge_error *err)
{
    char size[32];
    AUTO(free) char *file = name_of_fd(fd);
    (void)snprintf(size, sizeof size, "%" PRId64 "G", size_gib);
    const char *const words[] = {"qemu-img", "resize", "-q", "-f", format, file, size, NULL};
    return run_on(fd, words, err);
}
