#include "host/storage/serial_log.h"

#include "memory.h"
#include "support/folder_world.h"

enum { MIB = 1 << 20 };

static int open_here(void)
{
    int here = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(here >= 0);
    return here;
}

/* Of `size` bytes, numbered lines of 16. */
static void log_write(const char *name, int size)
{
    FILE *file = fopen(in_folder(name), "we");
    assert_non_null(file);
    for (int i = 0; i < size / 16; i++) {
        assert_int_equal(fprintf(file, "line %010d\n", i), 16);
    }
    assert_int_equal(fclose(file), 0);
}

static off_t size_of(const char *name)
{
    struct stat info;
    assert_int_equal(stat(in_folder(name), &info), 0);
    return info.st_size;
}

static void a_long_log_keeps_its_last_words(void **state)
{
    (void)state;
    char last[17] = "";
    log_write("log", 5 * MIB);
    AUTO(fd_close) int here = open_here();

    serial_log_cut(here, "log");

    assert_in_range(size_of("log"), 0, MIB);
    AUTO(fd_close) int fd = open(in_folder("log"), O_RDONLY | O_CLOEXEC);
    if (size_of("log") == 0) {
        skip(); /* a file system that cannot take away what a file begins with */
    }
    assert_int_equal(pread(fd, last, 16, size_of("log") - 16), 16);
    assert_string_equal(last, "line 0000327679\n");
    assert_in_range(size_of("log"), MIB / 2, MIB);
}

static void who_appends_goes_on_at_the_new_end(void **state)
{
    (void)state;
    char last[6] = "";
    log_write("log", 3 * MIB);
    AUTO(fd_close) int here = open_here();
    AUTO(fd_close) int guest = open(in_folder("log"), O_RDWR | O_APPEND | O_CLOEXEC);

    serial_log_cut(here, "log");
    off_t cut = size_of("log");
    assert_int_equal(write(guest, "after", 5), 5);

    assert_int_equal(size_of("log"), cut + 5);
    assert_int_equal(pread(guest, last, 5, cut), 5);
    assert_string_equal(last, "after");
}

static void what_is_short_or_no_log_stays(void **state)
{
    (void)state;
    log_write("short", MIB);
    log_write("linked", 3 * MIB);
    log_write("theirs", 3 * MIB);
    assert_int_equal(link(in_folder("linked"), in_folder("second")), 0);
    assert_int_equal(symlink("theirs", in_folder("link")), 0);
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    assert_int_equal(mkdir(in_folder("folder"), 0700), 0);
    static const char *const names[] = {"short", "linked", "second", "link",
                                        "pipe",  "folder", "none"};
    AUTO(fd_close) int here = open_here();

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        serial_log_cut(here, names[i]);
    }

    assert_int_equal(size_of("short"), MIB);
    assert_int_equal(size_of("linked"), 3 * MIB);
    assert_int_equal(size_of("theirs"), 3 * MIB);
}

#define A_GUEST "10d9e000-0000-4000-9000-000000000001"

static void all_logs_of_lodges_in_a_folder_are_cut_and_nothing_else(void **state)
{
    (void)state;
    static const char *const others[] = {
        "serial.log",
        "-serial.log",
        "web-serial.log",
        A_GUEST "-serial.log.0",
        A_GUEST "-serial.log.old",
        A_GUEST "-0.raw",
        A_GUEST "-SERIAL.LOG",
        "x" A_GUEST "-serial.log",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        log_write(others[i], 2 * MIB);
    }
    log_write("theirs", 2 * MIB);
    assert_int_equal(
        symlink("theirs", in_folder("20d9e000-0000-4000-9000-000000000001-serial.log")), 0);
    assert_int_equal(link(in_folder("web-serial.log"),
                          in_folder("30d9e000-0000-4000-9000-000000000001-serial.log")),
                     0);
    log_write(A_GUEST "-serial.log", 2 * MIB);
    AUTO(fd_close) int here = open_here();

    serial_logs_cut(here);

    assert_in_range(size_of(A_GUEST "-serial.log"), 0, MIB);
    assert_int_equal(size_of("theirs"), 2 * MIB);
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        assert_int_equal(size_of(others[i]), 2 * MIB);
    }
    log_write(A_GUEST "-serial.log", 2 * MIB);
    serial_logs_cut(here); /* a second look begins at the beginning */
    assert_in_range(size_of(A_GUEST "-serial.log"), 0, MIB);
}

#define IN_FOLDER(function) cmocka_unit_test_setup_teardown(function, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_long_log_keeps_its_last_words),
        IN_FOLDER(who_appends_goes_on_at_the_new_end),
        IN_FOLDER(what_is_short_or_no_log_stays),
        IN_FOLDER(all_logs_of_lodges_in_a_folder_are_cut_and_nothing_else),
    };
    return cmocka_run_group_tests_name("serial_log", tests, NULL, NULL);
}
