/* opendkim-peer: Debian's libopendkim as the one that our verifier of DKIM is compared with. It signs, and it verifies with keys out of the
 * same DNS view. */
#pragma once
#include "base/buf.h"
#include "mail/dkim.h"

struct peer_how {
	bool relaxed_head, relaxed_body, partial /* l= as long as the body */;
};
/* Adds a DKIM-Signature field of example.org, selector s, with an RSA key (PEM). */
bool peer_sign(struct mr_slice message, const struct peer_how *how, const char *pem, struct mr_buf *out);
/* Its result for each DKIM-Signature field, at most MR_DKIM_SIGNATURES_MAX of them; returns how many, or -1: it has not looked at each. */
int peer_verify(const struct mr_message *m, struct mr_dns_view *dns, enum mr_dkim_result results[MR_DKIM_SIGNATURES_MAX]);
