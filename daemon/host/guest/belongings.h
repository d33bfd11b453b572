/*
 * belongings: what libvirt would remove with a domain's definition, and whether it may: a domain's
 * XML can name any file as its NVRAM, and whoever may edit it chose that. Worker-only.
 */
#ifndef HOST_BELONGINGS_H
#define HOST_BELONGINGS_H

#include "host/guest/domain.h"

struct belongings {
    bool is_there;
    bool is_active;
    bool is_persistent;
    bool is_made;        /* by this lodge: the domain carries its mark */
    bool has_nvram;      /* one is named, or libvirt would choose one … */
    char *nvram;         /* … this one, or NULL */
    bool nvram_is_usual; /* it lies where libvirt itself puts this domain's */
    bool has_tpm;        /* an emulated one … */
    char *tpm;           /* … whose state is kept here, as far as one can tell */
    bool tpm_is_usual;   /* where libvirt itself keeps this domain's */
};

/* As it is now. Absent is no failure. */
bool domain_belongings(struct host_conn *conn, const char *uuid, const char *installation,
                       struct belongings *ret_belongings, struct lodge_error *err) LODGE_MUST_CHECK;
void belongings_clear(struct belongings *belongings);

#endif
