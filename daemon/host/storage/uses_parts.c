/*
 * uses_parts.c: what libvirt has of one domain, read for the files that it names: definitions,
 * snapshots, checkpoints, the XML of a saved guest. On a worker; nothing is owned but the list that
 * the caller gave.
 */
#include "host/domain_list.h"
#include "host/libvirt_error.h"
#include "host/storage/uses_private.h"
#include "scope.h"

#include <libvirt/virterror.h>
#include <stdlib.h>

static bool read_xml_of(char *xml, struct named_files *files, struct lodge_error *err)
{
    AUTO(free) char *held = xml;
    return domain_xml_files(held, files, err);
}

/* The live one, and what the next boot gets. One that does not run has no id. */
static bool read_definitions(virDomainPtr domain, struct named_files *files,
                             struct lodge_error *err)
{
    bool is_active = virDomainGetID(domain) != (unsigned)-1;
    char *live = virDomainGetXMLDesc(domain, 0);
    if (live == NULL) {
        return libvirt_fail(err, "its definition");
    }
    if (!read_xml_of(live, files, err) || !is_active) {
        return err->kind == LODGE_ERROR_NONE;
    }
    char *inactive = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
    return inactive == NULL ? libvirt_fail(err, "its definition")
                            : read_xml_of(inactive, files, err);
}

static bool read_snapshots(virDomainPtr domain, struct named_files *files, struct lodge_error *err)
{
    virDomainSnapshotPtr *snapshots = NULL;
    int count = virDomainListAllSnapshots(domain, &snapshots, 0);
    bool good = count >= 0 || libvirt_fail(err, "its snapshots");
    for (int i = 0; i < count; i++) {
        char *xml = good ? virDomainSnapshotGetXMLDesc(snapshots[i], 0) : NULL;
        if (xml != NULL) {
            good = read_xml_of(xml, files, err);
        } else if (good && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN_SNAPSHOT) {
            good = libvirt_fail(err, "a snapshot of it");
        }
        virDomainSnapshotFree(snapshots[i]);
    }
    free(snapshots);
    return good;
}

static bool read_checkpoints(virDomainPtr domain, struct named_files *files,
                             struct lodge_error *err)
{
    virDomainCheckpointPtr *checkpoints = NULL;
    int count = virDomainListAllCheckpoints(domain, &checkpoints, 0);
    bool good = count >= 0 || libvirt_fail(err, "its checkpoints");
    for (int i = 0; i < count; i++) {
        char *xml = good ? virDomainCheckpointGetXMLDesc(checkpoints[i], 0) : NULL;
        if (xml != NULL) {
            good = read_xml_of(xml, files, err);
        } else if (good && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN_CHECKPOINT) {
            good = libvirt_fail(err, "a checkpoint of it");
        }
        virDomainCheckpointFree(checkpoints[i]);
    }
    free(checkpoints);
    return good;
}

static bool read_save(virDomainPtr domain, struct named_files *files, struct lodge_error *err)
{
    char *xml = virDomainManagedSaveGetXMLDesc(domain, 0);
    if (xml != NULL) {
        return read_xml_of(xml, files, err);
    }
    struct lodge_error why = {0};
    libvirt_fail(&why, "its saved state");
    if (virDomainHasManagedSaveImage(domain, 0) == 0) {
        return true; /* somebody has started it meanwhile */
    }
    *err = why;
    return false;
}

/* Whatever a driver does not have, it names no files in. */
static bool has_none(enum uses_part part, const struct lodge_error *error)
{
    return part != USES_XML && error->kind == LODGE_ERROR_UNSUPPORTED;
}

bool uses_list_part(virConnectPtr conn, enum uses_part part, virDomainPtr **ret_domains,
                    size_t *ret_count, struct lodge_error *err)
{
    static const unsigned filters[] = {
        [USES_XML] = 0,
        [USES_SNAPSHOTS] = VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT,
        [USES_CHECKPOINTS] = VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT,
        [USES_SAVE] = VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE,
    };
    struct lodge_error why = {0};
    if (domain_list(conn, filters[part], ret_domains, ret_count, &why)) {
        return true;
    }
    *ret_domains = NULL;
    *ret_count = 0;
    if (!has_none(part, &why)) {
        *err = why;
        return false;
    }
    return true;
}

bool uses_read_part(virDomainPtr domain, enum uses_part part, struct named_files *files,
                    struct lodge_error *err)
{
    static bool (*const readers[])(virDomainPtr, struct named_files *, struct lodge_error *) = {
        [USES_XML] = read_definitions,
        [USES_SNAPSHOTS] = read_snapshots,
        [USES_CHECKPOINTS] = read_checkpoints,
        [USES_SAVE] = read_save,
    };
    struct lodge_error why = {0};
    if (readers[part](domain, files, &why) || has_none(part, &why)) {
        return true;
    }
    *err = why;
    return false;
}

void uses_take_part(struct uses *uses, virDomainPtr domain, struct named_files *files,
                    const struct lodge_error *error)
{
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    const char *name = virDomainGetName(domain);
    (void)virDomainGetUUIDString(domain, uuid);
    if (error->kind == LODGE_ERROR_NOT_FOUND) {
        named_files_clear(files);
        return;
    }
    if (error->kind != LODGE_ERROR_NONE) {
        uses_add_doubt(uses, "VM '%s': %s", name, error->message);
    }
    uses_add_domain(uses, uuid, name, files);
}
