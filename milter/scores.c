/* scores: see scores.h. */

/* system */
#include <errno.h>
#include <stdlib.h>

/* ours */
#include "scores.h"

static int compare(const void *a, const void *b)
{
	const struct mr_score *x = a, *y = b;
	size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
	int c = n ? memcmp(x->name.p, y->name.p, n) : 0;

	return c ? c : (x->name.n > y->name.n) - (x->name.n < y->name.n);
}

static const struct mr_score *find(const struct mr_score *v, size_t n, struct mr_slice name)
{
	struct mr_score key = { .name = name };

	return n ? bsearch(&key, v, n, sizeof(*v), compare) : NULL;
}

static bool is_group_name(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-'))
			return false;
	return s.n > 0 && s.n <= MR_SYMBOL_NAME_MAX;
}

/* The score 1000 of a symbol is what any threshold can be; below 0 nothing can be capped. */
static int parse_word(const char *option, struct mr_slice word, bool (*name_ok)(struct mr_slice name), double min, struct mr_score *out,
		      struct mr_diag *diag)
{
	ptrdiff_t at = mr_slice_chr(word, ':');
	struct mr_score s = { .name = { word.p, at < 0 ? 0 : (size_t)at } };

	if (at < 0 || !name_ok(s.name) || mr_parse_double(mr_slice_from(word, (size_t)at + 1), min, MR_SCORE_LIMIT, &s.value) < 0)
		return mr_diag_set(diag, -EINVAL, "milter: %s: \"%.*s\" is not NAME:SCORE", option, (int)word.n, word.p);
	*out = s;
	return 0;
}

static int parse_list(const char *option, char *const *words, size_t n, bool (*name_ok)(struct mr_slice name), double min,
		      struct mr_arena *arena, struct mr_score **out, struct mr_diag *diag)
{
	struct mr_score *v = mr_arena_alloc(arena, (n + 1) * sizeof(*v));
	int r = n > MR_SCORES_MAX ? mr_diag_set(diag, -EINVAL, "milter: %s has more than %d words", option, MR_SCORES_MAX) : 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = parse_word(option, mr_slice_of(mr_arena_strdup(arena, words[i])), name_ok, min, &v[i], diag);
	if (r < 0)
		return r;
	if (n)
		qsort(v, n, sizeof(*v), compare);
	for (size_t i = 1; i < n; i++)
		if (compare(&v[i - 1], &v[i]) == 0)
			return mr_diag_set(diag, -EINVAL, "milter: %s names %.*s twice", option, (int)v[i].name.n, v[i].name.p);
	*out = v;
	return 0;
}

int mr_scores_parse(char *const *symbols, size_t n_symbols, char *const *caps, size_t n_caps, struct mr_arena *arena, struct mr_scores *out,
		    struct mr_diag *diag)
{
	struct mr_scores s = { .n_symbols = n_symbols, .n_caps = n_caps };
	int r = parse_list("symbol_scores", symbols, n_symbols, mr_symbol_name_ok, -MR_SCORE_LIMIT, arena, &s.symbols, diag);

	if (r == 0)
		r = parse_list("group_caps", caps, n_caps, is_group_name, 0, arena, &s.caps, diag);
	if (r == 0)
		*out = s;
	return r;
}

static struct mr_score_group *group_of(struct mr_score_group *groups, size_t n, struct mr_slice name)
{
	for (size_t i = 0; i < n; i++)
		if (mr_slice_eq(groups[i].name, name))
			return &groups[i];
	return NULL;
}

size_t mr_scores_groups(const struct mr_scores *s, const struct mr_scan_result *r, struct mr_score_group *out)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_symbols; i++) {
		struct mr_score_group *g = group_of(out, n, r->symbols[i].group);
		const struct mr_score *cap;

		if (!g) {
			g = &out[n++];
			cap = find(s->caps, s->n_caps, r->symbols[i].group);
			*g = (struct mr_score_group){ .name = r->symbols[i].group, .cap = cap ? &cap->value : NULL };
		}
		g->sum += r->symbols[i].score;
		g->counted = g->cap && g->sum > *g->cap ? *g->cap : g->sum;
	}
	return n;
}

void mr_scores_apply(const struct mr_scores *s, struct mr_scan_result *r)
{
	struct mr_score_group groups[MR_SYMBOLS_MAX];
	size_t n;

	for (size_t i = 0; i < r->n_symbols; i++) {
		const struct mr_score *own = find(s->symbols, s->n_symbols, r->symbols[i].name);

		if (own)
			r->symbols[i].score = own->value;
	}
	n = mr_scores_groups(s, r, groups);
	r->score = 0;
	for (size_t i = 0; i < n; i++)
		r->score += groups[i].counted;
}
