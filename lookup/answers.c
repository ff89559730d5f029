/* answers: wire questions → answers, over resolve and rows. Each returns false while rows are missing. */
#include "lookup.h"

/* system */
#include <errno.h>

/* ours */
#include "mail/address.h"
#include "rt/log.h"
#include "stats.h"

static bool status_only(const struct mr_ask *ask, enum mr_dir_status status, const char *reason, struct mr_buf *out)
{
	if (status == MR_DIR_TEMP)
		mr_stat_temp++;
	mr_dir_status_encode(out, ask->id, status, reason);
	return true;
}

/* Finals that take mail, each with its account; those that do not are nobody. */
static void fill_finals(const struct mr_walk *w, const struct mr_directory_context *c, const struct mr_resolved *r,
			const struct mr_row *global, struct mr_dir_resolve *out)
{
	out->finals = mr_arena_alloc(w->arena, (r->n_finals + 1) * sizeof(*out->finals));
	for (size_t i = 0; i < r->n_finals; i++) {
		const struct mr_final *f = &r->finals[i];
		struct mr_dir_final *to = &out->finals[out->n_finals];
		if (!f->receive)
			continue;
		out->n_finals++;
		to->local = f->local;
		to->deliver = mr_final_deliver(f, true, w->arena);
		if (f->local)
			mr_account_fill(w, c, f->mailbox, f->domain, global, &to->account);
		else if (f->domain)
			mr_account_fill_relayed(w, c, f->domain, global, &to->account);
		else
			to->account.thresholds = mr_thresholds_none();
	}
}

#define WHO_BYTES (256u << 10) /* of all rights of one answer; who does not fit in may not send */

static void add_who(struct mr_dir_right *r, struct mr_slice who, size_t *bytes)
{
	*bytes += who.n;
	if (*bytes <= WHO_BYTES && r->n_who < MR_DIR_WHO_MAX)
		r->who[r->n_who++] = who;
}

/* Who may send to one alias; its members, where they may, as its destinations and the mailboxes behind it. False while rows are missing. */
static bool fill_right(const struct mr_walk *w, const struct mr_row *alias, struct mr_dir_right *out, size_t *bytes,
		       enum mr_dir_status *status)
{
	const struct mr_row_alias *a = &alias->alias;
	struct mr_slice rest = mr_slice_of(a->senders), word;
	struct mr_resolved members = { 0 };
	bool all_members = false;
	size_t n = 0;

	*out = (struct mr_dir_right){ .alias = mr_slice_of(a->address) };
	while (mr_slice_next(&rest, '\n', &word)) {
		out->internal |= mr_slice_eq(word, MR_LIT("internal"));
		all_members |= mr_slice_eq(word, MR_LIT("members"));
		n++;
	}
	if (all_members)
		mr_resolve(w, out->alias, MR_RESOLVE_DELIVER, &members);
	if (members.status == MR_DIR_TEMP)
		*status = MR_DIR_TEMP;
	out->who = mr_arena_alloc(w->arena, (n + a->n_destinations + members.n_finals) * sizeof(*out->who));
	for (rest = mr_slice_of(a->senders); mr_slice_next(&rest, '\n', &word);)
		if (!mr_slice_eq(word, MR_LIT("internal")) && !mr_slice_eq(word, MR_LIT("members")))
			add_who(out, word, bytes);
	for (size_t i = 0; all_members && i < a->n_destinations; i++)
		add_who(out, mr_address_lower(mr_slice_of(a->destinations[i]), w->arena), bytes);
	for (size_t i = 0; i < members.n_finals; i++)
		add_who(out, mr_address_lower(members.finals[i].address, w->arena), bytes);
	return !members.waiting;
}

static bool fill_rights(const struct mr_walk *w, const struct mr_resolved *r, struct mr_dir_resolve *out)
{
	size_t bytes = 0;
	bool all = true;

	out->rights = mr_arena_alloc(w->arena, (r->n_aliases + 1) * sizeof(*out->rights));
	for (size_t i = 0; i < r->n_aliases; i++)
		all &= fill_right(w, r->aliases[i], &out->rights[out->n_rights++], &bytes, &out->status);
	return all;
}

/* The administrator must learn of it: whoever asks can only refuse. */
static void log_too_big(struct mr_slice address, const char *why, const struct mr_dir_resolve *a)
{
	size_t patterns = 0;

	for (size_t i = 0; i < a->n_finals; i++)
		patterns += a->finals[i].account.n_patterns;
	mr_log(MR_LOG_WARNING, "address-too-big", mr_sl("address", address), mr_s("why", why), mr_u("recipients", a->n_finals),
	       mr_u("list_entries", patterns), mr_s("effect", "mail to it is deferred"));
}

