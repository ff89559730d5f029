/* opening: reads a regular expression for the bytes that its matches begin with, or contain; see opening.h. Whatever is not plainly
 * understood makes the whole expression unknown. Lookaheads and the like are taken as always true: that only lets more through. */

/* system */
#include <string.h>

/* libraries */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "opening-private.h"

#define DEPTH_MAX       60
#define REPEAT_MAX      100000
#define WINDOWS_MAX     8 /* at once */
#define ALL_WINDOWS_MAX 1000
#define COMMON          0.4 /* a share: bytes that say too little of what begins with them */

/* What is known of a part of the expression. */
struct part {
	struct mr_rules_openset begins; /* what it matches begins with one of these */
	struct mr_rules_openset within; /* and contains one of these: the rarest such set that was seen; empty: none is known */
	double share;                   /* of within */
};

static void part_done(struct part *p)
{
	free(p->begins.v);
	free(p->within.v);
}

static bool says_something(const struct mr_rules_openset *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->v[i].n)
			return false;
	return s->n;
}

/* The rarer one of what is known and s, which is taken over. */
static void prefer(struct part *p, struct mr_rules_openset *s, double share)
{
	if (says_something(s) && (!p->within.n || share < p->share)) {
		free(p->within.v);
		p->within = *s;
		p->share = share;
	} else {
		free(s->v);
	}
	*s = (struct mr_rules_openset){ 0 };
}

/* -- atoms -- */

static void alternatives(struct mr_opening_reader *r, struct part *out);

static void nothing(const struct mr_opening_reader *r, struct part *out)
{
	if (!r->deaf)
		mr_rules_openset_nothing(&out->begins);
}

static void one_of(const struct mr_opening_reader *r, const struct mr_rules_class *c, struct part *out)
{
	if (!r->deaf)
		mr_rules_openset_byte(&out->begins, c);
}

static void byte(struct mr_opening_reader *r, unsigned b, struct part *out)
{
	struct mr_rules_class c = { 0 };

	mr_opening_put(&c, b, b);
	mr_opening_fold(r, &c);
	one_of(r, &c, out);
}

/* Nothing that it says is listened to. */
static void skip_group(struct mr_opening_reader *r)
{
	struct part ignored = { 0 };
	bool was = r->deaf;

	r->deaf = true;
	alternatives(r, &ignored);
	r->deaf = was;
	part_done(&ignored);
}

/* "i", "s-i", up to the colon or the parenthesis. */
static void flags(struct mr_opening_reader *r)
{
	bool on = true;

	for (; !mr_opening_ended(r) && mr_opening_peek(r) != ':' && mr_opening_peek(r) != ')'; r->at++) {
		uint32_t option = 0;

		if (mr_opening_peek(r) == '-')
			on = false;
		else if (mr_opening_peek(r) == 'i')
			option = PCRE2_CASELESS;
		else if (mr_opening_peek(r) == 's')
			option = PCRE2_DOTALL;
		else if (mr_opening_peek(r) != 'm' && mr_opening_peek(r) != 'n')
			r->failed = true;
		r->options = on ? r->options | option : r->options & ~option;
	}
}

/* "<name>", "'name'" after its opening; the group captures. */
static void skip_name(struct mr_opening_reader *r, char end)
{
	ptrdiff_t n = mr_slice_chr(mr_slice_from(r->text, r->at), end);

	if (n < 0)
		r->failed = true;
	else
		r->at += (size_t)n + 1;
}

/* What is defined is matched where it is called only. */
static bool is_skipped(struct mr_opening_reader *r)
{
	return mr_opening_take(r, "?(DEFINE)") || mr_opening_take(r, "?=") || mr_opening_take(r, "?!") || mr_opening_take(r, "?<=") ||
	       mr_opening_take(r, "?<!");
}

/* "(?1)", "(?R)", "(?&name)", up to its end. */
static bool is_call(struct mr_opening_reader *r)
{
	size_t was = r->at;

	if (!mr_opening_take(r, "?&") && !mr_opening_take(r, "?P>") && !mr_opening_take(r, "?R") && mr_opening_take(r, "?") &&
	    !(mr_opening_peek(r) >= '0' && mr_opening_peek(r) <= '9'))
		r->at = was;
	while (r->at > was && mr_opening_peek(r) && mr_opening_peek(r) != ')')
		r->at++;
	return r->at > was;
}

static bool is_plain(struct mr_opening_reader *r)
{
	if (mr_opening_take(r, "?:") || mr_opening_take(r, "?>") || mr_opening_take(r, "?|"))
		return true;
	if (mr_opening_take(r, "?<") || mr_opening_take(r, "?P<"))
		skip_name(r, '>');
	else if (mr_opening_take(r, "?'"))
		skip_name(r, '\'');
	else if (mr_opening_peek(r) == '?' || mr_opening_peek(r) == '*')
		return false;
	return true;
}

