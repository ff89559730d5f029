/* rules: what the site's rules in SpamAssassin's language say: each one that hits is a symbol with its score. Rules that rest on what SPF
 * DKIM, ARC and DMARC prove make all wait for these. */

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "scan.h"

static struct mr_slice ip_text(struct mr_scan *scan)
{
	char text[MR_IP_STRLEN];

	return mr_slice_of(mr_arena_strdup(scan->arena, mr_ip_str(&scan->in->client, text)));
}

/* As our own symbols tell it: with who has vouched for the message, and with t=. */
static enum mr_sa_dmarc dmarc(const struct mr_dmarc_answer *a)
{
	static const enum mr_sa_dmarc by_policy[] = {
		[MR_DMARC_ACCEPT] = MR_SA_DMARC_NONE, [MR_DMARC_QUARANTINE] = MR_SA_DMARC_QUARANTINE, [MR_DMARC_REJECT] = MR_SA_DMARC_REJECT
	};

	switch (a->result) {
	case MR_DMARC_PASS:
		return MR_SA_DMARC_PASS;
	case MR_DMARC_FAIL:
		return a->overridden ? MR_SA_DMARC_UNKNOWN : by_policy[a->policy];
	case MR_DMARC_NONE:
		return MR_SA_DMARC_MISSING;
	case MR_DMARC_TEMPERROR:
	case MR_DMARC_PERMERROR:
		break;
	}
	return MR_SA_DMARC_UNKNOWN;
}

/* NULL: nobody asked. */
static const struct mr_sa_proofs *proofs(struct mr_scan *scan)
{
	struct mr_sa_proofs *p = mr_arena_alloc(scan->arena, sizeof(*p));
	struct mr_sa_signature *s;

	if (!scan->dmarc || scan->in->offline)
		return NULL;
	s = mr_arena_alloc(scan->arena, (scan->dkim->n + 1) * sizeof(*s));
	for (size_t i = 0; i < scan->dkim->n; i++) {
		const struct mr_dkim_signature *of = &scan->dkim->signatures[i];

		s[i] = (struct mr_sa_signature){ .domain = of->domain, .valid = of->result == MR_DKIM_PASS && of->aligns };
	}
	*p = (struct mr_sa_proofs){ .signatures = s,
				    .n_signatures = scan->dkim->n,
				    .dmarc = dmarc(scan->dmarc),
				    .arc_signed = scan->arc->result != MR_ARC_NONE,
				    .arc_valid = scan->arc->result == MR_ARC_PASS };
	/* Without a sender it is the name in HELO that was asked about (RFC 7208 section 2.4). */
	if (scan->spf)
		*(scan->in->sender.n ? &p->spf : &p->spf_helo) = mr_slice_of(mr_spf_str(scan->spf->result));
	return p;
}

static struct mr_sa *read_message(struct mr_scan *scan)
{
	struct mr_sa_client *client = mr_arena_alloc(scan->arena, sizeof(*client));
	bool known = scan->in->client.family != 0; /* else the message is one that was delivered before: its first Received is by us */
	struct mr_sa *sa;

	*client = (struct mr_sa_client){ .ip = known ? ip_text(scan) : (struct mr_slice){ 0 },
					 .rdns = scan->in->client_name,
					 .helo = scan->in->helo,
					 .by = scan->setup->hostname,
					 .from = scan->in->sender,
					 .authenticated = scan->in->trusted };
	sa = mr_sa_read(scan->in->message, mr_rules_conf(scan->setup->rules), known ? client : NULL, scan->arena);
	mr_sa_prove(sa, proofs(scan));
	return sa;
}

static int run(struct mr_scan *scan)
{
	struct mr_rules *r = scan->setup->rules;
	struct mr_rules_hits hits;
	struct mr_sa *message;

	if (!r)
		return 0;
	if (mr_rules_want_proofs(r) && !scan->in->trusted && !scan->dmarc)
		return -EAGAIN;
	message = read_message(scan);
	mr_rules_run(r, message, false, scan->arena, &hits);
	for (size_t i = 0; i < hits.n; i++)
		if (!hits.v[i].part)
			mr_scan_symbol(scan, hits.v[i].name, hits.v[i].score);
	if (hits.cut || mr_sa_patterns_cut(message))
		mr_scan_symbol(scan, "RULES_CUT", 1);
	else if (hits.slow)
		mr_scan_symbol(scan, "RULES_SLOW", 0);
	return 0;
}

const struct mr_check mr_check_rules = { .name = "rules", .run = run };
