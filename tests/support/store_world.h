/*
 * store_world: a state directory of the test's own, and looks at it from inside and outside.
 * Included by one program each, after support/test.h.
 */
#ifndef TESTS_SUPPORT_STORE_WORLD_H
#define TESTS_SUPPORT_STORE_WORLD_H

#include "scope.h"
#include "store/database.h"
#include "store/store.h"
#include "store/vms.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IN_DIR(function) cmocka_unit_test_setup_teardown(function, make_dir, remove_dir)
#define WORLD __attribute__((unused)) static

DEFINE_AUTO(struct store *, store_close, NULL);

/* --- a world: a state directory of the test's own ----------------------------------------------
 */

static char dir[64];
static char file[96]; /* DIR/lodge.db */

WORLD int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/lodge-store-XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    snprintf(file, sizeof file, "%s/lodge.db", dir);
    return 0;
}

WORLD int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

WORLD int remove_dir(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

WORLD struct store *open_well(void)
{
    struct lodge_error err = {0};
    struct store *store = store_open(dir, &err);
    assert_string_equal(err.message, "");
    assert_non_null(store);
    return store;
}

/* What another program does to the file. */
WORLD int foreign(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return code;
}

WORLD int64_t ask(struct store *store, const char *sql)
{
    struct lodge_error err = {0};
    int64_t value = -1;
    if (!database_ask_int(store, sql, &value, &err)) {
        fail_msg("%s: %s", sql, err.message);
    }
    return value;
}

WORLD size_t read_bytes(const char *path, char *bytes, size_t size)
{
    FILE *stream = fopen(path, "re");
    assert_non_null(stream);
    size_t length = fread(bytes, 1, size, stream);
    fclose(stream);
    return length;
}

WORLD void write_bytes(const char *path, const char *bytes, size_t size)
{
    FILE *stream = fopen(path, "we");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, size, stream), size);
    fclose(stream);
}

WORLD int64_t count_boot(struct store *store)
{
    struct lodge_error err = {0};
    int64_t boot = 0;
    if (!store_count_boot(store, &boot, &err)) {
        fail_msg("%s", err.message);
    }
    return boot;
}

struct heard {
    char text[256];
};

WORLD void hear_user(void *data, uid_t uid, const char *role)
{
    struct heard *heard = data;
    size_t used = strlen(heard->text);
    snprintf(heard->text + used, sizeof heard->text - used, "%u=%s ", uid, role);
}

WORLD void hear_vm(void *data, const struct vm_row *row)
{
    struct heard *heard = data;
    size_t used = strlen(heard->text);
    snprintf(heard->text + used, sizeof heard->text - used, "%s/%s %s %u\n", row->host, row->name,
             row->uuid, row->owner);
}

#endif
