/* paths: the environment and the user's id, turned into paths; nothing is created here. */
#include "paths.h"

#include "lodge/client.h"
#include "scope.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A directory that a variable names, or NULL. */
static const char *directory_of(const char *variable)
{
    const char *directory = getenv(variable);
    return directory != NULL && directory[0] == '/' ? directory : NULL;
}

static char *path_join(const char *directory, const char *rest)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", directory, rest) < 0 ? NULL : path;
}

char *path_daemon_socket(uid_t uid)
{
    if (uid == 0) {
        return strdup(PATH_SYSTEM_SOCKET);
    }
    const char *runtime = directory_of("XDG_RUNTIME_DIR");
    if (runtime != NULL) {
        return path_join(runtime, "lodge/lodged.sock");
    }
    char *path = NULL;
    return asprintf(&path, "/run/user/%lu/lodge/lodged.sock", (unsigned long)uid) < 0 ? NULL : path;
}

char *path_client_socket(uid_t uid, const char *system_socket)
{
    bool is_there = access(system_socket, F_OK) == 0;
    return is_there || uid == 0 ? strdup(system_socket) : path_daemon_socket(uid);
}

char *lodge_socket_path(void)
{
    const char *told = getenv("LODGE_SOCKET");
    return told != NULL && told[0] != '\0' ? strdup(told)
                                           : path_client_socket(geteuid(), PATH_SYSTEM_SOCKET);
}

/* lodge's folder in the one that the variable names, else in this one of the user's home. */
static char *user_dir(uid_t uid, const char *variable, const char *in_home)
{
    const char *named = directory_of(variable);
    if (named != NULL) {
        return path_join(named, "lodge");
    }
    const char *home = directory_of("HOME");
    if (home != NULL) {
        return path_join(home, in_home);
    }
    struct passwd user;
    struct passwd *found = NULL;
    char names[4096];
    int failed = getpwuid_r(uid, &user, names, sizeof names, &found);
    return failed == 0 && found != NULL ? path_join(user.pw_dir, in_home) : NULL;
}

char *path_state_dir(uid_t uid)
{
    return uid == 0 ? strdup("/var/lib/lodge")
                    : user_dir(uid, "XDG_STATE_HOME", ".local/state/lodge");
}

char *path_data_dir(uid_t uid)
{
    return user_dir(uid, "XDG_DATA_HOME", ".local/share/lodge");
}

char *path_images_dir(uid_t uid)
{
    if (uid == 0) {
        return strdup("/srv/lodge/images");
    }
    char *data = path_data_dir(uid);
    char *images = data == NULL ? NULL : path_join(data, "images");
    free(data);
    return images;
}

/* The next part of a path, behind slashes and parts that say nothing; its length. */
static size_t next_path_part(const char **path)
{
    for (;;) {
        *path += strspn(*path, "/");
        size_t length = strcspn(*path, "/");
        if (length != 1 || (*path)[0] != '.') {
            return length;
        }
        *path += length;
    }
}

bool path_is_same(const char *a, const char *b)
{
    if ((a[0] == '/') != (b[0] == '/')) {
        return false;
    }
    for (;;) {
        size_t length = next_path_part(&a);
        if (length != next_path_part(&b) || memcmp(a, b, length) != 0) {
            return false;
        }
        if (length == 0) {
            return true;
        }
        a += length;
        b += length;
    }
}
