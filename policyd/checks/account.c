/* account: who sends is still allowed to, and somebody is there to take the mail.
 *
 * An account that was locked, disabled, deleted or made receive-only after it logged in is refused at its next RCPT and at the end of a
 * message that is under way. A recipient is refused when none of the mailboxes behind it takes mail: nobody there, or for sending only. */

/* ours */
#include "check.h"

static void check_login(const struct mr_check_input *in, struct mr_check_answer *out)
{
	switch (in->login) {
	case MR_DIR_OK:
		if (in->login_locked)
			*out = (struct mr_check_answer){ MR_CHECK_REFUSE, "550 5.7.1 This account is locked", "login-locked" };
		else if (!in->login_enabled)
			*out = (struct mr_check_answer){ MR_CHECK_REFUSE, "550 5.7.1 This account is disabled", "login-disabled" };
		else if (in->login_receive_only)
			*out = (struct mr_check_answer){ MR_CHECK_REFUSE, "550 5.7.1 This account may not send", "login-receive-only" };
		break;
	case MR_DIR_NOTFOUND:
	case MR_DIR_BAD:
		*out = (struct mr_check_answer){ MR_CHECK_REFUSE, "550 5.7.1 This account does not exist any more", "login-gone" };
		break;
	case MR_DIR_TEMP:
		out->kind = MR_CHECK_UNKNOWN;
		break;
	}
}

static bool any_receives(const struct mr_dir_resolve *r)
{
	for (size_t i = 0; i < r->n_finals; i++)
		if (mr_check_receives(&r->finals[i]))
			return true;
	return false;
}

static void check_recipient(const struct mr_dir_resolve *r, struct mr_check_answer *out)
{
	switch (r->status) {
	case MR_DIR_OK:
		if (r->hosted && !any_receives(r))
			*out = (struct mr_check_answer){ MR_CHECK_REFUSE, "550 5.2.1 This mailbox takes no mail", "no-receiver" };
		break;
	case MR_DIR_NOTFOUND:
		if (r->hosted)
			*out = (struct mr_check_answer){ MR_CHECK_REFUSE, "550 5.1.1 User unknown", "unknown" };
		break;
	case MR_DIR_BAD: /* nothing is known of who is behind it, so nothing of their lists, rights and quota could be heeded */
		*out =
		    (struct mr_check_answer){ MR_CHECK_REFUSE, "451 4.3.5 More is behind this address than can be looked at", "too-big" };
		break;
	case MR_DIR_TEMP:
		out->kind = MR_CHECK_UNKNOWN;
		break;
	}
}

static void run(const struct mr_check_input *in, struct mr_check_answer *out)
{
	if (in->has_login)
		check_login(in, out);
	if (out->kind == MR_CHECK_PASS && in->has_recipient)
		check_recipient(in->recipient, out);
}

const struct mr_check mr_check_account = {
	.name = "account",
	.states = MR_STATE_RCPT | MR_STATE_END_OF_MESSAGE,
	.needs = MR_NEED_LOGIN | MR_NEED_RECIPIENT,
	.run = run,
};
