/*
 * bare_commit: the least that a durable change can take: one row, committed as the store does it
 * (WAL, synchronous FULL); what the write lock's times are compared with.
 *
 * `bare_commit DIR COUNT` prints milliseconds from BEGIN IMMEDIATE to the end of COMMIT: the median
 * and the 99th percentile.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
        exit(1);
    }
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

int main(int argc, char **argv)
{
    char path[4096];
    sqlite3 *db = NULL;
    size_t count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

    if (count == 0) {
        fputs("usage: bare_commit DIR COUNT\n", stderr);
        return 2;
    }
    snprintf(path, sizeof(path), "%s/bare.db", argv[1]);
    if (sqlite3_open(path, &db) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
        return 1;
    }
    run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, text TEXT) STRICT");
    double *took = calloc(count, sizeof(double));
    for (size_t i = 0; took != NULL && i < count; i++) {
        run(db, "BEGIN IMMEDIATE");
        double begun = now_ms();
        run(db, "INSERT INTO bare (text) VALUES ('one row')");
        run(db, "COMMIT");
        took[i] = now_ms() - begun;
    }
    sqlite3_close(db);
    if (took == NULL) {
        return 1;
    }
    qsort(took, count, sizeof(double), by_size);
    printf("%.4f %.4f\n", took[count / 2], took[count * 99 / 100]);
    free(took);
    return 0;
}
