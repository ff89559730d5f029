/* sender-transport: how mail of this sender leaves for foreign recipients (sender_dependent_default_transport_maps). Key: an envelope
 * sender. Value: the transport of the forwarding pass for senders whose domain is not ours: such mail is being forwarded. Not found for
 * whom the pass would change nothing, so that what leaves it never comes round again: our own domains, addresses rewritten by us already
 * (they are in a domain of ours), what cannot be rewritten, and the null sender, which Postfix writes in three ways. */
#include "map.h"

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	struct mr_slice rewritten;

	if (!mr_map_rewritten(w, key, &rewritten, out))
		return;
	out->status = MR_SOCKETMAP_OK;
	out->data = w->site->forward;
}

const struct mr_map mr_map_table_sender_transport = { "sender-transport", find };
