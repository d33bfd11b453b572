/* lodge.h: all of liblodge. LODGE_API is the version of the RPC contract (`server.info`'s api). */
#ifndef LODGE_LODGE_H
#define LODGE_LODGE_H

#include "lodge/audit.h"
#include "lodge/client.h"
#include "lodge/error.h"
#include "lodge/event.h"
#include "lodge/host.h"
#include "lodge/offer.h"
#include "lodge/op.h"
#include "lodge/quota.h"
#include "lodge/session.h"
#include "lodge/strings.h"
#include "lodge/user.h"
#include "lodge/vm.h"

#define LODGE_API 1

#endif
