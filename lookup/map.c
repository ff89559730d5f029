#include "map.h"

/* ours */
#include "base/text.h"
#include "mail/address.h"

static void temporary(struct mr_map_answer *out)
{
	out->status = MR_SOCKETMAP_TEMP;
	out->data = MR_LIT("the directory is away");
}

bool mr_map_look(const struct mr_walk *w, enum mr_row_kind kind, struct mr_slice key, const struct mr_row **row, struct mr_map_answer *out)
{
	*row = NULL;
	switch (w->view->get(w->view, kind, key, row)) {
	case MR_ROW_FOUND:
	case MR_ROW_NONE:
		return true;
	case MR_ROW_UNKNOWN:
		out->waiting = true;
		return false;
	case MR_ROW_TEMP:
		temporary(out);
		return false;
	}
	return false;
}

bool mr_map_hosted(const struct mr_walk *w, struct mr_slice domain, const struct mr_row **row, struct mr_map_answer *out)
{
	struct mr_slice name = mr_address_lower(domain, w->arena);

	*row = NULL;
	if (name.n == 0 || !mr_map_look(w, MR_ROW_DOMAIN, name, row, out))
		return false;
	return *row != NULL || mr_site_own_name(w->site, name);
}

bool mr_map_relays(const struct mr_row *row)
{
	return row != NULL && row->domain.relay_to[0] != '\0';
}

bool mr_map_rule(const struct mr_walk *w, enum mr_rule_map map, struct mr_slice key, const struct mr_rule **rule, struct mr_map_answer *out)
{
	const struct mr_row *row;

	*rule = NULL;
	if (!mr_map_look(w, MR_ROW_RULES, mr_slice_of(mr_rule_map_str(map)), &row, out))
		return false;
	if (row != NULL)
		*rule = mr_rules_find(row->rules.v, row->rules.n, key, w->arena);
	return true;
}

void mr_map_access(const struct mr_walk *w, enum mr_rule_map map, struct mr_slice key, struct mr_map_answer *out)
{
	const struct mr_rule *rule;

	if (!mr_map_rule(w, map, key, &rule, out) || rule == NULL)
		return;
	if (w->view->stale && mr_slice_starts(mr_slice_of(rule->value), MR_LIT("REJECT"))) {
		temporary(out);
		return;
	}
	out->status = MR_SOCKETMAP_OK;
	out->data = mr_slice_of(rule->value);
}

void mr_map_view(const struct mr_walk *w, struct mr_slice view, struct mr_slice key, struct mr_map_answer *out)
{
	struct mr_slice name = mr_address_lower(key, w->arena);
	const struct mr_row *row = NULL;
	enum mr_row_state s;

	if (!mr_utf8_valid(name)) /* the database would take it for an error */
		return;
	name = mr_slice_of(mr_arena_printf(w->arena, "%.*s %.*s", (int)view.n, view.p, (int)name.n, name.p));
	s = w->view->get(w->view, MR_ROW_VIEW, name, &row);
	if (s == MR_ROW_UNKNOWN) {
		out->waiting = true;
	} else if (s == MR_ROW_TEMP || (s == MR_ROW_NONE && w->view->stale)) {
		temporary(out);
	} else if (s == MR_ROW_FOUND) {
		out->status = MR_SOCKETMAP_OK;
		out->data = mr_slice_of(row->view.value);
	}
}

/* The part after the last "@"; empty for the null sender and for what has no "@". */
static struct mr_slice domain_of(struct mr_slice key)
{
	ptrdiff_t at = mr_slice_rchr(key, '@');

	return at < 0 ? (struct mr_slice){ "", 0 } : mr_slice_from(key, (size_t)at + 1);
}

static bool exempt(const struct mr_site *site, struct mr_slice sender)
{
	for (size_t i = 0; i < site->n_exempt; i++) {
		if (mr_dir_pattern_matches(site->exempt[i], sender))
			return true;
	}
	return false;
}

bool mr_map_rewritten(const struct mr_walk *w, struct mr_slice sender, struct mr_slice *rewritten, struct mr_map_answer *out)
{
	struct mr_slice domain = domain_of(sender), meant = mr_address_unquote(sender, w->arena);
	struct mr_srs srs = w->site->srs;
	const struct mr_row *row;

	if (srs.n_secrets == 0 || domain.n == 0 || domain.n + 1 == sender.n || exempt(w->site, meant))
		return false;
	if (mr_map_hosted(w, domain, &row, out) || out->waiting || out->status != MR_SOCKETMAP_NOTFOUND)
		return false;
	srs.now = w->now;
	if (mr_srs_forward(&srs, meant, w->arena, rewritten) != 0)
		return false;
	*rewritten = mr_address_quote(*rewritten, w->arena);
	return true;
}

bool mr_map_exempt(const struct mr_walk *w, struct mr_slice address, struct mr_slice *sender)
{
	struct mr_slice meant = mr_address_unquote(address, w->arena);
	struct mr_srs srs = w->site->srs;

	srs.now = w->now;
	if (!mr_srs_is_exempt(meant) || mr_srs_reverse(&srs, meant, w->arena, sender) != 0)
		return false;
	*sender = mr_address_quote(*sender, w->arena);
	return true;
}

bool mr_map_resolved(const struct mr_resolved *r, struct mr_map_answer *out)
{
	out->waiting |= r->waiting;
	if (r->waiting)
		return false;
	switch (r->status) {
	case MR_DIR_OK:
	case MR_DIR_NOTFOUND:
		return true;
	case MR_DIR_TEMP:
		temporary(out);
		return false;
	case MR_DIR_BAD:
		out->status = MR_SOCKETMAP_PERM;
		out->data = mr_slice_of(r->reason);
		return false;
	}
	return false;
}
