/* told: what of errors, reasons and notes is cut for whom, and that nothing more is. */
#include "support/test.h"

#include "support/registry_world.h"

#include "registry/told.h"
#include "scope.h"

#define MINE "00000000-0000-4000-8000-000000000001"
#define HIS "00000000-0000-4000-8000-000000000002"

static const struct viewer user = {SOME_UID, ROLE_USER};
static const struct viewer viewer = {SOME_UID + 5, ROLE_VIEWER};
static const struct told_about answer = {.is_answer = true};
static const struct told_about of_op = {"alpha", MINE, "mine", false};

static int make_told(void **state)
{
    struct disk_row disk = {
        .target = "vda", .path = "/srv/disks/mine.qcow2", .size_gib = 1, .ours = true};
    make_registry(state);
    registry_add_host(registry, "gamma",
                      "qemu+ssh://someuser@somehost:2222/system?keyfile=/secret/key&netcat=my-nc");
    registry_add_host(registry, "kvm1", "qemu+ssh://kvm1/system");
    tell_state("alpha", 1, "mine", LODGE_VM_RUNNING);
    tell_state("alpha", 2, "his-vm", LODGE_VM_RUNNING);
    own("alpha", HIS, OTHER_UID);
    registry_set_row(registry, &(struct vm_row){
                                   .host = "alpha",
                                   .uuid = MINE,
                                   .name = "mine",
                                   .owner = SOME_UID,
                                   .phase = VM_PHASE_READY,
                                   .vcpus = 1,
                                   .memory_mib = 64,
                                   .disk_gib = 1,
                                   .disks = &disk,
                                   .disk_count = 1,
                               });
    return 0;
}

static void hears(const struct viewer *who, const struct told_about *about, const char *text,
                  const char *wanted)
{
    AUTO(free) char *told = told_text(registry, who, about, text);
    assert_string_equal(told, wanted);
}

static void a_hosts_address_is_for_admins(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"cannot connect to qemu+ssh://someuser@somehost/system?keyfile=/secret/key: no",
         "cannot connect to an address: no"},
        {"ssh: someuser@somehost: Permission denied (publickey)",
         "ssh: (not told)@(not told): Permission denied (publickey)"},
        {"Could not resolve hostname SOMEHOST.", "Could not resolve hostname (not told)."},
        {"my-nc: not found", "(not told): not found"},
        {"host 'gamma' is not up: Cannot recv data: x",
         "host 'gamma' is not up: its libvirt cannot be reached"},
        {"host 'gamma' is not up", "host 'gamma' is not up"},
        {"host 'old' is not up: is not in the configuration any more",
         "host 'old' is not up: is not in the configuration any more"},
        {"host 'kvm1' went away", "host 'kvm1' went away"},
        {"somehosts are no somehost-2", "somehosts are no somehost-2"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        hears(&user, &answer, rows[i].text, rows[i].wanted);
        hears(&user, &of_op, rows[i].text, rows[i].wanted);
        hears(&viewer, &answer, rows[i].text, rows[i].wanted);
        hears(&admin, &of_op, rows[i].text, rows[i].text);
    }
}

static void paths_but_ones_own_are_for_admins(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"the database /var/lib/lodge/lodge.db cannot be read: x",
         "the database a path cannot be read: x"},
        {"/srv/disks/mine.qcow2 stays: x", "/srv/disks/mine.qcow2 stays: x"},
        {"disk '/srv/disks//mine.qcow2' is old", "disk '/srv/disks//mine.qcow2' is old"},
        {"/pool/" MINE "-0.qcow2: x", "/pool/" MINE "-0.qcow2: x"},
        {"/pool/" HIS "-0.qcow2: x", "a path: x"},
        {"/pool/" MINE "-0.qcow2 stays: /a b/c d.qcow2 is based on it",
         "/pool/" MINE "-0.qcow2 stays: another volume is based on it"},
        {"it is not certain that nobody uses it: VM 'x': snapshot 's' hid",
         "it is not certain that nobody uses it"},
        {"cannot open '/a b/c d.iso': x", "cannot open 'a path': x"},
        {"cannot open /a b/c.iso: x", "cannot open a path: x"},
        {"-drive file=/a/b,format=raw", "-drive file=a path,format=raw"},
        {"name one as HOST/mine, 2 of 3 / 4", "name one as HOST/mine, 2 of 3 / 4"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        hears(&user, &of_op, rows[i].text, rows[i].wanted);
        hears(&admin, &of_op, rows[i].text, rows[i].text);
    }
    hears(&viewer, &of_op, "/pool/" HIS "-0.qcow2: x", "/pool/" HIS "-0.qcow2: x");
    hears(&viewer, &of_op, "/pool/x.qcow2: x", "a path: x");
}

