/* relay-recipient: does the other server take mail for this address of a relay domain? (relay_recipient_maps). Key: an address. Value: the
 * address. Every address of a domain without a list; else those that are listed, with any extension. */
#include "map.h"

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	struct mr_resolved r;

	mr_resolve(w, key, MR_RESOLVE_DELIVER, &r);
	if (!mr_map_resolved(&r, out))
		return;
	for (size_t i = 0; i < r.n_finals; i++) {
		if (r.finals[i].local || !mr_slice_ieq(r.finals[i].address, key))
			continue;
		out->status = MR_SOCKETMAP_OK;
		out->data = key;
	}
}

const struct mr_map mr_map_table_relay_recipient = { "relay-recipient", find };
