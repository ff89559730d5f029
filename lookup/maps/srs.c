/* srs: the envelope sender under which forwarded mail leaves (sender_canonical_maps of the forwarding pass). Key: an envelope sender.
 * Value: an SRS address of ours, to which bounces come back, its local part in quotes where it needs some. Not found for our own domains,
 * which need no rewriting and hold what is rewritten already (Postfix asks for its own answer again), for the null sender, and for what
 * cannot be rewritten: that leaves as it is, without this pass (sender-transport). */
#include "map.h"

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	struct mr_slice rewritten;

	if (!mr_map_rewritten(w, key, &rewritten, out))
		return;
	out->status = MR_SOCKETMAP_OK;
	out->data = rewritten;
}

const struct mr_map mr_map_table_srs = { "srs", find };
