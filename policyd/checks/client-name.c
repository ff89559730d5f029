/* client_name: a stranger's address has a name, which does not lead back to that address. So it is with many honest servers: observed by
 * default, and refused for now only, since Postfix says the same when DNS did not answer it. */

/* ours */
#include "check.h"

static void run(const struct mr_check_input *in, struct mr_check_answer *out)
{
	struct mr_slice reverse = in->request->reverse_client_name;

	if (reverse.n > 0 && !mr_slice_eq(reverse, MR_LIT("unknown")) && mr_slice_eq(in->request->client_name, MR_LIT("unknown")) &&
	    mr_check_is_stranger(in))
		mr_check_refuse_stranger(in, "450 4.7.25 Client host rejected: your host name does not lead back to your address",
					 "client-name-mismatch", out);
}

const struct mr_check mr_check_client_name = { .name = "client_name", .states = MR_STATE_RCPT, .needs = MR_NEED_RECIPIENT, .run = run };
