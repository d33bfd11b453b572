/*
 * doctor_service: lodged as a service: its unit, its process, the last line of its log. systemd is
 * asked where it runs (sd_booted(3)); elsewhere units are only files, and a process tells by its
 * standard error where its log goes.
 */
#include "cli/doctor.h"
#include "memory.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

DEFINE_AUTO(DIR *, closedir, NULL);

enum { TAIL = 4096 };

#define UNIT "lodged.service"
#define HOW_TO_INSTALL "meson install -C build brings one; by hand: lodged"

static bool has_systemd(void)
{
    return access("/run/systemd/system", F_OK) == 0;
}

/* Where a unit of the machine's is, in systemd.unit(5)'s order; NULL: nowhere. */
static const char *find_unit(void)
{
    static const char *const files[] = {
        "/etc/systemd/system/" UNIT,           "/run/systemd/system/" UNIT,
        "/usr/local/lib/systemd/system/" UNIT, "/usr/lib/systemd/system/" UNIT,
        "/lib/systemd/system/" UNIT,
    };
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        if (access(files[i], F_OK) == 0) {
            return files[i];
        }
    }
    return NULL;
}

static void look_at_unit_of_systemd(struct examination *at, const char *file)
{
    char systemctl[] = "systemctl";
    char verb[] = "is-active";
    char unit[] = UNIT;
    char *const words[] = {systemctl, verb, unit, NULL};
    struct lodge_error err = {0};
    bool active = false;
    AUTO(free) char *said = doctor_run(at, words, &active, &err);
    if (said == NULL) {
        findings_add(&at->findings, MARK_BAD, "unit", "systemctl status " UNIT, "%s: %s", file,
                     err.message);
        return;
    }
    at->has_unit = true;
    at->unit_active = active;
    const char *state = doctor_last_line(said); /* "inactive" comes with a status of 3 */
    bool failed = strcmp(state, "failed") == 0;
    bool well = active || (at->answers && !failed);
    findings_add(&at->findings, well ? MARK_OK : MARK_BAD, "unit",
                 well     ? NULL
                 : failed ? "journalctl -u lodged says why; then: systemctl restart lodged"
                          : "systemctl enable --now lodged",
                 "%s is %s", file, state);
}

static void look_at_unit(struct examination *at)
{
    const char *file = find_unit();
    bool systemd = has_systemd();
    if (file != NULL && systemd) {
        look_at_unit_of_systemd(at, file);
    } else if (at->answers) {
        findings_add(&at->findings, MARK_OK, "unit", NULL, "%s; lodged runs without",
                     systemd ? "systemd has no " UNIT : "no systemd here");
    } else if (systemd) {
        findings_add(&at->findings, MARK_WARNING, "unit", HOW_TO_INSTALL,
                     "systemd has no " UNIT ": lodged does not start by itself");
    } else {
        findings_add(&at->findings, MARK_WARNING, "unit", "start it by hand: lodged",
                     "no systemd here%s%s: lodged does not start by itself",
                     file == NULL ? "" : ", which would read ", file == NULL ? "" : file);
    }
}

/* The process */

static bool is_lodged(const char *pid)
{
    char name[16] = "";
    AUTO(free) char *path = xasprintf("/proc/%s/comm", pid);
    AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read(fd, name, sizeof name - 1) > 0 && strcmp(name, "lodged\n") == 0;
}

struct process {
    pid_t pid; /* 0: none */
    uid_t owner;
    bool serves_us; /* it listens on the socket that we are connected to */
};

/* Who listens on our socket, by the kernel's word; else the first lodged, of this user's if there
 * is one. Anybody may call a program so: it is said, and what a stranger's has open is not opened.
 */
static struct process find_process(const struct examination *at)
{
    struct process found = {0};
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (at->client != NULL &&
        getsockopt(lodge_client_fd(at->client), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) {
        return (struct process){peer.pid, peer.uid, true};
    }
    AUTO(closedir) DIR *folder = opendir("/proc");
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        struct stat file;
        if (!isdigit((unsigned char)entry->d_name[0]) || !is_lodged(entry->d_name) ||
            fstatat(dirfd(folder), entry->d_name, &file, 0) != 0) {
            continue;
        }
        if (found.pid == 0 || (file.st_uid == geteuid() && found.owner != geteuid())) {
            found.pid = (pid_t)strtol(entry->d_name, NULL, 10);
            found.owner = file.st_uid;
        }
    }
    return found;
}

