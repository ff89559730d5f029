/* domain: is this domain ours? (virtual_mailbox_domains). Key: a domain. Value: the domain. One whose
 * mailboxes are on another server is not: that is what relay-domain tells. */
#include "map.h"

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	const struct mr_row *row;

	if (key.n == 0 || mr_slice_chr(key, '@') >= 0 || !mr_map_hosted(w, key, &row, out) || mr_map_relays(row))
		return;
	out->status = MR_SOCKETMAP_OK;
	out->data = key;
}

const struct mr_map mr_map_table_domain = { "domain", find };
