/*
 * domain: what operations do to a domain: blocking calls on a connection that a task has (task.h).
 *
 * Everything here runs on a worker and may be lost in libvirt. A failure of kind HOST_DOWN means
 * "outcome unknown" (libvirt.md 4): never undo on it, look again. "Not idempotent" answers of
 * libvirt (55) are resolved here by looking at the state: asked for what is already so, a function
 * succeeds.
 */
#ifndef HOST_DOMAIN_H
#define HOST_DOMAIN_H

#include "host/task.h"
#include "lodge/vm.h"
#include "records.h"

/* Whether libvirt can be told to leave the state of a TPM alone when a definition goes (8.9). On a
 * worker. */
bool host_conn_can_keep_tpm(const struct host_conn *conn);

/* A domain as it is now. Absent is no failure. */
struct domain_look {
    bool present;
    bool active; /* running or paused: QEMU is there */
    bool persistent;
    bool managed_save;
    int64_t run; /* its id, that no two runs have; LODGE_UNKNOWN when it is not active */
    enum lodge_vm_state state;
    char reason[32];       /* libvirt's word */
    char name[256];        /* cut when longer */
    char installation[33]; /* lodge's mark in its metadata; "" without */
    int64_t op;            /* of the mark; 0 without */
    bool committed;        /* the mark says that `op` was past its point of no return */
};
bool domain_look(struct host_conn *conn, const char *uuid, struct domain_look *ret_look,
                 struct lodge_error *err) LODGE_MUST_CHECK;

/* A domain that carries the mark of `installation` says from now on that the operation which made
 * it is past its point of no return: the live one and what the next boot gets. Done for one that
 * says so already; nothing is done to one of another's, or that is gone. */
bool domain_commit_mark(struct host_conn *conn, const char *uuid, const char *installation,
                        struct lodge_error *err) LODGE_MUST_CHECK;

/* virDomainDefineXML. With a random uuid in it that is ours, it can overwrite nobody
 * (libvirt.md 6). EXISTS: the name is another's. */
