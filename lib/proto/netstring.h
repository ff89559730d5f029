/* netstring: "LEN:BYTES," (D. J. Bernstein 1997), as socketmap and our own wire frame their messages. */
#pragma once
#include "base/buf.h"

/* Looks at the front of `in`. 1: *payload and *used (bytes to consume) are set. 0: more bytes are needed. -EPROTO: not a netstring
 * (also leading zeros). -EMSGSIZE: longer than max. A refusal is final for the connection. */
int mr_netstring_next(struct mr_slice in, size_t max, struct mr_slice *payload, size_t *used);
int mr_netstring_add(struct mr_buf *out, struct mr_slice payload);
int mr_netstring_join(struct mr_buf *out, const struct mr_slice *parts, size_t n); /* one netstring of all parts */
