/*
 * doctor_machine: what guests need of this machine: KVM that works, a libvirt that answers, none of
 * its guests stuck.
 *
 * No libvirt is linked here: it belongs to daemon/host, which tells of its hosts where a lodged
 * answers. Where none does, the socket of the machine's libvirtd is tried, which says whether it is
 * there and whether we may; and virsh, where it is installed, whether it lets us in and answers.
 */
#include "cli/doctor.h"
#include "cli/program.h"
#include "memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

DEFINE_AUTO(DIR *, closedir, NULL);

enum { KVM_MS = 2000, STUCK_S = 60, STATUS_HEAD = 512 };

/* KVM */

struct trial {
    int step; /* of kvm_steps */
    int why;  /* errno; 0: all is well */
};

static const char *const kvm_steps[] = {"open", "KVM_GET_API_VERSION", "KVM_CREATE_VM"};

static struct trial try_kvm(void)
{
    struct trial trial = {0};
    int vm = -1;
    int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
        trial.step = 1;
        int version = ioctl(fd, KVM_GET_API_VERSION, 0);
        errno = version >= 0 && version != KVM_API_VERSION ? ENOTSUP : errno;
        if (version == KVM_API_VERSION) {
            trial.step = 2;
            vm = ioctl(fd, KVM_CREATE_VM, 0);
        }
    }
    trial.why = vm < 0 ? errno : 0;
    return trial; /* the process ends, and closes */
}

/* In a process of its own, since a device may hang whoever asks it. */
static struct trial try_kvm_apart(void)
{
    struct trial trial = {.why = ETIMEDOUT};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return (struct trial){.why = errno};
    }
    pid_t child = fork();
    if (child < 0) {
        trial.why = errno;
    } else if (child == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC); /* whoever reads us waits for no device */
        for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++) {
            (void)dup2(null, fd);
        }
        trial = try_kvm();
        _exit(write(ends[1], &trial, sizeof trial) == (ssize_t)sizeof trial ? 0 : 1);
    }
    close(ends[1]);
    struct pollfd answer = {.fd = ends[0], .events = POLLIN};
    struct trial got;
    if (child > 0 && poll(&answer, 1, KVM_MS) == 1 &&
        read(ends[0], &got, sizeof got) == (ssize_t)sizeof got) {
        trial = got;
    }
    close(ends[0]);
    if (child > 0) {
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, WNOHANG); /* one that hangs in the kernel is left to init */
    }
    return trial;
}

static void look_at_kvm(struct examination *at)
{
    struct trial trial = try_kvm_apart();
    AUTO(free) char *join = doctor_how_to_join(at, "kvm");
    if (trial.why == 0) {
        findings_add(&at->findings, MARK_OK, "kvm", NULL, "/dev/kvm works: it has made a VM");
    } else if (trial.step == 0 && trial.why == ENOENT) {
        findings_add(&at->findings, MARK_WARNING, "kvm",
                     "modprobe kvm_intel, or kvm_amd; inside a VM its host has to allow nesting",
                     "no /dev/kvm here: guests are emulated, and slow");
    } else if (trial.step == 0 && trial.why == EACCES) {
        findings_add(&at->findings, MARK_WARNING, "kvm", join,
                     "/dev/kvm may not be opened by you, and by root's lodged it may");
    } else {
        findings_add(&at->findings, MARK_BAD, "kvm",
                     "dmesg | grep -i kvm; then modprobe kvm_intel, or kvm_amd, anew",
                     "/dev/kvm is there and does not work: %s: %s", kvm_steps[trial.step],
                     strerror(trial.why));
    }
}

/* libvirt */

/* 0, or errno. A full backlog is EAGAIN, and is somebody who listens. */
static int knock(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    bool good = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    return good || errno == EAGAIN ? 0 : errno;
}

/* What virsh's words call for, as libvirt_advice() of daemon/host says it for hosts. */
static const char *advice_for(const char *said, const char *join)
{
    return strstr(said, "system bus connection") != NULL
               ? "systemctl start dbus polkit: libvirtd runs and cannot ask polkit"
           : strstr(said, "authentication") != NULL || strstr(said, "polkit") != NULL
               ? join
               : "virsh -c qemu:///system list";
}

