/* rights: who may send to an alias: anybody, who is logged in, its members, or some that are named.
 *
 * Each alias on the way to the mailboxes has its say, so that nobody reaches a closed one through an open one. Who is not logged in has
 * only claimed to be the sender and counts as nobody; who is may call himself by any address of his own, which Postfix has seen to
 * (reject_sender_login_mismatch). A bounce is from nobody. */

/* ours */
#include "check.h"

static bool is_meant(const struct mr_check_input *in, struct mr_slice who)
{
	return mr_dir_pattern_matches(who, in->login_address) || mr_dir_pattern_matches(who, in->request->sender);
}

static bool permits(const struct mr_dir_right *right, const struct mr_check_input *in)
{
	if (!in->has_login || in->login != MR_DIR_OK)
		return false;
	for (size_t i = 0; i < right->n_who; i++)
		if (is_meant(in, right->who[i]))
			return true;
	return right->internal;
}

static void run(const struct mr_check_input *in, struct mr_check_answer *out)
{
	const struct mr_dir_resolve *r = in->recipient;

	if (!in->has_recipient)
		return;
	if (r->status == MR_DIR_TEMP || (r->n_rights > 0 && in->has_login && in->login == MR_DIR_TEMP)) {
		out->kind = MR_CHECK_UNKNOWN;
		return;
	}
	for (size_t i = 0; i < r->n_rights; i++) {
		if (permits(&r->rights[i], in))
			continue;
		*out = (struct mr_check_answer){ MR_CHECK_REFUSE, "550 5.7.1 You may not send to this address" };
		out->reason = mr_arena_printf(in->arena, "rights-of-%.*s", (int)r->rights[i].alias.n, r->rights[i].alias.p);
		return;
	}
}

const struct mr_check mr_check_rights = {
	.name = "rights",
	.states = MR_STATE_RCPT,
	.needs = MR_NEED_LOGIN | MR_NEED_RECIPIENT,
	.run = run,
};
