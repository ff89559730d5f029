/* sender-transport: how mail of this sender leaves for foreign recipients (sender_dependent_default_transport_maps). Key: an envelope
 * sender, "<>" for the null sender. Value: the transport of the forwarding pass for senders whose domain is not ours: such mail is being
 * forwarded. That is not for whom the pass would change nothing, so that what leaves it never comes round again: our own domains, addresses
 * rewritten by us already (they are in a domain of ours), what cannot be rewritten, and the null sender.
 *
 * What a locked user has in the queue waits: the value is the transport "retry". Postfix asks by sender, not by log-in, so an address is
 * frozen when every mailbox that may send under it is locked; hostd holds the rest of what came with the log-in.
 *
 * Who else has a relay host that wants a log-in (sender-relayhost) gets the transport that logs in: no other one ever learns a password.
 *
 * Both that one and the one for an address that stands for an exempt sender put the sender back: the map exempt. */
#include "relay.h"

static bool frozen(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	struct mr_resolved r;
	size_t owners = 0;

	mr_resolve(w, key, MR_RESOLVE_OWN, &r);
	if (r.status == MR_DIR_BAD || !mr_map_resolved(&r, out)) /* an address that nobody can send under is not frozen */
		return false;
	for (size_t i = 0; i < r.n_finals; i++) {
		if (!r.finals[i].local)
			continue;
		if (!r.finals[i].mailbox->mailbox.locked)
			return false;
		owners++;
	}
	return owners > 0;
}

static bool undecided(const struct mr_map_answer *out)
{
	return !out->waiting && out->status == MR_SOCKETMAP_NOTFOUND;
}

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	const struct mr_row_relay *relay = NULL;
	struct mr_slice rewritten, sender;

	if (mr_map_rewritten(w, key, &rewritten, out)) {
		out->status = MR_SOCKETMAP_OK;
		out->data = w->site->forward;
	} else if (undecided(out) && frozen(w, key, out)) {
		out->status = MR_SOCKETMAP_OK;
		out->data = MR_LIT("retry:4.7.0 account locked");
	} else if (undecided(out) && mr_relay_find(w, key, &relay, out)) {
		bool logs_in = relay != NULL && mr_relay_logs_in(relay);

		if (!logs_in && !mr_map_exempt(w, key, &sender))
			return;
		out->status = MR_SOCKETMAP_OK;
		out->data = logs_in ? MR_LIT("mailreeve-relay:") : MR_LIT("mailreeve-exempt:");
	}
}

const struct mr_map mr_map_table_sender_transport = { "sender-transport", find };
