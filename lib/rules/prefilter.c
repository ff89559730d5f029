/* prefilter: finds in one pass over a text which of many patterns may match in it (Hyperscan, or Vectorscan where that is it); PCRE2 then
 * looks at those alone. For the patterns of which nothing is known about how matches begin (opening.h). What a database says is "perhaps",
 * never "no" wrongly: patterns are compiled as approximations that match more, and texts stand behind each other with line breaks between.
 * Patterns that cannot be had that way are not covered: they may always match. */

/* system */
#include <errno.h>

#ifdef MR_HAVE_HYPERSCAN
/* libraries */
#include <hs.h>
#endif

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "private.h"

#define RULES_MIN 8 /* of a group that has a database */
#define TEXTS_MAX (64u << 20)

#ifdef MR_HAVE_HYPERSCAN
static bool has_database(const struct mr_rules_group *g)
{
	size_t n = 0;

	for (size_t i = 0; i < g->rules.n; i++)
		n += !mr_rules_is_sifted(&g->rules.v[i]->pattern);
	return n >= RULES_MIN;
}

static struct mr_rules_group *nth(const struct mr_rules *r, size_t i)
{
	for (size_t k = 0; k < r->n_groups; k++)
		if (has_database(&r->groups[k]) && i-- == 0)
			return &r->groups[k];
	return NULL;
}

struct mr_rules_prefilter {
	hs_scratch_t *scratch;
};

size_t mr_rules_prefilters(const struct mr_rules *r)
{
	size_t n = 0;

	while (nth(r, n))
		n++;
	return n;
}

/* The expression as the library takes it. False: not one for it. */
static bool expression(const struct mr_rules_rule *rule, struct mr_buf *out, unsigned *flags)
{
	const struct mr_rules_pattern *p = &rule->pattern;
	struct mr_slice text = p->expanded.n ? p->expanded : p->text;

	/* Without a pattern ("exists:"), or with one that looks at the ends of the text, which here stands among others. */
	if ((!p->code && !p->refers) || mr_rules_is_sifted(p) ||
	    (p->options & ~(uint32_t)(PCRE2_CASELESS | PCRE2_MULTILINE | PCRE2_DOTALL | PCRE2_EXTENDED)))
		return false;
	for (size_t i = 0; i + 1 < text.n; i++) {
		if (text.p[i] == '\\' && strchr("AzZGK", text.p[i + 1]))
			return false;
		i += text.p[i] == '\\';
	}
	*flags = HS_FLAG_PREFILTER | HS_FLAG_SINGLEMATCH | HS_FLAG_MULTILINE;
	if (p->options & PCRE2_CASELESS)
		*flags |= HS_FLAG_CASELESS;
	if (p->options & PCRE2_DOTALL)
		*flags |= HS_FLAG_DOTALL;
	mr_buf_reset(out);
	mr_buf_puts(out, p->options & PCRE2_EXTENDED ? "(?x)" : "");
	mr_rules_refer_any(text, "[^\\n]*", out);
	return !memchr(out->p, 0, out->n);
}

void mr_rules_prefilter_key(const struct mr_rules *r, size_t i, struct mr_arena *arena, struct mr_slice *out)
{
	const struct mr_rules_group *g = nth(r, i);
	struct mr_buf all = MR_BUF(TEXTS_MAX), one = MR_BUF(TEXTS_MAX);
	hs_platform_info_t platform = { 0 };
	unsigned flags;

	hs_populate_platform(&platform);
	mr_buf_printf(&all, "%s %u %llu\n", hs_version(), platform.tune, platform.cpu_features);
	for (size_t k = 0; k < g->rules.n; k++) {
		flags = 0;
		if (expression(g->rules.v[k], &one, &flags))
			mr_buf_printf(&all, "%u %zu %s\n", flags, one.n, one.p);
		else
			mr_buf_puts(&all, "-\n");
	}
	*out = mr_digest(mr_buf_slice(&all), arena);
	mr_buf_done(&all);
	mr_buf_done(&one);
}

/* What of a group goes into its database. */
struct build {
	char **texts;
	unsigned *flags, *ids, n;
	bool *covered;
};

/* Is it one that the library can take, and that says more than "always"? */
static bool is_useful(const char *text, unsigned flags)
{
	hs_compile_error_t *error = NULL;
	hs_expr_info_t *info = NULL;
	bool useful = hs_expression_info(text, flags, &info, &error) == HS_SUCCESS && info && info->min_width > 0;

	hs_free_compile_error(error);
	free(info);
	return useful;
}

static void collect(const struct mr_rules_group *g, struct build *b)
{
	struct mr_buf one = MR_BUF(TEXTS_MAX);
	unsigned flags;

	for (size_t k = 0; k < g->rules.n; k++) {
		if (!expression(g->rules.v[k], &one, &flags) || !is_useful(one.p, flags))
			continue;
		b->covered[k] = true;
		b->texts[b->n] = mr_strdup(one.p);
		b->flags[b->n] = flags;
		b->ids[b->n++] = (unsigned)k;
	}
	mr_buf_done(&one);
}

/* Without the one that the library has refused. */
static bool leave_out(struct build *b, int at)
{
	if (at < 0 || (unsigned)at >= b->n)
		return false;
	b->covered[b->ids[at]] = false;
	free(b->texts[at]);
	b->n--;
	for (unsigned i = (unsigned)at; i < b->n; i++) {
		b->texts[i] = b->texts[i + 1];
		b->flags[i] = b->flags[i + 1];
		b->ids[i] = b->ids[i + 1];
	}
	return true;
}

