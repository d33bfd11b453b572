/* folder_world: a folder of a test's own, programs to fill it, and what calls are to answer. */
#ifndef TESTS_SUPPORT_FOLDER_WORLD_H
#define TESTS_SUPPORT_FOLDER_WORLD_H

#include "lodge/error.h"
#include "scope.h"
#include "support/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static inline const char *in_folder(const char *name)
{
    static char paths[64][256]; /* more than one test asks for */
    static unsigned next;
    char *path = paths[next++ % ARRAY_LENGTH(paths)];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static int folder_make(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/lodge-storage-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

static int folder_remove(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void file_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static inline bool file_is_there(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

static inline void must(bool good, const struct lodge_error *err)
{
    if (!good) {
        fail_msg("%s (%s)", err->message, lodge_error_kind_name(err->kind));
    }
}

static inline void must_fail(const char *call, bool good, const struct lodge_error *err,
                             enum lodge_error_kind wanted)
{
    if (good) {
        fail_msg("%s succeeded", call);
    }
    if (err->kind != wanted) {
        fail_msg("%s: %s (%s)", call, err->message, lodge_error_kind_name(err->kind));
    }
}

/* `call` names its error `err`. */
#define expect_kind(call, wanted)                           \
    do {                                                    \
        struct lodge_error *err = &(struct lodge_error){0}; \
        bool good = (call);                                 \
        must_fail(#call, good, err, wanted);                \
    } while (0)

#define expect_good(call)                                   \
    do {                                                    \
        struct lodge_error *err = &(struct lodge_error){0}; \
        must(call, err);                                    \
    } while (0)

/* Runs a program to its end; its words go where the test's go. */
static inline int run_program(const char *const *words)
{
    pid_t pid = fork();
    if (pid == 0) {
        union {
            const char *const *words;
            char *const *argv;
        } arguments = {.words = words};
        execvp(words[0], arguments.argv);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline bool have_qemu_img(void)
{
    static const char *const words[] = {"sh", "-c", "command -v qemu-img >/dev/null", NULL};
    return run_program(words) == 0;
}

#endif
