/* clients: networks that the administrator lets in or keeps out. Of those that a client is in the narrowest decides, and of equal ones the
 * allowed. It says nothing about who is logged in: the login counts there, from wherever it comes. An allowed client is spared the checks
 * on strangers (mr_check_is_stranger()). */

/* ours */
#include "check.h"

static void run(const struct mr_check_input *in, struct mr_check_answer *out)
{
	if (in->request->sasl_username.n == 0 && mr_check_client_listed(in) == MR_DIR_DENIED)
		*out = (struct mr_check_answer){ MR_CHECK_REFUSE, "554 5.7.1 Client host rejected: mail from your network is not taken",
						 "client-denied" };
}

const struct mr_check mr_check_clients = { .name = "clients", .states = MR_STATE_RCPT, .run = run };
