/* dkimmake: signatures for tests, with whatever tags a test wants. */
#pragma once
#include "base/buf.h"
#include "mail/sign-key.h"

/* The key of RFC 8463 section A.2, and its record. */
#define DKIMMAKE_PRIVATE                                                                                                                   \
	"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n"
#define DKIMMAKE_P "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

/* Adds one field for the message (which stands below it): `field` is its text with its line end, "DKIM-Signature: v=1; ...; bh=@H;
 * b=@S\r\n", in which @H becomes the hash of the body in the form that c= and l= say, @S the signature and @F the signature folded. False:
 * tags or key do not allow it. */
bool dkimmake_sign(const char *field, const struct mr_sign_key *key, struct mr_slice message, struct mr_buf *out);
