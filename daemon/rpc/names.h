/* names: what VMs may be called, and the other texts that creation and update share. */
#ifndef RPC_NAMES_H
#define RPC_NAMES_H

#include "lodge/error.h"
#include "lodge/strings.h"

enum { NAME_MAX_BYTES = 64, TAGS_MAX = 32, TAG_MAX_BYTES = 64 };

/* PARAMS, naming `param`. */
bool name_is_fit(const char *name, const char *param, struct lodge_error *err) LODGE_MUST_CHECK;
bool boot_is_fit(const struct lodge_strings *boot, struct lodge_error *err) LODGE_MUST_CHECK;
bool plain_is_fit(const char *text, const char *param, struct lodge_error *err) LODGE_MUST_CHECK;
bool tags_are_fit(const struct lodge_strings *tags, struct lodge_error *err) LODGE_MUST_CHECK;

/* Adds copies of all. */
void strings_copy(struct lodge_strings *to, const struct lodge_strings *from);

#endif
