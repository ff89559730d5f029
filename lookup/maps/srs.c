/* srs: the envelope sender under which forwarded mail leaves (sender_canonical_maps of the forwarding pass). Key: an envelope sender.
 * Value: an SRS address of ours, to which bounces come back. Not found for our own domains, which need no rewriting and hold what is
 * rewritten already (Postfix asks for its own answer again), for the null sender, and for what cannot be rewritten: it leaves as it is. */
#include "map.h"

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	struct mr_slice domain = mr_map_domain(key), rewritten;
	struct mr_srs srs = w->site->srs;
	const struct mr_row *row;

	if (srs.n_secrets == 0 || domain.n == 0 || domain.n + 1 == key.n)
		return;
	if (mr_map_hosted(w, domain, &row, out) || out->waiting || out->status != MR_SOCKETMAP_NOTFOUND)
		return;
	srs.now = w->now;
	if (mr_srs_forward(&srs, key, w->arena, &rewritten) == 0) {
		out->status = MR_SOCKETMAP_OK;
		out->data = rewritten;
	}
}

const struct mr_map mr_map_table_srs = { "srs", find };
