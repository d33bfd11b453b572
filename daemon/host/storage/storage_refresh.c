/* storage_refresh.c: has a pool look anew what is in its folder. On a worker. */
#include "host/libvirt_error.h"
#include "host/storage/storage_private.h"
#include "memory.h"
#include "scope.h"

#include <pthread.h>
#include <string.h>

/* One refresh at a time per host and pool: a second would be refused, or find the first's half of
 * the list. A lock and no letter, since workers may be lost in it: those of one pool wait for each
 * other, and for nobody else. Never freed: there is one for each pool. */
struct refresh_lock {
    struct refresh_lock *next;
    char *key;
    pthread_mutex_t lock;
};

static pthread_mutex_t *refresh_lock(const struct host_conn *conn, const char *pool)
{
    static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
    static struct refresh_lock *locks;
    AUTO(free) char *key = xasprintf("%s/%s", host_name(conn->host), pool);
    pthread_mutex_lock(&guard);
    struct refresh_lock *found = locks;
    while (found != NULL && strcmp(found->key, key) != 0) {
        found = found->next;
    }
    if (found == NULL) {
        found = xcalloc(1, sizeof *found);
        pthread_mutex_init(&found->lock, NULL);
        found->key = TAKE(key);
        found->next = locks;
        locks = found;
    }
    pthread_mutex_unlock(&guard);
    return &found->lock;
}

bool storage_refresh(struct host_conn *conn, const char *name, virStoragePoolPtr pool,
                     struct lodge_error *err)
{
    pthread_mutex_t *lock = refresh_lock(conn, name);
    pthread_mutex_lock(lock);
    bool good =
        virStoragePoolRefresh(pool, 0) == 0 || libvirt_fail(err, "refreshing pool '%s'", name);
    pthread_mutex_unlock(lock);
    if (!good && strstr(err->libvirt.text, "asynchronous jobs") != NULL) {
        err->kind = LODGE_ERROR_BUSY;
    }
    return good;
}
