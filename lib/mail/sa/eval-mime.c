/* sa/eval-mime: functions about the parts of a message and how they are encoded. */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/eval-internal.h"

/* What a walk through all parts finds, by the names that rules use. */
struct sa_mime_facts {
	double base64_count, qp_count, body_html_count, body_text_count, attachment, multipart_ratio, qp_ratio, text_unicode_ratio,
	    ascii_text_illegal;
	bool base64_encoded_text, bad_iso_charset, multipart_alternative, missing_boundary, qp_long_line, faraway_charset;
	struct mr_sa_list charsets;
};

static bool any_of(struct mr_slice s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (sa_has(s, mr_slice_of(words[i])))
			return true;
	return false;
}

static bool is_ascii_name(struct mr_slice charset)
{
	static const char *const names[] = { "ascii", "ansi_x3.4-19", "iso-ir-6", "iso_646.irv:1991", "us", "ibm367", "cp367" };

	return any_of(charset, names, MR_COUNT(names));
}

/* "iso-x-y" that there is not. */
static bool is_bad_iso(struct mr_slice c)
{
	ptrdiff_t at = sa_find(c, 0, MR_LIT("iso-"));
	struct mr_slice rest;

	if (at < 0)
		return false;
	rest = mr_slice_from(c, (size_t)at + 4);
	if (mr_slice_chr(rest, '-') <= 0 || mr_slice_chr(rest, '-') + 1 >= (ptrdiff_t)rest.n)
		return false;
	if (mr_slice_starts(rest, MR_LIT("2022-jp")) || mr_slice_starts(rest, MR_LIT("2022-kr")))
		return rest.n > 7 && sa_is_word(rest.p[7]);
	if (mr_slice_starts(rest, MR_LIT("8859-")) && rest.n > 5 && sa_is_digit(rest.p[5])) {
		size_t i = rest.n > 6 && sa_is_digit(rest.p[6]) ? 7 : 6;

		return rest.n > i && sa_is_word(rest.p[i]);
	}
	return true;
}

struct part {
	struct sa_content_type ct;
	struct mr_slice charset, encoding, disposition; /* lower case */
};

static struct part part_of(struct mr_sa *sa, size_t i)
{
	struct sa_header *h = &sa->nodes[i].header;
	struct mr_arena *a = sa->arena;
	struct part p;

	sa_content_type(a, sa_header_value(a, h, MR_LIT("content-type")), &p.ct);
	p.charset = sa_lower(a, p.ct.charset);
	p.encoding = sa_lower(a, sa_header_value(a, h, MR_LIT("content-transfer-encoding")));
	p.disposition = sa_lower(a, sa_header_value(a, h, MR_LIT("content-disposition")));
	return p;
}

static void note_header(struct mr_sa *sa, struct sa_mime_facts *f, const struct part *p)
{
	bool base64 = sa_has(p->encoding, MR_LIT("base64")), letter = false;

	if (mr_slice_eq(p->ct.type, MR_LIT("multipart/alternative")))
		f->multipart_alternative = true;
	if (mr_slice_eq(p->ct.type, MR_LIT("text/html")))
		f->body_html_count++;
	else if (mr_slice_starts(p->ct.type, MR_LIT("text")))
		f->body_text_count++;
	f->base64_count += base64;
	f->qp_count += !base64 && sa_has(p->encoding, MR_LIT("quoted-printable"));
	f->attachment += sa_has(p->disposition, MR_LIT("attachment"));
	if (mr_slice_starts(p->ct.type, MR_LIT("text")) && base64 && (!p->charset.n || is_ascii_name(p->charset)) &&
	    !mr_slice_starts(p->disposition, MR_LIT("attachment")) && !mr_slice_starts(p->disposition, MR_LIT("inline")))
		f->base64_encoded_text = true;
	f->bad_iso_charset |= is_bad_iso(p->charset);
	for (size_t i = 0; i < p->charset.n; i++)
		letter |= sa_is_alpha(p->charset.p[i]);
	f->faraway_charset |= letter && sa_charset_far(sa->conf, p->charset);
	if (letter)
		sa_list_add(sa->arena, &f->charsets, p->charset, MR_SA_PARTS_MAX);
}

struct lines {
	double qp_bytes, qp_encoded, normal, unicode;
};

static bool upper_hex(char c)
{
	return sa_is_digit(c) || (c >= 'A' && c <= 'F');
}

