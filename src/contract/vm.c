/* The contract's VM, its disks, NICs and samples: what is written by the daemon is read by this. */
#include "lodge/vm.h"

#include "contract/contract.h"
#include "scope.h"

#include <string.h>

static const char *const state_words[] = {
    [LODGE_VM_UNKNOWN] = NULL,        [LODGE_VM_RUNNING] = "running",
    [LODGE_VM_PAUSED] = "paused",     [LODGE_VM_SHUTOFF] = "shutoff",
    [LODGE_VM_CRASHED] = "crashed",   [LODGE_VM_SUSPENDED] = "suspended",
    [LODGE_VM_CREATING] = "creating", [LODGE_VM_DELETING] = "deleting",
    [LODGE_VM_ERROR] = "error",
};
_Static_assert(ARRAY_LENGTH(state_words) == LODGE_VM_STATES, "a word per state");
const struct field_names lodge_vm_state_names = {state_words, LODGE_VM_STATES};

#define AT(member) .offset = offsetof(struct lodge_vm_stats, member)
const struct field lodge_vm_stats_fields[] = {
    {"cpu_percent", FIELD_NUMBER, AT(cpu_percent), .decimals = 1,
     .help = "of the VM's own vCPUs: 100 is all of them busy"},
    {"steal_percent", FIELD_NUMBER, AT(steal_percent), .decimals = 1,
     .help = "time its vCPUs waited for a CPU"},
    {"memory_used_mib", FIELD_INT, AT(memory_used_mib),
     .help = "as the guest's balloon driver tells"},
    {"memory_rss_mib", FIELD_INT, AT(memory_rss_mib),
     .help = "what QEMU holds of the host's memory"},
    {"disk_read_bps", FIELD_INT, AT(disk_read_bps), .help = "bytes per second"},
    {"disk_write_bps", FIELD_INT, AT(disk_write_bps), .help = "bytes per second"},
    {"net_rx_bps", FIELD_INT, AT(net_rx_bps), .help = "bytes per second"},
    {"net_tx_bps", FIELD_INT, AT(net_tx_bps), .help = "bytes per second"},
    {"at", FIELD_TIME, AT(at), .help = "when these were taken"},
    {.type = FIELD_END},
};
#undef AT

#define AT(member) .offset = offsetof(struct lodge_disk, member)
static const struct field disk_fields[] = {
    {"target", FIELD_STRING, AT(target), .help = "vda, sda, …"},
    {"path", FIELD_STRING, AT(path), .help = "file, volume or network source"},
    {"size_gib", FIELD_INT, AT(size_gib), .help = "what the guest sees"},
    {"format", FIELD_STRING, AT(format), .help = "qcow2, raw, …"},
    {"device", FIELD_STRING, AT(device), .help = "disk, cdrom, floppy or lun"},
    {"ours", FIELD_FLAG, AT(ours), .help = "made by lodge, and deleted with the VM"},
    {.type = FIELD_END},
};
#undef AT

#define AT(member) .offset = offsetof(struct lodge_nic, member)
static const struct field nic_fields[] = {
    {"mac", FIELD_STRING, AT(mac), .help = "52:54:00:…"},
    {"network", FIELD_STRING, AT(network), .help = "network, bridge or user"},
    {"model", FIELD_STRING, AT(model), .help = "virtio, e1000, …"},
    {.type = FIELD_END},
};
#undef AT

