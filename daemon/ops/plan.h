/*
 * plan: what an operation is to do, as it stands in its journal: everything that recovery and undo
 * need after a kill, and nothing else. Members are added, never renamed.
 */
#ifndef OPS_PLAN_H
#define OPS_PLAN_H

#include "lodge/error.h"
#include "lodge/strings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plan_disk {
    char *target;
    char *volume; /* its exact name; NULL for a disk that lodge did not make */
    char *path;
    char *format;
    int64_t size_gib;
    int64_t old_gib; /* update: before it grows; LODGE_UNKNOWN: it does not */
    char *image;     /* absolute path to copy from, or NULL: blank */
    char *image_format;
    char *pool; /* that was asked for; NULL: lodge's own */
    char *seal; /* create: what its file was like when it was made; NULL: that could not be seen */
    bool ours;
    bool kept; /* delete: stays, for `why` */
    char *why;
};

/* delete: of the VM's own, and not lodge's to delete. */
struct plan_left {
    char *path;
    char *why;
};

/* First what all kinds have, then what each has of its own; LODGE_UNKNOWN, NULL and false where it
 * has not. The order of the journal is the table's (plan.c). */
struct plan {
    char *name;
    int64_t owner; /* uid */
    char *pool;    /* "" for a plain directory */
    char *dir;
    struct {
        struct plan_disk *items;
        size_t count;
    } disks;
    int64_t vcpus, memory_mib;  /* that are charged; update: the larger of old and new */
    char *serial_log;           /* the file's name, beside the disks */
    struct lodge_strings notes; /* what whoever asked should know, whatever it ends with */

    struct { /* why it is being undone, or will end as failed */
        int64_t error_kind;
        char *error;
        char *turned; /* the step that it was at then */
    };

    struct { /* vm.create */
        char *kernel, *initrd, *cmdline;
        char *network;
        char *mac;
        char *graphics;
        bool uefi;
        bool start;
        bool no_log;  /* made without serial_log, there being no folder */
        bool foreign; /* a domain with our uuid that is not ours: nothing of it is touched */
        bool alive;   /* its guest has run, or may have: nothing of it is undone */
    };

    struct { /* vm.create, vm.media */
        char *iso;
    };

    struct { /* vm.create, vm.update */
        struct lodge_strings boot, tags;
    };

    struct { /* vm.delete, orphan.delete */
        struct {
            struct plan_left *items;
            size_t count;
        } left;
        bool hung; /* its QEMU did not answer when it was asked for */
    };

    struct { /* vm.start … vm.save */
        int64_t grace_s;
        int64_t run; /* which run of the domain it is about; 0: it was off; UNKNOWN: whichever */
    };

    struct { /* vm.update: what is asked for, and what was found */
        char *new_name;
        int64_t new_vcpus, new_memory_mib; /* LODGE_UNKNOWN: as they are */
        int64_t old_vcpus, old_memory_mib;
        int64_t autostart; /* 0, 1; LODGE_UNKNOWN: as it is */
        bool set_tags, set_boot;
        char *stand_in; /* uuid of the guest that grows what lodged may not open; NULL: none */
    };

    struct { /* vm.media */
        bool set_media;
        char *target; /* of the drive; NULL: the first */
    };

    struct { /* vm.update, vm.media: the definition */
        /* Inactive and without its secrets (domain_xml_secrets.h), as it was found, and as it is to
         * be: for comparing, never to be defined. */
        char *old_xml, *new_xml;
        bool defined;                 /* the new one is libvirt's */
        struct lodge_strings pending; /* what waits for the next boot */
        struct lodge_strings dropped; /* what had to go from it */
    };
};

void plan_init(struct plan *plan);
void plan_clear(struct plan *plan);

/* This stays, for that reason; said once for each path. */
void plan_leave(struct plan *plan, const char *path, const char *why);

/* Said once. */
void plan_note(struct plan *plan, const char *note);

/* The journal's text; the caller frees. */
char *plan_to_json(const struct plan *plan);

/* From a journal, of this or an older lodged. */
bool plan_from_json(const char *json, struct plan *ret_plan, struct lodge_error *err)
    LODGE_MUST_CHECK;

#endif
