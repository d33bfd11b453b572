/* told_private: what told.c asks of told_text.c, and that of told_secrets.c. Loop-only. */
#ifndef REGISTRY_TOLD_PRIVATE_H
#define REGISTRY_TOLD_PRIVATE_H

#include "registry/told.h"

/* What is wrong with a host, to those who may not hear more. */
#define TOLD_NOT_REACHED "its libvirt cannot be reached"

/* What hosts' URIs name: users, machines, files. Made once, and again after a host was added. */
const struct lodge_strings *told_secrets(struct registry *registry);

/* Whether libvirt's `text` may be told as it is. */
bool told_is_clean(struct registry *registry, const struct viewer *viewer,
                   const struct told_about *about, const char *text);

#endif
