/* authres: Authentication-Results, RFC 8601. */
#pragma once
#include "base/buf.h"
#include "mail/arc.h"
#include "mail/dkim.h"
#include "mail/dmarc.h"
#include "mail/spf.h"

struct mr_authres {
	struct mr_slice authserv_id;
	const struct mr_spf_request *spf_request; /* NULL: SPF was not evaluated */
	const struct mr_spf_answer *spf;
	const struct mr_dkim_answer *dkim;   /* NULL: not evaluated */
	const struct mr_arc_answer *arc;     /* NULL: not evaluated */
	const struct mr_dmarc_answer *dmarc; /* NULL: not evaluated */
	struct mr_slice auth_user;           /* authenticated submission (section 2.7.4), or empty; the login itself is never written */
};
/* The value (no name), folded with LF + tab. */
int mr_authres_write(const struct mr_authres *a, struct mr_buf *out);
/* The authserv-id of a field's value: true when it is the given one (RFC 8601 section 5), compared without case, comments and versions
 * understood. What cannot be parsed counts as ours when our id occurs in it at all. */
bool mr_authres_claims(struct mr_slice value, struct mr_slice authserv_id);
/* The results of a field that is certainly of that id: what stands after it. */
bool mr_authres_results(struct mr_slice value, struct mr_slice authserv_id, struct mr_slice *results);
/* The first result of a method, "spf", "arc": its word. */
bool mr_authres_get(struct mr_slice results, const char *method, struct mr_slice *result);
/* RFC 2045 token characters: what may stand unquoted (RFC 8601 section 2.2, "value"). */
bool mr_authres_token_char(char c);
