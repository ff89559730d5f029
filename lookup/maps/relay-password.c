/* relay-password: the log-in of this sender at its relay host (smtp_sasl_password_maps of the relay transport). Key: an envelope sender;
 * Postfix goes on with "@domain" and the host's name, which have none, and with the next hop as sender-relayhost has it: that gets the
 * log-in of everybody, for the null sender, which Postfix does not ask about. Value: "user:password". A secret: it stands on a socket of
 * its own.
 *
 * Only the transport that logs in asks, so there must be a log-in. That there is none, since it was taken away a moment after Postfix
 * learned the way, or that the password cannot be opened, is a temporary failure: mail waits, and never leaves without the log-in. */
#include "relay.h"

/* ours */
#include "base/mem.h"
#include "rt/log.h"

#define PASSWORD_MAX 1024

static void open_password(const struct mr_walk *w, const struct mr_row_relay *relay, struct mr_map_answer *out)
{
	const char *purpose = mr_relay_purpose(relay->owner, relay->nexthop, w->arena);
	struct mr_buf password = MR_BUF(PASSWORD_MAX);
	int err = mr_unseal(w->site->relay_ring, mr_slice_of(purpose), mr_slice_of(relay->sealed), &password);

	if (err == 0) {
		out->status = MR_SOCKETMAP_OK;
		out->data =
		    mr_slice_of(mr_arena_printf(w->arena, "%s:%.*s", relay->username, (int)password.n, password.n ? password.p : ""));
	} else {
		mr_log(MR_LOG_ERROR, "relay-password-unusable", mr_s("owner", relay->owner), mr_s("reason", strerror(-err)));
		out->status = MR_SOCKETMAP_TEMP;
		out->data = MR_LIT("the password at the relay host cannot be opened");
	}
	if (password.p != NULL)
		mr_wipe(password.p, password.cap);
	mr_buf_done(&password);
}

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	const struct mr_row_relay *relay = NULL;
	bool sender = mr_slice_chr(key, '@') > 0, nexthop = key.n > 0 && key.p[0] == '[';

	if (sender ? !mr_relay_find(w, key, &relay, out) : !nexthop || !mr_relay_default(w, &relay, out))
		return;
	if (relay == NULL || !mr_relay_logs_in(relay) || (!sender && !mr_slice_ieq(key, mr_slice_of(relay->nexthop)))) {
		out->status = MR_SOCKETMAP_TEMP;
		out->data = MR_LIT("this sender has no log-in at a relay host");
		return;
	}
	open_password(w, relay, out);
}

const struct mr_map mr_map_table_relay_password = { "relay-password", find };
