/* tls-policy: how mail must be protected on the way to this next hop (smtp_tls_policy_maps). Key: a domain, or a host in brackets, with a
 * port or without. Value: level and attributes of the administrator's rule for it or, for a domain, for all sub-domains of a parent, the
 * nearest first; else, for a domain, what the domain itself publishes (tls.h). Postfix goes on by itself to ask for ".parent": that has its
 * answer already. */
#include "map.h"

/* ours */
#include "mail/address.h"

#define PORT_SMTP ":25"

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	const struct mr_rule *rule;
	struct mr_slice name;

	if (key.n == 0 || key.p[0] == '.')
		return;
	if (key.p[0] == '[' && key.p[key.n - 1] == ']')
		key = mr_slice_of(mr_arena_printf(w->arena, "%.*s" PORT_SMTP, (int)key.n, key.p));
	if (!mr_map_rule(w, MR_RULE_TLS, key, &rule, out))
		return;
	if (rule != NULL) {
		out->status = MR_SOCKETMAP_OK;
		out->data = mr_slice_of(rule->value);
	} else {
		out->published = mr_domain_check(key, true, w->arena, &name, NULL) == 0 && mr_slice_chr(name, '.') > 0;
	}
}

const struct mr_map mr_map_table_tls_policy = { "tls-policy", find };
