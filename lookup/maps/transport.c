/* transport: how mail for this recipient leaves, where the administrator has said so (transport_maps). Key: an address. Value: a transport:
 * of a rule for the address or its domain, else of the relay domain, else of a rule for all sub-domains of a parent. That last one does not
 * hold for domains of ours, whose mailboxes are here. */
#include "map.h"

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	ptrdiff_t at = mr_slice_rchr(key, '@');
	const struct mr_rule *rule;
	const struct mr_row *row;

	if (at < 0 || !mr_map_rule(w, MR_RULE_TRANSPORT, key, &rule, out)) /* Postfix asks for "*", too */
		return;
	if (rule == NULL || rule->pattern[0] == '.') {
		bool ours = mr_map_hosted(w, mr_slice_from(key, (size_t)at + 1), &row, out);
		if (out->waiting || out->status != MR_SOCKETMAP_NOTFOUND)
			return;
		if (ours && mr_map_relays(row)) {
			out->status = MR_SOCKETMAP_OK;
			out->data = mr_slice_of(row->domain.relay_to);
		}
		if (ours)
			return;
	}
	if (rule != NULL) {
		out->status = MR_SOCKETMAP_OK;
		out->data = mr_slice_of(rule->value);
	}
}

const struct mr_map mr_map_table_transport = { "transport", find };
