/* canon: the canonical forms of RFC 6376 section 3.4, which DKIM and ARC share. Lines of a message may end in CRLF or LF; canonical ones
 * end in CRLF. */
#pragma once
#include <stdint.h>
#include "base/buf.h"
#include "base/hash.h"
#include "mail/message.h"

enum mr_canon { MR_CANON_SIMPLE, MR_CANON_RELAXED };

/* The value of c=, "relaxed/simple" or "relaxed": the header's form and the body's, which is simple where it is left out. -EINVAL. */
int mr_canon_parse(struct mr_slice c, enum mr_canon *head, enum mr_canon *body);
/* One field with its line end. -ENOBUFS. */
int mr_canon_field(struct mr_buf *out, const struct mr_header *h, enum mr_canon c);
/* SHA-256 of the body's first `limit` canonical bytes (UINT64_MAX: all of it); *length is how many were hashed. -EIO when the library
 * cannot hash. */
int mr_canon_body(struct mr_slice body, enum mr_canon c, uint64_t limit, uint8_t hash[MR_SHA256_LEN], uint64_t *length);
