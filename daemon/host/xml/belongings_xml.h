/* belongings_xml: what a definition says of a domain's NVRAM and TPM, which libvirt can remove with
 * it. Any thread. */
#ifndef HOST_BELONGINGS_XML_H
#define HOST_BELONGINGS_XML_H

#include "lodge/error.h"

struct belongings_xml {
    bool has_nvram; /* one is named, or the firmware wants one … */
    char *nvram;    /* … here; NULL: libvirt has not chosen yet */
    bool has_tpm;   /* an emulated one, whose state is kept in files … */
    char *tpm;      /* … here; NULL: where libvirt chooses */
};

bool belongings_xml_read(const char *xml, struct belongings_xml *ret_said, struct lodge_error *err)
    LODGE_MUST_CHECK;
void belongings_xml_clear(struct belongings_xml *said);

#endif
