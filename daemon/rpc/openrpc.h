/* openrpc: the methods' rows as an OpenRPC 1.2.6 document. Any thread. */
#ifndef RPC_OPENRPC_H
#define RPC_OPENRPC_H

#include "buffer.h"

struct method;

/* `tables` as method.h has them. */
void openrpc_write(struct buffer *buffer, const struct method *const *tables);

#endif