/* "=41": a character that needs no encoding. */
static bool needless(struct mr_slice s, size_t i)
{
	char a, b;

	if (i + 2 >= s.n || s.p[i] != '=' || !upper_hex(s.p[i + 2]))
		return false;
	a = s.p[i + 1];
	b = s.p[i + 2];
	if (a == '0')
		return b == '9';
	if (a == '3')
		return b != 'D';
	return a == '2' || a == '4' || a == '5' || a == '6' || (a == '7' && b != 'F');
}

static void note_qp_line(struct sa_mime_facts *f, struct lines *l, struct mr_slice line)
{
	size_t end = line.n, trailing = 0, n = 0;
	ptrdiff_t at;

	if (mr_slice_starts(line, MR_LIT("SPAM: ")))
		return;
	f->qp_long_line |= line.n > 79;
	l->qp_bytes += (double)line.n;
	for (struct mr_slice rest = line; (at = mr_slice_chr(rest, '=')) >= 0; rest = mr_slice_from(rest, (size_t)at + 1))
		n += needless(rest, (size_t)at);
	while (end && sa_is_space(line.p[end - 1]))
		end--;
	for (; end >= 3 && (memcmp(line.p + end - 3, "=09", 3) == 0 || memcmp(line.p + end - 3, "=20", 3) == 0); end -= 3)
		trailing++;
	l->qp_encoded += n ? (double)n - (double)trailing : 0;
}

static bool illegal_in_ascii(struct mr_slice line)
{
	for (size_t i = 0; i < line.n; i++)
		if ((line.p[i] & 0x80) || !line.p[i] || line.p[i] == '\r')
			return true;
	return false;
}

/* "&#x1F4A9;" written out in plain text, four digits. */
static void note_entities(struct lines *l, struct mr_slice line)
{
	size_t n = 0;

	for (size_t i = 0; i + 7 < line.n; i++) {
		const char *at = memchr(line.p + i, '&', line.n - 7 - i);

		if (!at)
			break;
		i = (size_t)(at - line.p);
		if (at[1] == '#' && at[2] == 'x' && upper_hex(at[3]) && upper_hex(at[4]) && upper_hex(at[5]) && upper_hex(at[6]) &&
		    at[7] == ';') {
			n++;
			i += 7;
		}
	}
	l->normal += (double)(line.n - 8 * n);
	l->unicode += (double)n;
}

static void note_lines(struct sa_mime_facts *f, struct lines *l, const struct part *p, struct mr_slice s)
{
	bool plain = mr_slice_eq(p->ct.type, MR_LIT("text/plain"));
	bool qp = mr_slice_eq(p->encoding, MR_LIT("quoted-printable"));
	bool ascii = plain && (!p->charset.n || mr_slice_eq(p->charset, MR_LIT("us-ascii")));
	bool as_it_is = plain && (!p->encoding.n || mr_slice_eq(p->encoding, MR_LIT("7bit")) || mr_slice_eq(p->encoding, MR_LIT("8bit")));

	while (s.n && (qp || ascii || as_it_is)) {
		ptrdiff_t lf = mr_slice_chr(s, '\n');
		struct mr_slice line = { s.p, lf < 0 ? s.n : (size_t)lf + 1 };

		s = mr_slice_from(s, line.n);
		if (qp)
			note_qp_line(f, l, line);
		if (ascii && illegal_in_ascii(line))
			f->ascii_text_illegal++;
		if (as_it_is)
			note_entities(l, line);
	}
}

static const struct sa_mime_facts *facts(struct mr_sa *sa)
{
	struct sa_mime_facts *f = sa->mime_facts;
	struct lines l = { 0 };
	double text = -1, html = -1;

	if (f)
		return f;
	sa_mime_parse(sa);
	f = sa->mime_facts = mr_arena_alloc(sa->arena, sizeof(*f));
	f->multipart_ratio = 1;
	for (size_t i = 0; i < sa->n_nodes; i++) {
		struct part p = part_of(sa, i);
		bool attached = sa_has(p.disposition, MR_LIT("attachment"));

		note_header(sa, f, &p);
		if (!sa->nodes[i].part.leaf)
			continue;
		/* The last part of each kind counts. */
		if (!attached && mr_slice_eq(p.ct.type, MR_LIT("text/plain")))
			text = f->multipart_alternative ? (double)sa->nodes[i].raw.n : 0;
		if (!attached && mr_slice_eq(p.ct.type, MR_LIT("text/html")))
			html = f->multipart_alternative ? (double)sa->nodes[i].raw.n : 0;
		note_lines(f, &l, &p, sa->nodes[i].raw);
	}
	if (l.qp_bytes > 0) {
		f->qp_ratio = l.qp_encoded / l.qp_bytes;
		f->qp_count = l.qp_encoded;
	}
	if (l.normal > 0)
		f->text_unicode_ratio = l.unicode / l.normal;
	if (f->multipart_alternative && text >= 0 && html > 0)
		f->multipart_ratio = text / html;
	f->missing_boundary = mr_sa_boundary_missing(sa);
	return f;
}

