/* relay-domain: is this a domain whose mail goes on to another server? (relay_domains). Key: a domain. Value: the domain. */
#include "map.h"

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	const struct mr_row *row;

	if (key.n == 0 || mr_slice_chr(key, '@') >= 0 || !mr_map_hosted(w, key, &row, out) || !mr_map_relays(row))
		return;
	out->status = MR_SOCKETMAP_OK;
	out->data = key;
}

const struct mr_map mr_map_table_relay_domain = { "relay-domain", find };
