/* directory-decode: wire → answers, for those who ask lookup; see directory-encode.c for the order of lines. */

/* system */
#include <errno.h>
#include <math.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "proto/directory.h"

#define SCORE_MAX 1e9

static int flag(const struct mr_wire *w, const char *key, bool *out)
{
	uint64_t v;

	if (mr_wire_u64(w, key, 1, &v) < 0)
		return -EPROTO;
	*out = v == 1;
	return 0;
}

static int text(const struct mr_wire *w, const char *key, struct mr_slice *out)
{
	struct mr_slice v = mr_wire_get(w, key);

	if (v.n == 0)
		return -EPROTO;
	*out = v;
	return 0;
}

static int score(const struct mr_wire *w, const char *key, double *out)
{
	return mr_parse_double(mr_wire_get(w, key), -SCORE_MAX, SCORE_MAX, out) < 0 ? -EPROTO : 0;
}

/* Of a mailbox those that lookup itself has for everybody are never missing. */
static int thresholds(const struct mr_wire *w, bool mailbox, struct mr_thresholds *out)
{
	*out = mr_thresholds_none();
	for (unsigned t = 0; t < MR_THRESHOLDS; t++) {
		bool must = mailbox && (t == MR_AT_JUNK || t == MR_AT_REJECT);

		if ((must || mr_wire_get(w, mr_threshold_name(t)).p) && score(w, mr_threshold_name(t), &out->at[t]) < 0)
			return -EPROTO;
	}
	return 0;
}

static int patterns(const struct mr_wire *w, struct mr_arena *arena, struct mr_dir_account *out)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		n += mr_slice_eq(w->fields[i].key, MR_LIT("allow")) || mr_slice_eq(w->fields[i].key, MR_LIT("deny"));
	if (n > MR_DIR_PATTERNS_MAX)
		return -EPROTO;
	out->patterns = mr_arena_try(arena, n * sizeof(*out->patterns));
	if (!out->patterns)
		return -EPROTO;
	for (size_t i = 0; i < w->n; i++) {
		bool allow = mr_slice_eq(w->fields[i].key, MR_LIT("allow"));

		if (allow || mr_slice_eq(w->fields[i].key, MR_LIT("deny")))
			out->patterns[out->n_patterns++] = (struct mr_dir_pattern){ w->fields[i].value, allow };
	}
	return 0;
}

static int limits(const struct mr_wire *w, struct mr_arena *arena, struct mr_dir_account *out)
{
	struct mr_slice rule;
	size_t at = 0;

	while (mr_wire_each(w, "limit", &at, &rule)) {
		if (!out->limits)
			out->limits = mr_arena_try(arena, MR_DIR_LIMITS_MAX * sizeof(*out->limits));
		if (!out->limits || out->n_limits == MR_DIR_LIMITS_MAX)
			return -EPROTO;
		out->limits[out->n_limits++] = rule;
	}
	return 0;
}

/* The account in the lines of w, which may be a part of a message. */
static int account(const struct mr_wire *w, struct mr_arena *arena, struct mr_dir_account *out)
{
	struct mr_dir_account a = { .used_bytes = MR_DIR_UNKNOWN };
	int used = mr_wire_u64(w, "used", UINT64_MAX, &a.used_bytes);
	uint64_t locked = 0;
	int said = mr_wire_u64(w, "locked", 1, &locked);
	int kept = mr_wire_u64(w, "generation", UINT64_MAX, &a.generation);

	if (text(w, "address", &a.address) < 0 || flag(w, "enabled", &a.enabled) < 0 || flag(w, "send_only", &a.send_only) < 0 ||
	    flag(w, "receive", &a.receive) < 0 || (mr_wire_get(w, "receive_only").p && flag(w, "receive_only", &a.receive_only) < 0) ||
	    mr_wire_u64(w, "quota", UINT64_MAX, &a.quota_bytes) < 0 || (used < 0 && used != -ENOENT) || (said < 0 && said != -ENOENT) ||
	    (kept < 0 && kept != -ENOENT) || thresholds(w, true, &a.thresholds) < 0 || patterns(w, arena, &a) < 0 ||
	    limits(w, arena, &a) < 0)
		return -EPROTO;
	a.locked = locked == 1;
	*out = a;
	return 0;
}

/* Thresholds and patterns, which only an address in a relay domain has. */
static int foreign(const struct mr_wire *w, struct mr_arena *arena, struct mr_dir_account *out)
{
	return thresholds(w, false, &out->thresholds) < 0 || patterns(w, arena, out) < 0 ? -EPROTO : 0;
}

int mr_dir_status_decode(const struct mr_wire *w, enum mr_dir_status *out)
{
	static const enum mr_dir_status all[] = { MR_DIR_OK, MR_DIR_NOTFOUND, MR_DIR_TEMP, MR_DIR_BAD };
	struct mr_slice word = mr_wire_get(w, "status");

	for (size_t i = 0; i < MR_COUNT(all); i++) {
		if (mr_slice_eq(word, mr_slice_of(mr_dir_status_str(all[i])))) {
			*out = all[i];
			return 0;
		}
	}
	return -EPROTO;
}

/* The back end was asked and has told, so the answer has its fields. */
static bool has_told(enum mr_dir_status s)
{
	return s == MR_DIR_OK || s == MR_DIR_NOTFOUND;
}

/* Index of the first line of that name from `at` on. */
static size_t next_line(const struct mr_wire *w, const char *key, size_t at)
{
	while (at < w->n && !mr_slice_eq(w->fields[at].key, mr_slice_of(key)))
		at++;
	return at;
}