#define AT(member) .offset = offsetof(struct lodge_vm, member)
const struct field lodge_vm_fields[] = {
    {"host", FIELD_STRING, AT(host), .help = "the host's name"},
    {"uuid", FIELD_TEXT, AT(uuid), .size = 37, .help = "with host: what the VM is known by"},
    {"name", FIELD_STRING, AT(name), .help = "libvirt's name of the domain"},
    {"state", FIELD_ENUM, AT(state), .names = &lodge_vm_state_names, .help = "absent if unknown"},
    {"reason", FIELD_STRING, AT(reason), .help = "libvirt's word for why it is in this state"},
    {"since", FIELD_TIME, AT(since), .help = "when it came into this state, if lodged saw it"},
    {"managed", FIELD_BOOL, AT(managed), .help = "made or adopted by lodge"},
    {"owner", FIELD_STRING, AT(owner), .help = "user name, or #uid"},
    {"vcpus", FIELD_INT, AT(vcpus), .help = "virtual CPUs"},
    {"memory_mib", FIELD_INT, AT(memory_mib), .help = "memory the guest has"},
    {"disk_gib", FIELD_INT, AT(disk_gib), .help = "what its disks were promised"},
    {"autostart", FIELD_FLAG, AT(autostart), .help = "started with the host"},
    {"tags", FIELD_STRINGS, AT(tags), .required = true, .help = "the user's words for it"},
    {"graphics", FIELD_STRING, AT(graphics), .help = "vnc, spice, … or none"},
    {"ips", FIELD_STRINGS, AT(ips), .help = "addresses the host knows of"},
    {"viewers", FIELD_INT, AT(viewers), .help = "open screens"},
    {"unresponsive", FIELD_TIME, AT(unresponsive), .nullable = true,
     .help = "since when its QEMU does not answer, null if it does"},
    {"stale", FIELD_TIME, AT(stale), .nullable = true,
     .help = "since when its host cannot be asked, null if it can"},
    {"pending", FIELD_STRINGS, AT(pending), .help = "members that its next boot gets otherwise"},
    {"op", FIELD_INT, AT(op), .help = "the operation that holds it"},
    {"rev", FIELD_INT, AT(rev), .help = "revision of these facts"},
    {"stats", FIELD_OBJECT, AT(stats), .fields = lodge_vm_stats_fields,
     .help = "the latest sample"},
    {"disks", FIELD_OBJECTS, AT(disks), .size = sizeof(struct lodge_disk), .fields = disk_fields,
     .required = true, .help = "in the order of the definition"},
    {"nics", FIELD_OBJECTS, AT(nics), .size = sizeof(struct lodge_nic), .fields = nic_fields,
     .required = true, .help = "in the order of the definition"},
    {"boot", FIELD_STRINGS, AT(boot), .required = true, .help = "disk, cdrom, network, in order"},
    {"firmware", FIELD_STRING, AT(firmware), .help = "bios or uefi; absent if it is neither"},
    {"kernel", FIELD_STRING, AT(kernel), .help = "the file that is booted without a boot loader"},
    {"xml", FIELD_STRING, AT(xml), .help = "libvirt's live definition"},
    {.type = FIELD_END},
};
#undef AT

field_mask lodge_vm_list_mask(void)
{
    return FIELD_MASK_ALL &
           ~(fields_bit(lodge_vm_fields, "disks") | fields_bit(lodge_vm_fields, "nics") |
             fields_bit(lodge_vm_fields, "boot") | fields_bit(lodge_vm_fields, "firmware") |
             fields_bit(lodge_vm_fields, "kernel") | fields_bit(lodge_vm_fields, "xml"));
}

const char *lodge_vm_state_name(enum lodge_vm_state state)
{
    const char *word = field_names_word(&lodge_vm_state_names, state);
    return word == NULL ? "unknown" : word;
}

enum lodge_vm_state lodge_vm_state_from_name(const char *name)
{
    return (enum lodge_vm_state)field_names_value(&lodge_vm_state_names, name);
}

/* What can wait for a boot: the member, and what people call it. */
static const struct {
    const char *member;
    const char *words;
} waiting[] = {
    {"vcpus", "vCPUs"}, {"memory_mib", "memory"}, {"disks", "disks"},       {"media", "media"},
    {"nics", "NICs"},   {"boot", "boot order"},   {"graphics", "graphics"}, {"tags", "tags"},
};

const char *lodge_vm_waiting_member(size_t index)
{
    return index < ARRAY_LENGTH(waiting) ? waiting[index].member : NULL;
}

const char *lodge_vm_waiting_words(const char *member)
{
    for (size_t i = 0; i < ARRAY_LENGTH(waiting); i++) {
        if (strcmp(waiting[i].member, member) == 0) {
            return waiting[i].words;
        }
    }
    return member;
}

void lodge_vm_init(struct lodge_vm *vm)
{
    fields_init(lodge_vm_fields, vm);
}

void lodge_vm_clear(struct lodge_vm *vm)
{
    fields_clear(lodge_vm_fields, vm);
}

bool lodge_vm_from_json(const char *json, struct lodge_vm *ret_vm, struct lodge_error *err)
{
    return fields_read_text(json, lodge_vm_fields, ret_vm, err);
}