/* After the parenthesis. */
static void group(struct mr_opening_reader *r, struct part *out)
{
	uint32_t options = r->options;

	nothing(r, out);
	if (++r->depth > DEPTH_MAX)
		r->failed = true;
	if (mr_opening_take(r, "?#")) {
		skip_name(r, ')');
		r->depth--;
		return;
	}
	if (is_skipped(r)) {
		skip_group(r);
	} else if (is_call(r)) {
		if (!r->deaf)
			mr_rules_openset_any(&out->begins);
	} else if (is_plain(r)) {
		alternatives(r, out);
	} else if (mr_opening_take(r, "?")) {
		flags(r);
		if (mr_opening_peek(r) == ')')
			options = r->options; /* to the end of the group around it */
		else if (mr_opening_take(r, ":"))
			alternatives(r, out);
	} else {
		r->failed = true;
	}
	if (!mr_opening_take(r, ")"))
		r->failed = true;
	r->options = options;
	r->depth--;
}

/* After the backslash. */
static void escape(struct mr_opening_reader *r, struct part *out)
{
	struct mr_rules_class c;
	char letter;

	if (mr_opening_ended(r)) {
		r->failed = true;
		return;
	}
	letter = r->text.p[r->at++];
	if (mr_opening_named(letter, &c))
		one_of(r, &c, out);
	else if ((letter == 'b' || letter == 'B') && !r->deaf)
		mr_rules_openset_edge(&out->begins, letter == 'b');
	else if (letter == 'A' && !r->deaf)
		mr_rules_openset_line(&out->begins);
	else if (letter && strchr("bBAzZ", letter))
		nothing(r, out);
	else if (letter >= '1' && letter <= '9' && !(mr_opening_peek(r) >= '0' && mr_opening_peek(r) <= '9'))
		mr_rules_openset_any(&out->begins); /* what a group has matched */
	else
		byte(r, mr_opening_escaped(r, letter), out);
}

static void atom(struct mr_opening_reader *r, struct part *out)
{
	struct mr_rules_class c = { 0 };
	char first = r->text.p[r->at++];

	switch (first) {
	case '(':
		group(r, out);
		break;
	case '[':
		c = mr_opening_bracketed(r);
		one_of(r, &c, out);
		break;
	case '.':
		if (!(r->options & PCRE2_DOTALL))
			mr_opening_put(&c, '\n', '\n');
		mr_opening_negate(&c);
		one_of(r, &c, out);
		break;
	case '^':
		if (!r->deaf)
			mr_rules_openset_line(&out->begins);
		break;
	case '$':
		nothing(r, out);
		break;
	case '\\':
		escape(r, out);
		break;
	default:
		byte(r, (unsigned char)first, out);
	}
}

/* "{2}", "{2,}", "{2,5}"; else the brace is a character. */
static bool braces(struct mr_opening_reader *r, unsigned *min, unsigned *max)
{
	struct mr_slice rest = mr_slice_from(r->text, r->at), in;
	ptrdiff_t end = rest.n && rest.p[0] == '{' ? mr_slice_chr(rest, '}') : -1, comma;
	uint64_t a, b = REPEAT_MAX;

	if (end < 2)
		return false;
	in = (struct mr_slice){ rest.p + 1, (size_t)end - 1 };
	comma = mr_slice_chr(in, ',');
	if (mr_parse_u64((struct mr_slice){ in.p, comma < 0 ? in.n : (size_t)comma }, 0, REPEAT_MAX, &a) < 0)
		return false;
	if (comma >= 0 && (size_t)comma + 1 < in.n && mr_parse_u64(mr_slice_from(in, (size_t)comma + 1), 0, REPEAT_MAX, &b) < 0)
		return false;
	*min = (unsigned)a;
	*max = (unsigned)(comma < 0 ? a : b);
	r->at += (size_t)end + 1;
	return true;
}

static void quantified(struct mr_opening_reader *r, struct part *one)
{
	unsigned min = 1, max = 1;

	if (mr_opening_take(r, "*"))
		min = 0, max = REPEAT_MAX;
	else if (mr_opening_take(r, "+"))
		max = REPEAT_MAX;
	else if (mr_opening_take(r, "?"))
		min = 0;
	else if (!braces(r, &min, &max))
		return;
	if (!mr_opening_take(r, "?"))
		mr_opening_take(r, "+");
	if (!r->deaf)
		mr_rules_openset_repeat(&one->begins, min, max);
	if (!min)
		one->within.n = 0;
}

/* -- sequences -- */

/* Matches contain what begins at each part of a sequence, with what follows that. */
struct windows {
	struct mr_rules_openset v[WINDOWS_MAX];
	size_t n;
};

