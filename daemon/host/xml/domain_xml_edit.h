/*
 * domain_xml_edit: changes to a domain's XML that is there, and what it says of the amounts we
 * charge for. libxml2 reads and writes it. Any thread.
 */
#ifndef HOST_DOMAIN_XML_EDIT_H
#define HOST_DOMAIN_XML_EDIT_H

#include "lodge/error.h"
#include "lodge/strings.h"

#include <stdbool.h>
#include <stdint.h>

/* LODGE_UNKNOWN and NULL leave things as they are. */
struct domain_edit {
    int64_t vcpus;
    int64_t memory_mib;               /* in all, memory devices included */
    const struct lodge_strings *tags; /* an empty list takes them away */
    const struct lodge_strings *boot; /* disk, cdrom, network */
    bool media;                       /* the drive `media_target` (NULL: the first) gets … */
    const char *media_target;
    const char *iso; /* … this file, or NULL: nothing in it */
};

/* The edited XML; the caller frees. NULL, with nothing edited: NOT_FOUND when there is no such
 * drive, UNSUPPORTED where memory or vCPUs cannot be exactly so. What had to go with the edit is
 * added to `dropped`, a short text of each kind. */
char *domain_xml_edit(const char *xml, const struct domain_edit *edit,
                      struct lodge_strings *dropped, struct lodge_error *err);

/* The <disk> of the drive, as it is in `xml` after the edit of `media`; the caller frees. */
char *domain_xml_media(const char *xml, const char *target, const char *iso,
                       struct lodge_error *err);

/* What the balloon of a guest that runs, whose XML that is, must leave it so that it has
 * `mebibytes` in all. False, with UNSUPPORTED, where no balloon can: it was started with less, or
 * the rest is devices. */
bool domain_xml_balloon(const char *xml, int64_t mebibytes, int64_t *ret_mebibytes,
                        struct lodge_error *err) LODGE_MUST_CHECK;

/* Our element of `xml`'s metadata with these tags in place of its own, free of namespaces: libvirt
 * puts the one it is given into every element, and fails where it is already
 * (virDomainSetMetadata). The caller frees. */
char *domain_xml_words(const char *xml, const struct lodge_strings *tags, struct lodge_error *err);

/* Our element `words` (virDomainGetMetadata) with its mark saying that the operation which made the
 * domain is past its point of no return; free of namespaces too. The caller frees. NULL without a
 * failure when it has no mark, or says so already. */
char *domain_xml_commit_mark(const char *words, struct lodge_error *err);

#endif