static void a_vm_that_one_does_not_see_is_another_vm(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"a.qcow2 stays: VM 'his-vm' uses it", "a.qcow2 stays: another VM uses it"},
        {"a.qcow2 stays: VM 'long gone' uses it", "a.qcow2 stays: another VM uses it"},
        {"a.qcow2 stays: VM 'it's' uses it", "a.qcow2 stays: another VM uses it"},
        {"a.qcow2 stays: VM 'mine' uses it", "a.qcow2 stays: VM 'mine' uses it"},
        {"host 'alpha' waits for 'his-vm', 'mine', 'gone'; force off",
         "host 'alpha' waits for another VM, 'mine', another VM; force off"},
        {"host 'alpha' waits for 'his-v; force off",
         "host 'alpha' waits for another VM; force off"},
        {"another VM has the MAC address 52:54:00:aa:BB:cc",
         "another VM has the MAC address (not told)"},
        {"no VM 'his-vm'; vm.list names those there are",
         "no VM 'his-vm'; vm.list names those there are"},
        {"host 'alpha' has not been read yet", "host 'alpha' has not been read yet"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        hears(&user, &answer, rows[i].text, rows[i].wanted);
        hears(&user, &of_op, rows[i].text, rows[i].wanted);
        hears(&admin, &of_op, rows[i].text, rows[i].text);
    }
    hears(&viewer, &of_op, "VM 'his-vm' uses it", "VM 'his-vm' uses it");
}

/* libvirt's words cannot be told from lodge's in what the store has. */
static void what_an_operation_left_names_no_other_vm(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"making it: domain 'gone' already exists", "making it: another VM already exists"},
        {"'his-vm' is in the way", "another VM is in the way"},
        {"the lock of his-vm.", "the lock of another VM."},
        {"no domain with matching uuid '" HIS "' (his-vm)",
         "no domain with matching uuid another VM"},
        {"no domain with matching uuid '00000000-0000-4000-8000-000000000077' (gone)",
         "no domain with matching uuid 'another VM'"},
        {"no domain with matching uuid '" MINE "' (mine)",
         "no domain with matching uuid '" MINE "' (mine)"},
        {"'mine' is made, but paused", "'mine' is made, but paused"},
        {"no network 'his-vm', image 'his-vm', disk 'his-vm'",
         "no network 'his-vm', image 'his-vm', disk 'his-vm'"},
        {"lodge's pool 'default' isn't active", "lodge's pool 'default' isn't active"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        hears(&user, &of_op, rows[i].text, rows[i].wanted);
        hears(&admin, &of_op, rows[i].text, rows[i].text);
    }
}

static struct lodge_error libvirts(enum lodge_error_kind kind, const char *before, const char *text,
                                   const char *after)
{
    struct lodge_error err = {0};
    (void)lodge_fail(&err, kind, "%s%s%s", before, text, after);
    err.libvirt.code = 1;
    (void)snprintf(err.libvirt.text, sizeof err.libvirt.text, "%s", text);
    return err;
}

static void is_told(const struct lodge_error *err, const char *message, const char *text)
{
    struct lodge_error told;
    told_error(registry, &user, &answer, err, &told);
    assert_string_equal(told.message, message);
    assert_string_equal(told.libvirt.text, text);
    assert_int_equal(told.kind, err->kind);
    assert_int_equal(told.libvirt.code, err->libvirt.code);
    told_error(registry, &admin, &answer, err, &told);
    assert_memory_equal(&told, err, sizeof told);
}

static void libvirts_own_text_is_told_only_where_it_is_clean(void **state)
{
    (void)state;
    struct lodge_error err =
        libvirts(LODGE_ERROR_BAD_STATE, "'mine': ", "domain is not running", "");
    is_told(&err, "'mine': domain is not running", "domain is not running");

    static const char *const unclean[] = {
        "Could not open '/x/y'", "lock of his-vm", ("uuid " HIS), "no 'whatever'", "at file:a/b",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(unclean); i++) {
        err = libvirts(LODGE_ERROR_HYPERVISOR, "starting 'mine': ", unclean[i], "; try again");
        is_told(&err, "starting 'mine': libvirt's words on it are for admins; try again", "");
    }
    err = libvirts(LODGE_ERROR_HYPERVISOR, "", "Could not open '/x/y'", "");
    is_told(&err, "libvirt's words on it are for admins", "");
    err = libvirts(LODGE_ERROR_HOST_DOWN, "reading: ", "Connection reset by peer", "");
    is_told(&err, "reading: libvirt's words on it are for admins", "");
    err = libvirts(LODGE_ERROR_HYPERVISOR, "a disk: ", "at '/pool/" MINE "-0.qcow2'", "");
    is_told(&err, err.message, "at '/pool/" MINE "-0.qcow2'");
}

