/* helo_fqdn: a stranger calls himself by a name without a domain (RFC 5321 section 2.3.5 wants one). So do some honest servers that are
 * badly set up: observed by default. */

/* ours */
#include "check.h"

static void run(const struct mr_check_input *in, struct mr_check_answer *out)
{
	struct mr_slice helo = in->request->helo_name;

	if (helo.n > 0 && helo.p[0] != '[' && mr_slice_chr(helo, '.') < 0 && mr_slice_chr(helo, ':') < 0 && mr_check_is_stranger(in))
		mr_check_refuse_stranger(in, "504 5.5.2 Helo command rejected: need a fully-qualified host name", "helo-not-fqdn", out);
}

const struct mr_check mr_check_helo_fqdn = { .name = "helo_fqdn", .states = MR_STATE_RCPT, .needs = MR_NEED_RECIPIENT, .run = run };
