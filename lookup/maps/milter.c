/* milter: the filters for one client in place of those for all (smtpd_milter_maps). Key: the address of a client. Value: "DISABLE", or a
 * list of milters. Where it cannot be told now Postfix takes those for all. */
#include "map.h"

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	const struct mr_rule *rule;

	if (!mr_map_rule(w, MR_RULE_MILTER, key, &rule, out) || rule == NULL)
		return;
	out->status = MR_SOCKETMAP_OK;
	out->data = mr_slice_of(rule->value);
}

const struct mr_map mr_map_table_milter = { "milter", find };
