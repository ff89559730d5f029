/* sender-transport: how mail of this sender leaves for foreign recipients (sender_dependent_default_transport_maps). Key: an envelope
 * sender. Value: the transport of the forwarding pass for senders whose domain is not ours: such mail is being forwarded. Not found for our
 * own domains, for addresses rewritten by us already (they are in a domain of ours) and for the null sender, which Postfix writes in three
 * ways. */
#include "map.h"

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	struct mr_slice domain = mr_map_domain(key);
	const struct mr_row *row;

	if (domain.n == 0 || mr_map_hosted(w, domain, &row, out) || out->waiting || out->status != MR_SOCKETMAP_NOTFOUND)
		return;
	out->status = MR_SOCKETMAP_OK;
	out->data = w->site->forward;
}

const struct mr_map mr_map_table_sender_transport = { "sender-transport", find };
