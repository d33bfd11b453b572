/* libvirt_state: libvirt's states and reasons in the contract's words. Any thread. */
#ifndef HOST_LIBVIRT_STATE_H
#define HOST_LIBVIRT_STATE_H

#include "lodge/vm.h"

/* RUNNING also while blocked or being shut down; libvirt_reason() tells these apart. */
enum lodge_vm_state libvirt_state(int state);

/* libvirt's word for it ("booted", "shutdown", "crashed"); static, or NULL when it gives none. */
const char *libvirt_reason(int state, int reason);

/* Whether it is one that a guest is in for a moment, while it starts or ends. */
bool libvirt_state_passes(int state, int reason);

/* The lists by state that libvirt can make, and which of them a domain in `state` is in. */
enum libvirt_list {
    LIBVIRT_LIST_RUNNING,
    LIBVIRT_LIST_PAUSED,
    LIBVIRT_LIST_SHUTOFF,
    LIBVIRT_LIST_OTHER,
    LIBVIRT_LISTS,
};
enum libvirt_list libvirt_list_of(int state);
unsigned libvirt_list_flag(enum libvirt_list list);

#endif
