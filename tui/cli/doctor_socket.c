/*
 * doctor_socket: the socket that lodge goes to, whose it is and who may open it; and others on
 * which a lodged answers: the machine's, the user's own, that of ./start in this folder or by its
 * short name (short_path() of demo/machine.sh).
 */
#include "cli/doctor.h"
#include "memory.h"
#include "paths.h"

#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The caller frees. */
static char *how_to_start(const struct examination *at)
{
    AUTO(free) char *usual = lodge_socket_path();
    bool is_usual =
        usual != NULL && path_is_same(usual, at->socket) && getenv("LODGE_SOCKET") == NULL;
    return at->has_unit ? xstrdup("systemctl start lodged")
           : is_usual   ? xstrdup("start it: lodged")
                        : xasprintf("start it: lodged --socket %s", at->socket);
}

/* For who may not open it. The caller frees. */
static char *how_to_get_in(const struct examination *at, const struct stat *file,
                           const struct passwd *owner, const struct group *group)
{
    return (file->st_mode & S_IWGRP) != 0 && file->st_gid != 0 && group != NULL
               ? doctor_how_to_join(at, group->gr_name)
               : xasprintf("sudo -u %s lodge --socket %s ls",
                           owner == NULL ? "root" : owner->pw_name, at->socket);
}

static void look_at_file(struct examination *at, const struct stat *file)
{
    const struct passwd *owner = getpwuid(file->st_uid);
    const struct group *group = getgrgid(file->st_gid);
    AUTO(free)
    char *about = xasprintf(
        "%s of %s:%s, mode %04o", at->socket, owner == NULL ? "nobody known" : owner->pw_name,
        group == NULL ? "no known group" : group->gr_name, (unsigned)(file->st_mode & 07777));
    struct lodge_error err = {0};
    if (!S_ISSOCK(file->st_mode)) {
        findings_add(&at->findings, MARK_BAD, "socket",
                     "lodge --socket PATH, or unset LODGE_SOCKET", "%s: that is no socket", about);
    } else if (access(at->socket, W_OK) != 0 && errno == EACCES) {
        AUTO(free) char *way_in = how_to_get_in(at, file, owner, group);
        findings_add(&at->findings, MARK_BAD, "socket", way_in, "%s: you may not open it", about);
    } else if (at->client == NULL) {
        AUTO(lodge_client_close)
        struct lodge_client *again = lodge_client_open(at->socket, &err); /* or says why */
        AUTO(free) char *start = how_to_start(at);
        findings_add(&at->findings, MARK_BAD, "socket", start, "%s: %s", about,
                     again != NULL ? "it listens since a moment ago" : "no lodged listens on it");
    } else {
        findings_add(&at->findings, MARK_OK, "socket", NULL, "%s", about);
    }
}

/* The group */

static bool is_mine(gid_t group)
{
    int count = getgroups(0, NULL);
    AUTO(free) gid_t *groups = xcalloc(count < 1 ? 1 : (size_t)count, sizeof *groups);
    count = getgroups(count, groups);
    for (int i = 0; i < count; i++) {
        if (groups[i] == group) {
            return true;
        }
    }
    return getegid() == group;
}

/* Of those who were put into it while they were logged in. */
static bool is_in_group(const struct group *group, const char *user)
{
    char **member = group->gr_mem;
    while (*member != NULL && strcmp(*member, user) != 0) {
        member++;
    }
    return *member != NULL;
}

static void no_group(struct examination *at)
{
    findings_add(&at->findings, MARK_WARNING, "group",
                 "groupadd --system lodge, adduser USER lodge, and start lodged again",
                 "there is no group 'lodge': only root may open %s", at->socket);
}

static void look_at_membership(struct examination *at, const struct group *group)
{
    AUTO(free) char *advice = doctor_how_to_join(at, group->gr_name);
    if (geteuid() == 0) {
        findings_add(&at->findings, MARK_OK, "group", NULL,
                     "members of %s may open it, and you are root", group->gr_name);
    } else if (is_mine(group->gr_gid)) {
        findings_add(&at->findings, MARK_OK, "group", NULL,
                     "members of %s may open it, and you are one", group->gr_name);
    } else if (is_in_group(group, at->user)) {
        findings_add(&at->findings, MARK_BAD, "group", "log out and in again",
                     "you are a member of %s, and were none when you logged in", group->gr_name);
    } else {
        findings_add(&at->findings, MARK_BAD, "group", advice,
                     "members of %s may open it, and you are none", group->gr_name);
    }
}