/* Nothing more is to come of the first one. */
static void close_window(struct windows *w, struct part *all)
{
	prefer(all, &w->v[0], mr_rules_openings_share(w->v[0].v, w->v[0].n));
	w->n--;
	memmove(&w->v[0], &w->v[1], w->n * sizeof(w->v[0]));
}

/* What may be nothing, or almost anything, makes no good beginning. */
static bool is_good(const struct mr_rules_openset *s)
{
	double share = 0;

	for (size_t i = 0; i < s->n; i++)
		share += s->v[i].n ? mr_rules_class_share(&s->v[i].bytes[0]) : s->v[i].edges || s->v[i].before != MR_BEFORE_ANY ? 0 : 1;
	return share < COMMON;
}

static void look_within(struct mr_opening_reader *r, struct windows *w, struct part *all, struct part *one)
{
	if (r->n_windows < ALL_WINDOWS_MAX && is_good(&one->begins)) {
		r->n_windows++;
		if (w->n == WINDOWS_MAX)
			close_window(w, all);
		w->v[w->n] = (struct mr_rules_openset){ 0 };
		mr_rules_openset_nothing(&w->v[w->n++]);
	}
	for (size_t i = 0; i < w->n; i++)
		mr_rules_openset_then(&w->v[i], &one->begins);
	while (w->n && !mr_rules_openset_grows(&w->v[0]))
		close_window(w, all);
	if (one->within.n)
		prefer(all, &one->within, one->share);
}

static void sequence(struct mr_opening_reader *r, struct part *all)
{
	struct windows windows = { .n = 0 };
	bool was = r->deaf;

	nothing(r, all);
	while (!mr_opening_ended(r) && mr_opening_peek(r) != '|' && mr_opening_peek(r) != ')') {
		struct part one = { 0 };

		r->deaf = was || (r->n_windows == ALL_WINDOWS_MAX && !mr_rules_openset_grows(&all->begins));
		atom(r, &one);
		quantified(r, &one);
		if (!r->deaf && !r->failed && mr_rules_openset_grows(&all->begins))
			mr_rules_openset_then(&all->begins, &one.begins);
		if (!r->deaf && !r->failed)
			look_within(r, &windows, all, &one);
		part_done(&one);
	}
	while (windows.n)
		close_window(&windows, all);
	r->deaf = was;
}

/* Either contains what is known of it, if something is known of both. */
static void either(struct part *all, struct part *one, bool first)
{
	mr_rules_openset_or(&all->begins, &one->begins);
	if (!first && (!all->within.n || !one->within.n)) {
		all->within.n = 0;
		return;
	}
	mr_rules_openset_or(&all->within, &one->within);
	all->share += one->share;
}

static void alternatives(struct mr_opening_reader *r, struct part *out)
{
	bool first = true;

	out->begins.n = 0;
	do {
		struct part one = { 0 };

		sequence(r, &one);
		either(out, &one, first);
		first = false;
		part_done(&one);
	} while (mr_opening_take(r, "|"));
	if (out->begins.n > MR_OPENINGS_MAX)
		mr_rules_openset_shrink(&out->begins, MR_OPENINGS_MAX);
	if (out->within.n > MR_OPENINGS_MAX) {
		mr_rules_openset_shrink(&out->within, MR_OPENINGS_MAX);
		out->share = mr_rules_openings_share(out->within.v, out->within.n);
	}
}

static bool has(const struct mr_rules_opening *v, size_t n, const struct mr_rules_opening *o)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].n == o->n && v[i].before == o->before && memcmp(v[i].bytes, o->bytes, o->n * sizeof(*o->bytes)) == 0)
			return true;
	return false;
}

/* Of a whole expression; how many. */
static size_t taken(struct mr_rules_openset *s, struct mr_rules_opening out[MR_OPENINGS_MAX])
{
	size_t n = 0;

	mr_rules_openset_shrink(s, MR_OPENINGS_MAX);
	if (!says_something(s))
		return 0;
	for (size_t i = 0; i < s->n; i++) {
		if (!has(out, n, &s->v[i]))
			out[n++] = s->v[i];
	}
	return n;
}

void mr_rules_openings(struct mr_slice text, uint32_t options, struct mr_rules_opening_sets *out)
{
	struct mr_opening_reader r = { .text = text, .options = options };
	struct part all = { 0 };

	out->n_begins = out->n_within = 0;
	if (options & ~(uint32_t)(PCRE2_CASELESS | PCRE2_MULTILINE | PCRE2_DOTALL | PCRE2_NO_AUTO_CAPTURE))
		return;
	alternatives(&r, &all);
	if (r.at < text.n) /* a parenthesis too many */
		r.failed = true;
	if (!r.failed) {
		out->n_begins = taken(&all.begins, out->begins);
		out->n_within = taken(&all.within, out->within);
	}
	part_done(&all);
}
