/* sa/eval-body: functions about the text. */
/* system */
#include <string.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "mail/sa/eval-internal.h"

#define WORDS_MAX 50000 /* different words of the parts that are compared */

/* -- plain text and HTML that should say the same -- */

struct word {
	struct mr_slice text;
	unsigned html, plain; /* how often */
};
struct words {
	struct word *table;
	size_t size, n; /* size: a power of two */
};
struct sa_alternatives {
	double difference, html, text; /* percent; different words */
};

static struct word *find(struct words *w, struct mr_slice s)
{
	size_t i = (size_t)mr_hash(s.p, s.n) & (w->size - 1);

	while (w->table[i].text.p && !mr_slice_eq(w->table[i].text, s))
		i = (i + 1) & (w->size - 1);
	if (w->table[i].text.p)
		return &w->table[i];
	if (w->n >= WORDS_MAX || 2 * w->n >= w->size)
		return NULL;
	w->n++;
	w->table[i].text = s;
	return &w->table[i];
}

static bool has_letter(struct mr_slice s, bool wide)
{
	for (size_t i = 0; i < s.n; i++)
		if (sa_is_word(s.p[i]) || (wide && (s.p[i] & 0x80)))
			return true;
	return false;
}

static bool count_words(struct words *w, struct mr_slice s, bool wide, bool html)
{
	bool any = false;

	for (size_t i = 0; i < s.n;) {
		size_t end = i;
		struct mr_slice one;
		struct word *found;

		while (end < s.n && !sa_is_space(s.p[end]) && !(wide && s.p[end] == '\xc2' && end + 1 < s.n && s.p[end + 1] == '\xa0'))
			end++;
		one = sa_sub(s, i, end);
		i = end < s.n && s.p[end] == '\xc2' ? end + 2 : end + 1;
		if (!has_letter(one, wide) || !(found = find(w, one)))
			continue;
		any = true;
		if (html)
			found->html++;
		else
			found->plain++;
	}
	return any;
}

static void compare_parts(struct mr_sa *sa, size_t at, struct sa_alternatives *out)
{
	struct words w = { .size = 1024 };
	size_t bytes = 0, html = 0, text = 0, left = 0;
	bool image = false, any = false;

	for (size_t i = at + 1; i < sa->nodes[at].end; i++)
		bytes += sa->nodes[i].raw.n;
	while (w.size < WORDS_MAX && w.size < bytes / 2)
		w.size *= 2;
	w.table = mr_arena_alloc(sa->arena, w.size * sizeof(*w.table));
	for (size_t i = at + 1; i < sa->nodes[at].end; i++) {
		const struct mr_sa_html *h;
		struct mr_slice s;

		if (!mr_slice_starts(sa->nodes[i].part.type, MR_LIT("text/")) || !(s = mr_sa_part_rendered(sa, i, &h)).p)
			continue;
		any |= count_words(&w, s, sa->nodes[i].wide, h != NULL) && h;
		image |= h && mr_sa_html_inside(h, MR_LIT("img")) >= 0;
	}
	for (size_t i = 0; i < w.size; i++) {
		html += w.table[i].html > 0;
		text += w.table[i].plain > 0;
		left += w.table[i].html > w.table[i].plain;
	}
	/* Pictures alone count as one word that the text has not. */
	if (!any && image)
		html = left = 1;
	if (!html)
		return;
	out->html = (double)html;
	out->text = (double)text;
	if ((double)left / (double)html * 100 > out->difference)
		out->difference = (double)left / (double)html * 100;
}

static const struct sa_alternatives *alternatives(struct mr_sa *sa)
{
	struct sa_alternatives *a = sa->alternatives;

	if (a)
		return a;
	sa_mime_parse(sa);
	a = sa->alternatives = mr_arena_alloc(sa->arena, sizeof(*a));
	/* An invitation: HTML and a calendar. */
	if (sa->n_nodes == 3 && mr_slice_eq(sa->nodes[0].part.type, MR_LIT("multipart/alternative")) &&
	    mr_slice_eq(sa->nodes[1].part.type, MR_LIT("text/html")) && mr_slice_eq(sa->nodes[2].part.type, MR_LIT("text/calendar")))
		return a;
	for (size_t i = 0; i < sa->n_nodes; i++)
		if (mr_slice_starts(sa->nodes[i].part.type, MR_LIT("multipart/alternative")))
			compare_parts(sa, i, a);
	return a;
}