bool domain_define(struct host_conn *conn, const char *xml, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* What goes with a definition, and what must not (belongings.h). */
struct undefine {
    bool has_nvram, keeps_nvram;
    bool has_tpm, keeps_tpm;
    bool keeps_save; /* a managed save: no definition goes without it, so this refuses */
};

/* virDomainUndefineFlags with managed save, snapshot and checkpoint metadata, NVRAM and TPM as far
 * as the driver takes them; a running one turns transient. Absent is success. BAD_STATE for a
 * managed save that is to be kept, UNSUPPORTED when the driver cannot keep what must be. */
bool domain_undefine(struct host_conn *conn, const char *uuid, const struct undefine *how,
                     struct lodge_error *err) LODGE_MUST_CHECK;

/* virDomainCreateWithFlags; `paused` as START_PAUSED. Active is success. NOT_FOUND. */
bool domain_start(struct host_conn *conn, const char *uuid, bool paused, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* virDomainDestroyFlags(0), for HOST_CHANNEL_RESCUE: it kills before it takes the guest's job, so a
 * hung guest goes too. Not active, or absent, is success. */
bool domain_destroy(struct host_conn *conn, const char *uuid, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* The same of that run (domain_look.run) only: one that has been started since is left alone, which
 * is success. LODGE_UNKNOWN: whichever. */
bool domain_destroy_run(struct host_conn *conn, const char *uuid, int64_t run,
                        struct lodge_error *err) LODGE_MUST_CHECK;

/* These need the guest's monitor, and ask GetControlInfo before: OCCUPIED for 2 s is UNRESPONSIVE
 * at once. BAD_STATE (with err->state) when the state does not allow it. Of that `run`
 * (domain_look.run) only: CONFLICT when it has been started anew since, BAD_STATE when it is off;
 * LODGE_UNKNOWN: whichever. */
bool domain_resume(struct host_conn *conn, const char *uuid, int64_t run, struct lodge_error *err)
    LODGE_MUST_CHECK;
bool domain_suspend(struct host_conn *conn, const char *uuid, int64_t run, struct lodge_error *err)
    LODGE_MUST_CHECK;
bool domain_shutdown_acpi(struct host_conn *conn, const char *uuid, int64_t run,
                          struct lodge_error *err) LODGE_MUST_CHECK;
bool domain_shutdown_agent(struct host_conn *conn, const char *uuid, int64_t run,
                           struct lodge_error *err)
    LODGE_MUST_CHECK; /* UNSUPPORTED without an agent that answers */
bool domain_reboot(struct host_conn *conn, const char *uuid, int64_t run, struct lodge_error *err)
    LODGE_MUST_CHECK;
bool domain_reset(struct host_conn *conn, const char *uuid, int64_t run, struct lodge_error *err)
    LODGE_MUST_CHECK;
bool domain_inject_nmi(struct host_conn *conn, const char *uuid, int64_t run,
                       struct lodge_error *err) LODGE_MUST_CHECK;
bool domain_managed_save(struct host_conn *conn, const char *uuid, int64_t run,
                         struct lodge_error *err) LODGE_MUST_CHECK;
bool domain_set_autostart(struct host_conn *conn, const char *uuid, bool on,
                          struct lodge_error *err) LODGE_MUST_CHECK;

/* What a running guest can change at once. UNSUPPORTED when the driver, or this guest, cannot: it
 * then waits for the next boot. */
bool domain_set_vcpus_live(struct host_conn *conn, const char *uuid, int64_t vcpus,
                           struct lodge_error *err) LODGE_MUST_CHECK;
bool domain_set_memory_live(struct host_conn *conn, const char *uuid, int64_t mib,
                            struct lodge_error *err) LODGE_MUST_CHECK;

/* Does the domain use this disk, by its definitions of now and of its next boot? CONFLICT, naming
 * both, when another tool has put something else there, or reads it in another format. Where lodged
 * sees the host's files they are told by device and inode. */
bool domain_check_disk(struct host_conn *conn, const char *uuid, const struct disk_row *disk,
                       struct lodge_error *err) LODGE_MUST_CHECK;

/* How large the guest's disk is, as libvirt says (virDomainGetBlockInfo: by the format that its
 * definition gives it). UNRESPONSIVE as above. */
bool domain_disk_size(struct host_conn *conn, const char *uuid, const char *target,
                      int64_t *ret_bytes, struct lodge_error *err) LODGE_MUST_CHECK;

/* In a guest that runs, or is paused, the disk has at least `bytes` then; *ret_bytes is what its
 * QEMU says. It is asked right before: a larger one is left so. CONFLICT as above. */
bool domain_grow_disk_live(struct host_conn *conn, const char *uuid, const struct disk_row *disk,
                           int64_t bytes, int64_t *ret_bytes, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* virDomainUpdateDeviceFlags on a running guest with the <disk> of `xml` (domain_xml_edit.h). */
bool domain_change_media_live(struct host_conn *conn, const char *uuid, const char *disk_xml,
                              struct lodge_error *err) LODGE_MUST_CHECK;

/* virDomainSetMetadata on a running guest, with what domain_xml_words() wrote.
 * UNSUPPORTED as above. */
bool domain_set_words_live(struct host_conn *conn, const char *uuid, const char *words,
                           struct lodge_error *err) LODGE_MUST_CHECK;

/* virDomainRename, of one that is shut off. EXISTS, BAD_STATE. */
bool domain_rename(struct host_conn *conn, const char *uuid, const char *name,
                   struct lodge_error *err) LODGE_MUST_CHECK;

/* Which of a domain's texts. That with its secrets is for defining the domain again, and for no
 * journal, log or answer. */
enum domain_xml_which { XML_OF_RUN, XML_OF_NEXT_BOOT, XML_WITH_SECRETS };

/* virDomainGetXMLDesc: of its run (of its next boot, where it has none), or of its next boot,
 * without secrets or with them (VIR_DOMAIN_XML_SECURE). The caller frees. NOT_FOUND. */
char *domain_get_xml(struct host_conn *conn, const char *uuid, enum domain_xml_which which,
                     struct lodge_error *err);

enum network_presence { NETWORK_ABSENT, NETWORK_INACTIVE, NETWORK_ACTIVE };

/* What libvirt's network of that name is like; ABSENT too where the driver has no networks, as the
 * embedded one. */
bool network_look_up(struct host_conn *conn, const char *name, enum network_presence *ret_network,
                     struct lodge_error *err) LODGE_MUST_CHECK;

#endif
