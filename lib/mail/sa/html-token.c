/* sa/html-token: see html-token.h */
/* system */
#include <string.h>

/* libraries */
#include <libxml/HTMLparser.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/html-token.h"
#include "mail/sa/internal.h"

#define ENTITY_NAME_MAX 16 /* bytes; the longest name has 8 */

/* Elements that hold text and no tags. */
static const struct {
	struct mr_slice name;
	bool verbatim;
	bool open_at_end; /* an end is not supplied */
} literals[] = { { MR_LIT("script"), true, false },  { MR_LIT("style"), true, false },    { MR_LIT("xmp"), true, true },
		 { MR_LIT("iframe"), true, true },   { MR_LIT("plaintext"), true, true }, { MR_LIT("title"), false, false },
		 { MR_LIT("textarea"), false, true } };

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static int literal_of(struct mr_slice name)
{
	for (size_t i = 0; i < MR_COUNT(literals); i++)
		if (mr_slice_ieq(name, literals[i].name))
			return (int)i;
	return -1;
}

static size_t skip_white(struct mr_slice s, size_t i)
{
	while (i < s.n && is_white(s.p[i]))
		i++;
	return i;
}

/* -- markup; each gives its length, 0 when it does not end, -1 when it is none -- */

/* To the ">" outside of quotes that begin behind a space or "="; s.n: there is none. */
static size_t until_gt(struct mr_slice s, size_t i)
{
	char quote = '\0', before = ' ';

	for (; i < s.n; i++) {
		if (!quote && s.p[i] == '>')
			return i;
		if (s.p[i] == '"' || s.p[i] == '\'') {
			if (s.p[i] == quote)
				quote = '\0';
			else if (!quote && (before == ' ' || before == '='))
				quote = s.p[i];
		}
		before = s.p[i];
	}
	return s.n;
}

static size_t attribute_value(struct mr_slice s, size_t i, struct mr_slice *value)
{
	size_t from = i;

	if (i < s.n && (s.p[i] == '"' || s.p[i] == '\'')) {
		const char *end = memchr(s.p + i + 1, s.p[i], s.n - i - 1);

		if (!end)
			return s.n;
		*value = sa_sub(s, i + 1, (size_t)(end - s.p));
		return (size_t)(end - s.p) + 1;
	}
	while (i < s.n && !is_white(s.p[i]) && s.p[i] != '>')
		i++;
	*value = sa_sub(s, from, i);
	return i;
}

static ptrdiff_t start_tag(struct mr_slice s, struct sa_token *out)
{
	size_t i = 1, from;

	while (i < s.n && !is_white(s.p[i]) && s.p[i] != '>')
		i++;
	out->kind = SA_TOKEN_START;
	out->text = sa_sub(s, 1, i);
	out->n_attributes = 0;
	i = skip_white(s, i);
	while (i < s.n && s.p[i] != '>') {
		struct sa_attribute a;

		for (from = i++; i < s.n && !is_white(s.p[i]) && s.p[i] != '>' && s.p[i] != '=';)
			i++;
		a.name = a.value = sa_sub(s, from, i);
		i = skip_white(s, i);
		if (i < s.n && s.p[i] == '=') {
			i = skip_white(s, i + 1);
			if (i < s.n && s.p[i] == '>')
				a.value = (struct mr_slice){ s.p + i, 0 };
			else
				i = skip_white(s, attribute_value(s, i, &a.value));
		}
		if (out->n_attributes < SA_ATTRIBUTES_MAX)
			out->attributes[out->n_attributes++] = a;
	}
	return i < s.n ? (ptrdiff_t)i + 1 : 0;
}

static ptrdiff_t as_comment(struct mr_slice s, size_t end, struct sa_token *out)
{
	if (end >= s.n)
		return 0;
	out->kind = SA_TOKEN_COMMENT;
	out->text = sa_sub(s, 0, end + 1);
	return (ptrdiff_t)end + 1;
}

