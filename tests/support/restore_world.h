/*
 * restore_world: a state directory, a folder beside it with a copy of its database, and lodged
 * --restore. Included by one program each, after support/test.h.
 */
#ifndef TESTS_SUPPORT_RESTORE_WORLD_H
#define TESTS_SUPPORT_RESTORE_WORLD_H

#include "memory.h"
#include "store/copies.h"
#include "store/restore.h"
#include "support/store_world.h"

#include "support/journal_world.h"

#include <dirent.h>
#include <sys/wait.h>

static char elsewhere[128]; /* a folder beside the state directory, with a copy in it */
static char copy[160];

WORLD int make_both(void **state)
{
    if (make_dir(state) != 0) {
        return -1;
    }
    snprintf(elsewhere, sizeof elsewhere, "%s-elsewhere", dir);
    snprintf(copy, sizeof copy, "%s/copy.db", elsewhere);
    return mkdir(elsewhere, 0700);
}

WORLD int remove_both(void **state)
{
    (void)nftw(elsewhere, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return remove_dir(state);
}

#define IN_BOTH(function) cmocka_unit_test_setup_teardown(function, make_both, remove_both)

/* A database with one VM, and a creation under way; copied, and then as it went on. */
WORLD void make_history(void)
{
    struct lodge_error err = {0};
    char *path = NULL;
    int64_t bytes = 0;
    struct store *store = open_well();
    (void)count_boot(store);
    end_operation(store, begin_creation(store, 1), true);
    int64_t id = begin_creation(store, 2);
    assert_true(store_make_backup(store, 1000, &path, &bytes, &err));
    assert_int_equal(rename(path, copy), 0);
    free(path);
    end_operation(store, id, true);
    end_operation(store, begin_creation(store, 3), true);
    store_close(store);
}

WORLD int64_t vms_now(void)
{
    AUTO(store_close) struct store *store = open_well();
    return ask(store, "SELECT count(*) FROM vm");
}

WORLD struct store_restored restore_well(const char *from)
{
    struct lodge_error err = {0};
    struct store_restored restored = {0};
    if (!store_restore(dir, from, 5000, &restored, &err)) {
        fail_msg("%s", err.message);
    }
    return restored;
}

WORLD bool has_parts(void)
{
    bool found = false;
    DIR *list = opendir(dir);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        found |= strstr(entry->d_name, "restore") != NULL || strstr(entry->d_name, "part") != NULL;
    }
    closedir(list);
    return found;
}

/* Somebody was killed with a log that was not taken in: one VM more is in it alone. */
WORLD void leave_log(void)
{
    pid_t child = fork();
    if (child == 0) {
        struct lodge_error err = {0};
        struct store *store = store_open(dir, &err);
        end_operation(store, begin_creation(store, 4), true);
        _exit(0);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    char wal[128];
    struct stat info;
    snprintf(wal, sizeof wal, "%s-wal", file);
    assert_int_equal(stat(wal, &info), 0);
    assert_true(info.st_size > 0);
}

#endif