static int difference(struct mr_sa *sa, const struct mr_sa_args *args)
{
	double d = alternatives(sa)->difference, min = sa_arg_number(args, 0, 0);

	return (min <= 0 || d > min) && d <= sa_arg_number(args, 1, INFINITY);
}

static int difference_count(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct sa_alternatives *a = alternatives(sa);

	return a->html > sa_arg_number(args, 1, 0) && a->text / a->html > sa_arg_number(args, 0, 0);
}

/* -- lines -- */

static bool is_blank(struct mr_slice s)
{
	return sa_trim(s).n == 0;
}

static int blank_line_ratio(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct mr_sa_list *raw = mr_sa_rawbody(sa);
	double min = sa_arg_number(args, 0, 0), max = sa_arg_number(args, 1, 0), least = sa_arg_number(args, 2, 1), ratio;

	if (!sa->lines)
		for (size_t i = 0; i < raw->n; i++) {
			struct mr_slice s = raw->items[i], line;

			while (s.n && mr_slice_next(&s, '\n', &line)) {
				sa->lines++;
				sa->blank_lines += is_blank(line);
			}
		}
	ratio = (double)sa->lines < (least < 1 ? 1 : least) ? -1 : 100.0 * (double)sa->blank_lines / (double)sa->lines;
	return (min <= 0 && ratio <= max) || (ratio > min && ratio <= max);
}

static int vertical_words(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct mr_sa_list *body = mr_sa_body(sa);
	double most = -1, max = sa_arg_number(args, 1, 0);

	for (size_t i = 0; i < body->n; i++) {
		size_t spaces = 0, rest;
		double percent;

		if (body->items[i].n <= 5)
			continue;
		for (size_t k = 0; k < body->items[i].n; k++)
			spaces += body->items[i].p[k] == ' ';
		rest = body->items[i].n - spaces;
		percent = spaces > rest || !rest ? 100 : (double)(100 * spaces / rest);
		most = percent > most ? percent : most;
	}
	return most >= sa_arg_number(args, 0, 0) && most < (max >= 100 ? 101 : max);
}

/* -- shares that are praised: "Symbol: ABCD" -- */

static const char *const stock_words[] = { "company",    "companyname",    "expectations", "weekhigh", "weekshigh",    "marketperformance",
					   "sector",     "recommendation", "rating",       "target",   "ticker",       "projected",
					   "position",   "openingp",       "openingprice", "currentp", "currentprice", "tradedate",
					   "tradingdate" };

/* A label of such a mail: which word it ends in; -1: none. */
static int stock_word(struct mr_slice s)
{
	static const char *const firsts[] = { "year", "week", "month", "day", "price" };
	static const char *const lasts[] = { "target", "estimate", "estimates" };
	static const char *const shares[] = { "stock", "symbol", "sym", "stk", "sck", "sm" };

	for (size_t i = 0; i < MR_COUNT(firsts) * MR_COUNT(lasts); i++) {
		struct mr_slice last = mr_slice_of(lasts[i % MR_COUNT(lasts)]);

		if (mr_slice_iends(s, last) && mr_slice_iends(sa_sub(s, 0, s.n - last.n), mr_slice_of(firsts[i / MR_COUNT(lasts)])))
			return 100 + (int)i;
	}
	for (size_t i = 0; i < MR_COUNT(stock_words); i++)
		if (mr_slice_iends(s, mr_slice_of(stock_words[i])) &&
		    (strncmp(stock_words[i], "trad", 4) != 0 || s.n == strlen(stock_words[i])))
			return (int)i;
	for (size_t i = 0; i < MR_COUNT(shares); i++)
		if (mr_slice_iends(s, mr_slice_of(shares[i])))
			return 200 + (int)i;
	return -1;
}

static struct mr_slice label_of(struct mr_arena *a, struct mr_slice line)
{
	ptrdiff_t colon;
	char *out;
	size_t n = 0;

