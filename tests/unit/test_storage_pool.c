#include "support/storage_world.h"

#include "host/xml/storage_xml.h"
#include "lodge/vm.h"
#include "support/schema_xml.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>

/* libvirt's test driver keeps its pools in memory: what they are asked is real, no file is. All
 * connections to it share them while one is open. */
static int with_the_test_driver(void **state)
{
    if (folder_make(state) != 0) {
        return -1;
    }
    host_is("test:///default");
    conn.libvirt = virConnectOpen("test:///default");
    storage_place(&host, NULL, folder, &place);
    return conn.libvirt == NULL ? -1 : 0;
}

static int without_it(void **state)
{
    int failed = virConnectClose(conn.libvirt);
    return place_remove(state) == 0 && failed == 0 ? 0 : -1;
}

static const struct volume blank = {.name = A_VOLUME, .format = "qcow2", .size_gib = 2};

static virStoragePoolPtr pool_of(const char *name)
{
    virStoragePoolPtr pool = virStoragePoolLookupByName(conn.libvirt, name);
    assert_non_null(pool);
    return pool;
}

static int64_t gib_of(const char *name)
{
    virStorageVolInfo info;
    virStoragePoolPtr pool = pool_of("lodge");
    virStorageVolPtr volume = virStorageVolLookupByName(pool, name);
    assert_non_null(volume);
    assert_int_equal(virStorageVolGetInfo(volume, &info), 0);
    virStorageVolFree(volume);
    virStoragePoolFree(pool);
    return (int64_t)(info.capacity >> 30);
}

static void the_pool_is_made_on_first_use_and_found_after_that(void **state)
{
    (void)state;
    int autostart = 0;

    expect_good(storage_prepare(&conn, &place, err));
    expect_good(storage_prepare(&conn, &place, err));

    virStoragePoolPtr pool = pool_of("lodge");
    assert_int_equal(virStoragePoolIsActive(pool), 1);
    assert_int_equal(virStoragePoolGetAutostart(pool, &autostart), 0);
    assert_int_equal(autostart, 1);
    virStoragePoolFree(pool);
}

static void a_pool_that_does_not_run_is_started(void **state)
{
    (void)state;
    bool was_there = true;
    expect_good(storage_prepare(&conn, &place, err));
    virStoragePoolPtr pool = pool_of("lodge");
    assert_int_equal(virStoragePoolDestroy(pool), 0);
    expect_good(remove_it(A_VOLUME, &was_there, err));
    assert_false(was_there);
    assert_int_equal(virStoragePoolIsActive(pool), 1);
    assert_int_equal(virStoragePoolDestroy(pool), 0);

    expect_good(storage_prepare(&conn, &place, err));

    assert_int_equal(virStoragePoolIsActive(pool), 1);
    virStoragePoolFree(pool);
}

static void a_pool_that_is_elsewhere_is_not_believed(void **state)
{
    (void)state;
    struct storage_place other = {.pool = (char[]){"default-pool"}, .dir = place.dir};

    expect_kind(storage_prepare(&conn, &other, err), LODGE_ERROR_CONFLICT);

    other.dir = (char[]){"/default-pool"};
    expect_good(storage_prepare(&conn, &other, err));
}

enum { MAKERS = 8 };

struct maker {
    pthread_t thread;
    struct lodge_error error;
};

static void *prepare_too(void *data)
{
    struct maker *maker = data;
    virConnectPtr other = virConnectOpen("test:///default");
    struct host_conn mine = {.host = &host, .libvirt = other};
    if (!storage_prepare(&mine, &place, &maker->error)) {
        assert_int_not_equal(maker->error.kind, LODGE_ERROR_NONE);
    }
    virConnectClose(other);
    return NULL;
}

static void makers_at_once_make_one(void **state)
{
    (void)state;
    struct maker makers[MAKERS] = {0};
    for (int i = 0; i < MAKERS; i++) {
        assert_int_equal(pthread_create(&makers[i].thread, NULL, prepare_too, &makers[i]), 0);
    }
    for (int i = 0; i < MAKERS; i++) {
        pthread_join(makers[i].thread, NULL);
    }

    for (int i = 0; i < MAKERS; i++) {
        must(makers[i].error.kind == LODGE_ERROR_NONE, &makers[i].error);
    }
    virStoragePoolFree(pool_of("lodge"));
}

static void a_volume_lives_and_goes(void **state)
{
    (void)state;
    bool was_there = false;
    struct lodge_strings names = {0};
    int64_t bytes = LODGE_UNKNOWN;
    expect_good(storage_prepare(&conn, &place, err));

    expect_good(storage_make(&conn, &place, &blank, NULL, err));
    assert_int_equal(gib_of(A_VOLUME), 2);
    expect_kind(storage_make(&conn, &place, &blank, NULL, err), LODGE_ERROR_EXISTS);
    expect_good(grow_it(A_VOLUME, 5, err));
    expect_good(grow_it(A_VOLUME, 4, err));
    assert_int_equal(gib_of(A_VOLUME), 5);
    expect_good(storage_list(&conn, &place, &names, &bytes, err));
    assert_int_equal(names.count, 1);
    assert_string_equal(names.items[0], A_VOLUME);
    assert_true(bytes > 0);
    expect_good(remove_it(A_VOLUME, &was_there, err));
    assert_true(was_there);
    expect_good(remove_it(A_VOLUME, &was_there, err));
    assert_false(was_there);
    expect_kind(grow_it(A_VOLUME, 9, err), LODGE_ERROR_NOT_FOUND);
    lodge_strings_clear(&names);
}