static int compile(struct build *b, hs_database_t **out, struct mr_diag *diag)
{
	hs_compile_error_t *error = NULL;
	int err;

	while ((err = hs_compile_multi((const char *const *)b->texts, b->flags, b->ids, b->n, HS_MODE_BLOCK, NULL, out, &error)) !=
	       HS_SUCCESS) {
		int at = error ? error->expression : -1;

		mr_diag_set(diag, -EINVAL, "prefilter: %s", error ? error->message : "no memory");
		hs_free_compile_error(error);
		error = NULL;
		if (!leave_out(b, at))
			return -EINVAL;
	}
	return 0;
}

int mr_rules_prefilter_build(const struct mr_rules *r, size_t i, struct mr_buf *out, struct mr_diag *diag)
{
	const struct mr_rules_group *g = nth(r, i);
	struct build b = { .texts = mr_new(char *, g->rules.n),
			   .flags = mr_new(unsigned, g->rules.n),
			   .ids = mr_new(unsigned, g->rules.n),
			   .covered = mr_new(bool, g->rules.n) };
	hs_database_t *db = NULL;
	char *bytes = NULL;
	size_t n = 0;
	int err;

	collect(g, &b);
	err = b.n ? compile(&b, &db, diag) : 0;
	if (db && hs_serialize_database(db, &bytes, &n) != HS_SUCCESS)
		err = mr_diag_set(diag, -ENOMEM, "prefilter: no memory");
	if (err == 0) {
		mr_buf_add(out, (struct mr_slice){ (const char *)b.covered, g->rules.n });
		err = mr_buf_add(out, (struct mr_slice){ bytes, n });
	}
	hs_free_database(db);
	free(bytes);
	for (unsigned k = 0; k < b.n; k++)
		free(b.texts[k]);
	free(b.texts);
	free(b.flags);
	free(b.ids);
	free(b.covered);
	return err;
}

int mr_rules_prefilter_load(struct mr_rules *r, size_t i, struct mr_slice bytes, struct mr_diag *diag)
{
	struct mr_rules_group *g = nth(r, i);
	hs_database_t *db = NULL;
	bool *covered = mr_arena_alloc(r->arena, g->rules.n);

	if (bytes.n == g->rules.n)
		return 0; /* there was nothing to be had */
	if (bytes.n < g->rules.n || hs_deserialize_database(bytes.p + g->rules.n, bytes.n - g->rules.n, &db) != HS_SUCCESS)
		return mr_diag_set(diag, -EINVAL, "prefilter: damaged, or of another version");
	for (size_t k = 0; k < g->rules.n; k++)
		covered[k] = bytes.p[k];
	if (!r->prefilter)
		r->prefilter = mr_new(struct mr_rules_prefilter, 1);
	if (hs_alloc_scratch(db, &r->prefilter->scratch) != HS_SUCCESS) {
		hs_free_database(db);
		return mr_diag_set(diag, -ENOMEM, "prefilter: no memory");
	}
	hs_free_database(g->database);
	g->database = db;
	g->covered = covered;
	mr_rules_list_blind(g);
	return 0;
}

struct found {
	uint32_t *v;
	size_t n;
};

/* Each once: HS_FLAG_SINGLEMATCH. */
static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
	struct found *found = arg;

	found->v[found->n++] = id;
	return 0;
}

size_t mr_rules_prefilter_scan(const struct mr_rules *r, const struct mr_rules_group *g, struct mr_slice text, bool cut, uint32_t *out)
{
	struct found found = { .v = out };

	if (!cut && !text.n)
		return 0; /* what the database covers does not match nothing */
	if (!cut && text.n <= UINT32_MAX &&
	    hs_scan(g->database, text.p, (unsigned)text.n, 0, r->prefilter->scratch, on_match, &found) == HS_SUCCESS)
		return found.n;
	/* What cannot be looked through leaves nothing out. */
	found.n = 0;
	for (size_t i = 0; i < g->rules.n; i++)
		if (g->covered[i])
			out[found.n++] = (uint32_t)i;
	return found.n;
}

void mr_rules_prefilter_free(struct mr_rules *r)
{
	for (size_t i = 0; i < r->n_groups; i++)
		hs_free_database(r->groups[i].database);
	if (r->prefilter)
		hs_free_scratch(r->prefilter->scratch);
	free(r->prefilter);
}

#else

size_t mr_rules_prefilters(const struct mr_rules *r)
{
	return 0;
}

void mr_rules_prefilter_key(const struct mr_rules *r, size_t i, struct mr_arena *arena, struct mr_slice *out)
{
	*out = (struct mr_slice){ 0 };
}

int mr_rules_prefilter_build(const struct mr_rules *r, size_t i, struct mr_buf *out, struct mr_diag *diag)
{
	return mr_diag_set(diag, -ENOTSUP, "prefilter: not built in");
}

int mr_rules_prefilter_load(struct mr_rules *r, size_t i, struct mr_slice bytes, struct mr_diag *diag)
{
	return mr_diag_set(diag, -ENOTSUP, "prefilter: not built in");
}

size_t mr_rules_prefilter_scan(const struct mr_rules *r, const struct mr_rules_group *g, struct mr_slice text, bool cut, uint32_t *out)
{
	return 0;
}

void mr_rules_prefilter_free(struct mr_rules *r)
{
}

#endif
