/* sender-relayhost: the relay host of this sender (sender_dependent_relayhost_maps). Key: an envelope sender, "<>" for the null sender.
 * Value: "[host]:port". Postfix asks for recipients elsewhere only, and takes it where no transport names a host: what is forwarded
 * (sender-transport) goes its own way first. */
#include "relay.h"

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	const struct mr_row_relay *relay;

	if (!mr_relay_find(w, key, &relay, out) || relay == NULL)
		return;
	out->status = MR_SOCKETMAP_OK;
	out->data = mr_slice_of(relay->nexthop);
}

const struct mr_map mr_map_table_sender_relayhost = { "sender-relayhost", find };