bool mr_answer_resolve(const struct mr_ask *ask, const struct mr_walk *w, struct mr_buf *out)
{
	const struct mr_row *global = NULL;
	struct mr_resolved r;
	enum mr_row_state g = w->view->get(w->view, MR_ROW_GLOBAL, (struct mr_slice){ "", 0 }, &global);

	mr_resolve(w, ask->key, MR_RESOLVE_DELIVER, &r);
	if (r.waiting || (g == MR_ROW_UNKNOWN && r.status == MR_DIR_OK))
		return false;
	if (g == MR_ROW_TEMP && r.status == MR_DIR_OK)
		r.status = MR_DIR_TEMP;
	struct mr_dir_resolve answer = { .status = r.status, .hosted = r.hosted };
	if (r.status == MR_DIR_BAD)
		log_too_big(ask->key, r.reason, &answer);
	if (r.status == MR_DIR_TEMP || r.status == MR_DIR_BAD)
		return status_only(ask, r.status, r.reason, out);
	if (r.status == MR_DIR_OK)
		fill_finals(w, ask->what, &r, global, &answer);
	if (r.status == MR_DIR_OK && !fill_rights(w, &r, &answer))
		return false;
	if (answer.status == MR_DIR_TEMP)
		return status_only(ask, MR_DIR_TEMP, NULL, out);
	if (!r.hosted) /* nothing of it expires, and no usage is told */
		answer.generation = mr_answer_generation(w, ask->what);
	if (mr_dir_resolve_encode(out, ask->id, &answer) == -EMSGSIZE)
		log_too_big(ask->key, "the lists of all who are behind it are too long together", &answer);
	return true;
}

bool mr_answer_account(const struct mr_ask *ask, const struct mr_walk *w, struct mr_buf *out)
{
	struct mr_account a;

	mr_account_find(w, ask->what, ask->key, &a);
	if (a.waiting)
		return false;
	if (a.status != MR_DIR_OK)
		return status_only(ask, a.status, NULL, out);
	mr_account_limits(&a, w->arena);
	mr_account_generation(w, ask->what, &a);
	mr_dir_account_encode(out, ask->id, MR_DIR_OK, &a.account);
	return true;
}

bool mr_answer_passdb(const struct mr_ask *ask, const struct mr_walk *w, struct mr_buf *out)
{
	struct mr_account a;

	mr_account_find(w, ask->what, ask->key, &a);
	if (a.waiting)
		return false;
	if (a.status != MR_DIR_OK)
		return status_only(ask, a.status, NULL, out);
	struct mr_dir_passdb answer = { .status = MR_DIR_OK, .password = mr_slice_of(a.mailbox->mailbox.password), .account = a.account };
	mr_dir_passdb_encode(out, ask->id, &answer);
	return true;
}

/* The row of the domain in `name`, an address or a domain. True when the state is known; *status is TEMP when it cannot be. */
static bool domain_of(const struct mr_walk *w, struct mr_slice name, const struct mr_row **row, enum mr_dir_status *status)
{
	struct mr_slice lower = mr_address_lower(name, w->arena), domain = mr_slice_from(lower, (size_t)(mr_slice_rchr(lower, '@') + 1));
	enum mr_row_state s = w->view->get(w->view, MR_ROW_DOMAIN, domain, row);

	*status = s == MR_ROW_TEMP ? MR_DIR_TEMP : s == MR_ROW_FOUND ? MR_DIR_OK : MR_DIR_NOTFOUND;
	return s != MR_ROW_UNKNOWN;
}

bool mr_answer_sender(const struct mr_ask *ask, const struct mr_walk *w, struct mr_buf *out)
{
	const struct mr_row *row = NULL;
	struct mr_dir_sender answer = { .status = MR_DIR_OK };
	enum mr_dir_status status;

	if (!domain_of(w, ask->key, &row, &status))
		return false;
	if (status == MR_DIR_TEMP)
		return status_only(ask, status, NULL, out);
	answer.hosted = row != NULL || mr_site_own_name(w->site, mr_slice_from(ask->key, (size_t)(mr_slice_rchr(ask->key, '@') + 1)));
	if (row != NULL) {
		const struct mr_row_domain *d = &row->domain;
		answer.domain = mr_slice_of(d->name);
		answer.sign = d->enabled && d->dkim && d->n_keys > 0;
		for (size_t i = 0; answer.sign && i < d->n_keys; i++)
			answer.selectors[answer.n_selectors++] =
			    (struct mr_dir_selector){ mr_slice_of(d->keys[i].selector), mr_slice_of(d->keys[i].algorithm) };
	}
	answer.generation = mr_answer_generation(w, ask->what);
	mr_dir_sender_encode(out, ask->id, &answer);
	return true;
}

bool mr_answer_dkim_key(const struct mr_ask *ask, const struct mr_walk *w, struct mr_buf *out)
{
	const struct mr_row *row = NULL;
	enum mr_dir_status status;
	struct mr_wire_out answer;
	uint64_t generation;

	if (!domain_of(w, ask->key, &row, &status))
		return false;
	for (size_t i = 0; row != NULL && i < row->domain.n_keys; i++) {
		if (!mr_slice_ieq(mr_slice_of(row->domain.keys[i].selector), ask->extra))
			continue;
		mr_wire_begin(&answer, "status", mr_dir_status_str(MR_DIR_OK), ask->id);
		mr_wire_puts(&answer, "sealed", row->domain.keys[i].sealed_key);
		generation = mr_answer_generation(w, ask->what);
		if (generation)
			mr_wire_putu(&answer, "generation", generation);
		mr_wire_end(&answer, out);
		return true;
	}
	return status_only(ask, status == MR_DIR_TEMP ? MR_DIR_TEMP : MR_DIR_NOTFOUND, NULL, out);
}
