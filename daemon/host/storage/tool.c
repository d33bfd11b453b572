/*
 * tool.c: from fork() to the end. The child does nothing but system calls before it is the program:
 * other threads may have held any lock.
 */
#include "host/storage/tool.h"

#include "loop/loop.h"
#include "memory.h"
#include "scope.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
    LOOK_MS = 100, /* at a flag, which makes no event */
    MOST_WORDS = 64 * 1024,
    MOST_MEMORY_MIB = 2048, /* of addresses: threads' stacks and libraries among them */
    LAST_SECONDS = 5,       /* of CPU time, for one that does not hear the first signal */
    ALL_PLACES = 32,        /* folders of PATH */
};

/* Newer than some headers. */
#define ACCESS_REFER (UINT64_C(1) << 13)
#define ACCESS_TRUNCATE (UINT64_C(1) << 14)

struct run {
    const struct tool *tool;
    int out, err; /* files in memory: no pipe can fill up */
    int rules;    /* Landlock's; -1: there is none */
    int started;  /* the child's end of a pipe that closes when it is the program */
    pid_t parent;
    char *const *environment;
};

/* --- what it may open ------------------------------------------------------------------------- */

static bool allow(int rules, int fd, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
    return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

static void allow_reading(int rules, const char *path)
{
    AUTO(fd_close) int fd = open(path, O_PATH | O_CLOEXEC);
    bool good = fd < 0 || allow(rules, fd, LANDLOCK_ACCESS_FS_READ_FILE);
    (void)good; /* one that it wants then fails to open, and says so */
}

/* Programs and their libraries. */
static void allow_programs(int rules)
{
    static const char *const places[] = {
        "/usr",
        "/lib",
        "/lib64",
        "/lib32",
        "/opt",
        "/nix/store",
        "/gnu/store",
        "/etc/ld.so.cache",
        "/etc/ld.so.conf",
        "/etc/ld.so.conf.d",
        "/dev/null",
        "/dev/zero",
        "/dev/urandom",
        "/sys/devices/system",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        allow_reading(rules, places[i]);
    }
    const char *path = getenv("PATH");
    AUTO(free) char *copy = xstrdup(path == NULL ? "" : path);
    char *rest = copy;
    for (int i = 0; rest != NULL && i < ALL_PLACES; i++) {
        const char *folder = strsep(&rest, ":");
        if (folder[0] == '/' && folder[1] != '\0') {
            allow_reading(rules, folder);
        }
    }
}

/* Which program it is, is not what files could say: to execute is not in the rules. */
static uint64_t all_access(long version)
{
    uint64_t access = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
    access &= ~(uint64_t)(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_DIR);
    return access | (version >= 2 ? ACCESS_REFER : 0) | (version >= 3 ? ACCESS_TRUNCATE : 0);
}

/* -1 where the kernel has no Landlock, or a file lies where that has no say. */
static int rules_for(const struct tool *tool)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct landlock_ruleset_attr all = {.handled_access_fs = all_access(version)};
    int rules = version < 1 ? -1 : (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
    if (rules < 0) {
        return -1;
    }
    uint64_t write = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                     (version >= 3 ? ACCESS_TRUNCATE : 0);
    bool good = tool->writes < 0 || allow(rules, tool->writes, write);
    for (size_t i = 0; i < tool->read_count; i++) {
        good = good && allow(rules, tool->reads[i], LANDLOCK_ACCESS_FS_READ_FILE);
    }
    if (!good) {
        close(rules);
        return -1;
    }
    allow_programs(rules);
    return rules;
}

/* --- the child -------------------------------------------------------------------------------- */

static bool keep_open(int fd)
{
    return fcntl(fd, F_SETFD, 0) == 0;
}

static bool put_at(int fd, int place)
{
    return fd == place ? keep_open(fd) : dup2(fd, place) == place;
}

static bool open_files(const struct run *run)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool good = nothing >= 0 && put_at(nothing, STDIN_FILENO) && put_at(run->out, STDOUT_FILENO) &&
                put_at(run->err, STDERR_FILENO);
    for (size_t i = 0; i < run->tool->read_count; i++) {
        good = good && keep_open(run->tool->reads[i]);
    }
    return good && (run->tool->writes < 0 || keep_open(run->tool->writes));
}

/* lodged's own may be lower, and only some users may raise them again. */
static bool set_rlimit(int resource, rlim_t first, rlim_t last)
{
    struct rlimit now;
    if (getrlimit(resource, &now) != 0) {
        return false;
    }
    struct rlimit limit = {
        .rlim_cur = first < now.rlim_max ? first : now.rlim_max,
        .rlim_max = last < now.rlim_max ? last : now.rlim_max,
    };
    return setrlimit(resource, &limit) == 0;
}

static bool set_limits(const struct run *run)
{
    rlim_t memory = (rlim_t)MOST_MEMORY_MIB << 20;
    rlim_t seconds = (rlim_t)run->tool->seconds;
    return set_rlimit(RLIMIT_AS, memory, memory) &&
           set_rlimit(RLIMIT_CPU, seconds, seconds + LAST_SECONDS) && set_rlimit(RLIMIT_CORE, 0, 0);
}

/* The signal comes for a parent that ends from now on: one that has ended already is not there. */
static bool stay_with(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
        return false;
    }
    if (getppid() != parent) {
        _exit(126);
    }
    return true;
}

