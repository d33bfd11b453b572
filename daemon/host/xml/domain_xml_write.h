/*
 * domain_xml_write: what a VM is to be -> libvirt's domain XML, and edits of XML that is there.
 * libxml2 writes it: no text can break it. Any thread.
 */
#ifndef HOST_DOMAIN_XML_WRITE_H
#define HOST_DOMAIN_XML_WRITE_H

#include "lodge/error.h"
#include "lodge/strings.h"
#include "records.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct domain_plan {
    const char *name;
    const char *uuid;
    const char *installation; /* the mark: this lodged's random id … */
    int64_t op;               /* … and the operation's */
    bool is_test;             /* the test driver: type 'test', no QEMU particulars */
    const char *virt_type;    /* "kvm", "qemu" */
    int64_t vcpus;
    int64_t memory_mib;
    const struct disk_row *disks; /* their target, path, format */
    size_t disk_count;
    const char *iso;                       /* NULL: an empty drive */
    const char *kernel, *initrd, *cmdline; /* NULL: boots from disk, cdrom or network */
    const char *network;                   /* libvirt's network; "user" for QEMU's; NULL: no NIC */
    const char *mac;
    bool vnc; /* `listen` none where local: no port, no file */
    bool is_local;
    bool uefi;
    const struct lodge_strings
        *boot;              /* disk, cdrom, network; empty: disk, then cdrom if there is an ISO */
    const char *serial_log; /* NULL: the port is not logged */
    bool agent;
    const struct lodge_strings *tags;
};

/* The caller frees. NULL with INTERNAL if libxml2 fails. */
char *domain_xml_write(const struct domain_plan *plan, struct lodge_error *err);

#endif
