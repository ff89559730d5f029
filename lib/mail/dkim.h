/* dkim: signatures of a message, RFC 6376, RFC 8301 and RFC 8463: verified with keys out of a DNS view, and made. */
#pragma once
#include "mail/message.h"
#include "mail/sign-key.h"
#include "proto/dns.h"

enum mr_dkim_result { MR_DKIM_NONE, MR_DKIM_PASS, MR_DKIM_FAIL, MR_DKIM_NEUTRAL, MR_DKIM_TEMPERROR, MR_DKIM_PERMERROR, MR_DKIM_POLICY };
const char *mr_dkim_str(enum mr_dkim_result r);

#define MR_DKIM_SIGNATURES_MAX 10 /* looked at; RFC 6376 section 6.1 lets a verifier choose */
struct mr_dkim_signature {
	enum mr_dkim_result result;
	struct mr_slice domain, selector, identity /* i= */, algorithm, b /* first 8 characters of b= */;
	struct mr_slice problem; /* in words */
	unsigned bits;           /* of the key */
	bool aligns;             /* may count for alignment: pass, no l=, RSA key of 1024 bits or more */
};
struct mr_dkim_answer {
	struct mr_dkim_signature signatures[MR_DKIM_SIGNATURES_MAX];
	size_t n;
	bool more; /* there were further ones that were not looked at */
};
/* Sets up the libraries, which read files for it: call it before a sandbox closes the file system (else the first use does). Any number of
 * threads may verify and sign at once. */
void mr_dkim_prepare(void);
/* `now`: seconds since 1970. 0, or -EAGAIN as in spf.h. Problems are constants, the rest lives in the arena. */
int mr_dkim_verify(const struct mr_message *m, int64_t now, struct mr_dns_view *dns, struct mr_arena *arena, struct mr_dkim_answer *out);

/* Signs; the header fields that stand in the message are signed, From, Subject, Date, To, Reply-To, Content-Type, MIME-Version once more
 * than they occur. Adds the value of one DKIM-Signature field, folded with LF + tab, no CR, no name. -EINVAL with a reason for what cannot
 * be signed, -EIO, -ENOBUFS. */
struct mr_dkim_sign {
	struct mr_slice domain, selector;
	const struct mr_sign_key *key;
	int64_t now;
};
int mr_dkim_sign(const struct mr_message *m, const struct mr_dkim_sign *s, struct mr_buf *out, struct mr_diag *diag);
