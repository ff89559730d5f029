/* srs: the envelope sender under which forwarded mail leaves (sender_canonical_maps of the forwarding pass). Key: an envelope sender.
 * Value: an SRS address of ours, to which bounces come back, its local part in quotes where it needs some. Not found for our own domains,
 * which need no rewriting and hold what is rewritten already (Postfix asks for its own answer again), for the null sender, and for what
 * cannot be rewritten: that leaves as it is, without this pass (sender-transport).
 *
 * Of a client that is exempt the milter puts in an address of ours that asks to stand for the sender. The value is the same with hash and
 * time. Nobody else can ask: senders of our own domains do not come to this pass. */
#include "map.h"

/* ours */
#include "mail/address.h"

static bool sign(const struct mr_walk *w, struct mr_slice key, struct mr_slice *out)
{
	struct mr_srs srs = w->site->srs;

	srs.now = w->now;
	if (mr_srs_exempt_sign(&srs, mr_address_unquote(key, w->arena), w->arena, out) != 0)
		return false;
	*out = mr_address_quote(*out, w->arena);
	return true;
}

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	struct mr_slice rewritten;

	if (!sign(w, key, &rewritten) && !mr_map_rewritten(w, key, &rewritten, out))
		return;
	out->status = MR_SOCKETMAP_OK;
	out->data = rewritten;
}

const struct mr_map mr_map_table_srs = { "srs", find };
