/* client_ptr: a stranger's address has no name (PTR). Postfix says so, too, when DNS did not answer it: the refusal is for now only. Some
 * honest servers have none: observed by default. */

/* ours */
#include "check.h"

static void run(const struct mr_check_input *in, struct mr_check_answer *out)
{
	if (mr_slice_eq(in->request->reverse_client_name, MR_LIT("unknown")) && mr_check_is_stranger(in))
		mr_check_refuse_stranger(in, "450 4.7.25 Client host rejected: your address has no host name", "client-no-ptr", out);
}

const struct mr_check mr_check_client_ptr = { .name = "client_ptr", .states = MR_STATE_RCPT, .needs = MR_NEED_RECIPIENT, .run = run };
