/*
 * lodged: options, configuration, store, hosts, door, loop, farewell, in this order.
 *
 * What belongs to the process (umask, environment, locks) is done before any thread exists.
 */
#include "config.h"
#include "console/web_door.h"
#include "host/embedded.h"
#include "host/host.h"
#include "log.h"
#include "loop/loop.h"
#include "memory.h"
#include "ops/ops.h"
#include "options.h"
#include "rpc/listen.h"
#include "rpc/method.h"
#include "scope.h"
#include "standard.h"
#include "store/restore.h"
#include "store/store.h"
#include "wiring.h"

#include <grp.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* sysexits.h's words for a program that a service manager starts. */
enum { LEAVE_OK = 0, LEAVE_FAILED = 1, LEAVE_USAGE = 2 };

struct signals {
    struct loop *loop;
    struct daemon *daemon;
    const struct options *options;
};

static int complain(const struct lodge_error *err)
{
    fprintf(stderr, "lodged: %s\n", err->message);
    return err->kind == LODGE_ERROR_INVALID ? LEAVE_USAGE : LEAVE_FAILED;
}

static bool check_uris(const struct config *config, struct lodge_error *err)
{
    AUTO(free) const char **names = xcalloc(config->host_count, sizeof(char *));
    AUTO(free) const char **uris = xcalloc(config->host_count, sizeof(char *));
    for (size_t i = 0; i < config->host_count; i++) {
        names[i] = config->hosts[i].name;
        uris[i] = config->hosts[i].uri;
    }
    return host_uris_check(names, uris, config->host_count, err);
}

/* Says where both are now: the one that was asked for, and the one that was there. */
static void tell_restored(const struct store_restored *restored, const char *file)
{
    printf("%s (schema %lld, %lld VMs) is %s now\n", file, (long long)restored->schema,
           (long long)restored->vms, restored->path);
    if (restored->replaced != NULL) {
        printf("the one before is %s\n", restored->replaced);
    }
    if (restored->under_way > 0) {
        printf("what was under way in it (%lld operations) is left as it is, and ends as failed\n",
               (long long)restored->under_way);
    }
    if (restored->other_installation) {
        printf("it is of another installation than the one before: VMs that this has made are not "
               "its own\n");
    }
    printf("start lodged; lodge doctor says what does not fit\n");
}

static int restore(const struct config *config, const char *file, struct lodge_error *err)
{
    struct store_restored restored = {0};
    int lock = -1; /* held until the process ends */
    if (!store_lock_directory(config->state_dir, &lock, err) ||
        !store_restore(config->state_dir, file, loop_wall_ms(), &restored, err)) {
        return complain(err);
    }
    tell_restored(&restored, file);
    store_restored_clear(&restored);
    return LEAVE_OK;
}

static bool prepare_embedded(const struct config *config, struct lodge_error *err)
{
    for (size_t i = 0; i < config->host_count; i++) {
        if (!embedded_prepare(config->hosts[i].uri, err)) {
            return lodge_fail_in(err, "host '%s'", config->hosts[i].name);
        }
    }
    return true;
}

/* 512 clients, libvirt's connections and SQLite want more than the usual soft limit of 1,024. */
enum { LARGE_BLOCK = 512 * 1024 };

static void raise_limits(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max < 16384 ? files.rlim_max : 16384;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    /* Threads come and go; one arena each would keep what a full sync needed once. */
    mallopt(M_ARENA_MAX, 2);
    /* Long answers grow to their size and go: left to itself glibc would keep them on its heap, in
     * holes that nothing else fits, from the first one of up to 32 MiB on. */
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    mallopt(M_TRIM_THRESHOLD, 4 * LARGE_BLOCK);
}

/* Linux shares processors between sessions, and each guest's QEMU is one of its own: beside ten
 * that are busy lodged would have an eleventh (sched(7), "The autogroup feature"). Its part is
 * small: a user's calls have a quarter of a processor (rpc/account.h). Nothing is raised without
 * CAP_SYS_NICE, nor where the session has others in it. */
static void come_before_guests(void)
{
    FILE *file = getsid(0) == getpid() ? fopen("/proc/self/autogroup", "we") : NULL;
    if (file != NULL) {
        bool good = fputs("-10", file) >= 0;
        good = fclose(file) == 0 && good;
        log_debug(LOG_MAIN, "%s", good ? "comes before guests" : "comes with guests: not allowed");
    }
}

static gid_t socket_group(const struct config *config)
{
    const struct group *group =
        config->socket_group == NULL ? NULL : getgrnam(config->socket_group);
    return group == NULL ? (gid_t)-1 : group->gr_gid;
}

/* From before the socket is there until the loop hears them: who connects may stop us at once, and
 * that is to be an orderly end too. */
static void hold_signals(int how)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(how, &signals, NULL);
}

