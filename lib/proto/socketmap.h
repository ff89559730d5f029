/* socketmap: Postfix's table protocol (socketmap_table(5)): request netstring "NAME SP KEY", reply netstring "STATUS SP DATA". */
#pragma once
#include "base/buf.h"

#define MR_SOCKETMAP_REQUEST_MAX 4096   /* bytes of a request that we take */
#define MR_SOCKETMAP_REPLY_MAX   100000 /* Postfix's own limit for replies */

enum mr_socketmap_status { MR_SOCKETMAP_OK, MR_SOCKETMAP_NOTFOUND, MR_SOCKETMAP_TEMP, MR_SOCKETMAP_TIMEOUT, MR_SOCKETMAP_PERM };

struct mr_socketmap_request {
	struct mr_slice map, key;
};
/* Payload of one netstring. -EPROTO when there is no space, no map name, or a NUL or control byte in it. The key may be empty. */
int mr_socketmap_parse(struct mr_slice payload, struct mr_socketmap_request *out);
/* Whole netstring. An OK without data cannot be sent: it becomes TEMP (Postfix cannot read it). -ENOBUFS if too long. */
int mr_socketmap_reply(struct mr_buf *out, enum mr_socketmap_status status, struct mr_slice data);
