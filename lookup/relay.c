#include "relay.h"

/* system */
#include <errno.h>

/* ours */
#include "mail/address.h"

static bool look(const struct mr_walk *w, struct mr_slice owner, const struct mr_row_relay **relay, struct mr_map_answer *out)
{
	const struct mr_row *row;
	bool known = mr_map_look(w, MR_ROW_RELAY, owner, &row, out);

	*relay = row ? &row->relay : NULL;
	return known;
}

bool mr_relay_default(const struct mr_walk *w, const struct mr_row_relay **relay, struct mr_map_answer *out)
{
	return look(w, (struct mr_slice){ "", 0 }, relay, out);
}

/* Is `local` the mailbox's own name, with an extension or without? */
static bool same_local(const struct mr_walk *w, struct mr_slice local, struct mr_slice mailbox)
{
	ptrdiff_t at = mr_slice_rchr(mailbox, '@');
	struct mr_slice own = { mailbox.p, at < 0 ? 0 : (size_t)at };

	if (own.n == 0 || !mr_slice_starts(local, own))
		return false;
	return local.n == own.n || local.p[own.n] == '+' || local.p[own.n] == w->site->delimiter;
}

/* The mailbox whose own address the sender is; an alias has owners, but is none. */
static bool find_user(const struct mr_walk *w, const struct mr_address *a, struct mr_slice sender, const struct mr_row_relay **relay,
		      struct mr_map_answer *out)
{
	struct mr_resolved r;

	*relay = NULL;
	mr_resolve(w, sender, MR_RESOLVE_OWN, &r);
	if (r.status != MR_DIR_BAD && !mr_map_resolved(&r, out))
		return false;
	if (r.status == MR_DIR_BAD || r.n_finals != 1 || !r.finals[0].local || !same_local(w, a->local, r.finals[0].address))
		return true;
	return look(w, r.finals[0].address, relay, out);
}

static bool rewritten(const struct mr_walk *w, struct mr_slice sender)
{
	struct mr_srs srs = w->site->srs;
	struct mr_slice original;

	srs.now = w->now;
	return srs.n_secrets > 0 && mr_srs_reverse(&srs, mr_address_unquote(sender, w->arena), w->arena, &original) != -ENOENT;
}

bool mr_relay_find(const struct mr_walk *w, struct mr_slice sender, const struct mr_row_relay **relay, struct mr_map_answer *out)
{
	struct mr_slice lower = mr_address_lower(sender, w->arena);
	const struct mr_row_relay *user = NULL, *domain = NULL, *target = NULL;
	const struct mr_row *row = NULL;
	struct mr_address a;
	bool known = mr_relay_default(w, relay, out);

	if (mr_address_split(lower, &a) != 0 || a.domain.n == 0 || rewritten(w, sender))
		return known;
	bool hosted = mr_map_hosted(w, a.domain, &row, out);
	if (hosted && row != NULL) { /* all are looked at, so that they are fetched together */
		known &= look(w, a.domain, &domain, out);
		if (row->domain.alias_of[0] != '\0')
			known &= look(w, mr_slice_of(row->domain.alias_of), &target, out);
		known &= find_user(w, &a, lower, &user, out);
	}
	if (!known || out->waiting || out->status != MR_SOCKETMAP_NOTFOUND)
		return false;
	if (user != NULL)
		*relay = user;
	else if (domain != NULL || target != NULL)
		*relay = domain != NULL ? domain : target;
	return true;
}