static ptrdiff_t end_tag(struct mr_slice s, struct sa_token *out)
{
	size_t i = 2, end;

	if (is_white(s.p[2]) || s.p[2] == '>')
		return as_comment(s, until_gt(s, 2), out);
	while (i < s.n && !is_white(s.p[i]) && s.p[i] != '>')
		i++;
	end = until_gt(s, i);
	out->kind = SA_TOKEN_END;
	out->text = sa_sub(s, 2, i);
	return end < s.n ? (ptrdiff_t)end + 1 : 0;
}

static ptrdiff_t comment(struct mr_slice s, bool short_one, struct sa_token *out)
{
	const char *gt;

	if (short_one) {
		gt = memchr(s.p, '>', s.n);
		return as_comment(s, gt ? (size_t)(gt - s.p) : s.n, out);
	}
	if (s.n > 4 && s.p[4] == '>')
		return as_comment(s, 4, out);
	if (s.n > 5 && s.p[4] == '-' && s.p[5] == '>')
		return as_comment(s, 5, out);
	for (ptrdiff_t at = 4; (at = sa_find(s, (size_t)at, MR_LIT("--"))) >= 0; at++) {
		size_t end = skip_white(s, (size_t)at + 2);

		if (end < s.n && s.p[end] == '>')
			return as_comment(s, end, out);
	}
	return 0;
}

/* "<!DOCTYPE ...>" behind its name: quoted strings, comments, words. -1: it is none. */
static ptrdiff_t declaration_end(struct mr_slice s, size_t i)
{
	for (;;) {
		i = skip_white(s, i);
		if (i >= s.n)
			return 0;
		if (s.p[i] == '>')
			return (ptrdiff_t)i + 1;
		if (s.p[i] == '"' || s.p[i] == '\'') {
			const char *end = memchr(s.p + i + 1, s.p[i], s.n - i - 1);

			if (!end)
				return 0;
			i = (size_t)(end - s.p) + 1;
		} else if (s.p[i] == '-') {
			ptrdiff_t end;

			if (i + 1 >= s.n)
				return 0;
			if (s.p[i + 1] != '-')
				return -1;
			end = sa_find(s, i + 2, MR_LIT("--"));
			if (end < 0)
				return 0;
			i = (size_t)end + 2;
		} else {
			while (i < s.n && !is_white(s.p[i]) && s.p[i] != '>')
				i++;
		}
	}
}

static ptrdiff_t declaration(struct sa_tokens *t, struct mr_slice s, struct sa_token *out)
{
	const char *gt;
	ptrdiff_t end = -1;

	if (mr_slice_starts(s, MR_LIT("<!--")))
		return comment(s, t->short_comments, out);
	if (mr_slice_istarts(s, MR_LIT("<![CDATA["))) {
		end = sa_find(s, 9, MR_LIT("]]>"));
		out->kind = SA_TOKEN_TEXT;
		out->verbatim = true;
		out->text = sa_sub(s, 9, end < 0 ? s.n : (size_t)end);
		return end < 0 ? 0 : end + 3;
	}
	if (mr_slice_istarts(s, MR_LIT("<!DOCTYPE")) || mr_slice_istarts(s, MR_LIT("<!ENTITY"))) {
		size_t name = mr_slice_istarts(s, MR_LIT("<!DOCTYPE")) ? 9 : 8;

		if (name >= s.n)
			return 0;
		if (is_white(s.p[name]) || s.p[name] == '>')
			end = declaration_end(s, name);
		out->kind = SA_TOKEN_DECLARATION;
		if (end > 0)
			out->text = sa_sub(s, 0, (size_t)end);
		if (end >= 0)
			return end;
	}
	gt = memchr(s.p, '>', s.n);
	return as_comment(s, gt ? (size_t)(gt - s.p) : s.n, out);
}

static ptrdiff_t markup(struct sa_tokens *t, struct mr_slice s, struct sa_token *out, bool *skip)
{
	if (s.n < 3)
		return 0;
	if (sa_is_alpha(s.p[1]))
		return start_tag(s, out);
	if (s.p[1] == '/')
		return end_tag(s, out);
	if (s.p[1] == '!')
		return declaration(t, s, out);
	if (s.p[1] == '?') {
		const char *gt = memchr(s.p, '>', s.n);

		*skip = true;
		return gt ? gt - s.p + 1 : 0;
	}
	return -1;
}

