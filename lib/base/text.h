/* text: encodings of bytes in text. Decoders give the length or -EINVAL and never write past `max`. */
#pragma once
#include <sys/types.h>
#include "base/buf.h"

int mr_hex_add(struct mr_buf *out, struct mr_slice bytes);
ssize_t mr_hex_decode(struct mr_slice text, void *out, size_t max);
int mr_base64_add(struct mr_buf *out, struct mr_slice bytes); /* RFC 4648 section 4, no line breaks */
/* White space inside is skipped (RFC 6376 section 3.2 FWS); padding may be missing. */
ssize_t mr_base64_decode(struct mr_slice text, void *out, size_t max);
/* Printable ASCII as it is, everything else, the backslash and `"` as \xNN; at most max_in bytes, then "...". For logs and diagnostics. */
int mr_escape_add(struct mr_buf *out, struct mr_slice bytes, size_t max_in);
bool mr_ascii(struct mr_slice s); /* no byte above 0x7f */
bool mr_utf8_valid(struct mr_slice s);
