/*
 * render: objects as JSON. Facts and samples of a VM are cached fragments; lists are joined of
 * them. Loop-only.
 */
#ifndef REGISTRY_RENDER_H
#define REGISTRY_RENDER_H

#include "buffer.h"
#include "fields.h"
#include "registry/registry.h"

/* What to show of a VM. `all` is the cached default; else the members of `mask`, and the key. */
struct render_choice {
    bool all;
    field_mask mask;
};

#define RENDER_ALL ((struct render_choice){.all = true})

/* The choice that an RPC's `fields` makes; empty is everything. PARAMS for a name nobody knows. */
bool render_choice_of(const struct lodge_strings *fields, struct render_choice *ret_choice,
                      struct lodge_error *err) LODGE_MUST_CHECK;

/* {…}: one VM of a list. */
void render_vm(struct buffer *buffer, struct vm *vm, const struct render_choice *choice);

/* {…}: a VM with what only vm.get tells; `xml` may be NULL. */
void render_vm_detail(struct buffer *buffer, struct vm *vm, const char *xml);

/* {…}: an operation, shown or of the store, with what of its texts the viewer may hear. */
void render_op(struct buffer *buffer, struct registry *registry, const struct lodge_op *op,
               const struct viewer *viewer);
void render_op_key(struct buffer *buffer, const struct registry_op *op);

void render_session(struct buffer *buffer, const struct registry_session *session);

/* {"session":…,"reason":…}: what is left of one that is removed; its reason as that reader may hear
 * it, if it has ended. */
void render_session_end(struct buffer *buffer, struct registry *registry,
                        const struct registry_session *session, const struct viewer *viewer);

/* {…}: a quota, or whose it is alone. */
void render_quota(struct buffer *buffer, const struct registry_quota *quota, bool key_only);

/* {"host":…,"uuid":…,"name":…}: what is left of one that is removed. */
void render_vm_key(struct buffer *buffer, const struct vm *vm);

/* {"host":…,"uuid":…,"name":…,"stats":{…}}: one sample. */
void render_vm_sample(struct buffer *buffer, struct vm *vm);

/* {…}: a host; its URI, and why it is not up, may hold names that are the admins' business. */
void render_host(struct buffer *buffer, const struct registry_host *host,
                 const struct viewer *viewer);
void render_host_key(struct buffer *buffer, const struct registry_host *host);
void render_host_sample(struct buffer *buffer, const struct registry_host *host);

#endif