static void ask_virsh(struct examination *at, const char *path)
{
    char virsh[] = "virsh";
    char flag[] = "-c";
    char uri[] = "qemu:///system";
    char verb[] = "version";
    char *const words[] = {virsh, flag, uri, verb, NULL};
    struct lodge_error err = {0};
    bool good = false;
    if (!program_exists(virsh)) {
        findings_add(&at->findings, MARK_OK, "libvirt", NULL,
                     "somebody listens on %s (virsh is not installed, which would try more)", path);
        return;
    }
    AUTO(free) char *said = doctor_run(at, words, &good, &err);
    AUTO(free) char *join = doctor_how_to_join(at, "libvirt");
    if (said == NULL) {
        findings_add(&at->findings, MARK_BAD, "libvirt", "systemctl restart libvirtd",
                     "%s: libvirtd hangs: %s", path, err.message);
        return;
    }
    const char *line = doctor_last_line(said);
    findings_add(&at->findings, good ? MARK_OK : MARK_BAD, "libvirt",
                 good ? NULL : advice_for(line, join), "%s answers: %s", path, line);
}

static void look_at_libvirt(struct examination *at)
{
    static const char *const paths[] = {"/run/libvirt/virtqemud-sock", "/run/libvirt/libvirt-sock"};
    int why = ENOENT;
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        int trouble = knock(paths[i]);
        if (trouble == 0) {
            ask_virsh(at, paths[i]);
            return;
        }
        why = trouble == ENOENT ? why : trouble;
    }
    if (why == EACCES) {
        AUTO(free) char *join = doctor_how_to_join(at, "libvirt");
        findings_add(&at->findings, MARK_BAD, "libvirt", join,
                     "you may not go to libvirt's socket %s", paths[1]);
    } else {
        findings_add(&at->findings, MARK_BAD, "libvirt", "systemctl start libvirtd",
                     why == ENOENT ? "no libvirtd runs: there is no %s"
                                   : "no libvirtd runs: nobody listens on %s",
                     paths[1]);
    }
}

/* Guests of which libvirtd will never let go: killed between writing a guest's status and starting
 * its QEMU, it takes the guest for starting ever after, in a job that nothing ends. Its status says
 * pid 0 and is as old as that; that of a guest which is just being started is new. */
static bool is_stuck_in_its_start(int folder, const char *name)
{
    struct stat file;
    char head[STATUS_HEAD + 1] = "";
    size_t length = strlen(name);
    if (length < 5 || strcmp(name + length - 4, ".xml") != 0) {
        return false;
    }
    AUTO(fd_close) int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) ||
        time(NULL) - file.st_mtime < STUCK_S || pread(fd, head, STATUS_HEAD, 0) <= 0) {
        return false;
    }
    const char *status = strstr(head, "<domstatus");
    const char *end = status == NULL ? NULL : strchr(status, '>');
    const char *pid = status == NULL ? NULL : strstr(status, " pid='0'");
    return pid != NULL && end != NULL && pid < end;
}

/* Whoever made the guest chose its name: only a plain one is put into a command. */
static char *way_out_words(const char *folder, const char *name)
{
    bool is_plain = name[strspn(name, DOCTOR_PLAIN)] == '\0';
    return xasprintf("rm %s/%s, then systemctl restart libvirtd", folder,
                     is_plain ? name : "ITS-FILE.xml");
}

static void look_at_stuck(struct examination *at)
{
    static const char path[] = "/run/libvirt/qemu";
    unsigned before = at->findings.counts[MARK_BAD];
    AUTO(closedir) DIR *folder = opendir(path);
    if (folder == NULL || access(path, R_OK | X_OK) != 0 || geteuid() != 0) {
        bool none = folder == NULL && errno == ENOENT;
        findings_add(&at->findings, MARK_OK, "stuck", NULL,
                     none ? "libvirt has started no guest here"
                          : "not looked for: only root may read what libvirt keeps of its guests");
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (is_stuck_in_its_start(dirfd(folder), entry->d_name)) {
            AUTO(free) char *advice = way_out_words(path, entry->d_name);
            findings_add(&at->findings, MARK_BAD, "stuck", advice,
                         "libvirtd takes %.*s for starting, and will never let go of it",
                         (int)(strlen(entry->d_name) - 4), entry->d_name);
        }
    }
    if (at->findings.counts[MARK_BAD] == before) {
        findings_add(&at->findings, MARK_OK, "stuck", NULL, "no guest is stuck in its start");
    }
}

void doctor_look_at_machine(struct examination *at)
{
    look_at_kvm(at);
    if (!at->answers) { /* it tells of its hosts itself */
        look_at_libvirt(at);
    }
    look_at_stuck(at);
}
