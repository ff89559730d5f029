#include "account.h"

/* ours */
#include "mail/address.h"
#include "proto/limit.h"
#include "rt/generation.h"

#define KEPT_S 3 /* more than anybody keeps an answer */

static void add_patterns(struct mr_dir_account *out, const struct mr_row_pattern *v, size_t n)
{
	for (size_t i = 0; i < n && out->n_patterns < MR_DIR_PATTERNS_MAX; i++)
		out->patterns[out->n_patterns++] = (struct mr_dir_pattern){ .pattern = mr_slice_of(v[i].pattern), .allow = v[i].allow };
}

/* By what mail to it is judged. The mailbox is NULL where another server has it. */
static void fill_filter(const struct mr_walk *w, const struct mr_directory_context *c, const struct mr_row_mailbox *m,
			const struct mr_row_domain *d, const struct mr_row *global, struct mr_dir_account *out)
{
	const struct mr_row_global nothing = { 0 }, *g = global ? &global->global : &nothing;
	size_t n = (m ? m->n_patterns : 0) + d->n_patterns + g->n_patterns;

	out->thresholds = m ? mr_thresholds_or(&m->thresholds, &d->thresholds) : d->thresholds;
	out->thresholds = mr_thresholds_or(&out->thresholds, &c->defaults);
	out->patterns = mr_arena_alloc(w->arena, (n < MR_DIR_PATTERNS_MAX ? n : MR_DIR_PATTERNS_MAX) * sizeof(*out->patterns) + 1);
	if (m)
		add_patterns(out, m->patterns, m->n_patterns);
	add_patterns(out, d->patterns, d->n_patterns);
	add_patterns(out, g->patterns, g->n_patterns);
}

void mr_account_fill_relayed(const struct mr_walk *w, const struct mr_directory_context *c, const struct mr_row *domain,
			     const struct mr_row *global, struct mr_dir_account *out)
{
	*out = (struct mr_dir_account){ .used_bytes = MR_DIR_UNKNOWN };
	fill_filter(w, c, NULL, &domain->domain, global, out);
}

void mr_account_fill(const struct mr_walk *w, const struct mr_directory_context *c, const struct mr_row *mailbox,
		     const struct mr_row *domain, const struct mr_row *global, struct mr_dir_account *out)
{
	const struct mr_row_mailbox *m = &mailbox->mailbox;
	const struct mr_row_domain none = { .thresholds = mr_thresholds_none() }, *d = domain ? &domain->domain : &none;

	bool alive = (domain == NULL || d->enabled) && !mr_row_expired(m->expires, w->now);

	*out = (struct mr_dir_account){ .address = mr_slice_of(m->address), .enabled = m->enabled && !m->locked && alive };
	out->locked = m->locked;
	out->send_only = m->send_only;
	out->receive_only = m->receive_only;
	out->receive = !m->send_only && alive;
	out->quota_bytes = m->quota_bytes;
	out->used_bytes = mr_usage_get(c->usage, out->address);
	fill_filter(w, c, m, d, global, out);
}

/* Folds a state into the answer; true when the row is there or is known not to be. */
static bool known(enum mr_row_state s, struct mr_account *out)
{
	out->waiting |= s == MR_ROW_UNKNOWN;
	if (s == MR_ROW_TEMP)
		out->status = MR_DIR_TEMP;
	return s == MR_ROW_FOUND || s == MR_ROW_NONE;
}

void mr_account_find(const struct mr_walk *w, const struct mr_directory_context *c, struct mr_slice address, struct mr_account *out)
{
	struct mr_slice lower = mr_address_lower(address, w->arena), name = mr_slice_from(lower, (size_t)(mr_slice_rchr(lower, '@') + 1));

	*out = (struct mr_account){ .status = MR_DIR_NOTFOUND };
	bool all = known(w->view->get(w->view, MR_ROW_MAILBOX, lower, &out->mailbox), out);
	all &= known(w->view->get(w->view, MR_ROW_DOMAIN, name, &out->domain), out);
	all &= known(w->view->get(w->view, MR_ROW_GLOBAL, (struct mr_slice){ "", 0 }, &out->global), out);
	if (out->status == MR_DIR_TEMP || !all) {
		out->waiting &= out->status != MR_DIR_TEMP;
	} else if (out->mailbox != NULL) {
		out->status = MR_DIR_OK;
		mr_account_fill(w, c, out->mailbox, out->domain, out->global, &out->account);
	} else if (w->view->stale) {
		out->status = MR_DIR_TEMP; /* a refusal never rests on rows that may be out of date */
	}
}

void mr_account_limits(struct mr_account *a, struct mr_arena *arena)
{
	const char *levels[3] = { a->mailbox->mailbox.limits, a->domain ? a->domain->domain.limits : "",
				  a->global ? a->global->global.limits : "" };

	a->account.limits = mr_arena_alloc(arena, MR_DIR_LIMITS_MAX * sizeof(*a->account.limits));
	a->account.n_limits = mr_limits_hold(levels, a->account.limits, MR_DIR_LIMITS_MAX);
}

uint64_t mr_answer_generation(const struct mr_walk *w, const struct mr_directory_context *c)
{
	return c->generation && !w->view->stale && !w->view->passing ? mr_generation_now(c->generation) : 0;
}

void mr_account_generation(const struct mr_walk *w, const struct mr_directory_context *c, struct mr_account *a)
{
	int64_t expires = a->mailbox->mailbox.expires;

	if (expires == 0 || expires > w->now + KEPT_S || mr_row_expired(expires, w->now))
		a->account.generation = mr_answer_generation(w, c);
}
