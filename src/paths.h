/*
 * paths: where lodge's socket and state are expected. Any thread that may read the environment.
 *
 * Root's daemon is the machine's; anybody else's is their own. XDG variables count only when they
 * hold an absolute path, as their specification says. Results are the caller's to free; NULL when
 * memory is out.
 */
#ifndef PATHS_H
#define PATHS_H

#include <stdbool.h>
#include <sys/types.h>

#define PATH_SYSTEM_SOCKET "/run/lodge/lodged.sock"

/* Where a client of `uid` looks when $LODGE_SOCKET is not set: `system_socket` if it is there or
 * for root, else the user's own daemon's. (lodge_socket_path() asks both.) */
char *path_client_socket(uid_t uid, const char *system_socket);

/* Where a daemon of `uid` listens unless told: PATH_SYSTEM_SOCKET for root, else
 * $XDG_RUNTIME_DIR/lodge/lodged.sock (/run/user/UID/… without it). */
char *path_daemon_socket(uid_t uid);

/* Where a daemon of `uid` keeps its state unless told: /var/lib/lodge for root, else
 * $XDG_STATE_HOME/lodge, else .local/state/lodge in $HOME or in the home the user database names.
 * NULL also when nobody knows a home. */
char *path_state_dir(uid_t uid);

/* Where data of `uid`'s own are: $XDG_DATA_HOME/lodge, else .local/share/lodge in the home; NULL
 * when nobody knows one. */
char *path_data_dir(uid_t uid);

/* The library of images of a daemon of `uid` unless told: /srv/lodge/images for root, else
 * `images` in the user's data. */
char *path_images_dir(uid_t uid);

/* Do both say the same, however many slashes and "." they say it with? Nothing is looked up. */
bool path_is_same(const char *a, const char *b);

#endif
