/* rules: what the site's rules in SpamAssassin's language say: each one that hits is a symbol with its score. */

/* ours */
#include "base/mem.h"
#include "scan.h"

static struct mr_slice ip_text(struct mr_scan *scan)
{
	char text[MR_IP_STRLEN];

	return mr_slice_of(mr_arena_strdup(scan->arena, mr_ip_str(&scan->in->client, text)));
}

static int run(struct mr_scan *scan)
{
	struct mr_rules *r = scan->setup->rules;
	bool known = scan->in->client.family != 0; /* else the message is one that was delivered before: its first Received is by us */
	struct mr_sa_client client = { .ip = known ? ip_text(scan) : (struct mr_slice){ 0 },
				       .rdns = scan->in->client_name,
				       .helo = scan->in->helo,
				       .by = scan->setup->hostname,
				       .from = scan->in->sender,
				       .authenticated = scan->in->trusted };
	struct mr_rules_hits hits;

	if (!r)
		return 0;
	mr_rules_run(r, mr_sa_read(scan->in->message, mr_rules_conf(r), known ? &client : NULL, scan->arena), false, scan->arena, &hits);
	for (size_t i = 0; i < hits.n; i++)
		if (!hits.v[i].part)
			mr_scan_symbol(scan, hits.v[i].name, hits.v[i].score);
	if (hits.cut)
		mr_scan_symbol(scan, "RULES_CUT", 1);
	else if (hits.slow)
		mr_scan_symbol(scan, "RULES_SLOW", 0);
	return 0;
}

const struct mr_check mr_check_rules = { .name = "rules", .run = run };