static void on_signal(void *owner, int number)
{
    struct signals *signals = owner;
    if (number == SIGHUP) {
        daemon_reload(signals->daemon, signals->options);
        return;
    }
    log_info(LOG_MAIN, "leaving on signal %d", number);
    daemon_close(signals->daemon);
    loop_stop(signals->loop);
}

/* Threads may be lost in a call for ever, others are in the middle of one: nobody waits for them,
 * and nothing is freed that they could touch. The process ends under them. */
static _Noreturn void leave(int status)
{
    log_stop();
    fflush(NULL);
#if defined(__SANITIZE_ADDRESS__)
    extern void __lsan_do_leak_check(void);
    __lsan_do_leak_check();
#endif
#ifdef LODGE_COVERAGE
    extern void __gcov_dump(void);
    __gcov_dump();
#endif
    _exit(status);
}

/* A default port that somebody else has (a user's own lodged beside the machine's) is no reason not
 * to run: the address is told with each link. */
static bool bind_web(const struct config *config, int *ret_fd, struct lodge_error *err)
{
    bool given = config_is_given(config, "console", "listen");
    return strcmp(config->console.listen, "off") == 0 ||
           web_door_bind(config->console.listen, !given, ret_fd, err);
}

static int run(struct config *config, const struct options *options, struct lodge_error *err)
{
    struct daemon_parts parts = {.web_fd = -1};
    int state_lock = -1; /* held until the process ends */
    hold_signals(SIG_BLOCK);
    struct listen_options door = {config->socket, config->socket_mode, socket_group(config)};
    AUTO(free) char *stream_path = xasprintf("%s.stream", config->socket);
    struct listen_options stream = {stream_path, door.mode, door.group};
    if (!store_lock_directory(config->state_dir, &state_lock, err) ||
        !listen_at(&door, &parts.listening, err) || !listen_at(&stream, &parts.stream, err) ||
        !bind_web(config, &parts.web_fd, err)) {
        return complain(err);
    }
    log_start(config->log_format);
    come_before_guests();
    if ((config->socket_mode & S_IWOTH) != 0) {
        log_info(LOG_MAIN, "everybody may open %s: its mode is %04o", config->socket,
                 (unsigned)config->socket_mode);
    } else if (config->group_absent) {
        log_warning(LOG_MAIN,
                    "there is no group 'lodge', only root may open %s: groupadd --system lodge, "
                    "adduser USER lodge, and start lodged again",
                    config->socket);
    }
    parts.loop = loop_new();
    struct loop *loop = parts.loop;
    if (!host_layer_start(loop, err)) {
        (void)complain(err);
        leave(LEAVE_FAILED);
    }
    parts.config = *config;
    *config = (struct config){0};
    static struct daemon *daemon; /* reachable to the end: it is never freed */
    daemon = daemon_new(&parts, err);
    if (daemon == NULL) {
        (void)complain(err);
        leave(LEAVE_USAGE);
    }
    struct signals signals = {loop, daemon, options};
    loop_on_signal(loop, SIGTERM, on_signal, &signals);
    loop_on_signal(loop, SIGINT, on_signal, &signals);
    loop_on_signal(loop, SIGHUP, on_signal, &signals);
    hold_signals(SIG_UNBLOCK);
    daemon_open(daemon);
    loop_run(loop);
    loop_run_once(loop); /* letters of workers that have come */
    daemon_leave(daemon);
    leave(LEAVE_OK);
}

/* From the flags to the loop; the caller clears what was read. */
static int start(const struct options *options, struct config *config, struct lodge_error *err)
{
    if (!methods_check(method_tables, err) || !config_load(options, config, err) ||
        !check_uris(config, err) ||
        (config->log_level != NULL && !log_set_levels(config->log_level, err))) {
        return complain(err);
    }
    if (options->check_config) {
        config_print(config, stdout);
        return LEAVE_OK;
    }
    if (options->restore != NULL) {
        return restore(config, options->restore, err);
    }
    raise_limits();
    if (!prepare_embedded(config, err)) {
        return complain(err);
    }
    host_layer_prepare();
    return run(config, options, err);
}

#ifdef LODGE_FAILPOINTS
static bool wants_fail_points(void)
{
    const char *asked = getenv("LODGED_FAILPOINT");
    return asked != NULL && strcmp(asked, "list") == 0;
}
#endif

int main(int argc, char **argv)
{
    struct lodge_error err = {0};
    struct options options = {0};
    struct config config = {0};
    int status = LEAVE_OK;
    standard_files_open();
    signal(SIGPIPE, SIG_IGN); /* never SIGCHLD: libvirt's embedded driver waits for its children */
    if (!options_read(argc, argv, &options, &err)) {
        status = complain(&err);
    } else if (options.help) {
        options_print_help();
    } else if (options.version) {
        printf("lodged " LODGE_VERSION "\n");
#ifdef LODGE_FAILPOINTS
    } else if (wants_fail_points()) {
        recipes_print_fail_points();
#endif
    } else {
        status = start(&options, &config, &err);
    }
    config_clear(&config);
    options_clear(&options);
    return status;
}