/* A worker's blocked signals, and SIGPIPE that lodged ignores, are not for it. */
static bool reset_signals(void)
{
    sigset_t none;
    return sigemptyset(&none) == 0 && signal(SIGPIPE, SIG_DFL) != SIG_ERR &&
           sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

static bool enter_rules(int rules)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           (rules < 0 || syscall(SYS_landlock_restrict_self, rules, 0) == 0);
}

_Noreturn static void become(const struct run *run)
{
    union {
        const char *const *words;
        char *const *argv; /* it changes none of them */
    } arguments = {.words = run->tool->words};
    if (stay_with(run->parent) && setpgid(0, 0) == 0 && open_files(run) && set_limits(run) &&
        reset_signals() && enter_rules(run->rules)) {
        execvpe(arguments.argv[0], arguments.argv, run->environment);
    }
    int why = errno;
    ssize_t told = write(run->started, &why, sizeof why);
    _exit(told == sizeof why ? 127 : 126);
}

/* --- until it has ended ----------------------------------------------------------------------- */

/* It and what it has started, while its number is its own: before it is waited for. */
static void kill_all(pid_t pid)
{
    kill(-pid, SIGKILL);
}

/* By what tells of its end. Whoever is late, or nobody's any more, is killed. */
static enum tool_end wait_for(pid_t pid, int ends, const struct tool *tool)
{
    int64_t until = (int64_t)loop_monotonic_ms() + tool->seconds * 1000;
    for (;;) {
        int64_t left = until - (int64_t)loop_monotonic_ms();
        bool cancelled = tool->cancelled != NULL && atomic_load(tool->cancelled);
        if (cancelled || left <= 0) {
            kill_all(pid);
            return cancelled ? TOOL_CANCELLED : TOOL_LATE;
        }
        int64_t most = tool->cancelled != NULL ? LOOK_MS : INT_MAX;
        struct pollfd end = {.fd = ends, .events = POLLIN};
        if (poll(&end, 1, (int)(left < most ? left : most)) > 0) {
            kill_all(pid); /* what it has left behind */
            return TOOL_ENDED;
        }
    }
}

/* 0, or why it is not the program. */
static int start_tool(struct run *run, pid_t *ret_pid)
{
    int ends[2];
    int why = 0;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return errno;
    }
    run->started = ends[1];
    run->parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become(run);
    }
    int failed = pid < 0 ? errno : 0;
    close(ends[1]);
    ssize_t got = pid < 0 ? 0 : TEMP_FAILURE_RETRY(read(ends[0], &why, sizeof why));
    close(ends[0]);
    if (got > 0) {
        (void)TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
        return why;
    }
    *ret_pid = pid;
    return failed;
}

/* Of a size that stays: what does not fit is lost. */
static int words_file(void)
{
    AUTO(fd_close) int fd = memfd_create("words of a tool", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    bool good = fd >= 0 && ftruncate(fd, MOST_WORDS) == 0 &&
                fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) == 0;
    int made = good ? fd : -1;
    fd = good ? -1 : fd;
    return made;
}

/* The caller frees. */
static char *said(int fd)
{
    char *text = xmalloc(MOST_WORDS + 1);
    ssize_t length = pread(fd, text, MOST_WORDS, 0);
    text[length < 0 ? 0 : length] = '\0';
    return text;
}

bool tool_run(const struct tool *tool, struct tool_result *ret_result, struct lodge_error *err)
{
    AUTO(fd_close) int out = words_file();
    AUTO(fd_close) int wrong = words_file();
    AUTO(fd_close) int rules = rules_for(tool);
    if (out < 0 || wrong < 0) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "no room for the words of %s: %s",
                          tool->words[0], strerror(errno));
    }
    const char *path = getenv("PATH");
    AUTO(free) char *where = xasprintf("PATH=%s", path == NULL ? "/usr/bin:/bin" : path);
    char language[] = "LC_ALL=C";
    char arenas[] = "MALLOC_ARENA_MAX=2"; /* else its threads take up addresses without need */
    char *const environment[] = {where, language, arenas, NULL};
    struct run run = {
        .tool = tool, .out = out, .err = wrong, .rules = rules, .environment = environment};
    pid_t pid = -1;
    int why = start_tool(&run, &pid);
    if (why == ENOENT) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "this machine has no %s", tool->words[0]);
    }
    if (why != 0) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "cannot start %s: %s", tool->words[0],
                          strerror(why));
    }
    AUTO(fd_close) int ends = (int)syscall(SYS_pidfd_open, pid, 0);
    int unwatched = ends < 0 ? errno : 0;
    struct tool_result result = {.confined = rules >= 0};
    if (ends < 0) {
        kill_all(pid);
    } else {
        result.end = wait_for(pid, ends, tool);
    }
    (void)TEMP_FAILURE_RETRY(waitpid(pid, &result.status, 0));
    if (ends < 0) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "%s cannot be watched: %s", tool->words[0],
                          strerror(unwatched));
    }
    result.out = said(out);
    result.err = said(wrong);
    *ret_result = result;
    return true;
}

void tool_result_clear(struct tool_result *result)
{
    free(result->out);
    free(result->err);
    *result = (struct tool_result){0};
}