static size_t count_lines(const struct mr_wire *w, const char *key)
{
	size_t n = 0;

	for (size_t i = next_line(w, key, 0); i < w->n; i = next_line(w, key, i + 1))
		n++;
	return n;
}

static int finals(const struct mr_wire *w, struct mr_arena *arena, struct mr_dir_resolve *out)
{
	size_t n = count_lines(w, "deliver"), start, end;

	if (n > MR_DIR_FINALS_MAX)
		return -EPROTO;
	out->finals = mr_arena_try(arena, n * sizeof(*out->finals));
	if (!out->finals)
		return -EPROTO;
	for (start = next_line(w, "deliver", 0); start < w->n; start = end) {
		struct mr_dir_final *f = &out->finals[out->n_finals++];
		struct mr_wire part = { .fields = w->fields + start };

		end = next_line(w, "deliver", start + 1);
		part.n = end - start;
		f->deliver = part.fields[0].value;
		f->local = mr_wire_get(&part, "address").p != NULL;
		if (f->deliver.n == 0 || (f->local ? account(&part, arena, &f->account) : foreign(&part, arena, &f->account)) < 0)
			return -EPROTO;
	}
	return 0;
}

/* The lines from its "right" line to the next one. */
static int right(const struct mr_wire *w, struct mr_arena *arena, struct mr_dir_right *out)
{
	size_t n = count_lines(w, "who"), at = 0;

	out->alias = w->fields[0].value;
	if (out->alias.n == 0 || n > MR_DIR_WHO_MAX || flag(w, "internal", &out->internal) < 0)
		return -EPROTO;
	out->who = mr_arena_try(arena, n * sizeof(*out->who));
	if (!out->who)
		return -EPROTO;
	for (struct mr_slice who; mr_wire_each(w, "who", &at, &who);)
		out->who[out->n_who++] = who;
	return 0;
}

/* They stand before the finals. */
static int rights(const struct mr_wire *w, struct mr_arena *arena, struct mr_dir_resolve *out)
{
	struct mr_wire head = { .fields = w->fields, .n = next_line(w, "deliver", 0) };
	size_t n = count_lines(&head, "right"), start, end;

	if (n > MR_DIR_RIGHTS_MAX)
		return -EPROTO;
	out->rights = mr_arena_try(arena, n * sizeof(*out->rights));
	if (!out->rights)
		return -EPROTO;
	for (start = next_line(&head, "right", 0); start < head.n; start = end) {
		struct mr_wire part = { .fields = head.fields + start };

		end = next_line(&head, "right", start + 1);
		part.n = end - start;
		if (right(&part, arena, &out->rights[out->n_rights++]) < 0)
			return -EPROTO;
	}
	return 0;
}

int mr_dir_resolve_decode(const struct mr_wire *w, struct mr_arena *arena, struct mr_dir_resolve *out)
{
	struct mr_dir_resolve a = { 0 };

	if (mr_dir_status_decode(w, &a.status) < 0)
		return -EPROTO;
	if (has_told(a.status) && (flag(w, "hosted", &a.hosted) < 0 || finals(w, arena, &a) < 0 || rights(w, arena, &a) < 0))
		return -EPROTO;
	*out = a;
	return 0;
}

int mr_dir_account_decode(const struct mr_wire *w, struct mr_arena *arena, enum mr_dir_status *status, struct mr_dir_account *out)
{
	struct mr_dir_account a = { 0 };
	enum mr_dir_status s;

	if (mr_dir_status_decode(w, &s) < 0 || (s == MR_DIR_OK && account(w, arena, &a) < 0))
		return -EPROTO;
	*status = s;
	*out = a;
	return 0;
}

/* Each "selector" line is followed by its "algorithm" line. */
static int selectors(const struct mr_wire *w, struct mr_dir_sender *out)
{
	struct mr_slice name, algorithm;
	size_t at = 0;

	while (mr_wire_each(w, "selector", &at, &name)) {
		if (out->n_selectors >= MR_COUNT(out->selectors) || at >= w->n || !mr_slice_eq(w->fields[at].key, MR_LIT("algorithm")))
			return -EPROTO;
		algorithm = w->fields[at].value;
		if (name.n == 0 || (!mr_slice_eq(algorithm, MR_LIT("rsa")) && !mr_slice_eq(algorithm, MR_LIT("ed25519"))))
			return -EPROTO;
		out->selectors[out->n_selectors++] = (struct mr_dir_selector){ name, algorithm };
	}
	return 0;
}

int mr_dir_sender_decode(const struct mr_wire *w, struct mr_arena *arena, struct mr_dir_sender *out)
{
	struct mr_dir_sender a = { 0 };

	if (mr_dir_status_decode(w, &a.status) < 0)
		return -EPROTO;
	if (has_told(a.status) && (flag(w, "hosted", &a.hosted) < 0 || flag(w, "sign", &a.sign) < 0 || selectors(w, &a) < 0))
		return -EPROTO;
	a.domain = mr_wire_get(w, "domain");
	if (a.sign && (a.domain.n == 0 || a.n_selectors == 0))
		return -EPROTO;
	*out = a;
	return 0;
}

int mr_dir_passdb_decode(const struct mr_wire *w, struct mr_arena *arena, struct mr_dir_passdb *out)
{
	struct mr_dir_passdb a = { 0 };

	if (mr_dir_status_decode(w, &a.status) < 0)
		return -EPROTO;
	if (a.status == MR_DIR_OK && (text(w, "password", &a.password) < 0 || account(w, arena, &a.account) < 0))
		return -EPROTO;
	*out = a;
	return 0;
}