static int for_mime(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct sa_mime_facts *f = facts(sa);
	const struct {
		const char *name;
		bool value;
	} names[] = {
		{ "mime_base64_count", f->base64_count > 0 },
		{ "mime_base64_encoded_text", f->base64_encoded_text },
		{ "mime_body_html_count", f->body_html_count > 0 },
		{ "mime_body_text_count", f->body_text_count > 0 },
		{ "mime_missing_boundary", f->missing_boundary },
		{ "mime_multipart_alternative", f->multipart_alternative },
		{ "mime_multipart_ratio", f->multipart_ratio > 0 },
		{ "mime_qp_count", f->qp_count > 0 || f->qp_count < 0 },
		{ "mime_qp_long_line", f->qp_long_line },
		{ "mime_qp_ratio", f->qp_ratio > 0 },
		{ "mime_ascii_text_illegal", f->ascii_text_illegal > 0 },
		{ "mime_text_unicode_ratio", f->text_unicode_ratio > 0 },
		{ "mime_attachment", f->attachment > 0 },
		{ "mime_bad_iso_charset", f->bad_iso_charset },
		{ "mime_faraway_charset", f->faraway_charset },
	};

	for (size_t i = 0; i < MR_COUNT(names); i++)
		if (mr_slice_eq(sa_arg(args, 0), mr_slice_of(names[i].name)))
			return names[i].value;
	return 0;
}

static bool is_html_message(struct mr_sa *sa)
{
	struct mr_slice type;

	return mr_sa_header(sa, MR_LIT("Content-Type"), &type) && mr_slice_istarts(type, MR_LIT("text/html"));
}

static int mime_html(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return is_html_message(sa) || facts(sa)->body_html_count > 0;
}

static int mime_html_only(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct sa_mime_facts *f = facts(sa);

	(void)args;
	return is_html_message(sa) || (f->body_html_count > 0 && f->body_text_count <= 0);
}

static int multipart_ratio(struct mr_sa *sa, const struct mr_sa_args *args)
{
	double ratio = facts(sa)->multipart_ratio;

	return ratio >= sa_arg_number(args, 0, 0) && ratio < sa_arg_number(args, 1, 0);
}

static int parse_flags(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return mr_sa_flag(sa, sa_arg(args, 0));
}

static int ascii_text_illegal(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return facts(sa)->ascii_text_illegal > 0;
}

static int abundant_unicode(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return facts(sa)->text_unicode_ratio >= sa_arg_number(args, 0, INFINITY);
}

static int qp_ratio(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return facts(sa)->qp_ratio >= sa_arg_number(args, 0, INFINITY);
}

/* -- capitals -- */

/* Charsets whose encoded text looks like capitals. */
static bool looks_like_capitals(struct mr_slice charset)
{
	static const char *const words[] = { "koi",   "jp",     "jis",          "euc",        "gb",    "big5",
					     "isoir", "cp1251", "windows-1251", "georgianps", "pt154", "tis" };

	for (size_t i = 0; i < charset.n; i++)
		if (!sa_is_word(charset.p[i]) && charset.p[i] != '-')
			return false;
	return any_of(charset, words, MR_COUNT(words));
}

static bool charset_looks_like_capitals(struct mr_sa *sa)
{
	const struct sa_mime_facts *f = facts(sa);
	struct mr_slice type = sa_lower(sa->arena, sa_scalar(sa, "Content-Type"));
	ptrdiff_t at = sa_find(type, 0, MR_LIT("charset="));

	if (at >= 0) {
		struct mr_slice c = mr_slice_from(type, (size_t)at + 8);
		char quote = c.n && (c.p[0] == '"' || c.p[0] == '\'') ? c.p[0] : ' ';
		size_t end = 0;

		c = quote == ' ' ? c : mr_slice_from(c, 1);
		while (end < c.n && (quote == ' ' ? !sa_is_space(c.p[end]) : c.p[end] != quote))
			end++;
		if (looks_like_capitals(sa_sub(c, 0, end)))
			return true;
	}
	for (size_t i = 0; i < f->charsets.n; i++)
		if (looks_like_capitals(f->charsets.items[i]))
			return true;
	return false;
}

