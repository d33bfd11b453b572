/* kvm_probe: whether a host's KVM works, tried by a guest. On a worker. */
#ifndef HOST_KVM_PROBE_H
#define HOST_KVM_PROBE_H

#include "host/task.h"

/* "kvm" where KVM really runs guests, else "qemu". Tried once per host with a throw-away guest
 * (libvirt.md 12: the size of its screen tells), then remembered. HOST_DOWN: libvirt went away
 * meanwhile, which says nothing of KVM. */
bool kvm_probe_virt_type(struct host_conn *conn, const char **ret_type, struct lodge_error *err)
    LODGE_MUST_CHECK;

#endif
