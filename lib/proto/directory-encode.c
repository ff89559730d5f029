/* directory-encode: answers of lookup → wire. In an answer about several finals each begins with its "deliver" line; an account follows
 * as "address" and its further fields, patterns as "allow" and "deny" lines in their order, sending limits as "limit" lines; of an address
 * in a relay domain thresholds and patterns alone. Before the finals stand rights: "right" with the alias, then "internal" and "who" lines.
 */

/* system */
#include <errno.h>
#include <math.h>
#include <stdio.h>

/* ours */
#include "proto/directory.h"

#define SCORE_MAX 1e9

static void put_flag(struct mr_wire_out *w, const char *key, bool flag)
{
	mr_wire_putu(w, key, flag);
}

/* Three decimals, "." in every locale. */
static void put_score(struct mr_wire_out *w, const char *key, double score)
{
	long long milli = llround(fmax(-SCORE_MAX, fmin(score, SCORE_MAX)) * 1000);
	unsigned long long size = milli < 0 ? 0ULL - (unsigned long long)milli : (unsigned long long)milli;
	char text[32];

	snprintf(text, sizeof(text), "%s%llu.%03llu", milli < 0 ? "-" : "", size / 1000, size % 1000);
	mr_wire_puts(w, key, text);
}

static void put_generation(struct mr_wire_out *w, uint64_t generation)
{
	if (generation)
		mr_wire_putu(w, "generation", generation);
}

static void put_filter(struct mr_wire_out *w, const struct mr_dir_account *a)
{
	for (unsigned t = 0; t < MR_THRESHOLDS; t++)
		if (!isnan(a->thresholds.at[t]))
			put_score(w, mr_threshold_name(t), a->thresholds.at[t]);
	for (size_t i = 0; i < a->n_patterns; i++)
		mr_wire_put(w, a->patterns[i].allow ? "allow" : "deny", a->patterns[i].pattern);
}

static void put_account(struct mr_wire_out *w, const struct mr_dir_account *a)
{
	mr_wire_put(w, "address", a->address);
	put_flag(w, "enabled", a->enabled);
	put_flag(w, "send_only", a->send_only);
	put_flag(w, "receive", a->receive);
	if (a->locked)
		put_flag(w, "locked", true);
	if (a->receive_only)
		put_flag(w, "receive_only", true);
	mr_wire_putu(w, "quota", a->quota_bytes);
	if (a->used_bytes != MR_DIR_UNKNOWN)
		mr_wire_putu(w, "used", a->used_bytes);
	put_filter(w, a);
	for (size_t i = 0; i < a->n_limits; i++)
		mr_wire_put(w, "limit", a->limits[i]);
	put_generation(w, a->generation);
}

static int too_long(struct mr_buf *out, uint64_t id, const char *reason)
{
	int err = mr_dir_status_encode(out, id, MR_DIR_BAD, reason);

	return err < 0 ? err : -EMSGSIZE;
}

/* The asker must get an answer: one that does not fit becomes "bad". */
static int finish(struct mr_wire_out *w, struct mr_buf *out, uint64_t id)
{
	int err = mr_wire_end(w, out);

	return err == -ENOBUFS ? too_long(out, id, "the answer is too long") : err;
}

int mr_dir_status_encode(struct mr_buf *out, uint64_t id, enum mr_dir_status status, const char *reason)
{
	struct mr_wire_out w;

	mr_wire_begin(&w, "status", mr_dir_status_str(status), id);
	if (reason)
		mr_wire_puts(&w, "reason", reason);
	return mr_wire_end(&w, out);
}

static void put_right(struct mr_wire_out *w, const struct mr_dir_right *r)
{
	w->body.full |= r->n_who > MR_DIR_WHO_MAX;
	mr_wire_put(w, "right", r->alias);
	put_flag(w, "internal", r->internal);
	for (size_t i = 0; i < r->n_who; i++)
		mr_wire_put(w, "who", r->who[i]);
}

int mr_dir_resolve_encode(struct mr_buf *out, uint64_t id, const struct mr_dir_resolve *a)
{
	struct mr_wire_out w;

	if (a->n_finals > MR_DIR_FINALS_MAX || a->n_rights > MR_DIR_RIGHTS_MAX)
		return too_long(out, id, "too many final recipients, or aliases with rights");
	mr_wire_begin(&w, "status", mr_dir_status_str(a->status), id);
	put_flag(&w, "hosted", a->hosted);
	put_generation(&w, a->generation);
	for (size_t i = 0; i < a->n_rights; i++)
		put_right(&w, &a->rights[i]);
	for (size_t i = 0; i < a->n_finals; i++) {
		const struct mr_dir_final *f = &a->finals[i];

		if (f->account.n_patterns > MR_DIR_PATTERNS_MAX)
			w.body.full = true;
		mr_wire_put(&w, "deliver", f->deliver);
		if (f->local)
			put_account(&w, &f->account);
		else
			put_filter(&w, &f->account);
	}
	return finish(&w, out, id);
}

int mr_dir_account_encode(struct mr_buf *out, uint64_t id, enum mr_dir_status status, const struct mr_dir_account *a)
{
	struct mr_wire_out w;

	if (a->n_patterns > MR_DIR_PATTERNS_MAX || a->n_limits > MR_DIR_LIMITS_MAX)
		return too_long(out, id, "too many patterns or limits");
	mr_wire_begin(&w, "status", mr_dir_status_str(status), id);
	if (status == MR_DIR_OK)
		put_account(&w, a);
	return finish(&w, out, id);
}

int mr_dir_sender_encode(struct mr_buf *out, uint64_t id, const struct mr_dir_sender *a)
{
	struct mr_wire_out w;

	mr_wire_begin(&w, "status", mr_dir_status_str(a->status), id);
	put_flag(&w, "hosted", a->hosted);
	put_flag(&w, "sign", a->sign);
	put_generation(&w, a->generation);
	if (a->domain.n)
		mr_wire_put(&w, "domain", a->domain);
	for (size_t i = 0; i < a->n_selectors; i++) {
		mr_wire_put(&w, "selector", a->selectors[i].name);
		mr_wire_put(&w, "algorithm", a->selectors[i].algorithm);
	}
	return finish(&w, out, id);
}

int mr_dir_passdb_encode(struct mr_buf *out, uint64_t id, const struct mr_dir_passdb *a)
{
	struct mr_wire_out w;

	if (a->account.n_patterns > MR_DIR_PATTERNS_MAX)
		return too_long(out, id, "too many patterns");
	mr_wire_begin(&w, "status", mr_dir_status_str(a->status), id);
	if (a->status == MR_DIR_OK) {
		mr_wire_put(&w, "password", a->password);
		put_account(&w, &a->account);
	}
	return finish(&w, out, id);
}
