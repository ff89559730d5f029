/* pattern: Perl's regular expressions as PCRE2's. Bytes, not characters. */

/* system */
#include <errno.h>
#include <stdio.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/delimited.h"
#include "private.h"

#define PIECE       16384      /* bytes of beginnings that are tried in one call */
#define CALL_BYTES  64         /* what a call costs at least, in bytes that are matched */
#define LOOK_BYTES  65536      /* between two looks at the clock */
#define PATTERN_MAX (1u << 20) /* bytes of one that refers to captures */

int mr_rules_pattern_parse(struct mr_slice text, struct mr_rules_pattern *out, struct mr_diag *diag)
{
	struct mr_rules_pattern p = { 0 };

	if (mr_sa_delimited(text, &p.text, &p.options, diag) < 0)
		return -EINVAL;
	p.refers = mr_rules_refers(p.text);
	*out = p;
	return 0;
}

void mr_rules_pattern_forget(struct mr_rules_pattern *p)
{
	free(p->openings);
	free(p->factors);
	p->openings = p->factors = NULL;
}

/* Whatever is not sure counts as a match. */
static bool matches_empty(const pcre2_code *code)
{
	pcre2_match_data *match = pcre2_match_data_create(1, NULL);
	int found = match ? pcre2_match(code, (PCRE2_SPTR) "", 0, 0, 0, match, NULL) : 0;

	pcre2_match_data_free(match);
	return found != PCRE2_ERROR_NOMATCH;
}

/* text: of the pattern, or made from it. */
static int compile(struct mr_rules_pattern *p, struct mr_slice text, struct mr_diag *diag)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	PCRE2_UCHAR why[120];
	PCRE2_SIZE at = 0;
	int err = 0;

	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	p->code = pcre2_compile((PCRE2_SPTR)text.p, text.n,
				p->options | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C |
				    (p->of_long ? PCRE2_USE_OFFSET_LIMIT : 0) | (p->n_openings ? PCRE2_ANCHORED : 0),
				&err, &at, context);
	pcre2_compile_context_free(context);
	if (p->code) {
		p->empty = matches_empty(p->code);
		return 0;
	}
	pcre2_get_error_message(err, why, sizeof(why));
	return mr_diag_set(diag, err == PCRE2_ERROR_PATTERN_TOO_LARGE ? -E2BIG : -EINVAL, "regular expression, at character %zu: %s",
			   at + 1, (char *)why);
}

int mr_rules_pattern_compile(struct mr_rules_pattern *p, struct mr_diag *diag)
{
	struct mr_buf text = MR_BUF(PATTERN_MAX);
	int err;

	if (!p->refers)
		return compile(p, p->text, diag);
	mr_rules_refer_any(p->text, "(?!)", &text); /* never matches */
	err = compile(p, mr_buf_slice(&text), diag);
	mr_buf_done(&text);
	return err;
}

bool mr_rules_pattern_fill(const struct mr_rules_pattern *p, const struct mr_rules_captured *all, struct mr_rules_pattern *out)
{
	struct mr_buf text = MR_BUF(PATTERN_MAX);

	*out = (struct mr_rules_pattern){ .options = p->options, .of_long = p->of_long };
	if (mr_rules_refer(p->text, all, &text))
		compile(out, mr_buf_slice(&text), NULL);
	mr_buf_done(&text);
	return out->code;
}

void mr_rules_pattern_begin(struct mr_rules *r)
{
	r->late = false;
	r->unlooked = 0;
	r->until = r->config.cpu_ms ? r->config.cpu_ms() + MR_RULES_RUN_MS : 0;
}

static void look_at_clock(struct mr_rules *r, size_t bytes)
{
	r->unlooked += bytes + CALL_BYTES;
	if (r->unlooked < LOOK_BYTES || !r->config.cpu_ms)
		return;
	r->unlooked = 0;
	r->late = r->config.cpu_ms() > r->until;
}

/* Where memory must not become code there is none made, and the interpreter does the work. */
static int match(struct mr_rules *r, const struct mr_rules_pattern *p, struct mr_slice in, size_t at, uint32_t options)
{
	PCRE2_SPTR text = (PCRE2_SPTR)(in.p ? in.p : "");

	return p->jit ? pcre2_jit_match(p->code, text, in.n, at, options, r->match, r->limits)
		      : pcre2_match(p->code, text, in.n, at, options, r->match, r->limits);
}

/* From there on, a piece at a time where it may be long. */
static int match_from(struct mr_rules *r, const struct mr_rules_pattern *p, struct mr_slice in, size_t at, uint32_t options)
{
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(r->match);
	int found = PCRE2_ERROR_NOMATCH;

	for (bool last = false; !last && found == PCRE2_ERROR_NOMATCH; options = 0) {
		size_t end = at + PIECE;

		if (r->late)
			return PCRE2_ERROR_MATCHLIMIT;
		last = !p->of_long || end > in.n;
		pcre2_set_offset_limit(r->limits, last ? PCRE2_UNSET : end - 1);
		found = match(r, p, in, at, options);
		look_at_clock(r, found >= 0 ? v[1] - at : last ? in.n - at : PIECE);
		at = end;
	}
	pcre2_set_offset_limit(r->limits, PCRE2_UNSET);
	return found;
}

/* The next place from *at on; false: none. */
static bool next_place(struct mr_rules_places *places, size_t *at)
{
	struct mr_rules_found *begins = &places->begins;

	if (begins->all)
		return true;
	while (begins->n && begins->v[0] < places->base + *at) {
		begins->v++;
		begins->n--;
	}
	if (begins->n)
		*at = begins->v[0] - places->base;
	return begins->n;
}

static int match_in(struct mr_rules *r, const struct mr_rules_pattern *p, struct mr_slice in, struct mr_rules_places *places, size_t at)
{
	int found = PCRE2_ERROR_NOMATCH;

	for (; found == PCRE2_ERROR_NOMATCH && next_place(places, &at) && at < in.n; at++) {
		if (r->late)
			return PCRE2_ERROR_MATCHLIMIT;
		found = match(r, p, in, at, 0);
		look_at_clock(r, 0);
	}
	return found;
}

int mr_rules_pattern_count(struct mr_rules *r, const struct mr_rules_pattern *p, struct mr_slice in, struct mr_rules_places *places,
			   unsigned max, struct mr_slice *first)
{
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(r->match);
	uint32_t options = 0;
	size_t at = 0;
	unsigned n = 0;

	if (!in.n && !p->empty)
		return 0;
	while (n < max && at <= in.n) {
		int found = p->n_openings ? match_in(r, p, in, places, at) : match_from(r, p, in, at, options);

		if (found == PCRE2_ERROR_NOMATCH)
			break;
		if (found < 0)
			return -1;
		if (n++ == 0)
			*first = (struct mr_slice){ in.p + v[0], v[1] > v[0] ? v[1] - v[0] : 0 };
		/* As Perl's //g: after an empty match the next one there is not empty. */
		options = v[0] == v[1] ? PCRE2_NOTEMPTY_ATSTART : 0;
		at = v[1];
	}
	return (int)n;
}
