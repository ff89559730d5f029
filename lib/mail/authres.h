/* authres: Authentication-Results, RFC 8601. */
#pragma once
#include "base/buf.h"
#include "mail/dkim.h"
#include "mail/spf.h"

struct mr_authres {
	struct mr_slice authserv_id;
	const struct mr_spf_request *spf_request; /* NULL: SPF was not evaluated */
	const struct mr_spf_answer *spf;
	const struct mr_dkim_answer *dkim; /* NULL: not evaluated */
	struct mr_slice auth_user;         /* authenticated submission (section 2.7.4), or empty; the login itself is never written */
};
/* The value (no name), folded with LF + tab. */
int mr_authres_write(const struct mr_authres *a, struct mr_buf *out);
/* The authserv-id of a field's value: true when it is the given one (RFC 8601 section 5), compared without case, comments and versions
 * understood. What cannot be parsed counts as ours when our id occurs in it at all. */
bool mr_authres_claims(struct mr_slice value, struct mr_slice authserv_id);
