/* lists: somebody behind the recipient wants mail from this sender.
 *
 * Refused only if the lists of every mailbox behind the recipient deny the envelope sender; where they differ, the milter decides for each
 * mailbox alone. It holds for senders of the site as for others: who denies a colleague means it, and the colleague learns at
 * once that the message did not arrive. */

/* ours */
#include "check.h"

static bool denies(const struct mr_dir_final *f, const struct mr_check_input *in)
{
	return mr_dir_listed(&f->account, in->request->sender) == MR_DIR_DENIED;
}

static void run(const struct mr_check_input *in, struct mr_check_answer *out)
{
	if (!in->has_recipient)
		return;
	if (in->recipient->status == MR_DIR_TEMP)
		out->kind = MR_CHECK_UNKNOWN;
	else if (in->recipient->status == MR_DIR_OK && mr_check_all_receivers(in, denies))
		*out = (struct mr_check_answer){ MR_CHECK_REFUSE, "550 5.7.1 The recipient takes no mail from this sender", "denied" };
}

const struct mr_check mr_check_lists = { .name = "lists", .states = MR_STATE_RCPT, .needs = MR_NEED_RECIPIENT, .run = run };