/* -- the stream -- */

/* Attributes are left: there may be many. */
static void give(struct sa_token *out, enum sa_token_kind kind, struct mr_slice text)
{
	out->kind = kind;
	out->text = text;
	out->verbatim = false;
}

static bool give_text(struct sa_tokens *t, size_t n, bool verbatim, struct sa_token *out)
{
	give(out, SA_TOKEN_TEXT, sa_sub(t->rest, 0, n));
	out->verbatim = verbatim;
	t->rest = mr_slice_from(t->rest, n);
	return true;
}

/* In <script> and the like: text up to its end tag. False: there is none, go on without. */
static bool literal_next(struct sa_tokens *t, struct sa_token *out)
{
	int which = literal_of(t->literal);
	struct mr_slice s = t->rest;

	for (size_t i = 0; which != 4 && i < s.n; i++) {
		const char *lt = memchr(s.p + i, '<', s.n - i);
		size_t end;

		if (!lt)
			break;
		i = (size_t)(lt - s.p);
		if (i + 2 + t->literal.n >= s.n || s.p[i + 1] != '/' || !mr_slice_istarts(mr_slice_from(s, i + 2), t->literal))
			continue;
		end = skip_white(s, i + 2 + t->literal.n);
		if (end >= s.n || s.p[end] != '>')
			continue;
		if (i > 0)
			return give_text(t, i, literals[which].verbatim, out);
		give(out, SA_TOKEN_END, sa_sub(s, 2, 2 + t->literal.n));
		t->rest = mr_slice_from(s, end + 1);
		t->literal = (struct mr_slice){ 0 };
		return true;
	}
	if (literals[which].open_at_end || which < 2) {
		/* A script or style sheet that does not end is ended behind the text. */
		if (s.n)
			return give_text(t, s.n, literals[which].verbatim, out);
		if (which < 2)
			t->pending = t->literal;
	} else {
		t->pending = t->literal;
	}
	t->literal = (struct mr_slice){ 0 };
	return false;
}

/* Text without markup behind it comes in two: the last word, or white space at the end, for itself. */
static size_t before_last_word(struct mr_slice s)
{
	size_t n = s.n;

	if (n && !is_white(s.p[n - 1]))
		while (n && !is_white(s.p[n - 1]))
			n--;
	while (n && is_white(s.p[n - 1]))
		n--;
	return n;
}

static bool give_pending(struct sa_tokens *t, struct sa_token *out)
{
	give(out, SA_TOKEN_END, t->pending);
	t->pending = (struct mr_slice){ 0 };
	return true;
}

/* Markup that does not end. */
static bool give_rest(struct sa_tokens *t, struct sa_token *out)
{
	char c = t->rest.n > 1 ? t->rest.p[1] : '/';

	if (!t->short_comments && mr_slice_starts(t->rest, MR_LIT("<!--"))) {
		t->short_comments = true;
		return sa_token_next(t, out);
	}
	give(out, sa_is_alpha(c) || sa_one_of(c, "_:/!?") ? SA_TOKEN_COMMENT : SA_TOKEN_TEXT, t->rest);
	t->rest.n = 0;
	return true;
}

bool sa_token_next(struct sa_tokens *t, struct sa_token *out)
{
	for (;;) {
		struct mr_slice s = t->rest;
		const char *lt;
		size_t from = 0;
		ptrdiff_t n = -1;
		bool skip = false;

		if (t->literal.n && literal_next(t, out))
			return true;
		s = t->rest;
		if (!s.n)
			return t->pending.n && give_pending(t, out);
		/* Text: up to what is markup. */
		lt = memchr(s.p, '<', s.n);
		if (lt != s.p) {
			if (lt)
				return give_text(t, (size_t)(lt - s.p), false, out);
			from = t->last ? s.n : before_last_word(s);
			t->last = true;
			return give_text(t, from ? from : s.n, false, out);
		}
		out->verbatim = false;
		n = markup(t, s, out, &skip);
		if (n == 0)
			return give_rest(t, out);
		if (n < 0) {
			lt = memchr(s.p + 1, '<', s.n - 1);
			if (lt)
				return give_text(t, (size_t)(lt - s.p), false, out);
			from = before_last_word(s);
			t->last = true;
			return give_text(t, from ? from : s.n, false, out);
		}
		if (t->pending.n && !skip && out->kind != SA_TOKEN_TEXT && out->kind != SA_TOKEN_COMMENT)
			return give_pending(t, out);
		t->rest = mr_slice_from(s, (size_t)n);
		if (skip)
			continue;
		if (out->kind == SA_TOKEN_START && literal_of(out->text) >= 0)
			t->literal = out->text;
		return true;
	}
}