static void a_made_up_host_takes_images_without_their_bytes(void **state)
{
    (void)state;
    struct volume volume = blank;
    volume.image = &(struct chain){0};
    expect_good(storage_prepare(&conn, &place, err));

    expect_good(storage_make(&conn, &place, &volume, NULL, err));

    assert_int_equal(gib_of(A_VOLUME), 2);
}

static void images_do_not_reach_another_machine(void **state)
{
    (void)state;
    struct volume volume = blank;
    volume.image = &(struct chain){0};
    host_is("test+ssh://far/default");

    expect_kind(storage_make(&conn, &place, &volume, NULL, err), LODGE_ERROR_UNSUPPORTED);
}

static void without_a_pool_there_is_nothing(void **state)
{
    (void)state;
    bool was_there = true;
    struct lodge_strings names = {0};
    int64_t bytes = 0;

    expect_good(remove_it(A_VOLUME, &was_there, err));
    expect_good(storage_list(&conn, &place, &names, &bytes, err));

    assert_false(was_there);
    assert_int_equal(names.count, 0);
    assert_int_equal(bytes, LODGE_UNKNOWN);
    expect_kind(storage_make(&conn, &place, &blank, NULL, err), LODGE_ERROR_NOT_FOUND);
}

struct told {
    char words[256];
};

static void pool_told(void *data, const char *name, const char *kind, bool active,
                      int64_t capacity_gib, int64_t free_gib)
{
    struct told *told = data;
    size_t used = strlen(told->words);
    (void)snprintf(told->words + used, sizeof told->words - used, "%s %s %d %d %d;", name, kind,
                   active, (int)capacity_gib, (int)free_gib);
}

static void network_told(void *data, const char *name, const char *kind, bool active)
{
    struct told *told = data;
    size_t used = strlen(told->words);
    (void)snprintf(told->words + used, sizeof told->words - used, "%s %s %d;", name, kind, active);
}

static void what_a_host_offers_is_told(void **state)
{
    (void)state;
    struct told told = {0};
    expect_good(storage_prepare(&conn, &place, err));
    virStoragePoolPtr pool = pool_of("lodge");
    assert_int_equal(virStoragePoolDestroy(pool), 0);
    virStoragePoolFree(pool);

    expect_good(storage_list_pools(&conn, &place, pool_told, &told, err));
    expect_good(storage_list_networks(&conn, network_told, &told, err));

    assert_non_null(strstr(told.words, "default-pool dir 1 100 100;"));
    assert_non_null(strstr(told.words, "lodge dir 0 -1 -1;"));
    assert_non_null(strstr(told.words, "default nat 1;"));
}

static void what_is_asked_of_libvirt_follows_its_schemas(void **state)
{
    (void)state;
    static const char *const formats[] = {"qcow2", "raw"};
    struct lodge_error err = {0};
    struct storage_xml_facts facts = {0};
    xmlRelaxNGPtr volumes = schema_open("storagevol.rng");
    xmlRelaxNGPtr pools = schema_open("storagepool.rng");
    if (volumes == NULL || pools == NULL) {
        skip();
    }
    for (size_t i = 0; i < ARRAY_LENGTH(formats); i++) {
        AUTO(free) char *volume = storage_xml_volume(A_VOLUME, formats[i], 65536, &err);
        expect_valid(volumes, volume);
    }
    AUTO(free) char *pool = storage_xml_pool("lodge", "/a b/'\"&<>é", &err);
    expect_valid(pools, pool);
    assert_true(storage_xml_read_pool(pool, &facts, &err));
    assert_string_equal(facts.path, "/a b/'\"&<>é");
    assert_string_equal(facts.type, "dir");
    storage_xml_facts_clear(&facts);
    xmlRelaxNGFree(volumes);
    xmlRelaxNGFree(pools);
}

static void say_nothing(void *unused, virErrorPtr error)
{
    (void)unused;
    (void)error;
}

#define ON_POOLS(function) \
    cmocka_unit_test_setup_teardown(function, with_the_test_driver, without_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_POOLS(the_pool_is_made_on_first_use_and_found_after_that),
        ON_POOLS(a_pool_that_does_not_run_is_started),
        ON_POOLS(a_pool_that_is_elsewhere_is_not_believed),
        ON_POOLS(makers_at_once_make_one),
        ON_POOLS(a_volume_lives_and_goes),
        ON_POOLS(a_made_up_host_takes_images_without_their_bytes),
        ON_POOLS(images_do_not_reach_another_machine),
        ON_POOLS(without_a_pool_there_is_nothing),
        ON_POOLS(what_a_host_offers_is_told),
        TEST(what_is_asked_of_libvirt_follows_its_schemas),
    };
    virSetErrorFunc(NULL, say_nothing);
    return cmocka_run_group_tests_name("storage_pool", tests, NULL, NULL);
}
