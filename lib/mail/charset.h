/* charset: text of mail → UTF-8. */
#pragma once
#include "base/buf.h"

/* Keeps converters open for the charsets that mail uses: opening one reads files, which a sandbox forbids. */
void mr_charset_init(void);
/* Appends in as valid UTF-8 without NUL: what is no character becomes U+FFFD, NUL a space. An empty or unknown charset: UTF-8 where the
 * bytes are that, else windows-1252. False: the charset is not known. out takes what it has room for. */
bool mr_charset_to_utf8(struct mr_slice in, struct mr_slice charset, struct mr_buf *out);
/* The same as one who trusts the name: false, and out as it was, where the charset is unknown or a byte is none of its characters. NUL
 * stays. */
bool mr_charset_strict(struct mr_slice in, struct mr_slice charset, struct mr_buf *out);