/* Both are cut where they are longer than their room. */
static void of_a_long_text_nothing_is_left(void **state)
{
    (void)state;
    char text[700];
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < sizeof text; i += 7) {
        memcpy(text + i, "/x y", 4);
    }
    text[sizeof text - 1] = '\0';
    struct lodge_error err = libvirts(LODGE_ERROR_HYPERVISOR, "starting: ", text, "; advice");
    is_told(&err, "starting: libvirt's words on it are for admins", "");

    char before[450];
    memset(before, 'b', sizeof before);
    before[sizeof before - 1] = '\0';
    memcpy(before + sizeof before - 3, ": ", 2);
    err = libvirts(LODGE_ERROR_HYPERVISOR, before, text, "");
    struct lodge_error told;
    told_error(registry, &user, &answer, &err, &told);
    assert_null(strstr(told.message, "/x"));
    assert_non_null(strstr(told.message, "bbb: libvirt's words on it are for admins"));
}

static void an_operations_error_is_about_its_vm(void **state)
{
    (void)state;
    struct registry_op *op = registry_add_op(registry);
    op->facts.id = 7;
    op->facts.host = xstrdup("alpha");
    op->facts.vm = xstrdup("mine");
    snprintf(op->facts.uuid, sizeof op->facts.uuid, MINE);
    op->facts.reason = xstrdup("host 'alpha' is not up: test:///alpha");
    op->facts.error.message = xstrdup("'mine' and 'his-vm'");
    assert_true(lodge_strings_add(&op->facts.notes, "VM 'his-vm' uses it"));
    struct lodge_error err = {0};
    err.op = 7;
    err.op_ended = true;
    (void)lodge_fail(&err, LODGE_ERROR_CONFLICT, "'mine' and 'his-vm'");
    is_told(&err, "'mine' and another VM", "");

    struct told_op told;
    told_op(registry, &user, &op->facts, &told);
    assert_string_equal(told.facts.vm, "mine");
    assert_string_equal(told.facts.reason, "host 'alpha' is not up: its libvirt cannot be reached");
    assert_string_equal(told.facts.error.message, "'mine' and another VM");
    assert_string_equal(told.facts.notes.items[0], "another VM uses it");
    told_op_clear(&told);
    told_op(registry, &admin, &op->facts, &told);
    assert_ptr_equal(told.facts.reason, op->facts.reason);
    assert_ptr_equal(told.facts.notes.items, op->facts.notes.items);
    told_op_clear(&told);
}

static void why_a_host_is_not_up_is_for_admins_unless_nobody_has_it(void **state)
{
    (void)state;
    tell_connection("gamma", LODGE_HOST_DOWN, "cannot connect to qemu+ssh://someuser@somehost");
    const struct registry_host *gamma = registry_find_host(registry, "gamma");
    AUTO(free) char *to_user = told_host_error(gamma, &user);
    AUTO(free) char *to_viewer = told_host_error(gamma, &viewer);
    AUTO(free) char *to_admin = told_host_error(gamma, &admin);
    assert_string_equal(to_user, "its libvirt cannot be reached");
    assert_string_equal(to_viewer, "its libvirt cannot be reached");
    assert_string_equal(to_admin, "cannot connect to qemu+ssh://someuser@somehost");
    own("gone", uuid_of(9), SOME_UID);
    AUTO(free) char *gone = told_host_error(registry_find_host(registry, "gone"), &user);
    assert_string_equal(gone, TOLD_HOST_IS_GONE);
    assert_null(told_host_error(registry_find_host(registry, "alpha"), &user));
}

#define IN_TOLD(function) cmocka_unit_test_setup_teardown(function, make_told, end_registry)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TOLD(a_hosts_address_is_for_admins),
        IN_TOLD(paths_but_ones_own_are_for_admins),
        IN_TOLD(a_vm_that_one_does_not_see_is_another_vm),
        IN_TOLD(what_an_operation_left_names_no_other_vm),
        IN_TOLD(libvirts_own_text_is_told_only_where_it_is_clean),
        IN_TOLD(of_a_long_text_nothing_is_left),
        IN_TOLD(an_operations_error_is_about_its_vm),
        IN_TOLD(why_a_host_is_not_up_is_for_admins_unless_nobody_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