static bool has_two_words(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		size_t end = i + 1;

		if (sa_is_space(s.p[i]))
			continue;
		while (end < s.n && sa_is_space(s.p[end]))
			end++;
		if (end > i + 1 && end < s.n)
			return true;
	}
	return false;
}

/* Two lines of something encoded. */
static bool is_encoded(struct mr_slice s)
{
	for (int line = 0; line < 2; line++) {
		size_t n = 0;

		while (n < s.n && (sa_is_alpha(s.p[n]) || sa_is_digit(s.p[n]) || sa_one_of(s.p[n], "+/=")))
			n++;
		if (n < 60 || n > 76 || n >= s.n || s.p[n] != ' ')
			return false;
		s = mr_slice_from(s, n + 1);
	}
	return true;
}

/* Digits count as if they were small letters. */
enum sort { OTHER, SMALL, CAPITAL, SORTS };
static const unsigned char sorts[256] = { ['0' ... '9'] = SMALL, ['A' ... 'Z'] = CAPITAL, ['a' ... 'z'] = SMALL };

static double share_of_capitals(struct mr_sa *sa)
{
	const struct mr_sa_list *body = mr_sa_body(sa);
	size_t all = 0, n[SORTS] = { 0 };

	if (charset_looks_like_capitals(sa))
		return 0;
	for (size_t i = 0; i < body->n; i++) {
		struct mr_slice s = body->items[i];

		if (!has_two_words(s) || is_encoded(s) || sa_has(s, MR_LIT("\x1b$B")))
			continue;
		all += s.n;
		for (size_t k = 0; k < s.n; k++)
			n[sorts[(unsigned char)s.p[k]]]++;
	}
	return all < 200 || n[CAPITAL] + n[SMALL] == 0 ? 0 : (double)n[CAPITAL] / (double)(n[CAPITAL] + n[SMALL]) * 100;
}

static int uppercase(struct mr_sa *sa, const struct mr_sa_args *args)
{
	if (!sa->has_capitals)
		sa->capitals = share_of_capitals(sa);
	sa->has_capitals = true;
	return sa->capitals > sa_arg_number(args, 0, 0) && sa->capitals <= sa_arg_number(args, 1, 0);
}

/* -- others -- */

static int alternative_non_text(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	sa_mime_parse(sa);
	for (size_t i = 0; i < sa->n_nodes; i++) {
		if (!mr_slice_eq(sa->nodes[i].part.type, MR_LIT("multipart/alternative")))
			continue;
		for (size_t k = i + 1; k < sa->nodes[i].end; k = sa->nodes[k].end) {
			const struct mr_sa_part *p = &sa->nodes[k].part;

			if (p->leaf && !mr_slice_eq(p->type, MR_LIT("multipart/related")) &&
			    !mr_slice_eq(p->type, MR_LIT("application/rtf")) && !mr_slice_starts(p->type, MR_LIT("text/")))
				return 1;
		}
	}
	return 0;
}

static int base64_length(struct mr_sa *sa, const struct mr_sa_args *args)
{
	double longest = 0;

	sa_mime_parse(sa);
	for (size_t i = 0; i < sa->n_nodes; i++) {
		struct mr_slice s = sa->nodes[i].raw;
		struct part p;

		if (!sa->nodes[i].part.leaf)
			continue;
		p = part_of(sa, i);
		if (mr_slice_eq(p.ct.type, MR_LIT("application/ics")) || !mr_slice_eq(p.encoding, MR_LIT("base64")))
			continue;
		while (s.n) {
			ptrdiff_t lf = mr_slice_chr(s, '\n');
			size_t n = lf < 0 ? s.n : (size_t)lf + 1;

			longest = (double)n > longest ? (double)n : longest;
			s = mr_slice_from(s, n);
		}
	}
	return longest >= sa_arg_number(args, 0, 0) && longest <= sa_arg_number(args, 1, INFINITY);
}

const struct mr_sa_eval sa_evals_mime[] = {
	{ "check_for_mime", NULL, for_mime },
	{ "check_for_mime_html", NULL, mime_html },
	{ "check_for_mime_html_only", NULL, mime_html_only },
	{ "check_mime_multipart_ratio", NULL, multipart_ratio },
	{ "check_msg_parse_flags", NULL, parse_flags },
	{ "check_for_ascii_text_illegal", NULL, ascii_text_illegal },
	{ "check_abundant_unicode_ratio", NULL, abundant_unicode },
	{ "check_for_uppercase", NULL, uppercase },
	{ "check_ma_non_text", NULL, alternative_non_text },
	{ "check_base64_length", NULL, base64_length },
	{ "check_qp_ratio", NULL, qp_ratio },
	{ 0 },
};