static void look_at_process(struct examination *at)
{
    struct process process = find_process(at);
    const struct passwd *user = process.pid == 0 ? NULL : getpwuid(process.owner);
    AUTO(free) char *advice = xasprintf("ps -o args= -p %d names its socket", (int)process.pid);
    if (process.serves_us && process.pid == 0) { /* of another PID namespace */
        findings_add(&at->findings, MARK_OK, "runs", NULL,
                     "lodged runs where its process is not seen from here");
    } else if (process.pid == 0) {
        findings_add(&at->findings, MARK_BAD, "runs",
                     at->has_unit ? "systemctl start lodged" : "start it: lodged",
                     "no lodged runs");
    } else {
        findings_add(&at->findings, process.serves_us ? MARK_OK : MARK_WARNING, "runs",
                     process.serves_us ? NULL : advice, "lodged runs as process %d of %s%s",
                     (int)process.pid, user == NULL ? "nobody known" : user->pw_name,
                     process.serves_us ? "" : ", on another socket or none");
    }
}

void doctor_look_at_service(struct examination *at)
{
    look_at_unit(at);
    look_at_process(at);
}

/* The log */

static void look_at_journal(struct examination *at)
{
    char journalctl[] = "journalctl";
    char quiet[] = "-q";
    char no_pager[] = "--no-pager";
    char unit[] = "--unit=" UNIT;
    char lines[] = "--lines=1";
    char output[] = "--output=short-iso";
    char *const words[] = {journalctl, quiet, no_pager, unit, lines, output, NULL};
    struct lodge_error err = {0};
    bool good = false;
    AUTO(free) char *said = doctor_run(at, words, &good, &err);
    AUTO(free) char *join = doctor_how_to_join(at, "systemd-journal");
    const char *line = said == NULL ? err.message : doctor_last_line(said);
    if (good && line[0] != '\0') {
        findings_add(&at->findings, MARK_OK, "log", NULL, "%s", line);
    } else {
        findings_add(&at->findings, MARK_WARNING, "log",
                     geteuid() == 0 ? "journalctl -u lodged" : join,
                     "the journal shows nothing of lodged%s%s", line[0] == '\0' ? "" : ": ", line);
    }
}

/* The end of a file that is one; NULL with errno. The caller frees. */
static char *read_end(const char *path)
{
    struct stat file;
    AUTO(fd_close)
    int place = open(path, O_PATH | O_CLOEXEC); /* no device wakes from being looked at */
    if (place < 0 || fstat(place, &file) != 0 || !S_ISREG(file.st_mode)) {
        return NULL;
    }
    AUTO(free) char *again = xasprintf("/proc/self/fd/%d", place);
    AUTO(fd_close) int fd = open(again, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    char *text = xcalloc(TAIL + 1, 1);
    off_t from = file.st_size > TAIL ? file.st_size - TAIL : 0;
    ssize_t got = pread(fd, text, TAIL, from);
    text[got < 0 ? 0 : got] = '\0';
    return text;
}

static bool is_to_be_read(const struct process *process)
{
    return process->serves_us || process->owner == geteuid() || process->owner == 0;
}

/* Where a process that runs writes: a file is read, of anything else is said what it is. */
static void look_at_stream(struct examination *at, const struct process *process)
{
    int pid = (int)process->pid;
    char place[PATH_MAX] = "";
    AUTO(free) char *stream = xasprintf("/proc/%d/fd/2", pid);
    ssize_t length = readlink(stream, place, sizeof place - 1);
    AUTO(free) char *advice = xasprintf("ls -l %s, as root", stream);
    if (length < 0) {
        findings_add(&at->findings, MARK_WARNING, "log", advice,
                     "where process %d writes its log is not for you to see", pid);
        return;
    }
    AUTO(free)
    char *text = place[0] == '/' && is_to_be_read(process) ? read_end(stream) : NULL;
    if (text != NULL) {
        findings_add(&at->findings, MARK_OK, "log", NULL, "%s: %s", place, doctor_last_line(text));
    } else if (strcmp(place, "/dev/null") == 0) {
        findings_add(&at->findings, MARK_WARNING, "log", "start it again: lodged 2>>lodged.log",
                     "process %d writes its log into /dev/null", pid);
    } else {
        findings_add(&at->findings, MARK_OK, "log", NULL, "process %d writes its log to %s", pid,
                     place);
    }
}

void doctor_look_at_log(struct examination *at)
{
    if (at->unit_active || (at->has_unit && at->client == NULL)) {
        look_at_journal(at);
        return;
    }
    struct process process = find_process(at);
    if (process.serves_us && process.pid == 0) {
        findings_add(&at->findings, MARK_OK, "log", NULL, "its process is not seen from here");
    } else if (process.pid != 0) {
        look_at_stream(at, &process);
    } else {
        findings_add(&at->findings, MARK_WARNING, "log", "start it so: lodged 2>>lodged.log",
                     "no log: lodged writes it to its standard error, and none runs");
    }
}
