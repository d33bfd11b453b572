/*
 * storage_place: where a host's volumes are, as it is configured or follows from its URI, and
 * whether lodged can see it. A place owns its texts.
 */
#include "host/host_conn.h"
#include "host/storage/storage_private.h"
#include "memory.h"
#include "paths.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_DIR "/var/lib/libvirt/images/lodge"

static char *default_dir(const struct uri *uri)
{
    if (uri->is_embedded) {
        return xasprintf("%s/disks", uri->root == NULL ? "" : uri->root);
    }
    AUTO(free) char *data = uri->is_session ? path_data_dir(geteuid()) : NULL;
    return data == NULL ? xstrdup(SYSTEM_DIR) : xasprintf("%s/disks", data);
}

void storage_place(const struct host *host, const char *pool, const char *dir,
                   struct storage_place *ret_place)
{
    const char *of_driver = host_uri(host)->is_embedded ? "" : "lodge";
    *ret_place = (struct storage_place){
        .pool = xstrdup(pool == NULL || host_uri(host)->is_embedded ? of_driver : pool),
        .dir = dir == NULL ? default_dir(host_uri(host)) : xstrdup(dir),
    };
    for (size_t end = strlen(ret_place->dir); end > 1 && ret_place->dir[end - 1] == '/'; end--) {
        ret_place->dir[end - 1] = '\0';
    }
}

void storage_place_clear(struct storage_place *place)
{
    free(place->pool);
    free(place->dir);
    *place = (struct storage_place){0};
}

char *storage_path(const struct storage_place *place, const char *name)
{
    return xasprintf("%s/%s", strcmp(place->dir, "/") == 0 ? "" : place->dir, name);
}

bool storage_sees_files(const struct host_conn *conn)
{
    return host_uri(conn->host)->is_local && !host_uri(conn->host)->is_test;
}

bool storage_is_seen(const struct host_conn *conn, const struct storage_place *place)
{
    struct stat there;
    return storage_sees_files(conn) && stat(place->dir, &there) == 0 && S_ISDIR(there.st_mode);
}