/* -- entities -- */

static void add_character(unsigned long c, struct mr_buf *out)
{
	if (c >= 0xd800 && c <= 0xdfff)
		c = 0xfffd;
	if (c < 0x80) {
		mr_buf_putc(out, (char)c);
	} else if (c < 0x800) {
		mr_buf_putc(out, (char)(0xc0 | c >> 6));
		mr_buf_putc(out, (char)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		mr_buf_putc(out, (char)(0xe0 | c >> 12));
		mr_buf_putc(out, (char)(0x80 | (c >> 6 & 63)));
		mr_buf_putc(out, (char)(0x80 | (c & 63)));
	} else {
		mr_buf_putc(out, (char)(0xf0 | c >> 18));
		mr_buf_putc(out, (char)(0x80 | (c >> 12 & 63)));
		mr_buf_putc(out, (char)(0x80 | (c >> 6 & 63)));
		mr_buf_putc(out, (char)(0x80 | (c & 63)));
	}
}

static int digit(char c, bool hex)
{
	c = mr_lower(c);
	if (sa_is_digit(c))
		return c - '0';
	return hex && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "#233" or "#xe9" behind the "&": its length and character; 0: it is none. */
static size_t number(struct mr_slice s, unsigned long *c)
{
	bool hex = s.n > 1 && (s.p[1] == 'x' || s.p[1] == 'X');
	size_t i = hex ? 2 : 1, from = i;

	*c = 0;
	for (; i < s.n && digit(s.p[i], hex) >= 0; i++) {
		*c = *c * (hex ? 16 : 10) + (unsigned long)digit(s.p[i], hex);
		if (*c > 0x10ffff)
			return 0;
	}
	return i > from && *c ? i : 0;
}

static unsigned long by_name(struct mr_slice s, bool semicolon)
{
	char name[ENTITY_NAME_MAX];
	const htmlEntityDesc *e;

	if (!s.n || s.n >= sizeof(name))
		return 0;
	memcpy(name, s.p, s.n);
	name[s.n] = '\0';
	e = htmlEntityLookup((const xmlChar *)name);
	/* Only the old ones need no semicolon. */
	return e && (semicolon || e->value <= 0xff) ? e->value : 0;
}

static size_t named(struct mr_slice s, bool prefix, unsigned long *c)
{
	size_t n = 0;

	while (n < s.n && sa_is_word(s.p[n]))
		n++;
	*c = by_name(sa_sub(s, 0, n), n < s.n && s.p[n] == ';');
	if (*c)
		return n;
	if (n > ENTITY_NAME_MAX)
		n = ENTITY_NAME_MAX;
	for (n -= n > 0; prefix && n > 0; n--)
		if ((*c = by_name(sa_sub(s, 0, n), false)))
			return n;
	return 0;
}

bool sa_html_entities(struct mr_slice s, bool prefix, struct mr_buf *out)
{
	bool wide = false;

	while (s.n) {
		ptrdiff_t at = mr_slice_chr(s, '&');
		unsigned long c = 0;
		size_t n;

		if (at < 0) {
			mr_buf_add(out, s);
			break;
		}
		mr_buf_add(out, sa_sub(s, 0, (size_t)at));
		s = mr_slice_from(s, (size_t)at + 1);
		n = s.n && s.p[0] == '#' ? number(s, &c) : named(s, prefix, &c);
		if (!n) {
			mr_buf_putc(out, '&');
			continue;
		}
		add_character(c, out);
		wide |= c > 0xff;
		s = mr_slice_from(s, n + (n < s.n && s.p[n] == ';'));
	}
	return wide;
}
