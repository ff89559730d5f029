/* helo_domain: a stranger calls himself by the name of the recipient's domain, which is ours. Mostly spam, but the web server of a customer
 * may carry that name with right: observed by default. */

/* ours */
#include "check.h"

static void run(const struct mr_check_input *in, struct mr_check_answer *out)
{
	struct mr_slice recipient = in->request->recipient, helo = in->request->helo_name;
	struct mr_slice domain = mr_slice_from(recipient, (size_t)(mr_slice_rchr(recipient, '@') + 1));

	if (helo.n > 0 && domain.n < recipient.n && mr_slice_ieq(helo, domain) && mr_check_is_stranger(in))
		mr_check_refuse_stranger(in, "550 5.7.1 Helo command rejected: that is a domain of this host, and not you", "helo-domain",
					 out);
}

const struct mr_check mr_check_helo_domain = { .name = "helo_domain", .states = MR_STATE_RCPT, .needs = MR_NEED_RECIPIENT, .run = run };