/* Who may open what is there, or would be: the group by the file, else by its usual name. */
static void look_at_group(struct examination *at, const struct stat *file)
{
    bool of_machine = path_is_same(at->socket, PATH_SYSTEM_SOCKET);
    const struct group *group = NULL;
    if (file != NULL && (file->st_mode & S_IWOTH) != 0) {
        findings_add(&at->findings, MARK_OK, "group", NULL, "everybody may open it");
        return;
    }
    if (file != NULL && file->st_uid == geteuid() && geteuid() != 0) {
        findings_add(&at->findings, MARK_OK, "group", NULL, "the socket is yours");
        return;
    }
    if (file != NULL && file->st_gid != 0 && (file->st_mode & S_IWGRP) != 0) {
        group = getgrgid(file->st_gid);
    } else if (file == NULL && of_machine) {
        group = getgrnam("lodge");
    }
    if (group != NULL) {
        look_at_membership(at, group);
    } else if (getgrnam("lodge") == NULL && (of_machine || (file != NULL && file->st_uid == 0))) {
        no_group(at);
    } else if (file != NULL && geteuid() != 0) {
        findings_add(&at->findings, MARK_BAD, "group",
                     "socket_group and socket_mode in lodged.conf", "only its owner may open it");
    } else {
        findings_add(&at->findings, MARK_OK, "group", NULL,
                     file == NULL ? "of no concern to a socket of your own"
                                  : "only its owner and root may open it");
    }
}

/* Others */

static bool is_safe_place(const char *path)
{
    struct stat file;
    return lstat(path, &file) == 0 && (file.st_uid == geteuid() || file.st_uid == 0);
}

/* Whether it was worth a line. In a folder that others may write into anybody may listen, and call
 * it as they like. */
static bool try_other(struct examination *at, const char *path)
{
    struct lodge_error err = {0};
    if (path == NULL || path_is_same(path, at->socket) || !is_safe_place(path)) {
        return false;
    }
    AUTO(lodge_client_close) struct lodge_client *other = lodge_client_open(path, &err);
    if (other == NULL) {
        return false;
    }
    bool is_plain = path[strspn(path, DOCTOR_PLAIN "/")] == '\0';
    AUTO(free) char *advice = xasprintf("lodge --socket %s", is_plain ? path : "PATH");
    findings_add(&at->findings, at->answers ? MARK_OK : MARK_WARNING, "others",
                 at->answers ? NULL : advice, "a lodged listens on %s too", path);
    return true;
}

static unsigned try_short_names(struct examination *at)
{
    glob_t found = {0};
    unsigned count = 0;
    AUTO(free) char *folder = xasprintf("/tmp/lodge-%u", (unsigned)geteuid());
    AUTO(free) char *pattern = xasprintf("%s/*/lodged.sock", folder);
    if (is_safe_place(folder) && glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && i < 8; i++) {
            count += try_other(at, found.gl_pathv[i]);
        }
    }
    globfree(&found);
    return count;
}

static void look_at_others(struct examination *at)
{
    AUTO(free) char *own = geteuid() == 0 ? NULL : path_daemon_socket(geteuid());
    AUTO(free) char *here = getcwd(NULL, 0);
    AUTO(free) char *started = here == NULL ? NULL : xasprintf("%s/.lodge/lodged.sock", here);
    unsigned count = try_other(at, PATH_SYSTEM_SOCKET);
    count += try_other(at, own);
    count += try_other(at, started);
    count += try_short_names(at);
    if (count == 0) {
        findings_add(&at->findings, MARK_OK, "others", NULL, "no lodged listens on another socket");
    }
}

void doctor_look_at_socket(struct examination *at)
{
    struct stat file;
    bool is_there = stat(at->socket, &file) == 0;
    if (is_there) {
        look_at_file(at, &file);
    } else if (errno == EACCES) {
        AUTO(free)
        char *look = xasprintf("namei -l %s says which folder keeps you out", at->socket);
        findings_add(&at->findings, MARK_BAD, "socket", look, "%s: you may not go there",
                     at->socket);
    } else {
        int why = errno;
        AUTO(free) char *start = how_to_start(at);
        findings_add(&at->findings, MARK_BAD, "socket", start, "%s: %s", at->socket, strerror(why));
    }
    look_at_group(at, is_there ? &file : NULL);
    look_at_others(at);
}