	line = sa_trim(line);
	colon = mr_slice_chr(line, ':');
	if (colon < 3 || colon > 30 + 10 || sa_trim(mr_slice_from(line, (size_t)colon + 1)).n == 0)
		return MR_LIT("");
	out = mr_arena_alloc(a, (size_t)colon + 1);
	for (ptrdiff_t i = 0; i < colon; i++)
		if (sa_is_alpha(line.p[i]))
			out[n++] = mr_lower(line.p[i]);
	return (struct mr_slice){ out, n };
}

static int stock_info(struct mr_sa *sa, const struct mr_sa_args *args)
{
	int seen[64];
	size_t n = 0;
	const struct mr_sa_html *h;
	struct mr_slice text = { 0 }, line;

	sa_mime_parse(sa);
	for (size_t i = 0; i < sa->n_nodes && !text.p; i++)
		if (mr_slice_eq(sa->nodes[i].part.type, MR_LIT("text/plain")) && sa->nodes[i].part.leaf)
			text = mr_sa_part_rendered(sa, i, &h);
	while (text.p && mr_slice_next(&text, '\n', &line)) {
		int word = stock_word(label_of(sa->arena, line));
		bool old = word < 0;

		for (size_t i = 0; i < n; i++)
			old |= seen[i] == word;
		if (!old && n < MR_COUNT(seen))
			seen[n++] = word;
	}
	return (double)n >= sa_arg_number(args, 0, 0);
}

/* -- lengths -- */

static int body_length(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return (double)mr_sa_pristine_body(sa).n <= sa_arg_number(args, 0, 0);
}

struct sa_signature {
	double body, signature; /* bytes */
	bool there;
};

static void find_signature(struct mr_sa *sa, struct sa_signature *r)
{
	sa_mime_parse(sa);
	for (size_t i = 0; i < sa->n_nodes && !r->there; i++) {
		struct mr_slice s;

		if (!mr_slice_eq(sa->nodes[i].part.type, MR_LIT("text/plain")) || !sa->nodes[i].part.leaf)
			continue;
		s = mr_sa_part_decoded(sa, i);
		*r = (struct sa_signature){ .body = (double)s.n, .there = true };
		for (size_t at = 0; at < s.n;) {
			ptrdiff_t lf = mr_slice_chr(mr_slice_from(s, at), '\n');
			size_t end = lf < 0 ? s.n : at + (size_t)lf, text = end - (end > at && s.p[end - 1] == '\r');
			struct mr_slice line = sa_sub(s, at, text);

			if ((mr_slice_eq(line, MR_LIT("--")) || mr_slice_eq(line, MR_LIT("-- "))) && s.n - end > 4) {
				r->body = (double)at;
				r->signature = (double)(s.n - end);
			}
			at = end + 1;
		}
	}
}

/* What stands before and behind the last line "-- " of the first plain text. */
static const struct sa_signature *signature(struct mr_sa *sa)
{
	if (!sa->signature) {
		sa->signature = mr_arena_alloc(sa->arena, sizeof(*sa->signature));
		find_signature(sa, sa->signature);
	}
	return sa->signature;
}

static bool between(double v, const struct mr_sa_args *args)
{
	return v >= sa_arg_number(args, 0, 0) && v <= sa_arg_number(args, 1, INFINITY);
}

static int plaintext_body_length(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct sa_signature *s = signature(sa);

	return s->there && between(s->body, args);
}

static int plaintext_sig_length(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct sa_signature *s = signature(sa);

	return s->there && between(s->signature, args);
}

static int plaintext_body_sig_ratio(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct sa_signature *s = signature(sa);
	double ratio = s->signature > 0 ? s->body / s->signature : 1e6;

	return s->there && ratio >= sa_arg_number(args, 0, 0) && ratio <= sa_arg_number(args, 1, 1e6);
}

const struct mr_sa_eval sa_evals_body[] = {
	{ "multipart_alternative_difference", NULL, difference },
	{ "multipart_alternative_difference_count", NULL, difference_count },
	{ "check_blank_line_ratio", NULL, blank_line_ratio },
	{ "tvd_vertical_words", NULL, vertical_words },
	{ "check_stock_info", NULL, stock_info },
	{ "check_body_length", NULL, body_length },
	{ "plaintext_body_length", NULL, plaintext_body_length },
	{ "plaintext_sig_length", NULL, plaintext_sig_length },
	{ "plaintext_body_sig_ratio", NULL, plaintext_body_sig_ratio },
	{ 0 },
};
