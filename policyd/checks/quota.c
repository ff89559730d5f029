/* quota: there is room for the message.
 *
 * Refused only if every mailbox behind the recipient is full: where one has room, Dovecot delivers to that one and bounces for the others.
 * A foreign address has room, a mailbox whose usage is not known, too. The size is what the client has declared (SIZE=), so a mailbox with
 * less room than that counts as full. */

/* ours */
#include "check.h"

static bool is_full(const struct mr_dir_final *f, const struct mr_check_input *in)
{
	const struct mr_dir_account *a = &f->account;

	if (a->quota_bytes == 0 || a->used_bytes == MR_DIR_UNKNOWN)
		return false;
	return a->used_bytes >= a->quota_bytes || in->size > a->quota_bytes - a->used_bytes;
}

static void run(const struct mr_check_input *in, struct mr_check_answer *out)
{
	if (!in->has_recipient)
		return;
	if (in->recipient->status == MR_DIR_TEMP)
		out->kind = MR_CHECK_UNKNOWN;
	else if (in->recipient->status == MR_DIR_OK && mr_check_all_receivers(in, is_full))
		*out = (struct mr_check_answer){ MR_CHECK_REFUSE, "552 5.2.2 Mailbox is full", "full" };
}

const struct mr_check mr_check_quota = { .name = "quota", .states = MR_STATE_RCPT, .needs = MR_NEED_RECIPIENT, .run = run };
